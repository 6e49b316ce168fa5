"""Which ids leave together, and whose answer is whose: the book-keeping of batches, without threads or loops."""

from __future__ import annotations

import math
from contextvars import Context
from typing import TYPE_CHECKING, Any

import pytest

from safe_ecs._lookup.batching import _ASKING, NEVER, Batch, BatchQueue, is_asking

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def nobody_asks() -> Iterator[None]:
    """What starts a batch says so in its context, which here is that of all tests."""
    token = _ASKING.set(None)
    yield
    _ASKING.reset(token)


class Future:
    """As much of a future as a batch needs."""

    def __init__(self) -> None:
        self.results: list[Any] = []

    def done(self) -> bool:
        return bool(self.results)

    def set_result(self, result: Any, /) -> None:
        self.results.append(result)


class StubLoader:
    """A loader of three ids at most that asks nobody."""

    key = "key"
    most_ids = 3
    reads = 0

    def __init__(self, answer_for_all: str | None = None) -> None:
        self.sent = 0
        self.noted: list[int] = []
        self.judged: list[dict[str, str]] = []
        self.answer_for_all = answer_for_all

    def ask(self, ids: tuple[str, ...]) -> dict[str, str]:
        raise NotImplementedError

    async def ask_async(self, ids: tuple[str, ...]) -> dict[str, str]:
        raise NotImplementedError

    def joined(self, ids: int) -> None:
        self.noted.append(ids)

    def failure_for(self, error: BaseException, *, waited: float = 0.0, in_flight: float = 0.0) -> str:
        raise NotImplementedError

    def common_failure(self, answers: dict[str, str]) -> str | None:
        self.judged.append(answers)
        return self.answer_for_all


def join(line: BatchQueue[str], ids: str, loader: StubLoader | None = None, not_before: float = NEVER) -> Any:
    """Join, and return the batches with their ids as texts."""
    joined = line.join(loader or StubLoader(), ids, not_before, Future)
    return [(batch, "".join(each)) for batch, each in joined.items()]


@pytest.fixture
def clock(mocker: Any) -> Any:
    return mocker.patch("safe_ecs._lookup.batching.monotonic", return_value=1000.0)


def test_ids_fill_one_batch_after_the_other() -> None:
    """None holds more than it may, and an id that waits already waits once."""
    line, loader = BatchQueue[str](), StubLoader()
    [(first, of_first), (second, of_second)] = join(line, "abcd", loader)
    assert (of_first, of_second) == ("abc", "d")
    assert ["".join(batch.ids) for batch in line.waiting] == ["abc", "d"]
    assert first.loader is loader
    assert join(line, "bde", loader) == [(first, "b"), (second, "de")]
    assert ["".join(batch.ids) for batch in line.waiting] == ["abc", "de"]
    assert (first.callers, second.callers) == (2, 2)
    assert loader.noted == [0, 2]
    assert join(line, "") == []


def test_what_is_under_way_is_joined_unless_it_was_asked_too_early(clock: Any) -> None:
    """As after forgetting: an answer to an older question will not do."""
    line = BatchQueue[str]()
    [(first, _)] = join(line, "ab")
    assert [line.start_next()] == [first]
    assert (first.started_at, line.under_way, list(line.waiting)) == (1000.0, first, [])
    assert join(line, "a") == [(first, "a")]
    assert join(line, "a", not_before=999.9) == [(first, "a")]
    [(second, of_second)] = join(line, "a", not_before=1000.0)
    assert second is not first
    assert of_second == "a"
    assert join(line, "bc") == [(first, "b"), (second, "c")]


def test_batches_leave_in_the_order_of_their_making() -> None:
    line = BatchQueue[str]()
    batches = [batch for batch, _ in join(line, "abcdefg")]
    assert [line.start_next() for _ in range(4)] == [*batches, None]
    assert line.under_way is None


def test_what_nobody_waits_for_is_left_out_but_for_the_last() -> None:
    """Whose answer shows when an outage is over."""
    line = BatchQueue[str]()
    [(first, _), (second, _), (third, _)] = join(line, "abcdefg")
    line.leave((first, third))
    assert not line.is_abandoned
    assert [line.start_next()] == [second]
    line.leave([second])
    assert line.is_abandoned
    assert line.start_next() is third
    assert line.is_abandoned
    assert line.start_next() is None


def test_a_line_is_forsaken_when_nobody_waits() -> None:
    line = BatchQueue[str]()
    assert line.is_abandoned
    [(first, _)] = join(line, "a")
    assert not line.is_abandoned
    line.start_next()
    assert not line.is_abandoned
    [(second, _)] = join(line, "b")
    line.leave([first])
    assert not line.is_abandoned
    line.leave([second])
    assert line.is_abandoned


def test_a_batch_that_could_take_more_is_partial() -> None:
    """Only the next one counts: what stands behind another has time anyway."""
    line = BatchQueue[str]()
    numbers = []
    for each in "abcd":
        numbers.append(line.number_of_partial_batch)
        join(line, each)
    numbers.append(line.number_of_partial_batch)
    assert numbers == [0, 1, 2, 0, 0]


def test_a_batch_is_settled_once() -> None:
    """Whoever comes second changes nothing."""
    line = BatchQueue[str]()
    [(batch, _)] = join(line, "ab")
    batch.settle_with("x")
    batch.settle({"a": "y", "b": "y"})
    assert batch.future.results == [{"a": "x", "b": "x"}]


def test_what_is_sent_from_the_start_to_the_end_of_a_batch_is_sent_for_it() -> None:
    loader = StubLoader()
    loader.sent = 5
    batch = Batch[str](loader, Future())
    assert (batch.reads, batch.started_at, batch.callers, batch.ids) == (0, math.inf, 0, {})
    batch.start()
    loader.sent = 7
    assert batch.reads == 2
    batch.settle({})
    loader.sent = 9
    assert batch.reads == 2


def test_an_answer_for_all_is_spread_to_all(clock: Any) -> None:
    line = BatchQueue[str]()
    [(first, _), (second, _), (third, _)] = join(line, "abcdefg")
    line.start_next()
    line.spread({"a": "x"}, StubLoader())
    assert len(line.waiting) == 2
    assert not first.future.done()
    loader = StubLoader("y")
    line.spread({"a": "x"}, loader)
    assert loader.judged == [{"a": "x"}]
    assert first.future.results == [dict.fromkeys("abc", "y")]
    assert second.future.results == [dict.fromkeys("def", "y")]
    assert third.future.results == [{"g": "y"}]
    assert not line.waiting
    BatchQueue[str]().settle_all("y")


def test_ecs_owes_an_answer_from_the_start_of_a_batch(clock: Any) -> None:
    line = BatchQueue[str]()
    assert line.seconds_in_flight() == 0
    join(line, "a")
    assert line.seconds_in_flight() == 0
    line.start_next()
    clock.return_value += 2.5
    assert line.seconds_in_flight() == 2.5


def test_who_asks_for_a_batch_is_asking_until_it_has_its_answer() -> None:
    """A task that was started meanwhile may ask like any other afterwards."""
    assert not Context().run(is_asking)
    token = _ASKING.set(None)
    try:
        assert not is_asking()
        line = BatchQueue[str]()
        join(line, "a")
        batch = line.start_next()
        assert batch is not None
        assert is_asking()
        batch.settle_with("x")
        assert not is_asking()
    finally:
        _ASKING.reset(token)


def test_nobody_runs_a_new_line() -> None:
    line = BatchQueue[str]()
    assert (line.runner, line.under_way, list(line.waiting)) == (None, None, [])
    assert NEVER < 0
    assert math.isinf(NEVER)
