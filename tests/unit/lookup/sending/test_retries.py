"""The guard retries some failures of a read, a limited number of times, after a growing pause."""

from __future__ import annotations

from typing import Any

import pytest
from tenacity.wait import wait_random_exponential

from safe_ecs._lookup.sending.breaker import RetryQuota
from safe_ecs._lookup.sending.retries import retrying
from tests.support.quotas import take
from tests.support.sdk_errors import answered

DOWN = answered("ServiceUnavailable", 503)


@pytest.fixture(autouse=True)
def quota(mocker: Any) -> RetryQuota:
    """A quota of this test's own."""
    quota = RetryQuota()
    mocker.patch("safe_ecs._lookup.sending.retries.QUOTA", quota)
    return quota


@pytest.fixture(autouse=True)
def pauses(mocker: Any) -> list[float]:
    """The pauses between tries. Nobody waits for them here."""
    noted: list[float] = []

    mocker.patch("tenacity.nap.time.sleep", noted.append)
    return noted


def tries(errors: list[Exception], payer: str = "payer", attempts: int = 4, seconds: float = 10) -> int:
    """Return the number of tries for errors that are raised one after the other; the last one ends the loop."""
    raised: list[Exception] = []

    def fail() -> None:
        raised.append(errors[len(raised)])
        raise raised[-1]

    def run() -> None:
        for attempt in retrying(payer, attempts, seconds):
            with attempt:
                fail()

    with pytest.raises(type(errors[0])) as last:
        run()
    assert last.value is raised[-1]
    return len(raised)


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_read_is_tried_so_often_at_most(quota: RetryQuota, attempts: int) -> None:
    """Each further try takes tokens of its payer, and the last error is raised as it is."""
    assert tries([DOWN] * 9, attempts=attempts) == attempts
    assert quota._spent == ({"payer": (attempts - 1) * RetryQuota.COST} if attempts > 1 else {})


def test_a_lasting_failure_is_not_tried_again(quota: RetryQuota) -> None:
    assert tries([DOWN, answered("Forbidden.RAM", 403), DOWN]) == 2
    assert quota._spent == {"payer": RetryQuota.COST}


def test_a_payer_without_tokens_has_one_try(quota: RetryQuota) -> None:
    """Another payer has its own quota."""
    while take(quota, "payer"):
        pass
    spent = quota._spent["payer"]
    assert tries([DOWN] * 9) == 1
    assert quota._spent == {"payer": spent}
    assert tries([DOWN] * 9, "another") == 4


def test_a_try_that_would_begin_too_late_is_not_made(quota: RetryQuota, mocker: Any) -> None:
    """It takes no tokens."""
    mocker.patch.object(wait_random_exponential, "__call__", return_value=9.5)
    assert tries([DOWN] * 9, seconds=9) == 1
    assert quota._spent == {}
    assert tries([DOWN] * 9, seconds=30) == 4


def test_pauses_grow_at_random_from_a_tenth_of_a_second_to_two() -> None:
    """Callers that failed together must not return together."""
    wait: Any = retrying("payer", 4, 10).wait

    class State:
        attempt_number = 0

    for number, most in enumerate([0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0], 1):
        State.attempt_number = number
        pauses = [wait(State) for _ in range(200)]
        assert most / 2 < max(pauses) <= most
        assert min(pauses) < most / 2
