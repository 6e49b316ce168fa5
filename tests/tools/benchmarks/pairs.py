"""Two calls that take turns in short rounds, so that a slow moment of the machine hits both.

The ratio of a round is one sample. The result is the median of the samples, with their quartiles.
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
    """A measurement.

    Attributes:
        what: A description of the measured ratio.
        samples: One for each round.
        form: The format of a sample.
        least: The aim for the median from below, None for no such aim.
        most: The aim for the median from above, None for no such aim.
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
        """Return the row of a Markdown table: description, median, quartiles, aim, whether the aim is met."""
        low, _, high = statistics.quantiles(self.samples, n=4)
        aim, met = "", ""
        if self.least is not None:
            aim, met = f"at least {self.form.format(self.least)}", _said(self.median >= self.least)
        elif self.most is not None:
            aim, met = f"at most {self.form.format(self.most)}", _said(self.median <= self.most)
        spread = f"{self.form.format(low)} to {self.form.format(high)}"
        return f"| {self.what} | {self.form.format(self.median)} | {spread} | {aim} | {met} |"


HEADING: Final = "| what | median | quartiles | aim | met |\n|---|---|---|---|---|"


def _said(met: bool) -> str:  # noqa: FBT001 - the value to word
    return "yes" if met else "no"


def ratios(
    above: Callable[[], object], below: Callable[[], object], times: int = 20, below_times: int = 0
) -> list[float]:
    """Return for each round how many times longer one call takes than another.

    Args:
        above: The one call.
        below: The other call.
        times: The number of calls in a round.
        below_times: The number of the other call in a round, ``times`` if 0.
    """
    return [seconds(above, times) / seconds(below, below_times or times) for _ in range(ROUNDS)]


def seconds(call: Callable[[], object], times: int) -> float:
    """Return the seconds of one call, averaged over a round, with the garbage collector at rest."""
    gc.collect()
    gc.disable()
    start = perf_counter()
    for _ in range(times):
        call()
    taken = perf_counter() - start
    gc.enable()
    return taken / times
