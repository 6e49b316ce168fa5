"""The guard counts every request that it sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from darabonba.runtime import RuntimeOptions

from safe_ecs import Client, GroupStatus, GuardPolicy, ManagedSecurityGroupError, StatusCache
from safe_ecs._core.review import Read
from safe_ecs._lookup.context import LookupContext, context_of
from safe_ecs.cache._principal import Principal
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


def test_a_context_is_of_a_client_and_of_a_call(ecs: FakeEcs) -> None:
    """The client's own protocol wins, as it does for the call. A failure holds for a principal and a route."""
    client = Client(ecs.config())
    read = Read(ecs.endpoint, "cn-hangzhou", (), owner=(("OwnerId", "7"),))
    runtime = RuntimeOptions(ignore_ssl=True)

    def context(runtime: RuntimeOptions | None = None, **keyword: Any) -> LookupContext:
        return context_of(client._safe_ecs_enforcer.resources, client, read, runtime, **keyword)

    plain = context()
    assert plain.at is read
    assert plain.principal == Principal(client._credential, read.owner)
    assert plain.scope == context().scope == context(RuntimeOptions()).scope
    assert plain.scope != context(runtime).scope
    assert context(runtime).connection._runtime.ignore_ssl
    assert context(protocol="HTTPS").connection._client._protocol == "HTTP"
    client._protocol = cast("str", None)
    assert context().connection._client._protocol == "HTTPS"
    assert context(protocol="http").connection._client._protocol == "http"
