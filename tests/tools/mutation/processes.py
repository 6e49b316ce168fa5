"""Runs functions in forked processes, several at a time, none longer than it may."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from contextlib import suppress
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FAILED: Final = 1
_POLL_SECONDS: Final = 0.01


class Ended(NamedTuple):
    """A process that has ended.

    Attributes:
        number: The number of its function among those that were given.
        status: Its exit status; None if it took too long.
        seconds: How long it took.
    """

    number: int
    status: int | None
    seconds: float


def run_all(functions: Sequence[Callable[[], int]], seconds: float, processes: int) -> Iterator[Ended]:
    """Run each function in a process of its own and yield how it ended.

    Args:
        functions: They return an exit status.
        seconds: How long each may take.
        processes: How many run at a time.
    """
    waiting = list(enumerate(functions))[::-1]
    running: dict[int, tuple[int, float]] = {}
    while waiting or running:
        while waiting and len(running) < processes:
            number, function = waiting.pop()
            running[_start(function)] = number, monotonic()
        for pid, (number, began) in list(running.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            took = monotonic() - began
            if ended or took > seconds:
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)  # The process, and what it has started.
                if not ended:
                    os.waitpid(pid, 0)
                del running[pid]
                yield Ended(number, os.waitstatus_to_exitcode(status) if ended else None, took)
        sleep(_POLL_SECONDS)


def _start(function: Callable[[], int]) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    status = FAILED
    try:
        os.setsid()
        status = function()
    except BaseException:  # noqa: BLE001 - nothing may go on as if it were the parent
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
