"""The callers that wait for answers: threads, greenlets and tasks, in one queue for each place and principal."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any

from safe_ecs._lookup.batching import BatchResult
from safe_ecs._system.clock import Clock
from safe_ecs._system.threads import start

if TYPE_CHECKING:
    from collections.abc import Hashable

    from safe_ecs._lookup.batching import BatchRequest
    from safe_ecs._lookup.engine import BatchEngine


class Caller:
    """A thread or greenlet that wants answers.

    Attributes:
        request: Its request.
        missing: The ids that have no answer yet.
        batch: The ids that the caller asks for as the leader; empty if it does not lead.
        has_waited: Whether it has waited for another caller's batch.
        is_over: Whether it has stopped waiting.
        outer: The look-up that this one was made inside of, None if there is none.
    """

    def __init__(self, request: BatchRequest, outer: Caller | None) -> None:
        self.request = request
        self.missing = dict.fromkeys(request.ids)
        self.batch: dict[str, Caller] = {}
        self.has_waited = False
        self.is_over = False
        self.outer = outer
        self._began = Clock.now()
        self._answers: dict[str, Any] = {}
        self._reads = 0
        # Looked up now: greenlet libraries replace the class in its module, and may do so late.
        self._latch = threading.Lock()
        self._latch.acquire()

    def wait(self) -> None:
        """Wait for the answers, for the turn to lead, or for the deadline."""
        self.has_waited = True
        seconds = self.request.deadline - Clock.now()
        self._latch.acquire(timeout=min(max(0.0, seconds), threading.TIMEOUT_MAX))

    def wake(self) -> None:
        """End the wait."""
        with suppress(RuntimeError):  # It is awake already.
            self._latch.release()

    def lead(self, engine: BatchEngine, queue: Queue) -> None:  # noqa: ARG002 - a task needs them
        """Have the caller lead the next batch."""
        self.wake()

    def take(self, result: BatchResult) -> None:
        """Take the answers for missing ids from the result of a batch."""
        for each in list(self.missing):
            if each in result.answers:
                self._answers[each] = result.answers[each]
                self.missing.pop(each, None)
        self._reads += result.reads

    def result(self, in_flight: float) -> BatchResult:
        """Return the answers, with a failure for each id that has none in time.

        Args:
            in_flight: The seconds that the batch under way has been in flight.
        """
        answers = dict(self._answers)
        if missing := list(self.missing):
            waited = Clock.now() - self._began
            failure = self.request.loader.failure_for(TimeoutError(), waited=waited, in_flight=in_flight)
            answers |= dict.fromkeys(missing, failure)
        return BatchResult(answers, self._reads)

    def enclosing(self) -> list[Caller]:
        """Return the callers that this one is inside of."""
        found, caller = [], self.outer
        while caller is not None:
            # A task that was started inside a look-up may outlive it.
            if not caller.is_over:
                found.append(caller)
            caller = caller.outer
        return found

    def is_asking_for(self, request: BatchRequest) -> bool:
        """Return whether the caller leads a batch with one of the ids of a request."""
        is_alike = self.request.loader.key == request.loader.key
        return is_alike and not self.batch.keys().isdisjoint(request.ids)


class Task(Caller):
    """A task of an event loop that wants answers.

    Attributes:
        context: Its context variables.
        future: Done when all answers are there.
    """

    def __init__(self, request: BatchRequest) -> None:
        super().__init__(request, None)
        self._loop = asyncio.get_running_loop()
        self.context = copy_context()
        self._has_thread = False
        self.future: asyncio.Future[None] = self._loop.create_future()

    def wake(self) -> None:
        """Tell the task that all answers are there."""
        with suppress(RuntimeError):  # The loop is closed: nobody waits any more.
            self._loop.call_soon_threadsafe(self._end_wait)

    def _end_wait(self) -> None:
        if not self.future.done():
            self.future.set_result(None)

    def lead(self, engine: BatchEngine, queue: Queue) -> None:
        """Start a thread that leads for this task and for the tasks behind it, unless one is on its way."""
        if self._has_thread:
            return
        self._has_thread = True
        try:
            start(partial(self._lead_in_thread, engine, queue))
        except RuntimeError as error:
            failure = self.request.loader.failure_for(error)
            queue.give(self, BatchResult(dict.fromkeys(self.missing, failure)))
            engine.hand_over(queue)

    def _lead_in_thread(self, engine: BatchEngine, queue: Queue) -> None:
        leader = queue.next_leader()
        # Each task in its own context: credentials may depend on context variables.
        while isinstance(leader, Task) and leader.context.run(engine.lead, queue, leader):
            leader = queue.next_leader()
        self._has_thread = False
        engine.hand_over(queue)


class Queue:
    """The callers that wait for answers of one key.

    Attributes:
        key: The key.
        callers: The callers in the order of their coming.
    """

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.callers: dict[Caller, None] = {}
        # The one leader and the time at which it began. A dict, because setdefault() lets one caller win.
        self._leader: dict[None, tuple[Caller, float]] = {}

    def begin_to_lead(self, caller: Caller) -> bool:
        """Return whether a caller leads from now on: because nobody does, or because the leader is lost."""
        mine = caller, Clock.now()
        leader = self._leader.setdefault(None, mine)
        if leader is not mine and mine[1] - leader[1] > caller.request.loader.most_seconds:
            self._leader[None] = leader = mine
        return leader is mine

    def stop_leading(self, caller: Caller) -> None:
        """Leave the lead to others, if the caller has it."""
        leader = self._leader.get(None)
        if leader is not None and leader[0] is caller:
            self._leader.pop(None, None)

    @property
    def is_led(self) -> bool:
        """Whether a caller leads."""
        return bool(self._leader)

    def next_leader(self) -> Caller | None:
        """Return the first caller that waits for answers; None if there is none, or a caller leads."""
        return None if self._leader else next((c for c in list(self.callers) if c.missing), None)

    def seconds_in_flight(self) -> float:
        """Return how long the batch under way has been in flight; 0 if there is none."""
        leader = self._leader.get(None)
        return 0.0 if leader is None else Clock.now() - leader[1]

    def give(self, caller: Caller, result: BatchResult) -> None:
        """Give a caller its answers, and wake the caller if it has all of them."""
        caller.take(result)
        if not caller.missing:
            self.callers.pop(caller, None)
            caller.wake()

    def number_of_ids(self) -> int:
        """Return how many answers are missing."""
        return sum(len(caller.missing) for caller in list(self.callers))
