"""The guard retries some failures of a read, a limited number of times, after a growing pause."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tenacity.wait import wait_random_exponential

from safe_ecs._lookup.sending.breaker import RetryQuota
from safe_ecs._lookup.sending.retries import retrying, retrying_async
from tests.support.quotas import take
from tests.support.sdk_errors import answered

FORMS = ("sync", "async")
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

    async def note(seconds: float) -> None:
        noted.append(seconds)

    mocker.patch("tenacity.nap.time.sleep", noted.append)
    mocker.patch("asyncio.sleep", note)
    return noted


def tries(
    form: str, errors: list[Exception], payer: str = "payer", attempts: int = 4, seconds: float = 10
) -> int:
    """Return the number of tries for errors that are raised one after the other; the last one ends the loop."""
    raised: list[Exception] = []

    def fail() -> None:
        raised.append(errors[len(raised)])
        raise raised[-1]

    def run() -> None:
        for attempt in retrying(payer, attempts, seconds):
            with attempt:
                fail()

    async def run_async() -> None:
        async for attempt in retrying_async(payer, attempts, seconds):
            with attempt:
                fail()

    with pytest.raises(type(errors[0])) as last:
        run() if form == "sync" else asyncio.run(run_async())
    assert last.value is raised[-1]
    return len(raised)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("attempts", [1, 3])
def test_a_read_is_tried_so_often_at_most(form: str, quota: RetryQuota, attempts: int) -> None:
    """Each further try takes tokens of its payer, and the last error is raised as it is."""
    assert tries(form, [DOWN] * 9, attempts=attempts) == attempts
    assert quota._spent == ({"payer": (attempts - 1) * RetryQuota.COST} if attempts > 1 else {})


@pytest.mark.parametrize("form", FORMS)
def test_a_lasting_failure_is_not_tried_again(form: str, quota: RetryQuota) -> None:
    assert tries(form, [DOWN, answered("Forbidden.RAM", 403), DOWN]) == 2
    assert quota._spent == {"payer": RetryQuota.COST}


@pytest.mark.parametrize("form", FORMS)
def test_a_payer_without_tokens_has_one_try(form: str, quota: RetryQuota) -> None:
    """Another payer has its own quota."""
    while take(quota, "payer"):
        pass
    spent = quota._spent["payer"]
    assert tries(form, [DOWN] * 9) == 1
    assert quota._spent == {"payer": spent}
    assert tries(form, [DOWN] * 9, "another") == 4


@pytest.mark.parametrize("form", FORMS)
def test_a_try_that_would_begin_too_late_is_not_made(form: str, quota: RetryQuota, mocker: Any) -> None:
    """It takes no tokens."""
    mocker.patch.object(wait_random_exponential, "__call__", return_value=9.5)
    assert tries(form, [DOWN] * 9, seconds=9) == 1
    assert quota._spent == {}
    assert tries(form, [DOWN] * 9, seconds=30) == 4


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


def test_the_sync_and_the_async_loop_have_the_same_bounds() -> None:
    loop, loop_async = retrying("payer", 4, 10), retrying_async("payer", 4, 10)
    assert repr(vars(loop.wait)) == repr(vars(loop_async.wait))
    assert [type(stop) for stop in vars(loop.stop)["stops"]] == [
        type(stop) for stop in vars(loop_async.stop)["stops"]
    ]
    assert loop.reraise
    assert loop_async.reraise
