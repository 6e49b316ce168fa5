"""The breaker bounds the tries of a look-up, and knows whether ECS answers."""

from __future__ import annotations

from importlib import import_module

from safe_ecs._lookup.sending.breaker import QUOTA, RetryQuota
from tests.support.quotas import take


def test_a_further_try_takes_from_the_quota_and_success_gives_back() -> None:
    """Each payer's own; what is full cannot become fuller."""
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
