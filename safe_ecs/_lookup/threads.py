"""The batches of all threads of the process."""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from threading import Lock, local
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final, TypeVar

from safe_ecs._lookup.batching import NEVER, BatchQueue, is_asking
from safe_ecs.cache._background import in_background, within

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from safe_ecs._lookup.batching import BatchLoader

_Answer = TypeVar("_Answer")


class _Result:
    """What the threads of a batch wait for.

    Each waits at a lock of its own, and whoever sets the result waits for none. A future of the standard library has
    one lock for all: a thread that a signal handler has interrupted in the middle of its waiting would keep everybody
    from the result, the handler among them.
    """

    def __init__(self) -> None:
        self._latches: list[Lock] = []
        self._is_set = False
        self._result: Any = None

    def done(self) -> bool:
        return self._is_set

    def set_result(self, result: object) -> None:
        self._result = result
        self._is_set = True
        for latch in self._latches:
            latch.release()

    def result(self, seconds: float) -> Any:  # noqa: ANN401 - as of a future
        latch = Lock()
        latch.acquire()
        self._latches.append(latch)
        # Looked at after the latch is in its place: either it is set now, or the latch will be released.
        if not self._is_set and not latch.acquire(timeout=seconds):
            raise TimeoutError
        return self._result


class ThreadBatching:
    """The batches of all threads of the process."""

    def __init__(self) -> None:
        self._thread = local()
        self.start_afresh()

    def start_afresh(self) -> None:
        """Forget what is under way: those who asked are in the process that this one was forked from."""
        self._lock = Lock()
        self._lines: dict[Hashable, BatchQueue[Any]] = {}

    def ask(
        self, loader: BatchLoader[_Answer], ids: tuple[str, ...], deadline: float, not_before: float = NEVER
    ) -> dict[str, _Answer]:
        """Return an answer for each id, waiting no longer than until the deadline.

        Args:
            loader: How to ask.
            ids: For what.
            deadline: Until when, on the clock ``time.monotonic``.
            not_before: An answer to a question that was asked at this time or earlier will not do.
        """
        if getattr(self._thread, "is_inside", False):
            # A signal handler interrupted this very thread in the section below, and must not wait for it.
            return _ask_here(loader, ids)
        if is_asking():
            return _ask_alone(loader, ids, deadline)
        joined_at = monotonic()
        with self._alone():
            line = self._lines.setdefault(loader.key, BatchQueue())
            joined = line.join(loader, ids, not_before, _Result)
            if line.runner is None or line.runner.done():
                line.runner = in_background(partial(self._run, loader.key, line))
        answers: dict[str, _Answer] = {}
        try:
            if line.runner is None:
                copy_context().run(self._run, loader.key, line)
            for batch, wanted in joined.items():
                try:
                    found = batch.future.result(max(0.0, deadline - monotonic()))
                except TimeoutError as error:
                    waited, in_flight = monotonic() - joined_at, line.seconds_in_flight()
                    answers |= dict.fromkeys(
                        wanted, loader.failure_for(error, waited=waited, in_flight=in_flight)
                    )
                else:
                    answers |= {each: found[each] for each in wanted}
                loader.reads += batch.reads
        finally:  # Also at somebody's interrupt.
            with self._alone():
                line.leave(joined)
        return answers

    def _run(self, key: Hashable, line: BatchQueue[Any]) -> None:
        while True:
            with self._alone():
                batch = line.start_next()
                if batch is None:
                    if self._lines.get(key) is line:
                        del self._lines[key]
                    return
            ids = tuple(batch.ids)
            try:
                answers = batch.loader.ask(ids)
            except BaseException as error:  # noqa: BLE001 - whatever it was, those who wait must hear of it
                answers = dict.fromkeys(ids, batch.loader.failure_for(error))
            batch.settle(answers)
            with self._alone():
                line.spread(answers, batch.loader)
            # Threads that are about to ask only wait for the interpreter: let them, for as long as more of them come.
            while before := line.number_of_partial_batch:
                sleep(0)
                if line.number_of_partial_batch <= before:
                    break

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            self._thread.is_inside = True
            with self._lock:
                yield
        finally:
            self._thread.is_inside = False


def _ask_here(loader: BatchLoader[_Answer], ids: tuple[str, ...]) -> dict[str, _Answer]:
    answers = loader.ask(ids)
    loader.reads = loader.sent
    return answers


def _ask_alone(loader: BatchLoader[_Answer], ids: tuple[str, ...], deadline: float) -> dict[str, _Answer]:
    try:
        return within(deadline - monotonic(), partial(_ask_here, loader, ids))
    except TimeoutError as error:
        return dict.fromkeys(ids, loader.failure_for(error))


THREADS: Final = ThreadBatching()
"""Of this process."""

if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=THREADS.start_afresh)
