"""Neither a status nor a bypass outlives its truth: forks, clocks, other processes, and groups that come back."""

from __future__ import annotations

from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException
from darabonba.runtime import RuntimeOptions

from safe_ecs import Client, ManagedSecurityGroupError
from safe_ecs._system.clock import Clock
from safe_ecs.cache.redis import RedisStatusCache
from tests.bypass_attempts.refusal import REGION, RUN, refuse
from tests.support.concurrency import run_script
from tests.support.redis_server import redis_server
from tests.support.sdk import OpenApiRequest
from tests.support.transports import DELETE, params, query

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


def test_a_process_that_is_forked_inside_a_bypass_does_not_have_it(ecs: FakeEcs, managed: str) -> None:
    """A child would otherwise keep the bypass all its life, as the end of the block does not reach it."""
    code = """
        import os, sys
        from alibabacloud_tea_openapi.utils_models import Config
        from safe_ecs import Client
        endpoint, group = sys.argv[1:]
        client = Client(Config(
            access_key_id="k", access_key_secret="s", endpoint=endpoint, protocol="HTTP", region_id="cn-hangzhou"
        ))
        with client.guard.bypass(reason="ticket 7"):
            if os.fork() == 0:
                print(client.guard.check("DeleteSecurityGroup", {"SecurityGroupId": group}).outcome, flush=True)
                os._exit(0)
            os.wait()
            print(client.guard.check("DeleteSecurityGroup", {"SecurityGroupId": group}).outcome)
    """
    assert run_script(code, ecs.endpoint, managed).split() == ["denied", "bypassed"]


def test_a_poisoned_value_on_a_redis_server_changes_nothing_that_is_known(ecs: FakeEcs, managed: str) -> None:
    """An answer of ECS in this process outweighs a value on the server, and no value makes a group missing."""
    with redis_server() as server:
        client = Client(ecs.config(), cache=RedisStatusCache(server.url))
        client.guard.status(managed)
        with server.client as direct:
            [key] = direct.keys()
            stored: Any = direct.get(key)
            direct.set(key, stored.replace(b'managed": true', b'managed": false'), px=60_000)
        refuse(lambda: client.do_request(params(DELETE), query(managed), RuntimeOptions()), ecs)


@pytest.mark.parametrize("seconds", [-1e9, -1, 1e9])
def test_a_clock_that_is_put_back_or_forward_makes_nothing_live_longer(
    ecs: FakeEcs, client: Client, mocker: Any, seconds: float
) -> None:
    """The cache does not use missing groups and the groups of templates if their age is impossible."""
    clock = mocker.patch.object(Clock, "now", return_value=monotonic())
    ordinary = ecs.create_security_group()
    template = ecs.create_launch_template(ordinary)
    with suppress(ClientException):
        client.do_request(params(DELETE), query("sg-new"), RuntimeOptions())
    run = OpenApiRequest(query={**REGION, "LaunchTemplateId": template})
    client.do_request(params(RUN), run, RuntimeOptions())
    writes = len(ecs.writes)
    clock.return_value += seconds
    ecs.create_security_group(security_group_id="sg-new", service_managed=True)
    ecs.create_launch_template_version(template, "sg-new", default=True)
    for action, request in ((DELETE, query("sg-new")), (RUN, run)):
        with pytest.raises(ManagedSecurityGroupError):
            client.do_request(params(action), request, RuntimeOptions())
    assert len(ecs.writes) == writes


def test_a_group_that_the_client_deletes_and_that_comes_back_managed_is_asked_for_again(
    ecs: FakeEcs, client: Client, ordinary: str
) -> None:
    """A group deleted elsewhere is another matter: the README covers groups that become managed while cached."""
    client.do_request(params(DELETE), query(ordinary), RuntimeOptions())
    ecs.create_security_group(security_group_id=ordinary, service_managed=True)
    with pytest.raises(ManagedSecurityGroupError):
        client.do_request(params(DELETE), query(ordinary), RuntimeOptions())
    assert len(ecs.writes) == 1
