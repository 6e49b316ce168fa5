"""guard() refuses a client that it cannot guard in place, and leaves it as it was."""

from __future__ import annotations

from threading import Barrier
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock, create_autospec

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient

from safe_ecs import Client, GuardPolicy, ManagedSecurityGroupError, StatusCache, guard
from safe_ecs._transports import OVERRIDDEN
from tests.support.concurrency import Callers
from tests.support.sdk import models

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from safe_ecs.testing import FakeEcs


def refuse(client: Any, message: str, **arguments: Any) -> None:
    """Check that guard() refuses a client with a message, and changes nothing."""
    cls, before = type(client), dict(vars(client))
    with pytest.raises(TypeError, match=message):
        guard(client, **arguments)
    assert type(client) is cls
    assert vars(client) == before


class Proxy:
    """Hands out what another object has, its class included."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattribute__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "_client"), name)


# A proxy may derive from the client's class, and hand out the class of another object.
Lying = type("Lying", (StockClient,), {"__class__": property(lambda _: OpenApiClient)})


@pytest.mark.parametrize(
    "make",
    [
        lambda _: None,
        lambda _: "client",
        lambda _: object(),
        lambda _: StockClient,
        lambda _: MagicMock(spec=StockClient),
        lambda _: create_autospec(StockClient, instance=True),
        lambda config: Proxy(StockClient(config)),
        Lying,
    ],
    ids=["None", "text", "object", "class", "mock", "autospec", "proxy", "lying"],
)
def test_what_is_no_client_is_refused(ecs: FakeEcs, make: Callable[[Any], Any]) -> None:
    """A class, a mock and a proxy are no clients."""
    with pytest.raises(TypeError, match="SDK client"):
        guard(make(ecs.config()))


def test_a_guarded_client_is_refused(client: Client, stock: Any) -> None:
    """A second guard would add nothing, and its policy and cache would be ignored."""
    for guarded in (client, guard(stock)):
        refuse(guarded, "guarded already", policy=GuardPolicy(mode="off"))


@pytest.mark.parametrize("value", ["dog", None])
def test_an_attribute_named_guard_is_refused(ecs: FakeEcs, value: Any) -> None:
    """The attribute ``client.guard`` is ours, on the instance and on the class."""
    client: Any = StockClient(ecs.config())
    client.guard = value
    refuse(client, "Client has an attribute of its own where the guard goes")
    refuse(type("Theirs", (StockClient,), {"guard": value})(ecs.config()), "where the guard goes")


def test_a_value_in_the_enforcers_place_is_refused(stock: Any) -> None:
    """It could switch the guard off."""
    stock._safe_ecs_enforcer = object()
    refuse(stock, "guarded already")


@pytest.mark.parametrize("name", ["__copy__", "__deepcopy__", "__reduce__", "__reduce_ex__"])
def test_a_class_that_copies_itself_in_its_own_way_is_refused(ecs: FakeEcs, name: str) -> None:
    """Its method could make an unguarded copy of a guarded client. The error names another way."""
    copying: Any = type("Copying", (StockClient,), {name: lambda client, *_: client})
    refuse(
        copying(ecs.config()),
        f"Copying has a {name} of its own.*derive the class from safe_ecs.Client instead",
    )


@pytest.mark.parametrize("name", sorted(OVERRIDDEN))
def test_an_instance_with_a_transport_of_its_own_is_refused(stock: Any, name: str) -> None:
    """A wrapper around the SDK's transport leads past the guard, and so does any other replacement."""
    for replacement in (getattr(stock, name), lambda *_: None):
        setattr(stock, name, replacement)
        refuse(stock, f"would lead past the guard: {name};")


@pytest.mark.parametrize("name", sorted(OVERRIDDEN))
def test_an_instance_that_keeps_a_bound_transport_is_refused(stock: Any, name: str) -> None:
    """The bound method is the SDK's, and leads past the guard under any name."""
    stock.send = getattr(stock, name)
    refuse(stock, "would lead past the guard: send;")


@pytest.mark.parametrize("name", ["do_request", "send"])
def test_an_instance_that_keeps_a_transport_in_a_slot_is_refused(ecs: FakeEcs, name: str) -> None:
    """A slot is an attribute of the instance as well."""
    client: Any = type("Slotted", (StockClient,), {"__slots__": (name,)})(ecs.config())
    setattr(client, name, StockClient.do_request.__get__(client))
    refuse(client, f"would lead past the guard: {name};")


def test_a_transport_of_another_client_is_no_reason_to_refuse(
    ecs: FakeEcs, client: Client, stock: Any, managed: str
) -> None:
    """A client may fall back on another one."""
    stock.fallback = client.do_request
    guard(stock)
    with pytest.raises(ManagedSecurityGroupError):
        stock.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
    assert not ecs.writes


class Slotting(type):
    """A user's metaclass that gives each class a slot."""

    def __new__(cls, name: str, bases: Any, namespace: Any) -> Any:
        return super().__new__(cls, name, bases, {"__slots__": (f"slot_of_{name}",), **namespace})


class Final(StockClient):
    """A user's class that must have no subclass."""

    def __init_subclass__(cls) -> None:
        raise RuntimeError("Final is final")


class Changing(OpenApiClient):
    """A user's class that changes calls where the SDK sends them."""

    def do_request(self, params: Any, request: Any, runtime: Any) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Slotting("Slotted", (StockClient,), {}), "class of this Slotted cannot be changed: .*layout"),
        (Final, "class of this Final cannot be changed: Final is final"),
        (
            type("Late", (type("Theirs", (StockClient,), {}), Changing), {}),
            "class of this Late cannot be changed: .*name Changing before the guarded class",
        ),
    ],
    ids=["slots", "final", "bases"],
)
def test_a_client_whose_class_cannot_be_changed_is_refused(ecs: FakeEcs, make: Any, message: str) -> None:
    """The client stays as it was, and unguarded."""
    refuse(make(ecs.config()), message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"policy": "audit"}, "policy must be"),
        ({"cache": {}}, "cache must be"),
        ({"cache": StatusCache}, "cache must be"),
        ({"observers": [7]}, "an observer has"),
        ({"observers": 7}, "observers must be"),
    ],
    ids=str,
)
def test_arguments_of_other_types_are_refused(stock: Any, arguments: Any, message: str) -> None:
    """The error comes at once, not at the first call."""
    refuse(stock, message, **arguments)


def test_one_of_two_threads_that_guard_a_client_at_once_guards_it(stock: Any) -> None:
    """The other gets the error of a client that is guarded already: its policy would be ignored."""
    barrier = Barrier(2)

    def meet() -> Iterator[Any]:
        """Be no observer, but wait until both threads have looked at the client."""
        barrier.wait(10)
        yield from ()

    policies = [GuardPolicy(ttl=7), GuardPolicy(ttl=8)]
    calls = [lambda policy=policy: guard(stock, policy=policy, observers=meet()) for policy in policies]
    results = Callers(calls).join(20)
    ((winner, policy),) = (pair for pair in zip(results, policies, strict=True) if pair[0] is stock)
    (error,) = (result for result in results if result is not winner)
    assert isinstance(error, TypeError)
    assert "guarded already" in str(error)
    assert winner.guard.policy is policy
    assert type(winner) is Client


def test_a_client_guarded_while_its_observers_are_made_is_refused(stock: Any) -> None:
    """The first guard stays."""

    def observers() -> Iterator[Any]:
        guard(stock, policy=GuardPolicy(ttl=7))
        yield from ()

    with pytest.raises(TypeError, match="guarded already"):
        guard(stock, observers=observers())
    assert stock.guard.policy.ttl == 7
