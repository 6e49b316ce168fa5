"""The queries of one look-up are driven to their end, within its time, and accounted for: without any server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tenacity.wait import wait_random_exponential

from safe_ecs._lookup.queries.statuses import Query
from safe_ecs._lookup.sending.execute import Limits, ask, ask_async
from safe_ecs._lookup.sending.failures import failure_of, timed_out
from safe_ecs._lookup.sending.retries import RetryQuota
from tests.support.sdk_errors import answered

if TYPE_CHECKING:
    from collections.abc import Generator

    from safe_ecs._core.failure import Failure


DESCRIBE = "DescribeSecurityGroups"
FORMS = ("sync", "async")


@pytest.fixture
def quota(mocker: Any) -> RetryQuota:
    """One that nobody else pays from."""
    quota = RetryQuota()
    for module in ("retries", "execute"):
        mocker.patch(f"safe_ecs._lookup.sending.{module}.QUOTA", quota)
    return quota


@pytest.fixture
def pauses(mocker: Any) -> list[float]:
    """Between tries; nobody waits for them here."""
    noted: list[float] = []

    async def note(seconds: float) -> None:
        noted.append(seconds)

    mocker.patch("tenacity.nap.time.sleep", noted.append)
    mocker.patch("asyncio.sleep", note)
    return noted


class EcsThatFails:
    """A way to ECS that gives one answer after the other, raising those that are errors."""

    host = "127.0.0.1"

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.seconds: list[float] = []

    def describe(self, action: str, query: dict[str, str], seconds_left: float) -> object:
        self.asked.append((action, query))
        self.seconds.append(seconds_left)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def describe_async(self, action: str, query: dict[str, str], seconds_left: float) -> object:
        return self.describe(action, query, seconds_left)


class Book:
    """Keeps the account."""

    def __init__(self) -> None:
        self.tries: list[tuple[Query, int]] = []
        self.ends: list[tuple[Query, int, Failure | None]] = []
        self.seconds: list[float] = []

    def trying(self, query: Query, tries: int) -> None:
        self.tries.append((query, tries))

    def asked(self, query: Query, tries: int, seconds: float, failure: Failure | None) -> None:
        self.ends.append((query, tries, failure))
        self.seconds.append(seconds)


QUERY = Query(DESCRIBE, {"RegionId": "cn-hangzhou"}, 1)


ANOTHER = Query(DESCRIBE, {"RegionId": "cn-beijing"}, 1)


def two_queries() -> Generator[Query, object, tuple[object, object]]:
    first = yield QUERY
    second = yield ANOTHER
    return first, second


def one_query() -> Generator[Query, object, object]:
    return (yield QUERY)


def run(form: str, ecs: EcsThatFails, queries: Any, limits: Limits, book: Book) -> Any:
    connection: Any = ecs
    if form == "sync":
        return ask(connection, queries, limits, book)
    return asyncio.run(ask_async(connection, queries, limits, book))


DOWN = answered("ServiceUnavailable", 503)


@pytest.mark.parametrize("form", FORMS)
def test_each_query_is_tried_anew_and_accounted_for(
    form: str, quota: RetryQuota, pauses: list[float]
) -> None:
    """Tries are counted from 1 for each; the account hears of every one, and of the end once."""
    ecs, book = EcsThatFails(DOWN, DOWN, {"a": 1}, DOWN, {"b": 2}), Book()
    assert run(form, ecs, two_queries(), Limits(10, 4, "payer"), book) == ({"a": 1}, {"b": 2})
    assert ecs.asked == [(DESCRIBE, QUERY.parameters)] * 3 + [(DESCRIBE, ANOTHER.parameters)] * 2
    assert book.tries == [(QUERY, 1), (QUERY, 2), (QUERY, 3), (ANOTHER, 1), (ANOTHER, 2)]
    assert book.ends == [(QUERY, 3, None), (ANOTHER, 2, None)]
    assert all(0 <= seconds < 10 for seconds in book.seconds)
    assert all(0 < seconds <= 10 for seconds in ecs.seconds)
    assert ecs.seconds == sorted(ecs.seconds, reverse=True)
    assert len(pauses) == 3
    assert quota._spent == {"payer": 5}  # Three further tries, of which each success gave one back.


@pytest.mark.parametrize("form", FORMS)
def test_a_first_try_that_succeeds_gives_a_token_back(form: str, quota: RetryQuota) -> None:
    quota.take("payer")
    run(form, EcsThatFails({}), one_query(), Limits(10, 4, "payer"), Book())
    assert quota._spent == {"payer": 4}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("errors", "attempts", "tries"),
    [([DOWN] * 9, 3, 3), ([DOWN] * 9, 1, 1), ([DOWN, answered("Forbidden.RAM", 403)], 4, 2)],
    ids=["all attempts", "one attempt", "a lasting failure"],
)
def test_the_last_failure_is_the_answer(
    form: str, quota: RetryQuota, pauses: list[float], errors: list[Exception], attempts: int, tries: int
) -> None:
    ecs, book = EcsThatFails(*errors), Book()
    failure = run(form, ecs, one_query(), Limits(10, attempts, "payer"), book)
    assert failure == failure_of(errors[tries - 1], DESCRIBE)
    assert len(ecs.asked) == tries
    assert book.ends == [(QUERY, tries, failure)]
    assert len(pauses) == tries - 1


@pytest.mark.parametrize("form", FORMS)
def test_without_quota_there_is_one_try(form: str, quota: RetryQuota, pauses: list[float]) -> None:
    """And another payer's quota is another's."""
    while quota.take("payer"):
        pass
    ecs = EcsThatFails(*[DOWN] * 9)
    run(form, ecs, one_query(), Limits(10, 4, "payer"), Book())
    assert len(ecs.asked) == 1
    run(form, ecs, one_query(), Limits(10, 4, "another"), Book())
    assert len(ecs.asked) == 5


@pytest.mark.parametrize("form", FORMS)
def test_a_try_that_would_begin_too_late_is_not_made_and_costs_nothing(
    form: str, quota: RetryQuota, pauses: list[float], mocker: Any
) -> None:
    """A pause that ends after lookup_timeout is no pause, but the end."""
    mocker.patch.object(wait_random_exponential, "__call__", return_value=9.5)
    ecs, book = EcsThatFails(*[DOWN] * 9), Book()
    failure = run(form, ecs, one_query(), Limits(9, 4, "payer"), book)
    assert failure == failure_of(DOWN, DESCRIBE)
    assert len(ecs.asked) == 1
    assert quota._spent == {}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("left", "is_time_out"), [(0.005, True), (0.5, False)])
def test_what_fails_when_the_time_is_up_is_a_time_out(
    form: str, quota: RetryQuota, mocker: Any, left: float, is_time_out: Any
) -> None:
    """The SDK's own error for it says less."""
    clock = mocker.patch("safe_ecs._lookup.sending.execute.monotonic", return_value=1000.0)
    error, book = answered("Forbidden.RAM", 403), Book()

    class Slow(EcsThatFails):
        def describe(self, action: str, query: dict[str, str], seconds_left: float) -> object:
            clock.return_value += 5 - left
            return super().describe(action, query, seconds_left)

    failure = run(form, Slow(error), one_query(), Limits(5, 1, "payer"), book)
    expected = timed_out(DESCRIBE, 5, error) if is_time_out else failure_of(error, DESCRIBE)
    assert failure == expected
    assert book.ends == [(QUERY, 1, expected)]
    assert book.seconds == [pytest.approx(5 - left)]


@pytest.mark.parametrize("form", FORMS)
def test_when_the_time_is_up_nothing_more_is_sent(form: str, quota: RetryQuota, mocker: Any) -> None:
    """A second query begins in the time that the first has left, and not at all if that is none."""
    clock = mocker.patch("safe_ecs._lookup.sending.execute.monotonic", return_value=1000.0)

    class Slow(EcsThatFails):
        def describe(self, action: str, query: dict[str, str], seconds_left: float) -> object:
            answer = super().describe(action, query, seconds_left)
            clock.return_value += 3
            return answer

    ecs, book = Slow({"a": 1}, {"b": 2}), Book()
    assert run(form, ecs, two_queries(), Limits(5, 1, "payer"), book) == ({"a": 1}, {"b": 2})
    assert ecs.seconds == [5, 2]
    ecs, book = Slow({"a": 1}, {"b": 2}), Book()
    run(form, ecs, two_queries(), Limits(3.5, 1, "payer"), book)
    assert ecs.seconds == [3.5, 0.5]
    ecs, book = Slow({"a": 1}, {"b": 2}), Book()
    first, second = run(form, ecs, two_queries(), Limits(3, 1, "payer"), book)
    assert first == {"a": 1}
    assert second == timed_out(DESCRIBE, 3, second.cause)
    assert isinstance(second.cause, TimeoutError)
    assert len(ecs.asked) == 1


def test_a_task_waits_no_longer_than_lookup_timeout(quota: RetryQuota) -> None:
    """Whatever the SDK makes of the time-outs it is given; threads have no such end, and are left behind."""

    class Silent(EcsThatFails):
        async def describe_async(self, action: str, query: dict[str, str], seconds_left: float) -> object:
            await asyncio.sleep(2)
            return {}

    book = Book()
    failure = run("async", Silent(), one_query(), Limits(0.05, 1, "payer"), book)
    assert failure == timed_out(DESCRIBE, 0.05, failure.cause)
    assert isinstance(failure.cause, TimeoutError)
    assert book.ends == [(QUERY, 1, failure)]
