"""``execute`` runs the queries of one look-up to the end, within its time, and accounts for them. No server takes part."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from tenacity.wait import wait_random_exponential

from safe_ecs import GuardPolicy, StatusCache
from safe_ecs._core.drivers import drive
from safe_ecs._core.review import Read
from safe_ecs._lookup.context import LookupContext, Resources
from safe_ecs._lookup.queries.statuses import Query
from safe_ecs._lookup.sending.breaker import RetryQuota
from safe_ecs._lookup.sending.classify import failure_of, timed_out
from safe_ecs._lookup.sending.execute import Sender
from safe_ecs._system.clock import Clock
from safe_ecs.cache._failures import FailureScope
from tests.support.quotas import take
from tests.support.sdk_errors import answered

if TYPE_CHECKING:
    from collections.abc import Generator

    from safe_ecs._core.failure import Failure


DESCRIBE = "DescribeSecurityGroups"
PAYER = ("127.0.0.1", "payer")


@pytest.fixture
def quota(mocker: Any) -> RetryQuota:
    """A quota of this test's own."""
    quota = RetryQuota()
    for module in ("breaker", "retries", "execute"):
        mocker.patch(f"safe_ecs._lookup.sending.{module}.QUOTA", quota)
    return quota


@pytest.fixture
def pauses(mocker: Any) -> list[float]:
    """The pauses between tries. Nobody waits for them."""
    noted: list[float] = []

    mocker.patch("tenacity.nap.time.sleep", noted.append)
    return noted


class EcsThatFails:
    """Stands for a connection to ECS: it returns or raises one answer after the other."""

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


class Book:
    """An account that keeps every entry."""

    def __init__(self) -> None:
        self.counted: list[dict[str, int]] = []
        self.ends: list[tuple[str, int, int, Failure | None]] = []
        self.seconds: list[float] = []

    def count(self, **more: int) -> None:
        self.counted.append(more)

    def looked_up(
        self, at: object, action: str, groups: int, tries: int, seconds: float, failure: Failure | None
    ) -> None:
        assert at is READ
        self.ends.append((action, groups, tries, failure))
        self.seconds.append(seconds)


READ = Read("127.0.0.1", "cn-hangzhou", ("sg-1",))
QUERY = Query(DESCRIBE, {"RegionId": "cn-hangzhou"}, 1)


ANOTHER = Query(DESCRIBE, {"RegionId": "cn-beijing"}, 2)


def two_queries() -> Generator[Query, object, tuple[object, object]]:
    first = yield QUERY
    second = yield ANOTHER
    return first, second


def one_query() -> Generator[Query, object, object]:
    return (yield QUERY)


def run(
    ecs: Any,
    steps: Any,
    book: Any,
    seconds: float = 10,
    attempts: int = 4,
    payer: str = "payer",
    deadline: float = math.inf,
) -> Any:
    policy = GuardPolicy(lookup_timeout=seconds, lookup_attempts=attempts)
    resources = Resources(StatusCache(), policy, book, book)
    principal: Any = payer
    sender = Sender(LookupContext(READ, ecs, FailureScope(principal, None), resources), deadline)
    result = drive(steps, sender.execute)
    assert sender.sent == len(book.counted)
    return result


DOWN = answered("ServiceUnavailable", 503)


def test_each_query_is_tried_anew_and_accounted_for(quota: RetryQuota, pauses: list[float]) -> None:
    """Each query counts its tries from 1. The account gets every try, and one end for each query."""
    ecs, book = EcsThatFails(DOWN, DOWN, {"a": 1}, DOWN, {"b": 2}), Book()
    assert run(ecs, two_queries(), book, 10, 4) == ({"a": 1}, {"b": 2})
    assert ecs.asked == [(DESCRIBE, QUERY.parameters)] * 3 + [(DESCRIBE, ANOTHER.parameters)] * 2
    assert book.counted == [
        {"lookups": 1, "retries": retries, "groups_asked": groups}
        for retries, groups in ((0, 1), (1, 1), (1, 1), (0, 2), (1, 2))
    ]
    assert book.ends == [(DESCRIBE, 1, 3, None), (DESCRIBE, 2, 2, None)]
    assert all(0 <= seconds < 10 for seconds in book.seconds)
    assert all(0 < seconds <= 10 for seconds in ecs.seconds)
    assert ecs.seconds == sorted(ecs.seconds, reverse=True)
    assert len(pauses) == 3
    assert quota._spent == {PAYER: 5}  # Three more tries cost 15, two successes gave 10 back.


def test_a_first_try_that_succeeds_gives_a_token_back(quota: RetryQuota) -> None:
    take(quota, PAYER)
    run(EcsThatFails({}), one_query(), Book(), 10, 4)
    assert quota._spent == {PAYER: 4}


@pytest.mark.parametrize(
    ("errors", "attempts", "tries"),
    [([DOWN] * 9, 3, 3), ([DOWN] * 9, 1, 1), ([DOWN, answered("Forbidden.RAM", 403)], 4, 2)],
    ids=["all attempts", "one attempt", "a lasting failure"],
)
def test_the_last_failure_is_the_answer(
    quota: RetryQuota, pauses: list[float], errors: list[Exception], attempts: int, tries: int
) -> None:
    ecs, book = EcsThatFails(*errors), Book()
    failure = run(ecs, one_query(), book, 10, attempts)
    assert failure == failure_of(errors[tries - 1], DESCRIBE)
    assert len(ecs.asked) == tries
    assert book.ends == [(DESCRIBE, 1, tries, failure)]
    assert len(pauses) == tries - 1


def test_without_quota_there_is_one_try(quota: RetryQuota, pauses: list[float]) -> None:
    """Another payer has its own quota."""
    while take(quota, PAYER):
        pass
    ecs = EcsThatFails(*[DOWN] * 9)
    run(ecs, one_query(), Book(), 10, 4)
    assert len(ecs.asked) == 1
    run(ecs, one_query(), Book(), payer="another")
    assert len(ecs.asked) == 5


def test_a_try_that_would_begin_too_late_is_not_made_and_costs_nothing(
    quota: RetryQuota, pauses: list[float], mocker: Any
) -> None:
    """A pause beyond lookup_timeout ends the look-up."""
    mocker.patch.object(wait_random_exponential, "__call__", return_value=9.5)
    ecs, book = EcsThatFails(*[DOWN] * 9), Book()
    failure = run(ecs, one_query(), book, 9, 4)
    assert failure == failure_of(DOWN, DESCRIBE)
    assert len(ecs.asked) == 1
    assert quota._spent == {}


@pytest.mark.parametrize(("left", "is_time_out"), [(0.005, True), (0.5, False)])
def test_what_fails_when_the_time_is_up_is_a_time_out(
    quota: RetryQuota, mocker: Any, left: float, is_time_out: Any
) -> None:
    """The SDK's own error for a time-out says less."""
    clock = mocker.patch.object(Clock, "now", return_value=1000.0)
    error, book = answered("Forbidden.RAM", 403), Book()

    class Slow(EcsThatFails):
        def describe(self, action: str, query: dict[str, str], seconds_left: float) -> object:
            clock.return_value += 5 - left
            return super().describe(action, query, seconds_left)

    failure = run(Slow(error), one_query(), book, 5, 1)
    expected = timed_out(DESCRIBE, 5, 5, error) if is_time_out else failure_of(error, DESCRIBE)
    assert failure == expected
    assert book.ends == [(DESCRIBE, 1, 1, expected)]
    assert book.seconds == [pytest.approx(5 - left)]


def test_when_the_time_is_up_nothing_more_is_sent(quota: RetryQuota, mocker: Any) -> None:
    """A second query gets the time left by the first, and is not sent if none is left."""
    clock = mocker.patch.object(Clock, "now", return_value=1000.0)

    class Slow(EcsThatFails):
        def describe(self, action: str, query: dict[str, str], seconds_left: float) -> object:
            answer = super().describe(action, query, seconds_left)
            clock.return_value += 3
            return answer

    ecs, book = Slow({"a": 1}, {"b": 2}), Book()
    assert run(ecs, two_queries(), book, 5, 1) == ({"a": 1}, {"b": 2})
    assert ecs.seconds == [5, 2]
    ecs, book = Slow({"a": 1}, {"b": 2}), Book()
    run(ecs, two_queries(), book, 3.5, 1)
    assert ecs.seconds == [3.5, 0.5]
    ecs, book = Slow({"a": 1}, {"b": 2}), Book()
    first, second = run(ecs, two_queries(), book, 3, 1)
    assert first == {"a": 1}
    assert second == timed_out(DESCRIBE, 3, 3, second.cause)
    assert isinstance(second.cause, TimeoutError)
    assert len(ecs.asked) == 1


@pytest.mark.parametrize(("seconds", "is_patient"), [(4, True), (3.9, False)])
def test_a_deadline_may_end_a_job_before_lookup_timeout(
    quota: RetryQuota, mocker: Any, seconds: float, *, is_patient: bool
) -> None:
    """As in an outage."""
    clock = mocker.patch.object(Clock, "now", return_value=1000.0)
    error, book = answered("Forbidden.RAM", 403), Book()

    class Slow(EcsThatFails):
        def describe(self, action: str, query: dict[str, str], seconds_left: float) -> object:
            clock.return_value += seconds
            return super().describe(action, query, seconds_left)

    ecs = Slow(error)
    failure = run(ecs, one_query(), book, 5, 1, deadline=1000.0 + seconds)
    assert failure == timed_out(DESCRIBE, seconds, 5, error)
    assert failure.is_patient == is_patient
    assert ecs.seconds == [pytest.approx(seconds)]
