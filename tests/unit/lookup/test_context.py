"""The guard counts every request that it sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from safe_ecs import Client, GroupStatus, GuardPolicy, ManagedSecurityGroupError, StatusCache
from safe_ecs.testing import CannedAnswer
from tests.support.sdk import models
from tests.support.workloads import DESCRIBE

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


DOWN = CannedAnswer(status=503, body=b'{"Code": "ServiceUnavailable"}')


def test_stats_count_what_was_done(ecs: FakeEcs, client: Client, managed: str) -> None:
    """Each counter counts its own kind of event."""
    delete = models.DeleteSecurityGroupRequest(security_group_id=managed)
    for _ in range(3):
        with pytest.raises(ManagedSecurityGroupError):
            client.delete_security_group(delete)
    ecs.answer_with(DESCRIBE, DOWN)
    client.guard.status("sg-other")
    stats = client.guard.stats
    assert stats == stats._replace(
        calls=3, refusals=3, hits=2, lookups=3, retries=1, groups_asked=3, failed=0, joined=0, learned=0
    )
    ecs.answer_always(DESCRIBE, DOWN)
    strict = Client(ecs.config(), cache=StatusCache(), policy=GuardPolicy(lookup_attempts=1))
    for _ in range(2):
        assert strict.guard.check(delete).outcome == "unavailable"
    assert (strict.guard.stats.failed, strict.guard.stats.not_repeated, strict.guard.stats.lookups) == (
        2,
        1,
        1,
    )
    assert client.guard.stats == stats
    assert isinstance(client.guard.status(managed)[managed], GroupStatus)
