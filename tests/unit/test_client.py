"""guard() makes a guarded twin of an existing client."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock, create_autospec

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.exceptions import ClientException
from darabonba.runtime import RuntimeOptions

from safe_ecs import Client, GuardError, GuardPolicy, ManagedSecurityGroupError, StatusCache, guard
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


def test_a_twin_of_the_stock_client_is_our_client(ecs: FakeEcs, stock: Any, managed: str) -> None:
    """The original stays unchanged and unguarded."""
    before = dict(vars(stock))
    twin = guard(stock)
    assert type(twin) is Client
    request = models.DeleteSecurityGroupRequest(security_group_id=managed)
    with pytest.raises(ManagedSecurityGroupError):
        twin.delete_security_group(request)
    assert not ecs.writes
    assert vars(stock) == before
    assert type(stock) is StockClient
    with pytest.raises(ClientException) as error:
        stock.delete_security_group(request)
    assert not isinstance(error.value, GuardError)
    assert len(ecs.writes) == 1


@pytest.mark.parametrize("form", ["sync", "async"])
def test_a_twin_of_a_subclass_keeps_what_the_subclass_does(
    ecs: FakeEcs, managed: str, ordinary: str, form: str
) -> None:
    """Overrides run and see the same arguments. The twin keeps attributes, slots and type."""
    original = Theirs(ecs.config(), "mine")
    twin = guard(original, policy=GuardPolicy(ttl=7), cache=StatusCache())
    assert isinstance(twin, Theirs)
    assert (twin.name, twin.slotted) == ("mine", "kept")
    assert twin._credential is original._credential
    assert twin.guard.policy.ttl == 7
    with pytest.raises(ManagedSecurityGroupError):
        call(twin, "DeleteSecurityGroup", models.DeleteSecurityGroupRequest(security_group_id=managed), form)
    assert not ecs.writes
    call(twin, "DeleteSecurityGroup", models.DeleteSecurityGroupRequest(security_group_id=ordinary), form)
    assert len(ecs.writes) == 1
    if form == "sync":
        assert [action for action, _, _ in twin.seen] == ["DeleteSecurityGroup"] * 2


def test_attributes_set_later_do_not_leak(stock: Any) -> None:
    """The twin and the original are separate clients."""
    twin = guard(stock)
    twin._region_id = "cn-beijing"
    stock.set_rpc_headers({"a": "b"})
    assert stock._region_id == "cn-hangzhou"
    assert twin._headers is None


def test_twin_and_original_share_credentials_and_connections() -> None:
    """Neither a further twin nor the guard's read opens a connection of its own."""
    with Recorder() as recorder:
        stock = StockClient(config(recorder))
        twin = guard(stock, cache=StatusCache())
        assert twin._credential is stock._credential
        request = models.ModifySecurityGroupAttributeRequest(security_group_id="sg-1", description="mine")
        for client in (stock, twin, stock, twin):
            client.modify_security_group_attribute(request)
        assert (len(recorder.wires), recorder.reads, len(recorder.connections)) == (4, 1, 1)


@pytest.mark.parametrize(
    "make",
    [StockClient, lambda config: Theirs(config, "mine"), OpenApiClient],
    ids=["stock", "subclass", "generic"],
)
def test_a_twin_looks_like_its_original(ecs: FakeEcs, make: Any) -> None:
    """isinstance, inspect and autospec of unittest.mock see no difference."""
    original = make(ecs.config())
    twin = guard(original)
    assert isinstance(twin, type(original))
    names = [name for name in dir(original) if not name.startswith("_") and callable(getattr(original, name))]
    assert names
    for name in names:
        assert inspect.signature(getattr(twin, name)) == inspect.signature(getattr(original, name)), name
        assert inspect.iscoroutinefunction(getattr(twin, name)) == inspect.iscoroutinefunction(
            getattr(original, name)
        )
    double = create_autospec(twin, instance=True)
    assert isinstance(double, type(original))
    with pytest.raises(TypeError):
        double.call_api("too little")
    assert not ecs.requests


@pytest.mark.parametrize("transport", WAYS_TO_SEND)
def test_a_twin_of_the_generic_client_is_guarded_at_every_transport(
    ecs: FakeEcs, managed: str, ordinary: str, transport: str
) -> None:
    """The generic client sends ECS actions by name."""
    twin = guard(OpenApiClient(ecs.config()), cache=StatusCache())
    assert isinstance(twin, OpenApiClient)
    request = OpenApiRequest(query={"SecurityGroupId": managed})
    with pytest.raises(ManagedSecurityGroupError):
        WAYS_TO_SEND[transport](twin, "LeaveSecurityGroup", request)
    assert not ecs.writes
    WAYS_TO_SEND[transport](twin, "DeleteSecurityGroup", OpenApiRequest(query={"SecurityGroupId": ordinary}))
    assert [write.status for write in ecs.writes] == [200]


def test_a_twin_of_the_generic_client_leaves_other_products_alone(ecs: FakeEcs, managed: str) -> None:
    """Only API version 2014-05-26 is ECS."""
    twin = guard(OpenApiClient(ecs.config()))
    other = params("DeleteSecurityGroup", version="2017-11-10")
    with pytest.raises(ClientException):
        twin.do_request(other, OpenApiRequest(query={"SecurityGroupId": managed}), RuntimeOptions())
    assert not ecs.reads


@pytest.mark.parametrize("thing", [None, "client", object(), StockClient, MagicMock(spec=StockClient)])
def test_what_is_no_client_is_refused(thing: Any) -> None:
    """A class and a mock are no clients."""
    with pytest.raises(TypeError, match="SDK client"):
        guard(thing)


def test_a_guarded_client_is_refused(client: Client, stock: Any) -> None:
    """A second guard would add nothing."""
    for guarded in (client, guard(stock)):
        with pytest.raises(TypeError, match="guarded already"):
            guard(guarded)


def test_an_instance_with_replaced_methods_is_refused(stock: Any) -> None:
    """A wrapper around the original's method would bypass the guard."""
    original = stock.delete_security_group
    stock.delete_security_group = partial(original)
    with pytest.raises(TypeError, match="delete_security_group"):
        guard(stock)


def test_a_class_with_an_attribute_named_guard_is_refused(ecs: FakeEcs) -> None:
    """The attribute ``client.guard`` is ours."""
    client: Any = StockClient(ecs.config())
    client.guard = "dog"
    with pytest.raises(TypeError, match="guard"):
        guard(client)


def test_a_class_with_an_attribute_named_as_the_enforcer_is_refused(ecs: FakeEcs) -> None:
    """A value in its place could switch the guard off."""
    client: Any = StockClient(ecs.config())
    client._safe_ecs_enforcer = object()
    with pytest.raises(TypeError, match="attribute of its own where the guard goes: _safe_ecs_enforcer"):
        guard(client)


class Keeping(StockClient):
    """A user's subclass that keeps a bound method of its own."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.send = self.do_request


def test_an_instance_that_keeps_a_method_of_its_own_is_refused(ecs: FakeEcs) -> None:
    """The bound method belongs to the original, and would bypass the guard."""
    with pytest.raises(TypeError, match="send"):
        guard(Keeping(ecs.config()))


@pytest.mark.parametrize(
    "make", [Client, lambda config: guard(Theirs(config, "mine"))], ids=["Client", "twin"]
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


@pytest.mark.parametrize("arguments", [{"policy": "audit"}, {"cache": {}}, {"cache": StatusCache}], ids=str)
def test_policy_and_cache_must_be_what_they_are_called(stock: Any, ecs: FakeEcs, arguments: Any) -> None:
    """The error comes when the client is made, not at its first call."""
    for make in (guard, lambda _, **rest: Client(ecs.config(), **rest)):
        with pytest.raises(TypeError, match=next(iter(arguments))):
            make(stock, **arguments)
