"""A look-up keeps its answers, and shares them with other processes."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from safe_ecs import Client, GuardPolicy, StatusCache
from safe_ecs.testing import CannedAnswer, FakeEcs
from tests.support.caches import SharedInMemory
from tests.support.concurrency import Callers

DESCRIBE = "DescribeSecurityGroups"


FORMS = ("sync", "async")


def _run(function: Any, *arguments: Any, **keywords: Any) -> Any:
    async def run() -> Any:
        return await function(*arguments, **keywords)

    return asyncio.run(run())


@pytest.mark.parametrize("form", FORMS)
def test_what_was_forgotten_on_its_way_reaches_no_other_process(ecs: FakeEcs, form: str) -> None:
    cache = SharedInMemory()
    client = Client(ecs.config(), cache=cache)
    for group in ("sg-1", "sg-2"):
        ecs.create_security_group(security_group_id=group)
    ecs.latency = 0.4
    status = client.guard.status if form == "sync" else partial(_run, client.guard.status_async)
    asking = Callers([partial(status, "sg-1", "sg-2")])
    while not ecs.reads:
        pass
    client.guard.forget("sg-1")
    asking.join(10)
    assert cache.published == ["sg-2"]


def check(client: Client, group: str, form: str = "sync") -> Any:
    parameters = {"SecurityGroupId": group}
    if form == "async":
        return asyncio.run(client.guard.check_async("DeleteSecurityGroup", parameters))
    return client.guard.check("DeleteSecurityGroup", parameters)


@pytest.mark.parametrize("form", FORMS)
def test_no_time_left_is_no_outage(ecs: FakeEcs, form: str) -> None:
    """The first region took all the time, and the second was hardly asked."""
    cache, policy = StatusCache(), GuardPolicy(lookup_timeout=1.0, failure_ttl=60)
    group = ecs.create_security_group(region_id="cn-beijing")
    client = Client(ecs.config(region_id="cn-beijing"), cache=cache, policy=policy)
    ecs.answer_with(DESCRIBE, CannedAnswer(body=b'{"SecurityGroups": {"SecurityGroup": []}}', delay=0.98))
    parameters = {"RegionId": "cn-shanghai", "SecurityGroupId": group}
    if form == "sync":
        client.guard.check("DeleteSecurityGroup", parameters)
    else:
        asyncio.run(client.guard.check_async("DeleteSecurityGroup", parameters))
    assert check(client, group, form).outcome == "allowed"
