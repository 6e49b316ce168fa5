"""Many callers at once, and limits on how long a test may take."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from safe_ecs.testing import FakeEcs


class Callers:
    """Threads that make one call each. ``results`` holds their results and exceptions, in the order of the calls."""

    def __init__(self, calls: Iterable[Callable[[], Any]]) -> None:
        calls = list(calls)
        self.results: list[Any] = [None] * len(calls)
        self._threads = [
            Thread(target=self._run, args=(number, call), daemon=True) for number, call in enumerate(calls)
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, number: int, call: Callable[[], Any]) -> None:
        try:
            self.results[number] = call()
        except BaseException as error:  # noqa: BLE001 - for the test to look at
            self.results[number] = error

    def join(self, seconds: float) -> list[Any]:
        """Wait for all threads and return the results. Fail if a thread takes longer than ``seconds``."""
        for thread in self._threads:
            thread.join(seconds)
            assert not thread.is_alive(), "a caller is stuck"
        return self.results


@contextmanager
def repeated(call: Callable[[], object], threads: int = 1) -> Iterator[None]:
    """Make a call again and again in other threads, as long as the block runs."""
    stop = Event()

    def go_on() -> None:
        while not stop.is_set():
            call()

    callers = Callers([go_on] * threads)
    try:
        yield
    finally:
        stop.set()
        callers.join(20)


def wait_for_read(ecs: FakeEcs, number: int = 1) -> None:
    """Wait until the server has begun or answered this many reads."""
    deadline = monotonic() + 10
    while len(ecs.reads) < number:
        assert monotonic() < deadline
        sleep(0.005)


def run_script(code: str, *arguments: str, seconds: float = 60) -> str:
    """Run Python code in a process of its own and return its output. Fail if it takes too long or exits with an error."""
    process = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        # Coverage has a lock of its own. A signal handler may interrupt a thread that waits for this lock.
        env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")},
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def run_pytest(folder: Path, *arguments: str, status: int = 0) -> str:
    """Run the tests of a folder in a process of their own, as a user does, and return pytest's output.

    Fail if pytest exits with another status.
    """
    process = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.returncode == status, process.stdout + process.stderr
    return process.stdout
