"""Runs the tests of a module against its mutants.

The tests are collected once, and each mutant that differs in a function is tried in a process that is forked then. For
every other mutant, of a table or a class, they are collected anew. What the tests themselves start as a new program
sees the package as it is.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import pytest
from hypothesis import Phase, settings

from tests.tools.mutation.mutants import Mutant
from tests.tools.mutation.processes import FAILED, run_all
from tests.tools.mutation.replacement import import_mutant, module_name, put_in_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Verdict: TypeAlias = Literal["killed", "timed out", "survived"]
_NOT_TRIED: Final = 99
_MOST_SECONDS: Final = 600
_PROFILE: Final = "mutation"
# The same examples each time, and none made smaller: that one fails is enough.
settings.register_profile(
    _PROFILE, derandomize=True, database=None, deadline=None, phases=(Phase.explicit, Phase.generate)
)
_OPTIONS: Final = (
    "--exitfirst",
    "--quiet",
    "--tb=short",
    "--capture=sys",  # that of file descriptors would be shared by forked processes
    "-pno:cacheprovider",
    f"--hypothesis-profile={_PROFILE}",
    "-Wignore::pytest.PytestAssertRewriteWarning",  # of what was imported before the fork
)


class Trial(NamedTuple):
    """What became of a mutant.

    Attributes:
        mutant: The mutant.
        verdict: Whether a test noticed it.
        by: The test that failed; "" if none did, or the module cannot be imported.
        seconds: How long it took.
    """

    mutant: Mutant
    verdict: Verdict
    by: str
    seconds: float


class Trials:
    """The trials of one module.

    Args:
        package: The folder of the package.
        path: The module, relative to it.
        tests: What to give to pytest.
        processes: How many mutants to try at a time.
    """

    def __init__(self, package: Path, path: str, tests: Sequence[str], processes: int) -> None:
        self._package = package
        self._unchanged = Mutant(path, "", 0, (), (package / path).read_text(encoding="utf-8"))
        self._tests = tests
        self._processes = processes
        self._seconds: float = _MOST_SECONDS
        self._durations: dict[str, float] = {}
        self._usual: dict[str, float] = {}
        self._kills: Counter[tuple[str, str]] = Counter()
        self._folder = Path()

    def run(self, mutants: Sequence[Mutant]) -> Iterator[Trial]:
        """Yield what becomes of each mutant.

        Raises:
            RuntimeError: The tests fail without any change.
        """
        with TemporaryDirectory() as folder:
            self._folder = Path(folder)
            os.environ["PYTEST_DEBUG_TEMPROOT"] = folder
            [unchanged] = self._try([partial(self._collect_anew, self._unchanged)], [self._unchanged])
            if not isinstance(unchanged, Trial) or unchanged.verdict != "survived":
                raise RuntimeError(f"{self._file('output').read_text()}\nThe tests fail without any change.")
            self._seconds = 10 + 3 * unchanged.seconds
            self._usual = dict(self._durations)
            # It has a process of its own: nothing of the package may be imported in this one.
            [together] = run_all([partial(self._try_functions, mutants)], 24 * 60 * _MOST_SECONDS, 1)
            if together.status:
                raise RuntimeError(f"{self._file('output').read_text()}\nThe tests cannot be collected.")
            rest = []
            for line in self._file("trials").read_text().splitlines():
                number, verdict, by, seconds = json.loads(line)
                if verdict:
                    yield Trial(mutants[number], verdict, by, seconds)
                else:
                    rest.append(mutants[number])
            for trial in self._try([partial(self._collect_anew, mutant) for mutant in rest], rest):
                assert isinstance(trial, Trial)
                yield trial

    def _try(
        self, functions: Sequence[Callable[[], int]], mutants: Sequence[Mutant]
    ) -> Iterator[Trial | int]:
        """Yield a trial, or the number of a mutant that could not be tried."""
        for number, status, seconds in run_all(functions, self._seconds, self._processes):
            by = ""
            if status is not None and (report := self._report(mutants[number])).exists():
                durations, by = json.loads(report.read_text())
                self._durations |= durations
            if by:
                self._kills[mutants[number].place, by] += 1
            if status == _NOT_TRIED:
                yield number
            else:
                is_late = status in {None, -signal.SIGALRM}
                verdict: Verdict = "timed out" if is_late else "killed" if status else "survived"
                yield Trial(mutants[number], verdict, by, seconds)

    def _collect_anew(self, mutant: Mutant) -> int:
        self._redirect()
        import_mutant(self._package, mutant)
        status = pytest.main([*_OPTIONS, *self._tests], plugins=[_Witness(self, mutant)])
        return int(status)

    def _try_functions(self, mutants: Sequence[Mutant]) -> int:
        self._redirect()
        return int(pytest.main([*_OPTIONS, *self._tests], plugins=[_Loop(self, mutants)]))

    def try_functions(self, session: pytest.Session, mutants: Sequence[Mutant]) -> None:
        """Try, in a session whose tests have been collected, each mutant that differs in a function."""
        gc.freeze()
        functions = [partial(self._try_function, session, mutant) for mutant in mutants]
        numbers = {id(mutant): number for number, mutant in enumerate(mutants)}
        with self._file("trials").open("w") as file:
            for trial in self._try(functions, mutants):
                line: tuple[object, ...] = (trial, "", "", 0.0)
                if isinstance(trial, Trial):
                    line = numbers[id(trial.mutant)], trial.verdict, trial.by, trial.seconds
                file.write(f"{json.dumps(line)}\n")

    def _try_function(self, session: pytest.Session, mutant: Mutant) -> int:
        if not put_in_place(sys.modules[module_name(self._package, mutant)], mutant):
            return _NOT_TRIED
        witness = _Witness(self, mutant)
        witness.pytest_collection_modifyitems(session.items)
        session.config.pluginmanager.register(witness)
        with suppress(session.Failed):
            session.config.hook.pytest_runtestloop(session=session)
        return FAILED if session.testsfailed else 0

    def ranks(self, place: str) -> dict[str, float]:
        """Return a rank for each test: those that killed a mutant of a place, or of another, then the quick ones."""
        ranks = dict(self._durations)
        for (where, test), kills in self._kills.items():
            ranks[test] = min(ranks.get(test, 0.0), -kills * (1000.0 if where == place else 1.0))
        return ranks

    def seconds_for(self, test: str) -> float:
        """Return how long a test may take, 0 if that is not known yet: a mutant that hangs costs one test's time."""
        return 10 + 5 * self._usual[test] if test in self._usual else 0

    def note(self, mutant: Mutant, durations: dict[str, float], failed: str) -> None:
        """Write down how long the tests took, and which failed."""
        self._report(mutant).write_text(json.dumps([durations, failed]))

    def _redirect(self) -> None:
        """Write to a file from now on."""
        with self._file("output").open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)

    def _report(self, mutant: Mutant) -> Path:
        return self._file(f"report-{id(mutant)}")

    def _file(self, name: str) -> Path:
        return self._folder / name


class _Witness:
    """Puts the tests in order, notes how long they take and which fails, and ends the process if one takes too long."""

    def __init__(self, trials: Trials, mutant: Mutant) -> None:
        self._trials = trials
        self._mutant = mutant
        self._durations: dict[str, float] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        ranks = self._trials.ranks(self._mutant.place)
        items.sort(key=lambda item: ranks.get(item.nodeid, 0.0))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        signal.setitimer(signal.ITIMER_REAL, self._trials.seconds_for(nodeid))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._durations[report.nodeid] = self._durations.get(report.nodeid, 0.0) + report.duration
        if report.failed:
            self._trials.note(self._mutant, self._durations, report.nodeid)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if not exitstatus:
            self._trials.note(self._mutant, self._durations, "")


class _Loop:
    """Tries mutants where pytest would run the tests."""

    def __init__(self, trials: Trials, mutants: Sequence[Mutant]) -> None:
        self._trials = trials
        self._mutants = mutants
        self._is_trial = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if self._is_trial:
            return None
        self._is_trial = True
        self._trials.try_functions(session, self._mutants)
        return True
