"""Draws the cost of the guard against the number of groups in a call, and of callers, as an SVG."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final

import matplotlib as mpl
from matplotlib.figure import Figure as Sheet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from tests.tools.benchmarks.pairs import Figure

_BLUE: Final = "#1f6f8b"
_ORANGE: Final = "#c8553d"


def draw(
    path: Path, groups: Mapping[int, Figure], threads: Mapping[int, Figure], tasks: Mapping[int, Figure]
) -> None:
    """Write the picture.

    Args:
        path: The file to write.
        groups: The guard's share of a call, by the number of groups.
        threads: The ratio of the times of calls, by the number of threads.
        tasks: The same ratio, by the number of tasks.
    """
    # Text stays text, and a picture of the same figures has the same bytes.
    mpl.rcParams["svg.fonttype"] = "none"
    mpl.rcParams["svg.hashsalt"] = "safe_ecs"
    sheet = Sheet(figsize=(9, 3.4), layout="constrained")
    left, right = sheet.subplots(1, 2)
    _line(left, groups, _BLUE, "")
    left.set_title("The guard's part of an allowed call")
    left.set_xlabel("security groups in the call")
    left.set_ylabel("% of a call over loopback")
    left.set_ylim(bottom=0)
    _line(right, threads, _BLUE, "threads")
    _line(right, tasks, _ORANGE, "tasks")
    right.axhline(1, color="grey", linewidth=0.8, linestyle=":")
    right.set_title("Guarded calls, beside stock calls")
    right.set_xlabel("callers at once")
    right.set_ylabel("times as long")
    right.set_ylim(0.8, 1.3)
    right.legend(frameon=False)
    for axes in (left, right):
        axes.set_xscale("log", base=2 if axes is left else 10)
        axes.spines[["top", "right"]].set_visible(False)
    left.set_xticks(list(groups), [str(number) for number in groups])
    right.set_xticks(list(tasks), [f"{number:,}" for number in tasks])
    right.minorticks_off()
    sheet.savefig(path, metadata={"Date": None})


def _line(axes: Axes, figures: Mapping[int, Figure], colour: str, label: str) -> None:
    medians = [figure.median for figure in figures.values()]
    axes.plot(list(figures), medians, color=colour, marker="o", label=label)
    axes.fill_between(
        list(figures),
        [_quartile(figure.samples, 0) for figure in figures.values()],
        [_quartile(figure.samples, 2) for figure in figures.values()],
        color=colour,
        alpha=0.15,
        linewidth=0,
    )


def _quartile(samples: Sequence[float], number: int) -> float:
    return statistics.quantiles(samples, n=4)[number]
