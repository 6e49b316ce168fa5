"""``python -m tests.tools.mutation [MODULE...]``: tries every mutant of core/ and lookup/, and says which no test notices.

A MODULE is a path in the package, such as core/request.py. With ``--only`` no mutant is tried but those whose place
or change contains a text. Prints a table, and the mutants that survive. Exits with 1 if one of them is not listed in
EQUIVALENT.md, or if a mutant that is listed there was killed or does not exist.

Needs the extra ``mutation``. Without a MODULE it takes about a quarter of an hour on two processors.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path
from time import monotonic

from tests.tools.mutation.equivalents import as_listed, equivalents
from tests.tools.mutation.mutants import mutants_of
from tests.tools.mutation.plan import TESTS
from tests.tools.mutation.trials import Trial, Trials

_ROOT = Path(__file__).parents[3]
_PACKAGE = _ROOT / "safe_ecs"
_IMPORTED_BEFORE = ("alibabacloud_ecs20140526.client", "aliyunsdkcore.client")


def main() -> int:
    """Return 1 if a mutant survives that is not listed, or one is listed that does not survive."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.mutation", description=__doc__)
    parser.add_argument(
        "modules", nargs="*", metavar="MODULE", help="core/request.py and the like; all if none"
    )
    parser.add_argument("--only", default="", help="a text that the mutants to try contain")
    parser.add_argument("--processes", type=int, default=2, help="how many to try at a time")
    parser.add_argument("--verbose", action="store_true", help="print what becomes of each mutant")
    arguments = parser.parse_args()
    os.chdir(_ROOT)
    for name in _IMPORTED_BEFORE:
        import_module(name)
    rows, wrong = [], 0
    for path in arguments.modules or TESTS:
        trials, seconds = _trials(path, arguments)
        listed = {each for each in equivalents() if each.path == path}
        survivors = [trial.mutant for trial in trials if trial.verdict == "survived"]
        unlisted = [mutant for mutant in survivors if as_listed(mutant) not in listed]
        stale = set() if arguments.only else listed - set(map(as_listed, survivors))
        for mutant in unlisted:
            _print_change(f"SURVIVES: {path}", mutant.place or "the module", mutant.change)
        for each in stale:
            _print_change(f"listed, but killed or gone: {path}", each.place, each.change)
        wrong += len(unlisted) + len(stale)
        count = Counter(trial.verdict for trial in trials)
        rows.append(
            f"| {path} | {len(trials)} | {count['killed']} | {count['timed out']} | {len(unlisted)} "
            f"| {len(survivors) - len(unlisted)} | {seconds:.0f} |"
        )
        print(rows[-1], flush=True)
    print("\n| module | mutants | killed | timed out | survived | equivalent | seconds |")
    print("|---|---|---|---|---|---|---|")
    print("\n".join(rows))
    return min(wrong, 1)


def _trials(path: str, arguments: argparse.Namespace) -> tuple[list[Trial], float]:
    began = monotonic()
    mutants = [
        each for each in mutants_of(_PACKAGE, path) if arguments.only in "\n".join((each.place, *each.change))
    ]
    runner = Trials(_PACKAGE, path, [f"tests/{name}.py" for name in TESTS[path]], arguments.processes)
    trials = []
    for trial in runner.run(mutants):
        trials.append(trial)
        if arguments.verbose:
            change = " ".join(trial.mutant.change)
            print(
                f"{trial.seconds:5.1f} {trial.verdict} {trial.mutant.place}: {change} {trial.by}", flush=True
            )
    return trials, monotonic() - began


def _print_change(what: str, place: str, change: tuple[str, ...]) -> None:
    print(f"{what}\n### `{place}`\n```diff", *change, "```", sep="\n")


if __name__ == "__main__":
    sys.exit(main())
