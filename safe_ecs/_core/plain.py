"""The rule of plain text: the one answer to calls that only an author with the intent to fool the guard would write.

A call that names a guarded operation in any way, and in which a name, an action or the address is anything but plain text
of documented characters, cannot be determined. The patterns below list the plain characters. Blanks around a value are an
honest mistake: the guard strips them first. ECS is asked for an id that is not plain, but its absence from the answer
proves nothing.

Why one rule: the guard does not know how lenient a server is. It may ignore zero-width and control characters, take a
look-alike letter for the plain one, or read a query in a path. ``fold`` makes all such texts equal.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from unicodedata import normalize
from urllib.parse import unquote

from safe_ecs._core.operations import GUARDED, RELEVANT_ACTIONS

NOT_PLAIN: Final = "is not plain text, and a server may read it in another way"
"""The end of the reason for an unreadable call."""

_NAME: Final = re.compile(r"[A-Za-z0-9.]*")
_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?")
_PROTOCOL: Final = re.compile(r"https?", re.ASCII | re.IGNORECASE)
_HOST: Final = re.compile(r"[\w.:\[\]-]*(?:/[\w./-]*)?", re.ASCII)
_PATH: Final = re.compile(r"(?:/[\w./-]*)?", re.ASCII)


def fold(text: str) -> str:
    """Return the ASCII letters and digits of a text in lower case, with plain letters for look-alikes."""
    return re.sub(r"[^a-z0-9]", "", normalize("NFKD", unquote(text)).upper().lower())


def hidden_action(text: str) -> str:
    """Return the action that a text names if it is not plain, the guarded ones first; "" for none."""
    if text.isascii() and text.isalnum():
        return ""
    folded = fold(text)
    named = (action for lowered, action in RELEVANT_ACTIONS.items() if lowered in folded)
    return max(named, key=lambda action: (action in GUARDED, len(action)), default="")


@lru_cache(maxsize=4096)
def is_plain_name(name: str) -> bool:
    """Return whether a parameter's name consists of letters, digits and dots."""
    return _NAME.fullmatch(name) is not None


def is_plain_id(security_group_id: str) -> bool:
    """Return whether an id in lower case has the characters of ids alone: then a server can read it in one way only."""
    return _ID.fullmatch(security_group_id) is not None


@lru_cache(maxsize=256)
def is_plain_address(protocol: str, host: str, path: str) -> bool:
    """Return whether a URL leads to its host and carries no parameters."""
    return bool(_PROTOCOL.fullmatch(protocol) and _HOST.fullmatch(host) and _PATH.fullmatch(path))
