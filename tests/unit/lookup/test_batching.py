"""The queue puts ids into batches and gives each caller its answers. No threads or loops take part."""

from __future__ import annotations

import math
from contextvars import Context
from typing import TYPE_CHECKING, Any

import pytest

from safe_ecs._clock import Clock
from safe_ecs._lookup.batching import (
    _LOADING,
    NEVER,
    Batch,
    BatchQueue,
    BatchRequest,
    BatchResult,
    is_loading,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def nobody_asks() -> Iterator[None]:
    """Reset the context: starting a batch marks it as asking, and all tests share one context."""
    token = _LOADING.set(None)
    yield
    _LOADING.reset(token)


class Future:
    """The part of a future that a batch needs."""

    def __init__(self) -> None:
        self.results: list[Any] = []

    def done(self) -> bool:
        return bool(self.results)

    def set_result(self, result: Any, /) -> None:
        self.results.append(result)


class StubLoader:
    """A loader of at most three ids a batch that sends nothing."""

    key = "key"
    most_ids = 3

    def __init__(self, answer_for_all: str | None = None) -> None:
        self.noted: list[int] = []
        self.judged: list[dict[str, str]] = []
        self.answer_for_all = answer_for_all

    def load(self, ids: tuple[str, ...]) -> BatchResult:
        raise NotImplementedError

    async def load_async(self, ids: tuple[str, ...]) -> BatchResult:
        raise NotImplementedError

    def joined(self, ids: int) -> None:
        self.noted.append(ids)

    def failure_for(self, error: BaseException, *, waited: float = 0.0, in_flight: float = 0.0) -> str:
        raise NotImplementedError

    def common_failure(self, answers: dict[str, str]) -> str | None:
        self.judged.append(answers)
        return self.answer_for_all


def join(queue: BatchQueue, ids: str, loader: StubLoader | None = None, not_before: float = NEVER) -> Any:
    """Join, and return the batches with their ids as texts."""
    joined = queue.join(BatchRequest(loader or StubLoader(), tuple(ids), math.inf, not_before), Future)
    return [(batch, "".join(each)) for batch, each in joined.items()]


@pytest.fixture
def clock(mocker: Any) -> Any:
    return mocker.patch.object(Clock, "now", return_value=1000.0)


def test_ids_fill_one_batch_after_the_other() -> None:
    """A batch holds at most ``most_ids``, and an id waits in one batch only."""
    queue, loader = BatchQueue(), StubLoader()
    [(first, of_first), (second, of_second)] = join(queue, "abcd", loader)
    assert (of_first, of_second) == ("abc", "d")
    assert ["".join(batch.ids) for batch in queue.waiting] == ["abc", "d"]
    assert first.loader is loader
    assert join(queue, "bde", loader) == [(first, "b"), (second, "de")]
    assert ["".join(batch.ids) for batch in queue.waiting] == ["abc", "de"]
    assert (first.callers, second.callers) == (2, 2)
    assert loader.noted == [0, 2]
    assert join(queue, "") == []


def test_what_is_under_way_is_joined_unless_it_was_asked_too_early(clock: Any) -> None:
    """An answer asked for before a ``forget`` is too old for a later caller."""
    queue = BatchQueue()
    [(first, _)] = join(queue, "ab")
    assert [queue.start_next()] == [first]
    assert (first.started_at, queue.under_way, list(queue.waiting)) == (1000.0, first, [])
    assert join(queue, "a") == [(first, "a")]
    assert join(queue, "a", not_before=999.9) == [(first, "a")]
    [(second, of_second)] = join(queue, "a", not_before=1000.0)
    assert second is not first
    assert of_second == "a"
    assert join(queue, "bc") == [(first, "b"), (second, "c")]


def test_batches_leave_in_the_order_of_their_making() -> None:
    queue = BatchQueue()
    batches = [batch for batch, _ in join(queue, "abcdefg")]
    assert [queue.start_next() for _ in range(4)] == [*batches, None]
    assert queue.under_way is None


def test_batches_without_callers_are_skipped_except_the_last() -> None:
    """The last batch is sent as a probe that can end an outage."""
    queue = BatchQueue()
    [(first, _), (second, _), (third, _)] = join(queue, "abcdefg")
    queue.leave((first, third))
    assert not queue.is_abandoned
    assert [queue.start_next()] == [second]
    queue.leave([second])
    assert queue.is_abandoned
    assert queue.start_next() is third
    assert queue.is_abandoned
    assert queue.start_next() is None


def test_a_queue_without_callers_is_abandoned() -> None:
    queue = BatchQueue()
    assert queue.is_abandoned
    [(first, _)] = join(queue, "a")
    assert not queue.is_abandoned
    queue.start_next()
    assert not queue.is_abandoned
    [(second, _)] = join(queue, "b")
    queue.leave([first])
    assert not queue.is_abandoned
    queue.leave([second])
    assert queue.is_abandoned


def test_a_batch_that_could_take_more_is_partial() -> None:
    """Only the next batch counts, as later ones have time to fill."""
    queue = BatchQueue()
    numbers = []
    for each in "abcd":
        numbers.append(queue.number_of_partial_batch)
        join(queue, each)
    numbers.append(queue.number_of_partial_batch)
    assert numbers == [0, 1, 2, 0, 0]


def test_a_batch_is_settled_once() -> None:
    """The first answer stays."""
    queue = BatchQueue()
    [(batch, _)] = join(queue, "ab")
    batch.settle_with("x")
    batch.settle(BatchResult({"a": "y", "b": "y"}))
    assert batch.future.results == [BatchResult({"a": "x", "b": "x"}, 0)]


def test_a_new_batch_is_empty_and_has_not_started() -> None:
    batch = Batch(StubLoader(), Future())
    assert (batch.started_at, batch.callers, batch.ids) == (math.inf, 0, {})


def test_an_answer_for_all_is_spread_to_all(clock: Any) -> None:
    queue = BatchQueue()
    [(first, _), (second, _), (third, _)] = join(queue, "abcdefg")
    queue.start_next()
    queue.share_failure(BatchResult({"a": "x"}), StubLoader())
    assert len(queue.waiting) == 2
    assert not first.future.done()
    loader = StubLoader("y")
    queue.share_failure(BatchResult({"a": "x"}), loader)
    assert loader.judged == [{"a": "x"}]
    assert first.future.results == [BatchResult(dict.fromkeys("abc", "y"))]
    assert second.future.results == [BatchResult(dict.fromkeys("def", "y"))]
    assert third.future.results == [BatchResult({"g": "y"})]
    assert not queue.waiting
    BatchQueue().settle_all("y")


def test_ecs_owes_an_answer_from_the_start_of_a_batch(clock: Any) -> None:
    queue = BatchQueue()
    assert queue.seconds_in_flight() == 0
    join(queue, "a")
    assert queue.seconds_in_flight() == 0
    queue.start_next()
    clock.return_value += 2.5
    assert queue.seconds_in_flight() == 2.5


def test_who_asks_for_a_batch_is_loading_until_it_has_its_answer() -> None:
    """A task that was started meanwhile may ask like any other afterwards."""
    assert not Context().run(is_loading)
    token = _LOADING.set(None)
    try:
        assert not is_loading()
        queue = BatchQueue()
        join(queue, "a")
        batch = queue.start_next()
        assert batch is not None
        assert is_loading()
        batch.settle_with("x")
        assert not is_loading()
    finally:
        _LOADING.reset(token)


def test_a_new_queue_has_no_runner() -> None:
    queue = BatchQueue()
    assert (queue.runner, queue.under_way, list(queue.waiting)) == (None, None, [])
    assert NEVER < 0
    assert math.isinf(NEVER)
