"""Where the environment names a proxy, as in many offices, what is on this machine is still asked directly."""

from __future__ import annotations

import copy
import os
from argparse import Namespace
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient

from safe_ecs import Client, ManagedSecurityGroupError, StatusCache, guard
from safe_ecs.cli._account import config_for
from safe_ecs.testing import FakeEcs
from tests.support.command_line import run
from tests.support.sdk import models
from tests.support.transports import DELETE, FORMS, WAYS_TO_SEND, call, query

if TYPE_CHECKING:
    from collections.abc import Callable

DEAD = "http://127.0.0.1:9"
DESCRIBE = "DescribeSecurityGroups"
MAKERS: dict[str, Callable[[Any], Any]] = {
    "stock": StockClient,
    "generic": OpenApiClient,
    "guarded": lambda config: Client(config, cache=StatusCache()),
    "guarded generic": lambda config: guard(OpenApiClient(config), cache=StatusCache()),
}


@pytest.fixture(autouse=True, params=["", "127.0.0.1,localhost"], ids=["no NO_PROXY", "NO_PROXY"])
def _office(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment with a proxy that does not answer."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, DEAD)
        monkeypatch.setenv(name.upper(), DEAD)
    monkeypatch.setenv("NO_PROXY", request.param)
    monkeypatch.setenv("no_proxy", request.param)


def delete(client: Any, group: str, form: str = "sync") -> None:
    call(client, DELETE, models.DeleteSecurityGroupRequest(security_group_id=group), form)


@pytest.mark.parametrize("transport", WAYS_TO_SEND)
@pytest.mark.parametrize("maker", MAKERS)
def test_every_client_reaches_fake_ecs_by_every_transport(
    ecs: FakeEcs, ordinary: str, maker: str, transport: str
) -> None:
    """The guard's own read as well."""
    environment = dict(os.environ)
    WAYS_TO_SEND[transport](MAKERS[maker](ecs.config()), DELETE, query(ordinary))
    reads = [DESCRIBE] * maker.startswith("guarded")
    assert [(each.action, each.status) for each in ecs.requests] == [(name, 200) for name in (*reads, DELETE)]
    assert dict(os.environ) == environment


@pytest.mark.parametrize("form", FORMS)
def test_every_method_reaches_fake_ecs(ecs: FakeEcs, managed: str, form: str) -> None:
    client = Client(ecs.config(), cache=StatusCache())
    with pytest.raises(ManagedSecurityGroupError):
        delete(client, managed, form)
    ecs.assert_no_writes()
    delete(StockClient(ecs.config()), ecs.create_security_group(), form)


@pytest.mark.parametrize("form", FORMS)
def test_a_proxy_in_the_configuration_counts(ecs: FakeEcs, ordinary: str, form: str) -> None:
    """Whether it answers or not."""
    config = ecs.config()
    config.http_proxy = DEAD
    with pytest.raises(Exception, match=r"127\.0\.0\.1.*9"):
        delete(StockClient(config), ordinary, form)
    assert not ecs.requests
    config.endpoint, config.http_proxy = "ecs.example", f"http://{ecs.endpoint}"
    delete(StockClient(config), ordinary, form)
    assert [each.action for each in ecs.requests] == [DELETE]


@pytest.mark.parametrize("form", FORMS)
def test_a_configuration_whose_endpoint_is_changed_goes_there(ecs: FakeEcs, form: str) -> None:
    config = ecs.config()
    with FakeEcs(check_signatures=False) as other:
        config.endpoint = other.endpoint
        delete(StockClient(copy.deepcopy(config)), other.create_security_group(), form)
        assert len(other.writes) == 1
    with pytest.raises(Exception, match=other.endpoint.partition(":")[2]):
        delete(StockClient(config), "sg-1", form)
    config.endpoint = None  # type: ignore[assignment]  # the SDK leaves out None
    assert config.http_proxy is None
    assert not ecs.requests


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_command_line_reaches_an_endpoint_on_this_machine(ecs: FakeEcs, managed: str, host: str) -> None:
    port = ecs.endpoint.partition(":")[2]
    named = ("--region-id", "cn-hangzhou", "--endpoint-url", f"http://{host}:{port}")
    refused = run("check", DELETE, "--security-group-id", managed, *named)
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert run("managed", *named).returncode == 0


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://user:password@127.0.0.1:80", "http://127.0.0.1:80"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://localhost", "http://localhost"),
        ("http://10.0.0.1", None),
        ("http://ecs.example", None),
        ("https://ecs.cn-hangzhou.aliyuncs.com", None),
    ],
)
def test_the_command_line_asks_the_proxy_for_other_machines(url: str, proxy: str | None) -> None:
    config = config_for(Namespace(endpoint_url=url), "cn-hangzhou")
    assert (config.http_proxy, config.region_id) == (proxy, "cn-hangzhou")
