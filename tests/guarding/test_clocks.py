"""The guard has one clock, and test tools that replace the clocks of modules do not split it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from freezegun import freeze_time

from safe_ecs import Client, GuardPolicy, ManagedSecurityGroupError, StatusCache
from tests.support.sdk import models

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs

FORMS = pytest.mark.parametrize("form", ["sync", "async"])
HOW: dict[str, dict[str, Any]] = {
    "frozen": {},
    "ticking": {"tick": True},
}


def delete(client: Client, group: str, form: str) -> None:
    request = models.DeleteSecurityGroupRequest(security_group_id=group)
    if form == "sync":
        client.delete_security_group(request)
    else:
        asyncio.run(client.delete_security_group_async(request))


@FORMS
@pytest.mark.parametrize("how", HOW)
def test_look_ups_work_while_time_is_frozen(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str, how: str, form: str
) -> None:
    """No look-up times out at once."""
    with freeze_time(datetime.now(UTC), **HOW[how]):
        with pytest.raises(ManagedSecurityGroupError):
            delete(client, managed, form)
        delete(client, ordinary, form)
    assert len(ecs.writes) == 1


@FORMS
def test_a_client_of_before_works_while_time_is_frozen_and_after(
    ecs: FakeEcs, client: Client, managed: str, form: str
) -> None:
    """A status that was remembered before the freeze stays fresh."""
    client.guard.status(managed)
    with freeze_time(datetime.now(UTC)) as frozen:
        with pytest.raises(ManagedSecurityGroupError):
            delete(client, managed, form)
        frozen.tick(timedelta(days=1))
        with pytest.raises(ManagedSecurityGroupError):
            delete(client, managed, form)
    with pytest.raises(ManagedSecurityGroupError):
        delete(client, managed, form)
    assert len(ecs.reads) == 1


def test_failures_are_remembered_in_real_seconds(ecs: FakeEcs) -> None:
    client = Client(ecs.config(), cache=StatusCache(), policy=GuardPolicy(lookup_timeout=5))
    with freeze_time(datetime.now(UTC)):
        assert not client.guard.status("sg-none")["sg-none"].exists
        assert client.guard.stats.lookups == 1
