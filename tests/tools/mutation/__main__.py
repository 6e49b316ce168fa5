"""``python -m tests.tools.mutation [MODULE...]``: tries every mutant of the core and the flow, and names the survivors.

A MODULE is a path in the package, such as _core/request.py. Its tests are the files that mirror it. ``--only`` limits the
run to mutants with a text in their place or change. Prints a table and the surviving mutants. Exits with 1 if a survivor
has no mark in the source, or if the mutant of a mark was killed or does not exist.

Needs the extra ``mutation``.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from importlib import import_module
from time import monotonic

from tests.tools.mutation.marks import marks_in
from tests.tools.mutation.mirror import PACKAGE, ROOT, WITHOUT_TESTS, mirror_of, mutated_modules
from tests.tools.mutation.mutants import mutants_of
from tests.tools.mutation.trials import Trial, Trials

_IMPORTED_BEFORE = ("alibabacloud_ecs20140526.client", "aliyunsdkcore.client")


def main() -> int:
    """Return 1 if a mutant survives that has no mark, or one has a mark that does not survive."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.mutation", description=__doc__)
    parser.add_argument(
        "modules", nargs="*", metavar="MODULE", help="_core/request.py and the like; all if none"
    )
    parser.add_argument("--only", default="", help="a text that the mutants to try contain")
    parser.add_argument("--processes", type=int, default=2, help="how many to try at a time")
    parser.add_argument("--verbose", action="store_true", help="print what becomes of each mutant")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    for name in _IMPORTED_BEFORE:
        import_module(name)
    rows, wrong = [], 0
    for path in arguments.modules or [each for each in mutated_modules() if each not in WITHOUT_TESTS]:
        trials, seconds = _trials(path, arguments)
        marks = marks_in((PACKAGE / path).read_text(encoding="utf-8"))
        survivors = [trial.mutant for trial in trials if trial.verdict == "survived"]
        allowed = {
            mark: [each for each in survivors if mark.allows(each.line, each.change)] for mark in marks
        }
        unmarked = [each for each in survivors if not any(each in some for some in allowed.values())]
        stale = [] if arguments.only else [mark for mark, some in allowed.items() if not some]
        for mutant in unmarked:
            place = mutant.place or "the module"
            print(f"SURVIVES: {PACKAGE.name}/{path}:{mutant.line} in {place}", *mutant.change, sep="\n")
        for mark in stale:
            print(f"marked, but killed or gone: {PACKAGE.name}/{path}:{mark.line} `{mark.text}`")
        wrong += len(unmarked) + len(stale)
        count = Counter(trial.verdict for trial in trials)
        rows.append(
            f"| {path} | {len(trials)} | {count['killed']} | {count['timed out']} | {len(unmarked)} "
            f"| {len(survivors) - len(unmarked)} | {seconds:.0f} |"
        )
        print(rows[-1], flush=True)
    print("\n| module | mutants | killed | timed out | survived | equivalent | seconds |")
    print("|---|---|---|---|---|---|---|")
    print("\n".join(rows))
    return min(wrong, 1)


def _trials(path: str, arguments: argparse.Namespace) -> tuple[list[Trial], float]:
    began = monotonic()
    mutants = [
        each for each in mutants_of(PACKAGE, path) if arguments.only in "\n".join((each.place, *each.change))
    ]
    runner = Trials(PACKAGE, path, list(map(str, mirror_of(path))), arguments.processes)
    trials = []
    for trial in runner.run(mutants):
        trials.append(trial)
        if arguments.verbose:
            change = " ".join(trial.mutant.change)
            print(
                f"{trial.seconds:5.1f} {trial.verdict} {trial.mutant.place}: {change} {trial.by}", flush=True
            )
    return trials, monotonic() - began


if __name__ == "__main__":
    sys.exit(main())
