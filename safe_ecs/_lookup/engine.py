"""The look-up engine: callers that want something from one place at the same time share their reads.

The first caller asks in its own thread, and its read leaves at once. Ids that are wanted meanwhile are the next batch.
One of the callers that want them asks for it: the *leader* of the batch. So no thread is needed for a sync call, credentials that
depend on the thread work, and a cold call costs as much as a hand-written describe before the change.

Tasks of event loops wait in the same queues as threads and greenlets. A task cannot lead, because a read blocks: a
thread that ends with the last waiting task leads in its place.

No caller waits for a lock. Shared state changes by single operations of dicts alone, which the interpreter makes atomic. A caller
that follows waits at a latch of its own, until its deadline. Whoever stops leading wakes the next leader, also after an
exception of a signal handler, a cancellation or a killed greenlet.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Final

from safe_ecs._lookup.batching import BatchResult
from safe_ecs._lookup.callers import Caller, Queue, Task
from safe_ecs._system.clock import Clock
from safe_ecs._system.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Hashable

    from safe_ecs._lookup.batching import BatchRequest

_DEEPEST: Final = 3
"""The most look-ups inside one another. A credentials provider that uses a guarded client makes them two."""

_INSIDE: Final[ContextVar[Caller | None]] = ContextVar("safe_ecs_inside", default=None)
"""The look-up that this thread, greenlet or task is inside of."""


class BatchEngine:
    """Loads the batches of all threads, greenlets and event loops of the process."""

    def __init__(self) -> None:
        self.start_afresh()

    def start_afresh(self) -> None:
        """Forget the callers: those of a forked child are in the parent."""
        self._queues: dict[Hashable, Queue] = {}

    def load(self, request: BatchRequest) -> BatchResult:
        """Return an answer for each id of a request.

        A caller that follows waits until its deadline at most. A caller that leads may take longer by one wait at a
        socket.
        """
        outer = _INSIDE.get()
        caller = Caller(request, outer)
        try:
            # Before anything is shared: a signal handler or a finaliser may ask from the middle of what follows.
            _INSIDE.set(caller)
            enclosing = caller.enclosing()
            return _load_inside(caller, enclosing) if enclosing else self._load(caller)
        finally:
            caller.is_over = True
            _INSIDE.set(outer)

    async def load_async(self, request: BatchRequest) -> BatchResult:
        """Return an answer for each id of a request, in an event loop."""
        outer = _INSIDE.get()
        if outer is not None and not outer.is_over:
            return await in_thread(partial(self.load, request))
        task = Task(request)
        queue = self._queue_of(task)
        try:
            seconds = request.deadline - Clock.now()
            if seconds > 0:
                queue.callers[task] = None
                self.hand_over(queue)
                await asyncio.wait((task.future,), timeout=seconds)
            return task.result(queue.seconds_in_flight())
        finally:
            self._leave(queue, task)

    def _load(self, caller: Caller) -> BatchResult:
        queue = self._queue_of(caller)
        try:
            queue.callers[caller] = None
            while caller.missing and Clock.now() < caller.request.deadline:
                # Every caller is in the queue before it tries to lead, and every leader looks into the queue after it
                # has stopped leading. So no caller waits for a turn that never comes.
                if not self.lead(queue, caller):
                    caller.wait()
            return caller.result(queue.seconds_in_flight())
        finally:
            # Once more, for an exception of a signal handler in the middle of lead().
            queue.stop_leading(caller)
            self._leave(queue, caller)

    def lead(self, queue: Queue, leader: Caller) -> bool:
        """Ask for the next batch as its leader; return False if another caller leads."""
        outer = _INSIDE.get()
        try:
            if not queue.begin_to_lead(leader):
                return False
            _INSIDE.set(leader)
            _ask(queue, leader)
            return True
        finally:
            _INSIDE.set(outer)
            leader.batch = {}
            queue.stop_leading(leader)

    def hand_over(self, queue: Queue) -> None:
        """Have the next caller lead, if nobody does; forget a queue without callers."""
        leader = queue.next_leader()
        if leader is not None:
            leader.lead(self, queue)
        elif not queue.callers and not queue.is_led and self._queues.get(queue.key) is queue:
            # A caller that has just found this queue leads in it alone, which costs a read at most.
            self._queues.pop(queue.key, None)

    def _queue_of(self, caller: Caller) -> Queue:
        key = caller.request.loader.key
        return self._queues.setdefault(key, Queue(key))

    def _leave(self, queue: Queue, caller: Caller) -> None:
        caller.is_over = True
        queue.callers.pop(caller, None)
        self.hand_over(queue)


def _ask(queue: Queue, leader: Caller) -> None:
    """Ask for the ids of the leader, and for as many others as fit into the same requests; give all callers their answers."""
    loader = leader.request.loader
    if leader.has_waited:
        _let_others_come(queue, loader.most_ids)
    present = dict.fromkeys((leader, *queue.callers))
    batch: dict[str, Caller] = dict.fromkeys(leader.missing, leader)
    room = math.ceil(len(batch) / loader.most_ids) * loader.most_ids
    for caller in present:
        for each in list(caller.missing):
            if len(batch) < room:
                batch.setdefault(each, caller)
    leader.batch = batch
    asked_at = Clock.now()
    try:
        result = loader.load(tuple(batch), leader.request.deadline)
    except Exception as error:  # noqa: BLE001 - with any exception, there are no answers
        queue.give(leader, BatchResult(dict.fromkeys(leader.missing, loader.failure_for(error))))
        return
    # Only now: a caller that comes after the answer, because the leader has ended, asks for itself.
    callers = [caller for caller in list(queue.callers) if caller is not leader]
    queue.give(leader, result)
    shared = {each: answer for each, answer in result.answers.items() if loader.is_shared(answer)}
    common = loader.common_failure(shared) if shared else None
    for caller in callers:
        # A caller that came while the batch was under way may need an answer to a later question.
        if caller in present or asked_at > caller.request.not_before:
            found = {each: shared[each] for each in list(caller.missing) if each in shared}
            if found:
                caller.request.loader.joined(sum(batch.get(each) is not caller for each in found))
                queue.give(caller, BatchResult(found, result.reads))
        if common is not None:
            queue.give(caller, BatchResult(dict.fromkeys(caller.missing, common)))


def _let_others_come(queue: Queue, most_ids: int) -> None:
    """Let other threads and greenlets run, as long as more of them come: their ids leave with this batch."""
    before, now = 0, queue.number_of_ids()
    while before < now < most_ids:
        time.sleep(0)
        before, now = now, queue.number_of_ids()


def _load_inside(caller: Caller, enclosing: list[Caller]) -> BatchResult:
    """Load inside another look-up, for example for a credentials provider: the caller waits for nobody.

    A look-up for ids that it is made for would never end. It fails at once.
    """
    loader, ids, deadline, _ = caller.request
    if len(enclosing) >= _DEEPEST or any(outer.is_asking_for(caller.request) for outer in enclosing):
        return BatchResult(dict.fromkeys(ids, loader.failure_for(RecursionError())))
    caller.batch = dict.fromkeys(ids, caller)
    try:
        return loader.load(ids, deadline)
    except Exception as error:  # noqa: BLE001 - with any exception, there are no answers
        return BatchResult(dict.fromkeys(ids, loader.failure_for(error)))


ENGINE: Final = BatchEngine()
"""The engine of this process."""

if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=ENGINE.start_afresh)
