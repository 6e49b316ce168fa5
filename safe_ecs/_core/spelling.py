"""Spellings: actions, parameter names and ids as a lenient server may read them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from unicodedata import category, normalize

# Unicode categories of characters without a shape of their own: format characters and combining marks.
_INVISIBLE: Final = frozenset({"Cf", "Mn"})
# Control characters and blanks, for the ends of a text.
_AROUND: Final = "".join(map(chr, (*range(0x21), *range(0x7F, 0xA1), 0x1680, 0x2028, 0x2029)))
_PLAIN_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?")
_NAME_DIVIDER: Final = re.compile(r"[.\[\]]")


def folded(text: str) -> str:
    """Return a text in lower case, without blanks around it, and with plain letters for look-alikes.

    Many servers ignore case. Some fold case by rules that make a dotless i or a long s equal to the plain
    letter. Some cut off all control characters at the ends, as ``String.trim`` of Java does.
    """
    if not text.isascii():
        decomposed = normalize("NFKD", text)
        text = "".join(letter for letter in decomposed if category(letter) not in _INVISIBLE).upper()
    return text.strip(_AROUND).lower()


def parts_of_name(name: str) -> list[str]:
    """Split a parameter's name at dots and brackets; drop the numbers of repeated parameters at its end."""
    parts = [part for part in map(folded, _NAME_DIVIDER.split(name)) if part]
    while len(parts) > 1 and parts[-1].isdecimal():
        parts.pop()
    return parts or [""]


def is_plain_id(security_group_id: str) -> bool:
    """Return whether a lower-case id has only the characters of ids, so that servers read it one way only."""
    return _PLAIN_ID.fullmatch(security_group_id) is not None


def normal_id(security_group_id: str) -> str:
    """Return an id as the guard compares ids. ECS does not document whether case and blanks matter."""
    return security_group_id.strip().lower()


def normal_ids(security_group_ids: Iterable[object]) -> tuple[str, ...]:
    """Return ids as the guard compares ids, each once.

    Raises:
        TypeError: An id is not a string, or ``security_group_ids`` is a single string.
    """
    if isinstance(security_group_ids, (str, bytes)):
        raise TypeError(f"security_group_ids must be several ids, not the string {security_group_ids!r}")
    normal: list[str] = []
    for security_group_id in security_group_ids:
        if not isinstance(security_group_id, str):
            unpacked = "; unpack it with *" if isinstance(security_group_id, Iterable) else ""
            raise TypeError(f"a security group id is a string, not {security_group_id!r}{unpacked}")
        normal.append(normal_id(security_group_id))
    return tuple(dict.fromkeys(normal))
