"""The values that a caller hands to the SDK, as the text that the SDK sends for them."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

# Exact types: a subclass may have a ``__str__`` that returns something else each time.
_SETTLED: Final = frozenset({bytes, bytearray, int, float, bool})


class Pairs(list[tuple[str, object]]):
    """The members of a JSON object. Unlike a dict, the list keeps names that occur twice."""


def members_of(value: object) -> Iterable[tuple[object, object]] | None:
    """Return the members of a container by name, or numbered from 1 without names; None for a scalar."""
    if isinstance(value, Pairs):
        return value
    if isinstance(value, dict):
        return value.items()
    if isinstance(value, (list, tuple, set, frozenset)):
        return enumerate(value, 1)
    return None


def texts_of(value: object) -> tuple[str, ...]:
    """Return the texts that the SDK may send for a value, without surrounding blanks.

    Every value has one text, but a member of a string enumeration has two. Some code of the SDK takes
    ``str()``, the member's name; other code takes the string itself. The string itself comes first.
    """
    if isinstance(value, str):
        return tuple(dict.fromkeys((str.__str__(value).strip(), str(value).strip())))
    if isinstance(value, (bytes, bytearray)):
        return (value.decode("utf-8", "replace").strip(),)
    return (str(value).strip(),)


def text_of(value: object) -> str:
    """Return the first of ``texts_of``; "" for a value that has no text and therefore cannot be sent."""
    # Equivalent mutant `type(None)`: a short cut, as texts_of() returns the same.
    if type(value) is str:
        return value.strip()
    try:
        return texts_of(value)[0]
    except Exception:  # noqa: BLE001 - an object of the caller's may raise anything
        return ""


def is_settled(value: object) -> bool:
    """Return whether a value has the same text each time that the SDK reads it."""
    if isinstance(value, str) and type(value).__str__ is str.__str__:
        return True
    return type(value) in _SETTLED or isinstance(value, Enum)
