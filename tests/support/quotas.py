"""Takes tokens of a retry quota as a further try does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable

    from safe_ecs._lookup.sending.breaker import RetryQuota


def take(quota: RetryQuota, payer: Hashable) -> bool:
    """Take the tokens of one further try, and return whether there were enough."""
    if not quota.covers_a_try(payer):
        return False
    quota.spend(payer)
    return True
