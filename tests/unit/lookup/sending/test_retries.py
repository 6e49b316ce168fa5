"""The guard retries some failures of a read, a limited number of times, after a growing pause."""

from __future__ import annotations

from typing import Any

from safe_ecs._lookup.sending.retries import retrying, retrying_async


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
