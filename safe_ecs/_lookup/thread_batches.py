"""The batches of all threads of the process."""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from threading import Lock, local
from time import sleep
from typing import TYPE_CHECKING, Any, Final

from safe_ecs._clock import Clock
from safe_ecs._lookup.batching import BatchQueue, BatchResult, is_loading
from safe_ecs.cache._background import in_background, within

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from safe_ecs._lookup.batching import BatchRequest


class _Result:
    """The result of a batch. Threads wait for it.

    Each thread waits at a lock of its own, and the thread that sets the result waits for none. A future of the standard
    library has one lock for all: a thread that a signal handler has interrupted in the middle of its waiting would keep
    everybody from the result, the handler among them.
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
        # The latch is in its place first: either the result is set now, or the latch will be released.
        if not self._is_set and not latch.acquire(timeout=seconds):
            raise TimeoutError
        return self._result


class ThreadBatching:
    """Loads the batches of all threads of the process."""

    def __init__(self) -> None:
        self._thread = local()
        self.start_afresh()

    def start_afresh(self) -> None:
        """Forget the batches: in a forked child, their callers are in the parent."""
        # The lock may be held, and stays held, by a thread that the child does not have.
        self._lock = Lock()
        self._queues: dict[Hashable, BatchQueue] = {}

    def load(self, request: BatchRequest) -> BatchResult:
        """Return an answer for each id of a request, waiting no longer than until its deadline."""
        loader, deadline = request.loader, request.deadline
        if getattr(self._thread, "is_inside", False):
            # A signal handler interrupted this very thread in the section below, and must not wait for it.
            return loader.load(request.ids)
        if is_loading():
            return _load_alone(request)
        joined_at = Clock.now()
        with self._alone():
            queue = self._queues.setdefault(loader.key, BatchQueue())
            joined = queue.join(request, _Result)
            if queue.runner is None or queue.runner.done():
                queue.runner = in_background(partial(self._run, loader.key, queue))
        answers: dict[str, Any] = {}
        reads = 0
        try:
            if queue.runner is None:
                copy_context().run(self._run, loader.key, queue)
            for batch, wanted in joined.items():
                try:
                    result: BatchResult = batch.future.result(max(0.0, deadline - Clock.now()))
                except TimeoutError as error:
                    waited, in_flight = Clock.now() - joined_at, queue.seconds_in_flight()
                    failure = loader.failure_for(error, waited=waited, in_flight=in_flight)
                    answers |= dict.fromkeys(wanted, failure)
                else:
                    answers |= {each: result.answers[each] for each in wanted}
                    reads += result.reads
        finally:  # Also after an exception of a signal handler.
            with self._alone():
                queue.leave(joined)
        return BatchResult(answers, reads)

    def _run(self, key: Hashable, queue: BatchQueue) -> None:
        while True:
            with self._alone():
                batch = queue.start_next()
                if batch is None:
                    if self._queues.get(key) is queue:
                        del self._queues[key]
                    return
            ids = tuple(batch.ids)
            try:
                result = batch.loader.load(ids)
            except BaseException as error:  # noqa: BLE001 - the callers must hear of any exception
                result = BatchResult(dict.fromkeys(ids, batch.loader.failure_for(error)))
            batch.settle(result)
            with self._alone():
                queue.share_failure(result, batch.loader)
            # Threads that are about to ask wait for the interpreter alone. Let them run, as long as more of them come:
            # their ids leave with the next batch instead of in one of their own.
            while before := queue.number_of_partial_batch:
                sleep(0)
                if queue.number_of_partial_batch <= before:
                    break

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            self._thread.is_inside = True
            with self._lock:
                yield
        finally:
            self._thread.is_inside = False


def _load_alone(request: BatchRequest) -> BatchResult:
    loader, ids = request.loader, request.ids
    try:
        return within(request.deadline - Clock.now(), partial(loader.load, ids))
    except TimeoutError as error:
        return BatchResult(dict.fromkeys(ids, loader.failure_for(error)))


THREADS: Final = ThreadBatching()
"""The batches of this process."""

if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=THREADS.start_afresh)
