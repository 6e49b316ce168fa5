"""A call is read once, and sent as it was read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, cast

import pytest
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.utils_models import GlobalParameters
from darabonba.model import DaraModel
from darabonba.runtime import RuntimeOptions

from safe_ecs import Client, ManagedSecurityGroupError, StatusCache, StatusUnavailableError
from safe_ecs.testing import CannedAnswer, FakeEcs
from tests.support.sdk import TWICE, OpenApiRequest, models
from tests.support.transports import params

if TYPE_CHECKING:
    from collections.abc import Callable


DELETE = "DeleteSecurityGroup"


def query(group: str) -> dict[str, str]:
    return {"RegionId": "cn-hangzhou", "SecurityGroupId": group}


@pytest.mark.parametrize("header", [{"x-acs-action": DELETE}, {"x-mine": "kept"}], ids=str)
def test_headers_from_an_override_are_seen_and_sent(
    ecs: FakeEcs, managed: str, header: dict[str, str]
) -> None:
    """get_rpc_headers is public, and an override may return any headers."""

    class Theirs(Client):
        def get_rpc_headers(self) -> Any:
            return header

    client = Theirs(ecs.config(), cache=StatusCache())
    request = OpenApiRequest(query=query(managed))
    if "x-acs-action" in header:
        with pytest.raises(ManagedSecurityGroupError):
            client.do_request(params("DescribeSecurityGroupAttribute"), request, RuntimeOptions())
        assert not ecs.writes
    else:
        client.do_request(params("DescribeSecurityGroupAttribute"), request, RuntimeOptions())
        assert ecs.requests[0].headers["x-mine"] == "kept"


class Frozen:
    """A request of a class of somebody's, with slots and no way to set them."""

    __slots__ = ("_query",)

    def __init__(self, query: Any) -> None:
        object.__setattr__(self, "_query", query)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)

    def __getattr__(self, name: str) -> Any:
        if name in {"headers", "body", "stream", "host_map", "endpoint_override"}:
            return None
        raise AttributeError(name)

    @property
    def query(self) -> Any:
        return self._query


class Moving(OpenApiRequest):  # type: ignore[misc]  # the SDK as the tests use it is untyped
    """A request with another query each time that it is read."""

    def __init__(self, *queries: Any) -> None:
        self._queries = list(queries)
        super().__init__()

    @property
    def query(self) -> Any:
        return self._queries.pop(0) if len(self._queries) > 1 else self._queries[0]

    @query.setter
    def query(self, _: object) -> None:
        pass


def test_a_request_of_any_class_is_sent_as_by_the_stock_client(
    ecs: FakeEcs, stock: Any, client: Client, ordinary: str
) -> None:
    """The guard needs attributes, and neither a model nor a copy method."""
    frozen: Any = Frozen(query(ordinary))
    for each in (stock, client):
        each.do_request(params("ModifySecurityGroupAttribute"), frozen, RuntimeOptions())
    first, second = (write.parameters for write in ecs.writes)
    assert first == second == query(ordinary)


@pytest.mark.parametrize("known", [False, True])
def test_a_request_that_moves_on_is_sent_as_it_was_reviewed(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str, *, known: bool
) -> None:
    """The guard reads the query once, and the SDK sends that reading."""
    if known:
        client.guard.status(ordinary)
    moving = Moving(query(ordinary), query(managed))
    client.do_request(params(DELETE), moving, RuntimeOptions())
    assert [write.parameters for write in ecs.writes] == [query(ordinary)]


class Model(DaraModel):
    """A body whose mapping is another one each time."""

    def __init__(self, *mappings: Any) -> None:
        self.mappings = list(mappings)

    def to_map(self) -> Any:
        return self.mappings.pop(0) if len(self.mappings) > 1 else self.mappings[0]


def test_a_body_that_moves_on_is_sent_as_it_was_reviewed(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str
) -> None:
    """A model makes its mapping anew for each reader."""
    body = Model(query(ordinary), query(managed))
    client.do_request(params(DELETE), OpenApiRequest(body=body), RuntimeOptions())
    assert [write.parameters for write in ecs.writes] == [query(ordinary)]


class Raising:
    """A request, a runtime or params with an attribute that raises."""

    def __init__(self, original: Any, name: str) -> None:
        self._original, self._name = original, name

    def __getattr__(self, name: str) -> Any:
        if name == self._name:
            raise LookupError(name)
        return getattr(self._original, name)


RAISING: dict[str, Callable[[Any, Any, Any], tuple[Any, Any, Any]]] = {
    "query": lambda p, r, t: (p, Raising(r, "query"), t),
    "body": lambda p, r, t: (p, Raising(r, "body"), t),
    "extends_parameters": lambda p, r, t: (p, r, Raising(t, "extends_parameters")),
    "pathname": lambda p, r, t: (Raising(p, "pathname"), r, t),
    "action": lambda p, r, t: (Raising(p, "action"), r, t),
    "no runtime": lambda p, r, _: (p, r, None),
    "no request": lambda p, _, t: (p, None, t),
    "no params": lambda _, r, t: (None, r, t),
}


def _send(transport: Callable[..., Any], arguments: tuple[Any, Any, Any]) -> None:
    result = transport(*arguments)
    if asyncio.iscoroutine(result):
        asyncio.run(result)


@pytest.mark.parametrize("transport", ["do_request", "do_request_async"])
@pytest.mark.parametrize("part", RAISING)
def test_an_unguarded_call_that_cannot_be_read_fails_as_with_the_stock_client(
    ecs: FakeEcs, stock: Any, client: Client, part: str, transport: str
) -> None:
    """The stock transport raises its own exception for it."""

    def outcome(each: Any) -> tuple[type, str]:
        arguments = RAISING[part](params("DescribeInstances"), OpenApiRequest(query={}), RuntimeOptions())
        with pytest.raises(Exception) as error:  # noqa: PT011 - the exception of the stock client
            _send(getattr(each, transport), arguments)
        return error.type, str(error.value)

    assert outcome(client) == outcome(stock)


@pytest.mark.parametrize("part", ["query", "body", "extends_parameters"])
def test_a_guarded_call_that_cannot_be_read_cannot_be_determined(
    ecs: FakeEcs, client: Client, ordinary: str, part: str
) -> None:
    """The error names the exception."""
    arguments = RAISING[part](params(DELETE), OpenApiRequest(query=query(ordinary)), RuntimeOptions())
    with pytest.raises(StatusUnavailableError, match="reading it raised LookupError"):
        client.do_request(*arguments)
    assert not ecs.requests


def test_an_unguarded_call_is_handed_to_the_stock_transport_as_it_came(client: Client, mocker: Any) -> None:
    """With retry options and headers of its own too: the very objects of the caller."""
    sent = mocker.patch.object(OpenApiClient, "do_request", return_value={})
    for retry_options in (None, TWICE):
        client._retry_options = cast("Any", retry_options)
        for headers in (None, {"x-mine": "1"}):
            arguments = (
                params("DescribeInstances"),
                OpenApiRequest(query={}, headers=headers),
                RuntimeOptions(),
            )
            client.do_request(*arguments)
            assert all(a is b for a, b in zip(sent.call_args.args, arguments, strict=True))


def test_a_guarded_call_is_sent_by_the_very_client_that_makes_it(ecs: FakeEcs, ordinary: str) -> None:
    """State on the client and its overrides are those of the object that the program has."""

    class Theirs(Client):
        senders: ClassVar[list[Any]] = []

        def get_access_denied_detail(self, err: Any) -> Any:
            self.senders.append(self)
            return super().get_access_denied_detail(err)

    client = Theirs(ecs.config(), cache=StatusCache())
    ecs.answer_with(DELETE, CannedAnswer(status=403, body=b'{"Code": "Forbidden.RAM"}'))
    with pytest.raises(ClientException):
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=ordinary))
    assert len(client.senders) == 1
    assert client.senders[0] is client


def test_a_call_that_waited_passes_through_what_is_wrapped_round_the_sdk(
    ecs: FakeEcs, client: Client, ordinary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instrumentation replaces the method of the SDK's class: it sees each call, whether that waited or not."""
    stock, seen = OpenApiClient.do_request, []

    def wrapped(self: Any, operation: Any, request: Any, runtime: Any) -> Any:
        seen.append((self, operation.action))
        request.headers = {**(request.headers or {}), "x-trace": "1"}
        return stock(self, operation, request, runtime)

    monkeypatch.setattr(OpenApiClient, "do_request", wrapped)
    request = models.ModifySecurityGroupAttributeRequest(security_group_id=ordinary, description="mine")
    client.modify_security_group_attribute(request)
    client.modify_security_group_attribute(request)
    assert seen[-1] == (client, "ModifySecurityGroupAttribute")
    assert [write.headers.get("x-trace") for write in ecs.writes] == ["1", "1"]


def test_settings_of_odd_types_fail_as_with_the_stock_client(
    ecs: FakeEcs, stock: Any, client: Client
) -> None:
    """For a call that is not guarded."""

    def outcome(each: Any) -> tuple[type, str]:
        each._global_parameters = "odd"
        with pytest.raises(Exception) as error:  # noqa: PT011 - the exception of the stock client
            each.do_request(params("DescribeInstances"), OpenApiRequest(query={}), RuntimeOptions())
        return error.type, str(error.value)

    assert outcome(client) == outcome(stock)


def test_global_parameters_of_a_type_that_may_move_on_cannot_be_determined(
    ecs: FakeEcs, client: Client, ordinary: str
) -> None:
    """The SDK reads them from the client when it sends the call: the guard has no copy to hand out."""

    class Lazy(dict[str, str]):
        pass

    client._global_parameters = GlobalParameters(queries=Lazy(Mark="1"))
    with pytest.raises(StatusUnavailableError, match="global parameters of its client are of a type"):
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=ordinary))
    assert not ecs.writes
