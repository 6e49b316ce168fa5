"""What an error of a read means, which deserve another try, and how many: judged without any server."""

from __future__ import annotations

import asyncio
import math
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException
from darabonba.exceptions import RetryError
from Tea.exceptions import UnretryableException
from tenacity.wait import wait_random_exponential

from safe_ecs.core.failure import Failure
from safe_ecs.lookup import retries
from safe_ecs.lookup.ask import Limits, ask, ask_async
from safe_ecs.lookup.describe import Query
from safe_ecs.lookup.failures import failure_of, timed_out
from safe_ecs.lookup.retries import RetryQuota, is_network_error, is_transient, retrying, retrying_async

if TYPE_CHECKING:
    from collections.abc import Generator

DESCRIBE = "DescribeSecurityGroups"
FORMS = ("sync", "async")


def answered(code: Any, status: Any) -> ClientException:
    return ClientException(code=code, status_code=status, message="Signature=s3cret")


def wrapped(inner: Exception) -> UnretryableException:
    return UnretryableException(cast("Any", None), inner)


def no_connection() -> Exception:
    error: Any = RetryError
    return cast("Exception", error("refused"))


class ClientPayloadError(Exception):
    """Stands for aiohttp's, which is told by its module."""

    __module__ = "aiohttp.client_exceptions"


NO_JSON = RuntimeError("Failed to parse the value as json format, Value: <html>")
AGAIN = "Try again in a minute."
ELSEWHERE = "ECS refuses the look-up itself: check the endpoint, the region and the account."
KEYS = "Check the access key and its token."
GRANT = "Grant the RAM action ecs:DescribeSecurityGroups to these credentials."
SLOWER = "DescribeSecurityGroups is throttled per account, region and minute. Try again in a minute."
USED_UP = "A quota of DescribeSecurityGroups is used up that lasts longer than a minute: ask seldomer, or for a larger one."


@pytest.mark.parametrize(
    ("code", "status", "next_step", "extent", "passing"),
    [
        ("Throttling", 400, SLOWER, "asker", True),
        ("Throttling.User", 400, SLOWER, "asker", True),
        ("Rejected.Throttling", 429, SLOWER, "asker", True),
        ("Throttling.User.Day", 400, USED_UP, "asker", True),
        ("IncompleteSignature", 400, KEYS, "asker", False),
        ("InvalidAccessKeyId.NotFound", 404, KEYS, "asker", False),
        ("InvalidSecurityToken.Expired", 400, KEYS, "asker", False),
        ("MissingSecurityToken", 400, KEYS, "asker", False),
        ("SignatureDoesNotMatch", 400, KEYS, "asker", False),
        ("ServiceUnavailable", 503, AGAIN, "endpoint", True),
        ("SomethingNew", 500, AGAIN, "endpoint", True),
        ("Forbidden.RAM", 403, GRANT, "group", False),
        ("NoPermission", 403, GRANT, "group", False),
        ("Unauthorized", 403, GRANT, "group", False),
        ("UnauthorizedOperation", 403, GRANT, "group", False),
        ("InvalidSecurityGroupId.Malformed", 400, "Check the security group id.", "group", False),
        ("InvalidParameter", 400, ELSEWHERE, "group", False),
        (
            "InvalidRegionId.NotFound",
            404,
            "Check the region: that of the request, or of the client.",
            "group",
            False,
        ),
    ],
)
def test_a_refusal_of_ecs_says_for_whom_it_holds_and_what_to_do(
    code: str, status: int, next_step: str, extent: Any, passing: Any
) -> None:
    """The text of the server is left out: it may hold what was signed."""
    error = answered(code, status)
    assert failure_of(error, DESCRIBE) == Failure(
        reason=f"DescribeSecurityGroups answered {status} {code}",
        next_step=next_step,
        code=code,
        cause=error,
        extent=extent,
        passing=passing,
    )


@pytest.mark.parametrize("error", [wrapped(no_connection()), OSError("refused"), wrapped(NO_JSON)])
def test_an_unreachable_ecs_is_everybodys(error: Exception) -> None:
    assert failure_of(error, DESCRIBE) == Failure(
        reason="DescribeSecurityGroups could not reach ECS, or got no whole answer of it",
        next_step="Check the endpoint, the proxy and the network, and try again.",
        cause=error,
        extent="endpoint",
        passing=True,
    )


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (AttributeError("no credential"), "AttributeError"),
        (wrapped(ValueError("no credential")), "ValueError"),
        (answered("", 400), "ClientException"),
        (answered(7, 400), "ClientException"),
        (answered("Code", None), "ClientException"),
    ],
)
def test_what_stopped_the_sdk_is_named_by_its_class_alone(error: Exception, name: str) -> None:
    assert failure_of(error, DESCRIBE) == Failure(
        reason=f"DescribeSecurityGroups failed with {name}",
        next_step="Check that the client has credentials and the right endpoint.",
        cause=error,
    )


def test_a_time_out_tells_how_long_it_was_waited_for() -> None:
    """It holds for those alone who would wait no longer."""
    error = TimeoutError()
    failure = timed_out(DESCRIBE, 2.5, error)
    assert failure == Failure(
        reason="DescribeSecurityGroups gave no answer within lookup_timeout (2.5 s)",
        next_step=AGAIN,
        cause=error,
        extent="endpoint",
        passing=True,
        outlasted=2.5,
    )
    assert timed_out(DESCRIBE, 2.5).cause is None
    assert Failure(reason="", next_step="").outlasted == math.inf
    assert Failure(reason="", next_step="").passing is False
    assert (Failure(reason="", next_step="").code, Failure(reason="", next_step="").cause) == (None, None)


def test_a_failure_becomes_the_unknown_status_of_a_group() -> None:
    error = answered("Forbidden.RAM", 403)
    failure = failure_of(error, DESCRIBE)
    unknown = failure.of("sg-1")
    assert (unknown.security_group_id, unknown.reason, unknown.next_step, unknown.code, unknown.cause) == (
        "sg-1",
        failure.reason,
        failure.next_step,
        "Forbidden.RAM",
        error,
    )


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (answered("Throttling", 400), True),
        (answered("Throttling.User", 400), True),
        (answered("Throttling.Api", 400), True),
        (answered("Rejected.Throttling", 400), True),
        (answered("ServiceUnavailable", 400), True),
        (answered("InternalError", 400), True),
        (answered("Throttling.Vcpu.PerDay", 503), False),
        (answered("SomethingNew", 429), True),
        (answered("SomethingNew", 428), False),
        (answered("SomethingNew", 499), False),
        (answered("SomethingNew", 500), True),
        (answered(None, 502), True),
        (answered(None, None), False),
        (answered("Forbidden.RAM", 403), False),
        (wrapped(no_connection()), True),
        (no_connection(), True),
        (ConnectionResetError(), True),
        (wrapped(OSError()), True),
        (ClientPayloadError(), True),
        (wrapped(ClientPayloadError()), True),
        (NO_JSON, True),
        (wrapped(NO_JSON), True),
        (RuntimeError("something else"), False),
        (ValueError("json format"), False),
    ],
)
def test_what_may_succeed_a_moment_later_is_tried_again(error: Exception, expected: Any) -> None:
    """By code, then by status, then by the class of a network error."""
    assert is_transient(error) is expected
    if not isinstance(error, ClientException):
        assert is_network_error(error) is expected


def test_a_further_try_takes_from_the_quota_and_success_gives_back() -> None:
    """Each payer's own; what is full cannot become fuller."""
    quota = RetryQuota()
    assert [quota.take("a") for _ in range(13)] == [True] * 12 + [False]
    assert quota.take("b")
    quota.give_back("a", 2)
    assert [quota.take("a"), quota.take("a")] == [True, False]
    for _ in range(4):
        quota.give_back("a", 1)
    assert not quota.take("a")
    quota.give_back("a", 1)
    assert [quota.take("a"), quota.take("a")] == [True, False]
    for _ in range(70):
        quota.give_back("a", 1)
    assert [quota.take("a") for _ in range(13)] == [True] * 12 + [False]
    assert quota._spent.keys() == {"a", "b"}
    quota.give_back("b", 2)
    assert quota._spent.keys() == {"a"}


def test_what_has_been_given_back_but_for_one_token_is_still_owed() -> None:
    quota = RetryQuota()
    quota.take("a")
    for _ in range(4):
        quota.give_back("a", 1)
    assert quota._spent == {"a": 1}


def test_a_process_has_one_quota() -> None:
    assert isinstance(retries.QUOTA, RetryQuota)
    assert import_module("safe_ecs.lookup.ask").QUOTA is retries.QUOTA


def test_the_quota_keeps_no_more_payers_than_it_may() -> None:
    """Programs that make up endpoints without an end must not fill the memory."""
    quota = RetryQuota()
    for payer in range(1024):
        quota.take(payer)
    assert len(quota._spent) == 1024
    quota.take("one more")
    assert quota._spent.keys() == {"one more"}


@pytest.fixture
def quota(mocker: Any) -> RetryQuota:
    """One that nobody else pays from."""
    quota = RetryQuota()
    for module in ("retries", "ask"):
        mocker.patch(f"safe_ecs.lookup.{module}.QUOTA", quota)
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
    clock = mocker.patch("safe_ecs.lookup.ask.monotonic", return_value=1000.0)
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
    clock = mocker.patch("safe_ecs.lookup.ask.monotonic", return_value=1000.0)

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


def test_pauses_grow_at_random_from_a_tenth_of_a_second_to_two() -> None:
    """So that callers who failed together do not come back together."""
    wait: Any = retrying("payer", 4, 10).wait

    class State:
        attempt_number = 0

    for number, most in enumerate([0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0], 1):
        State.attempt_number = number
        pauses = [wait(State) for _ in range(200)]
        assert most / 2 < max(pauses) <= most
        assert min(pauses) < most / 2


def test_both_colours_are_bound_in_the_same_way() -> None:
    loop, loop_async = retrying("payer", 4, 10), retrying_async("payer", 4, 10)
    assert repr(vars(loop.wait)) == repr(vars(loop_async.wait))
    assert [type(stop) for stop in vars(loop.stop)["stops"]] == [
        type(stop) for stop in vars(loop_async.stop)["stops"]
    ]
    assert loop.reraise
    assert loop_async.reraise
