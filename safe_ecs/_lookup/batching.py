"""Many callers, few reads: ids that are asked for while a read is under way leave together as the next one.

The first caller's read leaves at once, no timer delays anything, and a group that many ask for at the same time is
read once. Threads share their batches, and so do the tasks of one event loop (asyncio's; the SDK's async methods know
no other). The two worlds have only the cache in common, because a thread that waited for a task of its own loop would
wait for ever.

No batch runs in a caller's thread or task. A caller can therefore stop waiting, be interrupted or be cancelled
without harm to the others.
"""

from __future__ import annotations

import math
from collections import deque
from contextvars import ContextVar
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

_Answer = TypeVar("_Answer")

NEVER: Final = -math.inf
"""A time before all others."""

_ASKING: Final[ContextVar[Batch[Any] | None]] = ContextVar("safe_ecs_asking", default=None)


def is_asking() -> bool:
    """Return whether this thread or task is asking ECS on behalf of a batch.

    What is asked from there, by somebody's credentials provider for one, cannot wait for that batch to end. A task
    that was started from there and outlives the batch can.
    """
    batch = _ASKING.get()
    return batch is not None and not batch.future.done()


class BatchLoader(Protocol[_Answer]):
    """A way to ask ECS for ids of one kind, on behalf of one principal."""

    @property
    def key(self) -> Hashable:
        """What it has in common with the inquiries that may be answered together with it."""
        ...

    @property
    def most_ids(self) -> int:
        """How many ids one batch may hold."""
        ...

    @property
    def sent(self) -> int:
        """How many requests it has sent."""
        ...

    reads: int
    """How many were sent, by it or another, for what was asked of it."""

    def ask(self, ids: tuple[str, ...]) -> dict[str, _Answer]:
        """Return an answer for each id."""
        ...

    async def ask_async(self, ids: tuple[str, ...]) -> dict[str, _Answer]:
        """Do what ``ask`` does, in an event loop."""
        ...

    def joined(self, ids: int) -> None:
        """Take note of how many of the caller's ids were being asked for already."""
        ...

    def failure_for(self, error: BaseException, *, waited: float = 0.0, in_flight: float = 0.0) -> _Answer:
        """Return the answer for an id when there was none in time, or what asks has broken down.

        Args:
            error: Why.
            waited: For how many seconds it was waited for.
            in_flight: For how many seconds the batch has been in flight.
        """
        ...

    def common_failure(self, answers: dict[str, _Answer]) -> _Answer | None:
        """Return the one answer, if there is one, that holds for whatever else would be asked now."""
        ...


class Pending(Protocol):
    """What callers wait for: the part of a future that a batch needs."""

    def done(self) -> bool:
        """Return whether the result is set."""
        ...

    def set_result(self, result: Any, /) -> None:  # noqa: ANN401 - as of a future
        """Set it."""
        ...


class Batch(Generic[_Answer]):
    """Ids that are asked for together."""

    __slots__ = ("_sent_before", "_sent_in_all", "callers", "future", "ids", "loader", "started_at")

    def __init__(self, loader: BatchLoader[_Answer], future: Pending) -> None:
        self.loader = loader
        self.future: Any = future
        self.ids: dict[str, None] = {}
        self.callers = 0
        self.started_at = math.inf
        self._sent_before = 0
        self._sent_in_all: int | None = None

    def start(self) -> None:
        """Note that it is under way: from now on, what its loader sends is sent for it."""
        self.started_at = monotonic()
        self._sent_before = self.loader.sent

    @property
    def reads(self) -> int:
        """How many requests have been sent for it."""
        if self.started_at == math.inf:
            return 0
        sent = self.loader.sent if self._sent_in_all is None else self._sent_in_all
        return sent - self._sent_before

    def settle(self, answers: dict[str, _Answer]) -> None:
        """Give everybody who waits their answers."""
        if not self.future.done():
            self._sent_in_all = self.loader.sent
            self.future.set_result(answers)

    def settle_with(self, answer: _Answer) -> None:
        """Give everybody who waits the same answer."""
        self.settle(dict.fromkeys(self.ids, answer))


class BatchQueue(Generic[_Answer]):
    """The batches for one key: the one under way and those behind it."""

    def __init__(self) -> None:
        self.under_way: Batch[_Answer] | None = None
        self.waiting: deque[Batch[_Answer]] = deque()
        self.runner: Any = None

    def join(
        self,
        loader: BatchLoader[_Answer],
        ids: Iterable[str],
        not_before: float,
        new_future: Callable[[], Pending],
    ) -> dict[Batch[_Answer], list[str]]:
        """Put ids into batches, those that hold them already or new ones, and return which is in which.

        Args:
            loader: How to ask.
            ids: For what.
            not_before: An answer to a question that was asked at this time or earlier will not do.
            new_future: Makes the future of a new batch.
        """
        joined: dict[Batch[_Answer], list[str]] = {}
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

    def _batch_with(self, each: str, not_before: float) -> Batch[_Answer] | None:
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

    def start_next(self) -> Batch[_Answer] | None:
        """Return the next batch, which is under way from now on.

        What nobody waits for any more is left out, but for the last: its answer shows when an outage is over.
        """
        self.under_way = None
        while self.waiting:
            batch = self.waiting.popleft()
            if batch.callers or not self.waiting:
                batch.start()
                _ASKING.set(batch)
                self.under_way = batch
                return batch
        return None

    def spread(self, answers: dict[str, _Answer], loader: BatchLoader[_Answer]) -> None:
        """Give those behind a failed batch the same answer, if theirs would be no other."""
        answer = loader.common_failure(answers)
        if answer is not None:
            self.settle_all(answer)

    def settle_all(self, answer: _Answer) -> None:
        """Give everybody here the same answer."""
        if self.under_way is not None:
            self.under_way.settle_with(answer)
        while self.waiting:
            self.waiting.popleft().settle_with(answer)

    def seconds_in_flight(self) -> float:
        """Return for how long the read has been in flight to what is under way."""
        under_way = self.under_way
        return 0.0 if under_way is None else monotonic() - under_way.started_at

    def leave(self, batches: Iterable[Batch[_Answer]]) -> None:
        """Stop waiting for batches that were joined."""
        for batch in batches:
            batch.callers -= 1

    @property
    def is_abandoned(self) -> bool:
        """Whether nobody waits for anything here."""
        under_way = self.under_way
        return not (under_way and under_way.callers) and not any(batch.callers for batch in self.waiting)
