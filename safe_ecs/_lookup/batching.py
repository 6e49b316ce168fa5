"""Batches: the ids that callers ask for while a read is in flight leave together as the next read.

The first caller's read leaves at once, no timer delays anything, and ECS is asked once for a group that many callers want
at the same time. Threads share their batches, and so do the tasks of one event loop (asyncio's; the SDK's async methods
know no other). Threads and loops share the cache alone, because a thread that waited for a task of its own loop would
wait for ever.

No batch runs in a caller's thread or task. A caller can therefore stop waiting, be interrupted or be cancelled
without harm to the others.
"""

from __future__ import annotations

import math
from collections import deque
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from safe_ecs._clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

NEVER: Final = -math.inf
"""A time before all others."""

_LOADING: Final[ContextVar[Batch | None]] = ContextVar("safe_ecs_loading", default=None)


def is_loading() -> bool:
    """Return whether this thread or task is asking ECS on behalf of a batch.

    A look-up made from there, for example by a credentials provider, cannot wait for that batch to end. A task that was
    started from there and outlives the batch can.
    """
    batch = _LOADING.get()
    return batch is not None and not batch.future.done()


class BatchResult(NamedTuple):
    """The result of a batch.

    Attributes:
        answers: An answer for each id.
        reads: How many requests were sent for the batch.
    """

    answers: dict[str, Any]
    reads: int = 0


class BatchLoader(Protocol):
    """Asks ECS for ids of one kind, on behalf of one principal."""

    @property
    def key(self) -> Hashable:
        """Equal for loaders that may share a batch."""
        ...

    @property
    def most_ids(self) -> int:
        """The most ids of one batch."""
        ...

    def load(self, ids: tuple[str, ...]) -> BatchResult:
        """Return an answer for each id."""
        ...

    async def load_async(self, ids: tuple[str, ...]) -> BatchResult:
        """Return an answer for each id, in an event loop."""
        ...

    def joined(self, ids: int) -> None:
        """Take note of how many of a caller's ids were being asked for already."""
        ...

    def failure_for(self, error: BaseException, *, waited: float = 0.0, in_flight: float = 0.0) -> object:
        """Return the answer for an id if there was none in time, or if loading has broken down.

        Args:
            error: The TimeoutError, or the exception that loading has raised.
            waited: The seconds that the caller waited.
            in_flight: The seconds that the batch under way has been in flight.
        """
        ...

    def common_failure(self, answers: dict[str, Any]) -> object:
        """Return the one answer, if there is one, that every other id would get now too."""
        ...


class BatchRequest(NamedTuple):
    """A request of one caller for an answer for each id: the question that a resolver yields.

    Attributes:
        loader: Asks.
        ids: The ids.
        deadline: Until when the caller waits, on the clock ``Clock``.
        not_before: An answer to a question that was asked at this time or earlier will not do.
    """

    loader: BatchLoader
    ids: tuple[str, ...]
    deadline: float
    not_before: float = NEVER


class Batch:
    """Ids that are asked for together."""

    __slots__ = ("callers", "future", "ids", "loader", "started_at")

    def __init__(self, loader: BatchLoader, future: Any) -> None:  # noqa: ANN401 - threads and loops have different ones
        self.loader = loader
        self.future = future
        self.ids: dict[str, None] = {}
        self.callers = 0
        self.started_at = math.inf

    def settle(self, result: BatchResult) -> None:
        """Give every caller of the batch its result."""
        if not self.future.done():
            self.future.set_result(result)

    def settle_with(self, answer: object) -> None:
        """Give every caller of the batch the same answer."""
        self.settle(BatchResult(dict.fromkeys(self.ids, answer)))


class BatchQueue:
    """The batches for one key: the one under way and the waiting ones behind it."""

    def __init__(self) -> None:
        self.under_way: Batch | None = None
        self.waiting: deque[Batch] = deque()
        self.runner: Any = None

    def join(self, request: BatchRequest, new_future: Callable[[], Any]) -> dict[Batch, list[str]]:
        """Put the ids of a request into batches and return the ids by batch.

        An id that a batch holds already joins that batch. ``new_future`` makes the future of a new batch.
        """
        loader, ids, _, not_before = request
        joined: dict[Batch, list[str]] = {}
        new = 0
        for each in ids:
            batch = self._batch_with(each, not_before)
            if batch is None:
                if not self.waiting or len(self.waiting[-1].ids) >= loader.most_ids:
                    self.waiting.append(Batch(loader, new_future()))
                batch = self.waiting[-1]
                batch.ids[each] = None
                new += 1
            joined.setdefault(batch, []).append(each)
        for batch in joined:
            batch.callers += 1
        loader.joined(sum(map(len, joined.values())) - new)
        return joined

    def _batch_with(self, each: str, not_before: float) -> Batch | None:
        # The batch under way may have been asked before the group was forgotten. A waiting batch has not been asked.
        under_way = self.under_way
        if under_way is not None and each in under_way.ids and under_way.started_at > not_before:
            return under_way
        return next((batch for batch in self.waiting if each in batch.ids), None)

    @property
    def number_of_partial_batch(self) -> int:
        """How many ids the next batch holds; 0 if there is none, or it is full."""
        waiting = self.waiting
        if len(waiting) != 1 or len(waiting[0].ids) >= waiting[0].loader.most_ids:
            return 0
        return len(waiting[0].ids)

    def start_next(self) -> Batch | None:
        """Return the next batch and put it under way.

        Batches without callers are skipped, except the last: it is sent as a probe that can end an outage.
        """
        self.under_way = None
        while self.waiting:
            batch = self.waiting.popleft()
            if batch.callers or not self.waiting:
                batch.started_at = Clock.now()
                _LOADING.set(batch)
                self.under_way = batch
                return batch
        return None

    def share_failure(self, result: BatchResult, loader: BatchLoader) -> None:
        """Settle the waiting batches with the failure of the last one, if they would meet it too."""
        answer = loader.common_failure(result.answers)
        if answer is not None:
            self.settle_all(answer)

    def settle_all(self, answer: object) -> None:
        """Give every caller here the same answer."""
        if self.under_way is not None:
            self.under_way.settle_with(answer)
        while self.waiting:
            self.waiting.popleft().settle_with(answer)

    def seconds_in_flight(self) -> float:
        """Return how long the batch under way has been in flight; 0 if there is none."""
        under_way = self.under_way
        return 0.0 if under_way is None else Clock.now() - under_way.started_at

    def leave(self, batches: Iterable[Batch]) -> None:
        """Count a caller out of the batches that it joined."""
        for batch in batches:
            batch.callers -= 1

    @property
    def is_abandoned(self) -> bool:
        """Whether no batch here has a caller."""
        under_way = self.under_way
        return not (under_way and under_way.callers) and not any(batch.callers for batch in self.waiting)
