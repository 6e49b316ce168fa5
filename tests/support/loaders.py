"""Batch loaders that send no request: they answer, fail or wait as a test wants."""

from __future__ import annotations

from threading import Event
from time import monotonic
from typing import TYPE_CHECKING

from safe_ecs._lookup.batching import NEVER, BatchRequest, BatchResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from safe_ecs._lookup.engine import BatchEngine

PATIENCE = 20.0
"""Seconds: far longer than an answer takes, and the longest that a test waits for an answer that never comes."""


def soon() -> float:
    """Return a deadline that passes only if an answer never comes."""
    return monotonic() + PATIENCE


class StubLoader:
    """A loader of at most three ids a request. Its answer for an id is the id in upper case.

    Attributes:
        asked: The ids of each batch, in the order of the batches.
        deadlines: The deadline of each batch.
        given: Each call of ``failure_for``: the error, the seconds waited, the seconds in flight.
        joined_ids: Each number of ids that were joined.
        begun: Set when a batch begins.
        reads: The number of requests that the answered batches needed, as ``load`` and ``load_async`` below add it up.
        do: Called within ``load``. Does nothing unless a test replaces it.
        own: The answers that are for the leader alone.
        answer_for_all: The answer that every other id would get as well; None for none.
    """

    most_ids = 3
    most_seconds = 2 * PATIENCE

    def __init__(self, key: str = "key", *, answer_for_all: str | None = None) -> None:
        self.key = key
        self.reads = 0
        self.asked: list[str] = []
        self.deadlines: list[float] = []
        self.given: list[tuple[BaseException, float, float]] = []
        self.joined_ids: list[int] = []
        self.begun = Event()
        self.do: Callable[[], object] = lambda: None
        self.own: tuple[str, ...] = ()
        self.answer_for_all = answer_for_all

    def load(self, ids: tuple[str, ...], deadline: float) -> BatchResult:
        self.asked.append("".join(ids))
        self.deadlines.append(deadline)
        self.begun.set()
        self.do()
        return BatchResult({each: each.upper() for each in ids}, 2)

    def joined(self, ids: int) -> None:
        self.joined_ids.append(ids)

    def failure_for(self, error: BaseException, *, waited: float = 0.0, in_flight: float = 0.0) -> str:
        self.given.append((error, waited, in_flight))
        return type(error).__name__

    def is_shared(self, answer: object) -> bool:
        return answer not in self.own

    def common_failure(self, answers: dict[str, str]) -> str | None:
        return self.answer_for_all


def load(
    engine: BatchEngine,
    loader: StubLoader,
    ids: tuple[str, ...],
    deadline: float,
    not_before: float = NEVER,
) -> dict[str, str]:
    """Return the answers for ids, and add their reads to those of the loader."""
    result = engine.load(BatchRequest(loader, ids, deadline, not_before))
    loader.reads += result.reads
    return result.answers


async def load_async(
    engine: BatchEngine,
    loader: StubLoader,
    ids: tuple[str, ...],
    deadline: float,
    not_before: float = NEVER,
) -> dict[str, str]:
    """Do the same in an event loop."""
    result = await engine.load_async(BatchRequest(loader, ids, deadline, not_before))
    loader.reads += result.reads
    return result.answers
