"""Batch loaders that send no request: they answer, fail or wait as a test wants."""

from __future__ import annotations

import asyncio
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING

from safe_ecs._lookup.batching import NEVER, BatchRequest, BatchResult

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from safe_ecs._lookup.loop_batches import LoopBatching
    from safe_ecs._lookup.thread_batches import ThreadBatching

PATIENCE = 6.0
"""Seconds: far longer than an answer takes, and the longest that a test waits for an answer that never comes."""


def soon() -> float:
    """Return a deadline that passes only if an answer never comes."""
    return monotonic() + PATIENCE


class StubLoader:
    """A loader of at most three ids a batch. Its answer for an id is the id in upper case.

    Attributes:
        asked: The ids of each batch, in the order of the batches.
        given: Each call of ``failure_for``: the error, the seconds waited, the seconds in flight.
        judged: The answers of each call of ``common_failure``.
        begun: Set when a batch begins.
        begun_async: Set when a batch begins in an event loop.
        reads: The number of requests that the answered batches needed, as ``load`` and ``load_async`` below add it up.
        do: Called within ``load``. Does nothing unless a test replaces it.
        do_async: Awaited within ``load_async``. Does nothing unless a test replaces it.
        on_joined: Called when the ids have joined batches.
    """

    most_ids = 3

    def __init__(self, key: str = "key", *, answer_for_all: str | None = None) -> None:
        self.key = key
        self.reads = 0
        self.asked: list[str] = []
        self.given: list[tuple[BaseException, float, float]] = []
        self.judged: list[dict[str, str]] = []
        self.begun = Event()
        self.begun_async = asyncio.Event()
        self.do: Callable[[], object] = lambda: None
        self.do_async: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)
        self.on_joined: Callable[[], object] = lambda: None
        self._answer_for_all = answer_for_all

    def load(self, ids: tuple[str, ...]) -> BatchResult:
        self._begin(ids)
        self.do()
        return BatchResult({each: each.upper() for each in ids}, 2)

    async def load_async(self, ids: tuple[str, ...]) -> BatchResult:
        self._begin(ids)
        self.begun_async.set()
        await self.do_async()
        return BatchResult({each: each.upper() for each in ids}, 2)

    def _begin(self, ids: tuple[str, ...]) -> None:
        self.asked.append("".join(ids))
        self.begun.set()

    def joined(self, ids: int) -> None:
        self.on_joined()

    def failure_for(self, error: BaseException, *, waited: float = 0.0, in_flight: float = 0.0) -> str:
        self.given.append((error, waited, in_flight))
        return type(error).__name__

    def common_failure(self, answers: dict[str, str]) -> str | None:
        self.judged.append(answers)
        return self._answer_for_all


def load(
    batches: ThreadBatching,
    loader: StubLoader,
    ids: tuple[str, ...],
    deadline: float,
    not_before: float = NEVER,
) -> dict[str, str]:
    """Return the answers for ids, and add their reads to those of the loader."""
    result = batches.load(BatchRequest(loader, ids, deadline, not_before))
    loader.reads += result.reads
    return result.answers


async def load_async(
    batches: LoopBatching,
    loader: StubLoader,
    ids: tuple[str, ...],
    deadline: float,
    not_before: float = NEVER,
) -> dict[str, str]:
    """Do the same in an event loop."""
    result = await batches.load(BatchRequest(loader, ids, deadline, not_before))
    loader.reads += result.reads
    return result.answers
