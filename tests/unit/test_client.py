"""guard() guards an existing client in place."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any
from unittest.mock import create_autospec

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.exceptions import ClientException
from darabonba.runtime import RuntimeOptions

from safe_ecs import Client, GuardPolicy, ManagedSecurityGroupError, StatusCache, guard
from safe_ecs._transports import GuardedTransports
from tests.support.observers import RecordingObserver
from tests.support.sdk import OpenApiRequest, models
from tests.support.transports import WAYS_TO_SEND, call, params
from tests.tools.differential.operations import config
from tests.tools.differential.recorder import Recorder

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


class Theirs(StockClient):
    """A user's subclass, with slots, a constructor of its own and an override."""

    __slots__ = ("slotted",)

    def __init__(self, config: Any, name: str) -> None:
        super().__init__(config)
        self.name = name
        self.slotted = "kept"
        self.seen: list[Any] = []

    def call_api(self, params: Any, request: Any, runtime: Any) -> Any:
        self.seen.append((params.action, request, runtime))
        return super().call_api(params, request, runtime)


def test_a_guarded_stock_client_is_our_client(ecs: FakeEcs, stock: Any, managed: str) -> None:
    """It is the same object, with the same attributes, and one more."""
    before = dict(vars(stock))
    client = guard(stock)
    assert client is stock
    assert type(client) is Client
    assert {name: value for name, value in vars(client).items() if name != "_safe_ecs_enforcer"} == before
    with pytest.raises(ManagedSecurityGroupError):
        stock.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
    assert not ecs.writes


@pytest.mark.parametrize(
    "make",
    [
        Client,
        lambda config, **rest: guard(StockClient(config), **rest),
        lambda config, **rest: guard(type("Theirs", (StockClient,), {})(config), **rest),
        lambda config, **rest: guard(OpenApiClient(config), **rest),
    ],
    ids=["Client", "stock", "subclass", "generic"],
)
def test_a_client_that_is_configured_again_keeps_its_guard(ecs: FakeEcs, make: Any) -> None:
    """The program calls the constructor as it did before."""
    policy, cache = GuardPolicy(ttl=7), StatusCache()
    client = make(ecs.config(), policy=policy, cache=cache)
    client.__init__(ecs.config(region_id="cn-beijing"))
    assert client._region_id == "cn-beijing"
    assert client.guard.policy is policy
    assert client._safe_ecs_enforcer.cache is cache


@pytest.mark.parametrize(
    "argument",
    [{"policy": GuardPolicy(ttl=7)}, {"cache": StatusCache()}, {"observers": [RecordingObserver()]}],
    ids=["policy", "cache", "observers"],
)
def test_a_client_that_is_configured_again_with_arguments_for_the_guard_gets_a_new_one(
    ecs: FakeEcs, client: Any, argument: Any
) -> None:
    before = client._safe_ecs_enforcer
    client.__init__(ecs.config(), **argument)
    assert client._safe_ecs_enforcer is not before


@pytest.mark.parametrize("form", ["sync", "async"])
def test_a_guarded_client_keeps_what_its_class_does(
    ecs: FakeEcs, managed: str, ordinary: str, form: str
) -> None:
    """Overrides run and see the same arguments. The client keeps attributes, slots and type."""
    theirs = Theirs(ecs.config(), "mine")
    credential = theirs._credential
    client = guard(theirs, policy=GuardPolicy(ttl=7), cache=StatusCache())
    assert isinstance(client, Theirs)
    assert (client.name, client.slotted) == ("mine", "kept")
    assert client._credential is credential
    assert client.guard.policy.ttl == 7
    with pytest.raises(ManagedSecurityGroupError):
        call(
            client, "DeleteSecurityGroup", models.DeleteSecurityGroupRequest(security_group_id=managed), form
        )
    assert not ecs.writes
    call(client, "DeleteSecurityGroup", models.DeleteSecurityGroupRequest(security_group_id=ordinary), form)
    assert len(ecs.writes) == 1
    if form == "sync":
        assert [action for action, _, _ in client.seen] == ["DeleteSecurityGroup"] * 2


def test_clients_share_connections_when_one_of_them_is_guarded() -> None:
    """The guarded client opens no connection of its own. The guard's reads have one."""
    with Recorder() as recorder:
        stock, theirs = StockClient(config(recorder)), StockClient(config(recorder))
        request = models.ModifySecurityGroupAttributeRequest(security_group_id="sg-1", description="mine")
        theirs.modify_security_group_attribute(request)
        client = guard(theirs, cache=StatusCache())
        for each in (stock, client, stock, client):
            each.modify_security_group_attribute(request)
        assert (len(recorder.wires), recorder.reads, len(recorder.connections)) == (5, 1, 2)


@pytest.mark.parametrize(
    "make",
    [StockClient, lambda config: Theirs(config, "mine"), OpenApiClient],
    ids=["stock", "subclass", "generic"],
)
def test_a_guarded_client_looks_like_an_unguarded_one(ecs: FakeEcs, make: Any) -> None:
    """isinstance, inspect, autospec of unittest.mock, hash and comparison see no difference."""
    original, theirs = make(ecs.config()), make(ecs.config())
    known = {theirs: "theirs"}
    client = guard(theirs)
    assert isinstance(client, type(original))
    assert known[client] == "theirs"
    assert client == theirs != original
    names = [name for name in dir(original) if not name.startswith("_") and callable(getattr(original, name))]
    assert names
    for name in names:
        assert inspect.signature(getattr(client, name)) == inspect.signature(getattr(original, name)), name
        assert inspect.iscoroutinefunction(getattr(client, name)) == inspect.iscoroutinefunction(
            getattr(original, name)
        )
    double = create_autospec(client, instance=True)
    assert isinstance(double, type(original))
    with pytest.raises(TypeError):
        double.call_api("too little")
    assert not ecs.requests


@pytest.mark.parametrize("transport", WAYS_TO_SEND)
def test_a_generic_client_is_guarded_at_every_transport(
    ecs: FakeEcs, managed: str, ordinary: str, transport: str
) -> None:
    """The generic client sends ECS actions by name."""
    client = guard(OpenApiClient(ecs.config()), cache=StatusCache())
    assert type(client) is GuardedTransports
    request = OpenApiRequest(query={"SecurityGroupId": managed})
    with pytest.raises(ManagedSecurityGroupError):
        WAYS_TO_SEND[transport](client, "LeaveSecurityGroup", request)
    assert not ecs.writes
    WAYS_TO_SEND[transport](
        client, "DeleteSecurityGroup", OpenApiRequest(query={"SecurityGroupId": ordinary})
    )
    assert [write.status for write in ecs.writes] == [200]


def test_a_guarded_generic_client_leaves_other_products_alone(ecs: FakeEcs, managed: str) -> None:
    """Only API version 2014-05-26 is ECS."""
    client = guard(OpenApiClient(ecs.config()))
    other = params("DeleteSecurityGroup", version="2017-11-10")
    with pytest.raises(ClientException):
        client.do_request(other, OpenApiRequest(query={"SecurityGroupId": managed}), RuntimeOptions())
    assert not ecs.reads


@pytest.mark.parametrize(
    "make", [Client, lambda config: guard(Theirs(config, "mine"))], ids=["Client", "guard"]
)
def test_instrumentation_of_the_stock_class_does_not_switch_the_guard_off(
    ecs: FakeEcs, managed: str, ordinary: str, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tracing libraries replace methods on the class, and call the method found there."""
    found, traced = StockClient.do_request, []

    def trace(self: Any, *arguments: Any) -> Any:
        traced.append(arguments[0].action)
        return found(self, *arguments)

    monkeypatch.setattr(StockClient, "do_request", trace)
    client = make(ecs.config())
    with pytest.raises(ManagedSecurityGroupError):
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
    assert not ecs.writes
    client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=ordinary))
    assert traced == ["DeleteSecurityGroup"]


@pytest.mark.parametrize(
    "arguments", [{"policy": "audit"}, {"cache": {}}, {"cache": StatusCache}, {"observers": [7]}], ids=str
)
def test_a_client_is_not_made_with_arguments_of_other_types(ecs: FakeEcs, arguments: Any) -> None:
    """The error comes when the client is made, not at its first call."""
    with pytest.raises(TypeError, match=r"policy|cache|observer"):
        Client(ecs.config(), **arguments)
