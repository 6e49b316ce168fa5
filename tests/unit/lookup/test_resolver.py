"""Remembered statuses serve, and forgotten ones stay forgotten."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from safe_ecs import Client, GuardPolicy, StatusCache
from tests.support.concurrency import Callers
from tests.support.sdk import models
from tests.support.transports import call

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


DESCRIBE = "DescribeSecurityGroups"


DELETE = "DeleteSecurityGroup"


FORMS = ("sync", "async")


def delete(client: Client, group: str, form: str = "sync") -> None:
    call(client, DELETE, models.DeleteSecurityGroupRequest(security_group_id=group), form)


@pytest.mark.parametrize("form", FORMS)
def test_refresh_and_forget_go_to_ecs_and_write_through(ecs: FakeEcs, client: Client, form: str) -> None:
    """Later calls see the new statuses."""
    status = client.guard.status if form == "sync" else partial(_run, client.guard.status_async)
    forget = client.guard.forget if form == "sync" else partial(_run, client.guard.forget_async)
    group = ecs.create_security_group(security_group_id="sg-1")
    assert not status(group)[group].service_managed
    ecs.create_security_group(security_group_id="sg-1", service_managed=True)
    assert not status(group)[group].service_managed
    assert status(group, refresh=True)[group].service_managed
    assert (status(group)[group].service_managed, status(group)[group].source) == (True, "cache")
    ecs.create_security_group(security_group_id="sg-1", service_managed=False)
    forget("SG-1")
    assert not status(group)[group].service_managed
    assert len(ecs.reads) == 3


def _run(function: Any, *arguments: Any, **keywords: Any) -> Any:
    async def run() -> Any:
        return await function(*arguments, **keywords)

    return asyncio.run(run())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("how", ["forget", "forget all", "refresh"])
def test_an_answer_on_its_way_is_none_to_a_question_that_came_after_forgetting(
    ecs: FakeEcs, client: Client, form: str, how: str
) -> None:
    """The answer may be older than the change behind the ``forget``. It is not cached either."""
    ecs.create_security_group(security_group_id="sg-1")
    ecs.latency = 0.5

    async def tasks() -> tuple[Any, Any]:
        early = asyncio.create_task(client.guard.status_async("sg-1"))
        await asyncio.sleep(0.2)
        late = asyncio.create_task(client.guard.status_async("sg-1", refresh=_change(ecs, client, how)))
        return await early, await late

    def threads() -> tuple[Any, Any]:
        early = Callers([partial(client.guard.status, "sg-1")])
        while not ecs.reads:
            pass
        late = client.guard.status("sg-1", refresh=_change(ecs, client, how))
        return early.join(10)[0], late

    early, late = threads() if form == "sync" else asyncio.run(tasks())
    assert not early["sg-1"].service_managed
    assert late["sg-1"].service_managed
    assert client.guard.status("sg-1")["sg-1"].service_managed
    assert len(ecs.reads) == 2


def _change(ecs: FakeEcs, client: Client, how: str) -> bool:
    """Let a cloud service take over the group, and return whether to ask with ``refresh``."""
    ecs.create_security_group(security_group_id="sg-1", service_managed=True)
    if how != "refresh":
        client.guard.forget(*(["sg-1"] if how == "forget" else []))
    return how == "refresh"


def test_clients_of_other_keys_do_not_share_what_is_missing(ecs: FakeEcs) -> None:
    """New clients with the same keys share it for missing_ttl."""
    cache, policy = StatusCache(), GuardPolicy(missing_ttl=60)
    for _ in range(3):
        Client(ecs.config(), cache=cache, policy=policy).guard.status("sg-none")
    assert len(ecs.reads) == 1
    Client(ecs.config(service_id=7), cache=cache, policy=policy).guard.status("sg-none")
    assert len(ecs.reads) == 2


class Slotted:
    """Credentials without support for weak references."""

    __slots__ = ("_credential",)

    def __init__(self, credential: Any) -> None:
        self._credential = credential

    def get_credential(self) -> Any:
        return self._credential.get_credential()

    async def get_credential_async(self) -> Any:
        return await self._credential.get_credential_async()


@pytest.mark.parametrize("form", FORMS)
def test_any_credentials_will_do(ecs: FakeEcs, client: Client, ordinary: str, form: str) -> None:
    vars(client)["_credential"] = Slotted(client._credential)
    call(client, DESCRIBE, models.DescribeSecurityGroupsRequest(region_id="cn-hangzhou"), form)
    client.guard.status("sg-none")
    delete(client, ordinary, form)
    assert len(ecs.writes) == 1


def test_the_case_of_a_region_does_not_matter(ecs: FakeEcs, managed: str) -> None:
    client = Client(ecs.config(region_id="CN-Hangzhou"), cache=StatusCache())
    assert client.guard.status(managed, region_id=" CN-HANGZHOU ")[managed].service_managed
    assert client.guard.warm() == 1
