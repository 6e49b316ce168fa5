"""Which failures of a read deserve another try, how many, and after which pause."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException

from safe_ecs._lookup.sending import retries
from safe_ecs._lookup.sending.retries import (
    RetryQuota,
    is_network_error,
    is_transient,
    retrying,
    retrying_async,
)
from tests.support.sdk_errors import NO_JSON, ClientPayloadError, answered, no_connection, wrapped


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
    assert import_module("safe_ecs._lookup.sending.execute").QUOTA is retries.QUOTA


def test_the_quota_keeps_no_more_payers_than_it_may() -> None:
    """Programs that make up endpoints without an end must not fill the memory."""
    quota = RetryQuota()
    for payer in range(1024):
        quota.take(payer)
    assert len(quota._spent) == 1024
    quota.take("one more")
    assert quota._spent.keys() == {"one more"}


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
