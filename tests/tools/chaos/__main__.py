"""``python -m tests.tools.chaos --seconds 60 --seed 7``: makes chaos, and prints the counts.

The same seed makes the same choices: for each caller the operation, the way, the client and whether it gives up, and
the sequence of faults. The machine decides how calls and faults interleave, so no two runs are alike.
"""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import version
from typing import Final

from tests.tools.chaos.driver import Chaos

_EXAMPLES: Final = 20


def main() -> int:
    """Return 1 if a count is not 0 that has to be."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for how long calls are made")
    parser.add_argument("--seed", type=int, default=0, help="what everything is chosen by")
    arguments = parser.parse_args()
    sdk, python = version("alibabacloud-ecs20140526"), sys.version.partition(" ")[0]
    print(
        f"seed {arguments.seed}, {arguments.seconds:g} s, Python {python}, alibabacloud-ecs20140526 {sdk}\n"
    )
    verdict = Chaos(seconds=arguments.seconds, seed=arguments.seed).run()
    print(*verdict.lines(), sep="\n")
    for example in verdict.examples[:_EXAMPLES]:
        print(f"\n{example}")
    return int(not verdict.is_good)


if __name__ == "__main__":
    sys.exit(main())
