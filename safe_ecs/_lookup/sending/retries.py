"""Tries a read again, within bounds. The only module that imports tenacity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_before_delay
from tenacity.stop import stop_base
from tenacity.wait import wait_random_exponential

from safe_ecs._lookup.sending.breaker import QUOTA
from safe_ecs._lookup.sending.classify import is_transient

if TYPE_CHECKING:
    from collections.abc import Hashable

    from tenacity import RetryCallState


class _StopWithoutTokens(stop_base):
    def __init__(self, payer: Hashable) -> None:
        self._payer = payer

    def __call__(self, _: RetryCallState) -> bool:
        return not QUOTA.covers_a_try(self._payer)


def retrying(payer: Hashable, attempts: int, seconds_left: float) -> Retrying:
    """Return a tenacity loop for one query."""
    return Retrying(
        stop=stop_after_attempt(attempts) | stop_before_delay(seconds_left) | _StopWithoutTokens(payer),
        wait=wait_random_exponential(multiplier=0.1, max=2),
        retry=retry_if_exception(is_transient),
        # Spending stands apart from stopping: only a try that will be made takes tokens.
        before_sleep=lambda _: QUOTA.spend(payer),
        reraise=True,
    )
