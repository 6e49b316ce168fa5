"""Reads EQUIVALENT.md: the mutants that no test can tell from the original, each with the reason."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tests.tools.mutation.mutants import Mutant

_FILE = Path(__file__).with_name("EQUIVALENT.md")
_PART = re.compile(
    r"^## (?P<path>\S+)$|^### (?P<place>[^\n]+)$|^```diff\n(?P<change>.*?)^```$", re.MULTILINE | re.DOTALL
)


class Equivalent(NamedTuple):
    """A change by the place where it stands, for line numbers come and go."""

    path: str
    place: str
    change: tuple[str, ...]


def equivalents() -> set[Equivalent]:
    """Return what the list holds."""
    found: set[Equivalent] = set()
    path = place = ""
    for part in _PART.finditer(_FILE.read_text(encoding="utf-8")):
        if part["path"]:
            path = part["path"]
        elif part["place"]:
            place = part["place"].strip("`")
        else:
            found.add(Equivalent(path, place, tuple(part["change"].splitlines())))
    return found


def as_listed(mutant: Mutant) -> Equivalent:
    """Return what the list holds if it holds a mutant."""
    return Equivalent(mutant.path, mutant.place or "the module", mutant.change)
