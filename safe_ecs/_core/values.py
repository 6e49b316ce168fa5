"""What a value that a caller hands to the SDK becomes on the wire."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_SETTLED: Final = frozenset({bytes, bytearray, int, float, bool})


class Pairs(list[tuple[str, object]]):
    """The members of a JSON object, keeping what a dict would lose: names that stand there twice."""


def members_of(value: object) -> Iterable[tuple[object, object]] | None:
    """Return the named members of a container, numbered from 1 if it is a sequence; None for a scalar."""
    if isinstance(value, Pairs):
        return value
    if isinstance(value, dict):
        return value.items()
    if isinstance(value, (list, tuple, set, frozenset)):
        return enumerate(value, 1)
    return None


def texts_of(value: object) -> tuple[str, ...]:
    """Return what a value may become on the wire, without surrounding blanks.

    That is one text for all but the members of a string enumeration: some ways lead through ``str()`` and give
    the member's name, others take the string it is, which comes first here.
    """
    if type(value) is str:
        return (value.strip(),)
    if isinstance(value, str):
        return tuple(dict.fromkeys((str.__str__(value).strip(), str(value).strip())))
    if isinstance(value, (bytes, bytearray)):
        return (value.decode("utf-8", "replace").strip(),)
    return (str(value).strip(),)


def text_of(value: object) -> str:
    """Return the first of what ``texts_of`` returns; "" for what cannot be sent, since it is no text at all."""
    if type(value) is str:
        return value.strip()
    try:
        return texts_of(value)[0]
    except Exception:  # noqa: BLE001 - an object of the caller's may raise anything
        return ""


def is_settled(value: object) -> bool:
    """Return whether a value says the same each time that it is read."""
    if isinstance(value, str) and type(value).__str__ is str.__str__:
        return True
    return type(value) in _SETTLED or isinstance(value, Enum)
