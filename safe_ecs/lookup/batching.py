"""Many callers, few reads: ids that are asked for while a read is under way leave together as the next one.

The first caller's read leaves at once, no timer delays anything, and a group that many ask for at the same time is
read once. Threads share their batches, and so do the tasks of one event loop (asyncio's; the SDK's async methods know
no other). The two worlds have only the cache in common, because a thread that waited for a task of its own loop would
wait for ever.

No batch runs in a caller's thread or task. A caller can therefore stop waiting, be interrupted or be cancelled
without harm to the others.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections import deque
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from threading import Lock, local
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeAlias, TypeVar

from safe_ecs.background import in_background, within

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

_Answer = TypeVar("_Answer")
_AnyFuture: TypeAlias = "_Result | asyncio.Future[Any]"

_NEVER: Final = -math.inf

# Whether this thread or task is asking ECS on behalf of a batch. What is asked from there, by somebody's credentials
# provider for one, cannot wait for that batch to end.
_IS_ASKING: Final[ContextVar[bool]] = ContextVar("safe_ecs_is_asking", default=False)


class Inquiry(Protocol[_Answer]):
    """A way to ask ECS for ids of one kind, on behalf of one asker."""

    @property
    def key(self) -> Hashable:
        """What it has in common with the inquiries that may be answered together with it."""
        ...

    @property
    def most_ids(self) -> int:
        """How many ids one batch may hold."""
        ...

    def ask(self, ids: tuple[str, ...]) -> dict[str, _Answer]:
        """Return an answer for each id."""
        ...

    async def ask_async(self, ids: tuple[str, ...]) -> dict[str, _Answer]:
        """Do what ``ask`` does, in an event loop."""
        ...

    def joined(self, ids: int) -> None:
        """Take note of how many of the caller's ids were being asked for already."""
        ...

    def given_up(self, error: BaseException) -> _Answer:
        """Return the answer for an id when there was none in time, or what asks has broken down."""
        ...

    def holds_for_all(self, answers: dict[str, _Answer]) -> _Answer | None:
        """Return the one answer, if there is one, that holds for whatever else would be asked now."""
        ...


class _Batch(Generic[_Answer]):
    """Ids that are asked for together."""

    __slots__ = ("callers", "future", "ids", "inquiry", "started_at")

    def __init__(self, inquiry: Inquiry[_Answer], future: _AnyFuture) -> None:
        self.inquiry = inquiry
        self.future: Any = future
        self.ids: dict[str, None] = {}
        self.callers = 0
        self.started_at = math.inf

    def settle(self, answers: dict[str, _Answer]) -> None:
        if not self.future.done():
            self.future.set_result(answers)

    def settle_with(self, answer: _Answer) -> None:
        self.settle(dict.fromkeys(self.ids, answer))


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


class _Line(Generic[_Answer]):
    """The batches for one key: the one under way and those behind it."""

    def __init__(self) -> None:
        self.under_way: _Batch[_Answer] | None = None
        self.waiting: deque[_Batch[_Answer]] = deque()
        self.runner: Any = None

    def join(
        self,
        inquiry: Inquiry[_Answer],
        ids: Iterable[str],
        not_before: float,
        new_future: Callable[[], _AnyFuture],
    ) -> dict[_Batch[_Answer], list[str]]:
        """Put ids into batches, those that hold them already or new ones, and return which is in which.

        Args:
            inquiry: How to ask.
            ids: For what.
            not_before: An answer to a question that was asked at this time or earlier will not do.
            new_future: Makes the future of a new batch.
        """
        joined: dict[_Batch[_Answer], list[str]] = {}
        new = 0
        for each in ids:
            batch = self._batch_with(each, not_before)
            if batch is None:
                if not self.waiting or len(self.waiting[-1].ids) >= inquiry.most_ids:
                    self.waiting.append(_Batch(inquiry, new_future()))
                batch = self.waiting[-1]
                batch.ids[each] = None
                new += 1
            joined.setdefault(batch, []).append(each)
        for batch in joined:
            batch.callers += 1
        inquiry.joined(sum(map(len, joined.values())) - new)
        return joined

    def _batch_with(self, each: str, not_before: float) -> _Batch[_Answer] | None:
        under_way = self.under_way
        if under_way is not None and each in under_way.ids and under_way.started_at > not_before:
            return under_way
        return next((batch for batch in self.waiting if each in batch.ids), None)

    @property
    def number_of_partial_batch(self) -> int:
        """How many ids the next batch holds; 0 if there is none, or it is full."""
        waiting = self.waiting
        if len(waiting) != 1 or len(waiting[0].ids) >= waiting[0].inquiry.most_ids:
            return 0
        return len(waiting[0].ids)

    def start_next(self) -> _Batch[_Answer] | None:
        """Return the next batch that somebody waits for, which is under way from now on."""
        self.under_way = None
        while self.waiting:
            batch = self.waiting.popleft()
            if batch.callers:
                batch.started_at = monotonic()
                self.under_way = batch
                return batch
        return None

    def spread(self, answers: dict[str, _Answer], inquiry: Inquiry[_Answer]) -> None:
        """Give those behind a failed batch the same answer, if theirs would be no other."""
        answer = inquiry.holds_for_all(answers)
        if answer is not None:
            self.settle_all(answer)

    def settle_all(self, answer: _Answer) -> None:
        """Give everybody here the same answer."""
        if self.under_way is not None:
            self.under_way.settle_with(answer)
        while self.waiting:
            self.waiting.popleft().settle_with(answer)

    def leave(self, batches: Iterable[_Batch[_Answer]]) -> None:
        """Stop waiting for batches that were joined."""
        for batch in batches:
            batch.callers -= 1

    @property
    def is_forsaken(self) -> bool:
        """Whether nobody waits for anything here."""
        under_way = self.under_way
        return not (under_way and under_way.callers) and not any(batch.callers for batch in self.waiting)


class ThreadBatching:
    """The batches of all threads of the process."""

    def __init__(self) -> None:
        self._thread = local()
        self._start_afresh()

    def _start_afresh(self) -> None:
        self._lock = Lock()
        self._lines: dict[Hashable, _Line[Any]] = {}

    def ask(
        self, inquiry: Inquiry[_Answer], ids: tuple[str, ...], deadline: float, not_before: float = _NEVER
    ) -> dict[str, _Answer]:
        """Return an answer for each id, waiting no longer than until the deadline.

        Args:
            inquiry: How to ask.
            ids: For what.
            deadline: Until when, on the clock ``time.monotonic``.
            not_before: An answer to a question that was asked at this time or earlier will not do.
        """
        if getattr(self._thread, "is_inside", False):
            # A signal handler interrupted this very thread in the section below, and must not wait for it.
            return inquiry.ask(ids)
        if _IS_ASKING.get():
            return _ask_alone(inquiry, ids, deadline)
        with self._alone():
            line = self._lines.setdefault(inquiry.key, _Line())
            joined = line.join(inquiry, ids, not_before, _Result)
            if line.runner is None or line.runner.done():
                line.runner = in_background(partial(self._run, inquiry.key, line))
        if line.runner is None:
            copy_context().run(self._run, inquiry.key, line)
        answers: dict[str, _Answer] = {}
        for batch, wanted in joined.items():
            try:
                found = batch.future.result(max(0.0, deadline - monotonic()))
            except TimeoutError as error:
                self._leave(line, batch)
                answers |= dict.fromkeys(wanted, inquiry.given_up(error))
            except BaseException:  # Somebody's interrupt.
                self._leave(line, batch)
                raise
            else:
                answers |= {each: found[each] for each in wanted}
        return answers

    def _leave(self, line: _Line[Any], batch: _Batch[Any]) -> None:
        with self._alone():
            line.leave((batch,))

    def _run(self, key: Hashable, line: _Line[Any]) -> None:
        _IS_ASKING.set(True)
        while True:
            with self._alone():
                batch = line.start_next()
                if batch is None:
                    if self._lines.get(key) is line:
                        del self._lines[key]
                    return
            ids = tuple(batch.ids)
            try:
                answers = batch.inquiry.ask(ids)
            except BaseException as error:  # noqa: BLE001 - whatever it was, those who wait must hear of it
                answers = dict.fromkeys(ids, batch.inquiry.given_up(error))
            batch.settle(answers)
            with self._alone():
                line.spread(answers, batch.inquiry)
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


def _ask_alone(inquiry: Inquiry[_Answer], ids: tuple[str, ...], deadline: float) -> dict[str, _Answer]:
    try:
        return within(deadline - monotonic(), partial(inquiry.ask, ids))
    except TimeoutError as error:
        return dict.fromkeys(ids, inquiry.given_up(error))


class LoopBatching:
    """The batches of the tasks of each event loop."""

    def __init__(self) -> None:
        self._start_afresh()

    def _start_afresh(self) -> None:
        self._lines: dict[asyncio.AbstractEventLoop, dict[Hashable, _Line[Any]]] = {}

    async def ask(
        self, inquiry: Inquiry[_Answer], ids: tuple[str, ...], deadline: float, not_before: float = _NEVER
    ) -> dict[str, _Answer]:
        """Do what ``ThreadBatching.ask`` does, for the running loop."""
        loop = asyncio.get_running_loop()
        # A line that runs while its own batch asks is one of its own.
        key = (inquiry.key, object()) if _IS_ASKING.get() else inquiry.key
        lines = self._of(loop)
        line = lines.setdefault(key, _Line())
        joined = line.join(inquiry, ids, not_before, loop.create_future)
        if line.runner is None or line.runner.done():
            line.runner = loop.create_task(self._run(loop, key, line), name="safe_ecs look-up")
        answers: dict[str, _Answer] = {}
        try:
            for batch, wanted in joined.items():
                await asyncio.wait((batch.future,), timeout=max(0.0, deadline - monotonic()))
                if batch.future.done():
                    found = batch.future.result()
                    answers |= {each: found[each] for each in wanted}
                else:
                    answers |= dict.fromkeys(wanted, inquiry.given_up(TimeoutError()))
        except BaseException:
            line.leave(joined)
            if line.is_forsaken and not loop.is_closed():
                # What nobody waits for any more would outlive its loop, which warns of it.
                self._end(loop, key, line)
                line.runner.cancel()
            raise
        line.leave(joined)
        return answers

    async def _run(self, loop: asyncio.AbstractEventLoop, key: Hashable, line: _Line[Any]) -> None:
        _IS_ASKING.set(True)
        try:
            while (batch := line.start_next()) is not None:
                ids = tuple(batch.ids)
                try:
                    answers = await batch.inquiry.ask_async(ids)
                except Exception as error:  # noqa: BLE001 - whatever it was, those who wait must hear of it
                    answers = dict.fromkeys(ids, batch.inquiry.given_up(error))
                except BaseException as error:
                    line.settle_all(batch.inquiry.given_up(error))
                    raise
                batch.settle(answers)
                line.spread(answers, batch.inquiry)
        finally:
            self._end(loop, key, line)

    def _of(self, loop: asyncio.AbstractEventLoop) -> dict[Hashable, _Line[Any]]:
        for other in list(self._lines):
            if other.is_closed():
                self._lines.pop(other, None)
        return self._lines.setdefault(loop, {})

    def _end(self, loop: asyncio.AbstractEventLoop, key: Hashable, line: _Line[Any]) -> None:
        lines = self._lines.get(loop, {})
        if lines.get(key) is line:
            del lines[key]
        if not lines:
            self._lines.pop(loop, None)


THREADS: Final = ThreadBatching()
LOOPS: Final = LoopBatching()


def _start_all_afresh() -> None:
    """In a forked child: the threads and tasks that were asking stayed in the parent."""
    THREADS._start_afresh()  # noqa: SLF001 - of this module
    LOOPS._start_afresh()  # noqa: SLF001 - of this module


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_start_all_afresh)
