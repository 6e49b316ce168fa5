"""The breaker bounds the tries of a look-up, and knows whether ECS answers."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import Any

import pytest

from safe_ecs import GuardPolicy, StatusCache
from safe_ecs._core.failure import Failure
from safe_ecs._core.review import Read
from safe_ecs._lookup.context import LookupContext, Resources
from safe_ecs._lookup.sending.breaker import QUOTA, Breaker, RetryQuota
from safe_ecs._lookup.sending.classify import timed_out
from safe_ecs._system.clock import Clock
from safe_ecs.cache._failures import FailureScope
from tests.support.quotas import take

DESCRIBE = "DescribeSecurityGroups"
AT = Read("127.0.0.1", "cn-hangzhou", ())
FORBIDDEN = Failure(reason="it is forbidden", next_step="Ask.", code="Forbidden.RAM")
THROTTLED = Failure(reason="it is throttled", next_step="Wait.", scope="principal", is_outage=True)
DOWN = Failure(reason="it rains", next_step="Wait.", scope="endpoint", is_outage=True)


class Clocks:
    """The clock of the guard, moved by a test."""

    def __init__(self, mocker: Any) -> None:
        self._clock = mocker.patch.object(Clock, "now", return_value=1000.0)

    def pass_seconds(self, seconds: float) -> None:
        self._clock.return_value += seconds


@pytest.fixture
def clocks(mocker: Any) -> Clocks:
    return Clocks(mocker)


@pytest.fixture
def cache() -> StatusCache:
    return StatusCache()


def make_breaker(
    cache: StatusCache,
    *,
    action: str = DESCRIBE,
    at: Read = AT,
    principal: Any = "principal",
    route: str = "route",
    **policy: Any,
) -> Breaker:
    resources: Any = Resources(cache, GuardPolicy(failure_ttl=60, **policy), *[None] * 2)  # type: ignore[arg-type]  # neither counters nor dispatcher is used
    connection: Any = None
    return Breaker(LookupContext(at, connection, FailureScope(principal, route), resources), action)


def test_a_further_try_takes_from_the_quota_and_success_gives_back() -> None:
    """Each payer has its own quota. A full quota cannot become fuller."""
    quota = RetryQuota()
    assert [take(quota, "a") for _ in range(13)] == [True] * 12 + [False]
    assert take(quota, "b")
    quota.give_back("a", 2)
    assert [take(quota, "a"), take(quota, "a")] == [True, False]
    for _ in range(4):
        quota.give_back("a", 1)
    assert not take(quota, "a")
    quota.give_back("a", 1)
    assert [take(quota, "a"), take(quota, "a")] == [True, False]
    for _ in range(70):
        quota.give_back("a", 1)
    assert [take(quota, "a") for _ in range(13)] == [True] * 12 + [False]
    assert quota._spent.keys() == {"a", "b"}
    quota.give_back("b", 2)
    assert quota._spent.keys() == {"a"}


def test_what_has_been_given_back_but_for_one_token_is_still_spent() -> None:
    quota = RetryQuota()
    take(quota, "a")
    for _ in range(4):
        quota.give_back("a", 1)
    assert quota._spent == {"a": 1}


def test_a_process_has_one_quota() -> None:
    assert isinstance(QUOTA, RetryQuota)
    assert all(
        import_module(f"safe_ecs._lookup.sending.{name}").QUOTA is QUOTA for name in ("execute", "retries")
    )


def test_the_quota_keeps_no_more_payers_than_it_may() -> None:
    """Programs that make up endpoints without an end must not fill the memory."""
    quota = RetryQuota()
    for payer in range(1024):
        take(quota, payer)
    assert len(quota._spent) == 1024
    take(quota, "one more")
    assert quota._spent.keys() == {"one more"}


def test_a_payer_without_a_record_has_a_full_quota() -> None:
    """Twelve further tries use it up, and the first success of a fresh payer leaves no record."""
    quota = RetryQuota()
    quota._spent["a"] = RetryQuota.CAPACITY - RetryQuota.COST
    assert quota.covers_a_try("a")
    quota.give_back("fresh", 1)
    assert "fresh" not in quota._spent
    quota.COST = quota.CAPACITY  # type: ignore[misc]  # a quota of one further try
    assert quota.covers_a_try("fresh")


@pytest.mark.parametrize(
    ("failure", "failed", "others"),
    [
        (FORBIDDEN, ["sg-1"], []),
        (THROTTLED, ["sg-1", "sg-2"], []),
        (DOWN, ["sg-1", "sg-2"], ["action", "principal"]),
    ],
    ids=["a group's", "a principal's", "an outage"],
)
def test_a_failure_is_not_repeated_where_it_holds(
    cache: StatusCache, clocks: Clocks, failure: Failure, failed: list[str], others: list[str]
) -> None:
    """A failure of a group or of a principal holds for one action, an outage for everybody on the route."""
    make_breaker(cache).note({"sg-1": failure}, ())
    assert make_breaker(cache).recent_failures(("sg-1", "sg-2")) == dict.fromkeys(failed, failure)
    elsewhere = {
        "action": make_breaker(cache, action="DescribeLaunchTemplateVersions"),
        "principal": make_breaker(cache, principal="another"),
        "route": make_breaker(cache, route="another", principal="another"),
        "region": make_breaker(cache, at=AT._replace(region_id="cn-beijing")),
    }
    expected = {name for name, breaker in elsewhere.items() if breaker.recent_failures(("sg-2",))}
    assert expected == set(others)
    clocks.pass_seconds(60)
    assert make_breaker(cache).recent_failures(("sg-1", "sg-2")) == {}


def test_an_answer_clears_the_failures_that_it_disproves(cache: StatusCache, clocks: Clocks) -> None:
    """It clears the failures of its groups, of its principal, and of its route."""
    breaker = make_breaker(cache)
    breaker.note({"sg-1": FORBIDDEN, "sg-2": FORBIDDEN}, ())
    breaker.note({}, ("sg-1",))
    assert breaker.recent_failures(("sg-1", "sg-2")) == {"sg-2": FORBIDDEN}
    for failure in (THROTTLED, DOWN):
        breaker.note({"sg-3": failure}, ())
        assert breaker.recent_failures(("sg-1",)) == {"sg-1": failure}
        breaker.note_answer()
        assert breaker.recent_failures(("sg-1",)) == {}
    assert breaker.recent_failures(("sg-2",)) == {"sg-2": FORBIDDEN}
    breaker.note({"sg-3": THROTTLED}, ())
    breaker.note({}, ("sg-1",))
    assert breaker.recent_failures(("sg-1",)) == {}
    breaker.note({"sg-1": DOWN}, ())
    breaker.note({}, ())
    assert breaker.recent_failures(("sg-1",)) == {"sg-1": DOWN}


def test_in_an_outage_a_caller_waits_for_half_of_the_time_since_the_failure(
    cache: StatusCache, clocks: Clocks
) -> None:
    """For a twentieth of lookup_timeout, now and then for all of it, and at most until its own deadline."""
    breaker = make_breaker(cache, lookup_timeout=10)
    assert breaker.wait_until(1010.0) == 1010.0
    breaker.note({"sg-1": DOWN}, ())
    assert breaker.wait_until(1010.0) == 1000.5
    assert breaker.wait_until(1000.25) == 1000.25
    clocks.pass_seconds(6)
    assert breaker.wait_until(1016.0) == 1006.5
    assert make_breaker(cache, route="another").wait_until(1016.0) == 1016.0
    clocks.pass_seconds(33.9)
    assert breaker.wait_until(1060.0) == pytest.approx(1040.4)
    clocks.pass_seconds(0.1)
    assert breaker.wait_until(1060.0) == 1050.0
    clocks.pass_seconds(-34)
    assert make_breaker(cache, at=AT._replace(region_id="cn-beijing")).wait_until(1016.0) == 1016.0


@pytest.mark.parametrize(
    ("waited", "in_flight", "is_outage"),
    [
        (10.0, 10.0, True),
        (10.0, 8.0, True),
        (10.0, 7.99, False),
        (0.4, 0.4, True),
        (0.39, 0.39, False),
        (0.0, 0.0, False),
    ],
)
def test_a_time_out_is_an_outage_if_the_request_was_in_flight_for_nearly_all_of_the_wait(
    cache: StatusCache, clocks: Clocks, waited: float, in_flight: float, *, is_outage: bool
) -> None:
    """A caller that stood behind others, or had no time left, has learned nothing of ECS."""
    breaker = make_breaker(cache, lookup_timeout=10)
    failure = breaker.failure_of_waiting(waited, in_flight)
    assert failure == timed_out(DESCRIBE, waited, 10)
    expected = {"sg-1": failure} if is_outage else {}
    assert make_breaker(cache, lookup_timeout=10).recent_failures(("sg-1",)) == expected
    assert (
        make_breaker(cache, action="another", principal="another", lookup_timeout=10).recent_failures((
            "sg-1",
        ))
        == expected
    )
    assert make_breaker(cache, route="another", lookup_timeout=10).recent_failures(("sg-1",)) == {}


def test_a_time_out_holds_for_no_caller_with_more_time(cache: StatusCache, clocks: Clocks) -> None:
    """A failure that is no time-out holds for every caller."""
    make_breaker(cache, lookup_timeout=1).failure_of_waiting(1, 1)
    assert make_breaker(cache, lookup_timeout=1).recent_failures(("sg-1",))
    patient = make_breaker(cache, lookup_timeout=2)
    assert patient.recent_failures(("sg-1",)) == {}
    assert patient.wait_until(1002.0) == 1002.0
    make_breaker(cache, lookup_timeout=1).note({"sg-1": replace(DOWN, cause=ValueError())}, ())
    assert patient.recent_failures(("sg-1",)) == {"sg-1": DOWN}
