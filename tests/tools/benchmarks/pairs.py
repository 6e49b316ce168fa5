"""Two calls that take turns in short rounds, so that a slow moment of the machine hits both.

The ratio of a round is one sample; what is told is the median of the samples, with their quartiles.
"""

from __future__ import annotations

import gc
import statistics
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROUNDS: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What was measured.

    Attributes:
        what: Of what.
        samples: One for each round.
        form: How to write one.
        least: What the median is to be at least; None for no such aim.
        most: What it is to be at most; None likewise.
    """

    what: str
    samples: Sequence[float]
    form: str = "{:.2f} times"
    least: float | None = None
    most: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    def row(self) -> str:
        """Return the row of a Markdown table: what, median, quartiles, aim, whether it is met."""
        low, _, high = statistics.quantiles(self.samples, n=4)
        aim, met = "", ""
        if self.least is not None:
            aim, met = f"at least {self.form.format(self.least)}", _said(self.median >= self.least)
        elif self.most is not None:
            aim, met = f"at most {self.form.format(self.most)}", _said(self.median <= self.most)
        spread = f"{self.form.format(low)} to {self.form.format(high)}"
        return f"| {self.what} | {self.form.format(self.median)} | {spread} | {aim} | {met} |"


HEADING: Final = "| what | median | quartiles | aim | met |\n|---|---|---|---|---|"


def _said(met: bool) -> str:  # noqa: FBT001 - it is what is said
    return "yes" if met else "no"


def ratios(
    above: Callable[[], object], below: Callable[[], object], times: int = 20, below_times: int = 0
) -> list[float]:
    """Return for each round how many times longer one call takes than another.

    Args:
        above: The one.
        below: The other.
        times: How often each is made in a round.
        below_times: How often the other one is; as often if 0.
    """
    return [seconds(above, times) / seconds(below, below_times or times) for _ in range(ROUNDS)]


def seconds(call: Callable[[], object], times: int) -> float:
    """Return what one call takes, on average over a round, with the garbage collector at rest."""
    gc.collect()
    gc.disable()
    start = perf_counter()
    for _ in range(times):
        call()
    taken = perf_counter() - start
    gc.enable()
    return taken / times
