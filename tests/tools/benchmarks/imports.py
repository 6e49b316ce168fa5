"""The cost of importing safe_ecs."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

from tests.tools.benchmarks.pairs import Figure

_ROUNDS: Final = 15


def figure() -> Figure:
    """Measure each import in a process of its own."""
    samples = [
        _seconds("safe_ecs.client") / _seconds("alibabacloud_ecs20140526.client") for _ in range(_ROUNDS)
    ]
    return Figure(
        what="importing safe_ecs costs what importing the stock client costs",
        samples=samples,
        form="{:.3f} times",
        most=1.05,
    )


def _seconds(module: str) -> float:
    # As without a notebook: tenacity imports tornado if it is installed.
    code = (
        "import sys, time; sys.modules['tornado'] = None; t = time.perf_counter();"
        f"import {module}; print(time.perf_counter() - t)"
    )
    return float(subprocess.check_output([sys.executable, "-c", code], text=True))  # noqa: S603 - our own code
