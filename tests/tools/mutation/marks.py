"""Reads the marks in the source: comments that say which mutants no test can tell from the original, and why.

A mark stands above its line. Between the backticks is what the line of the mutant holds::

    # Equivalent mutant `None`: it is only asked whether it is true.
    is_set = False
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_BEGINNING: Final = "# Equivalent mutant"
_MARK: Final = re.compile(r"# Equivalent mutants? (?P<texts>`[^`]+`(?:, `[^`]+`)*): \S.*\.")


class Mark(NamedTuple):
    """What a comment says of one mutant.

    Attributes:
        line: The number of the line that is mutated.
        text: What the line of the mutant holds.
    """

    line: int
    text: str

    def allows(self, line: int, change: Iterable[str]) -> bool:
        """Return whether a mutant may survive.

        Args:
            line: The number of the first line that it changes.
            change: The lines that differ, as in a diff.
        """
        return self.line == line and any(self.text in each for each in change if each.startswith("+"))


def marks_in(source: str) -> list[Mark]:
    """Return the marks of a module.

    Raises:
        ValueError: A mark is not written as one.
    """
    marks: list[Mark] = []
    texts: list[str] = []
    for number, line in enumerate(source.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith(_BEGINNING):
            found = _MARK.fullmatch(stripped)
            if found is None:
                raise ValueError(f"line {number} is no mark: {stripped}")
            texts += re.findall("`([^`]+)`", found["texts"])
        elif not stripped.startswith("#"):
            marks += [Mark(number, text) for text in texts]
            texts = []
    return marks
