"""guard() guards the very object, so that everything that refers to it already refers to a guarded client."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MethodType
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from darabonba.runtime import RuntimeOptions

from safe_ecs import ManagedSecurityGroupError, guard
from tests.support.concurrency import repeated
from tests.support.sdk import models
from tests.support.transports import DELETE, params, query

if TYPE_CHECKING:
    from collections.abc import Callable

    from safe_ecs.testing import FakeEcs

    Delete = Callable[[str], Any]


def deletion(group: str) -> Any:
    return models.DeleteSecurityGroupRequest(security_group_id=group)


class Api:
    """A helper that refers back to its client."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def delete(self, group: str) -> Any:
        return self.client.delete_security_group(deletion(group))


@dataclass
class Settings:
    """What a program hands around."""

    client: Any


@functools.lru_cache
def api_of(client: Any) -> Api:
    return Api(client)


CURRENT: contextvars.ContextVar[Any] = contextvars.ContextVar("current")


def in_a_context_variable(client: Any) -> Delete:
    context = contextvars.copy_context()
    context.run(CURRENT.set, client)
    return lambda group: context.run(lambda: Api(CURRENT.get()).delete(group))


def in_an_attribute_of_the_client(client: Any) -> Delete:
    client.api = api = Api(client)
    return api.delete


def in_a_table_on_the_client(client: Any) -> Delete:
    client.table = {"delete": client.delete_security_group}
    return lambda group: client.table["delete"](deletion(group))


def in_a_wrapper_on_the_client(client: Any) -> Delete:
    client.delete_security_group = functools.partial(client.delete_security_group)
    return Api(client).delete


def in_a_wrapper_round_call_api(client: Any) -> Delete:
    client.call_api = functools.partial(client.call_api)
    return Api(client).delete


def in_a_method_made_for_the_client(client: Any) -> Delete:
    client.delete = MethodType(lambda self, group: Api(self).delete(group), client)
    delete: Delete = client.delete
    return delete


def in_a_suspended_generator(client: Any) -> Delete:
    def delete() -> Any:
        group = yield
        yield client.delete_security_group(deletion(group))

    suspended = delete()
    next(suspended)
    send: Delete = suspended.send
    return send


def in_a_weak_method(client: Any) -> Delete:
    method: Any = weakref.WeakMethod(client.delete_security_group)
    return lambda group: method()(deletion(group))


def in_a_weak_dictionary(client: Any) -> Delete:
    apis = weakref.WeakKeyDictionary({client: "eu"})
    return lambda group: next(Api(each).delete(group) for each, name in apis.items() if name == "eu")


def in_a_cache(client: Any) -> Delete:
    api = api_of(client)

    def delete(group: str) -> Any:
        assert api_of(client) is api
        return api.delete(group)

    return delete


def in_a_thread_pool(client: Any) -> Delete:
    pool = ThreadPoolExecutor(initializer=CURRENT.set, initargs=(client,))
    return lambda group: pool.submit(lambda: Api(CURRENT.get()).delete(group)).result(10)


def in_a_coroutine(client: Any) -> Delete:
    async def delete(request: Any) -> Any:
        return await client.delete_security_group_async(request)

    request = deletion("")
    waiting = delete(request)

    def run(group: str) -> Any:
        request.security_group_id = group
        return asyncio.run(waiting)

    return run


def in_a_method_of_the_generic_client(client: Any) -> Delete:
    call_api = OpenApiClient.call_api.__get__(client)
    return lambda group: call_api(params(DELETE), query(group), RuntimeOptions())


def bound(make: Callable[[Any], Any]) -> Callable[[Any], Delete]:
    """Return a reference that is a callable of requests."""

    def refer(client: Any) -> Delete:
        send = make(client)
        return lambda group: send(deletion(group))

    return refer


REFERENCES: dict[str, Callable[[Any], Delete]] = {
    "attribute of the client": in_an_attribute_of_the_client,
    "table on the client": in_a_table_on_the_client,
    "wrapper on the client": in_a_wrapper_on_the_client,
    "wrapper round call_api": in_a_wrapper_round_call_api,
    "method made for the client": in_a_method_made_for_the_client,
    "method": bound(lambda client: client.delete_security_group),
    "method with options": bound(
        lambda client: functools.partial(client.delete_security_group_with_options, runtime=RuntimeOptions())
    ),
    "method of the generic client": in_a_method_of_the_generic_client,
    "partial": bound(lambda client: functools.partial(client.delete_security_group)),
    "partial of the class's method": bound(
        lambda client: functools.partial(StockClient.delete_security_group, client)
    ),
    "helper": lambda client: Api(client).delete,
    "dataclass": lambda client: Api(Settings(client).client).delete,
    "context variable": in_a_context_variable,
    "cache": in_a_cache,
    "weak reference": lambda client: Api(weakref.proxy(client)).delete,
    "weak method": in_a_weak_method,
    "weak dictionary": in_a_weak_dictionary,
    "suspended generator": in_a_suspended_generator,
    "thread pool": in_a_thread_pool,
    "coroutine": in_a_coroutine,
    "mock that passes calls on": lambda client: Api(Mock(wraps=client)).delete,
}


@pytest.mark.parametrize("kind", REFERENCES)
def test_a_reference_made_before_the_guard_refers_to_the_guarded_client(
    ecs: FakeEcs, stock: Any, managed: str, kind: str
) -> None:
    delete = REFERENCES[kind](stock)
    guard(stock)
    with pytest.raises(ManagedSecurityGroupError):
        delete(managed)
    assert not ecs.writes


@pytest.mark.parametrize("kind", REFERENCES)
def test_a_reference_made_before_the_guard_still_sends(
    ecs: FakeEcs, stock: Any, ordinary: str, kind: str
) -> None:
    delete = REFERENCES[kind](stock)
    guard(stock)
    delete(ordinary)
    assert [(write.action, write.status) for write in ecs.writes] == [(DELETE, 200)]


def test_a_program_may_replace_operations_of_a_client_before_it_guards_it(ecs: FakeEcs, stock: Any) -> None:
    """Mocks of operations and of call_api answer as before, and send nothing."""
    stock.delete_security_group = Mock(return_value="deleted")
    stock.call_api = Mock(return_value={"body": {}, "headers": {}, "statusCode": 200})
    client: Any = guard(stock)
    assert client.delete_security_group(deletion("sg-1")) == "deleted"
    assert client.describe_regions(models.DescribeRegionsRequest()).status_code == 200
    assert not ecs.requests


class Closing(StockClient):
    """A user's client that closes a session when it goes."""

    def __init__(self, config: Any, closed: list[str]) -> None:
        super().__init__(config)
        self.closed = closed

    def __del__(self) -> None:
        self.closed.append("by __del__")


class Frozen(StockClient):
    """A user's client whose attributes cannot be set once it is made."""

    is_made = False

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        vars(self)["is_made"] = True

    def __setattr__(self, name: str, value: object) -> None:
        if self.is_made:
            raise AttributeError(name)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        raise AttributeError(name)


# Its attribute __class__ cannot be set.
OfOneClass = type("OfOneClass", (StockClient,), {"__class__": property(type)})


@pytest.mark.parametrize("cls", [Frozen, OfOneClass])
def test_a_class_that_lets_nobody_set_attributes_is_guarded_all_the_same(
    ecs: FakeEcs, managed: str, cls: Any
) -> None:
    client: Any = guard(cls(ecs.config()))
    assert isinstance(client, cls)
    with pytest.raises(ManagedSecurityGroupError):
        client.delete_security_group(deletion(managed))
    assert not ecs.writes


def test_the_guard_frees_nothing(ecs: FakeEcs, managed: str, ordinary: str) -> None:
    """A client that closes what it uses when it goes, in one way or the other, goes when the program lets it go."""
    closed: list[str] = []
    client: Any = Closing(ecs.config(), closed)
    weakref.finalize(client, closed.append, "by finalize")
    client = guard(client)
    gc.collect()
    with pytest.raises(ManagedSecurityGroupError):
        client.delete_security_group(deletion(managed))
    client.delete_security_group(deletion(ordinary))
    gc.collect()
    assert closed == []
    del client
    gc.collect()
    assert sorted(closed) == ["by __del__", "by finalize"]


@pytest.mark.parametrize("make", [StockClient, OpenApiClient], ids=["ecs", "generic"])
def test_a_client_can_be_guarded_while_other_threads_use_it(ecs: FakeEcs, managed: str, make: Any) -> None:
    """Their calls under way end as the stock client's, and the next ones are guarded."""
    client: Any = make(ecs.config())
    other = params("DescribeRegions")
    errors: list[BaseException] = []

    def call() -> None:
        try:
            client.call_api(other, query("sg-1"), RuntimeOptions())
        except BaseException as error:  # noqa: BLE001 - for the test to look at
            errors.append(error)

    with repeated(call, threads=4):
        while len(ecs.requests) < 20:
            call()
        guard(client)
        for _ in range(20):
            with pytest.raises(ManagedSecurityGroupError):
                client.call_api(params(DELETE), query(managed), RuntimeOptions())
    assert errors == []
    assert not ecs.writes
