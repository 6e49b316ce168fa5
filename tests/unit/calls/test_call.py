"""A call that waits is sent as it was when it was made."""

from __future__ import annotations

import asyncio
import gc
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.utils_models import Config, GlobalParameters
from darabonba.runtime import ExtendsParameters, RuntimeOptions

from safe_ecs import Client, ManagedSecurityGroupError, StatusCache
from safe_ecs._calls.call import Call, has_own_rpc_headers
from safe_ecs.testing import CannedAnswer
from tests.support.sdk import TWICE, OpenApiRequest, models
from tests.support.transports import call, params

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


DELETE = "DeleteSecurityGroup"


def query(group: str) -> dict[str, str]:
    return {"RegionId": "cn-hangzhou", "SecurityGroupId": group}


async def test_a_request_that_is_reused_while_waiting_is_sent_as_it_was(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str
) -> None:
    """The guard sends the reviewed request, as the stock client would have sent it at that moment."""
    request = OpenApiRequest(query=query(ordinary))
    task = asyncio.create_task(client.call_api_async(params(DELETE), request, RuntimeOptions()))
    await asyncio.sleep(0)
    request.query["SecurityGroupId"] = managed
    request.query = query(managed)
    await task
    assert [write.parameters for write in ecs.writes] == [query(ordinary)]


async def test_a_runtime_that_is_reused_while_waiting_is_sent_as_it_was(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str
) -> None:
    """The runtime's extra queries are ordinary parameters."""
    runtime = RuntimeOptions(extends_parameters=ExtendsParameters(queries=query(ordinary)))
    task = asyncio.create_task(client.call_api_async(params(DELETE), OpenApiRequest(), runtime))
    await asyncio.sleep(0)
    runtime.extends_parameters = ExtendsParameters(queries=query(managed))
    await task
    assert [write.parameters for write in ecs.writes] == [query(ordinary)]


def test_a_body_that_another_thread_changes_is_sent_as_it_was(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str
) -> None:
    """The guard keeps the body as it was, nested values included."""
    ecs.answer_with(
        "DescribeSecurityGroups", CannedAnswer(status=503, body=b'{"Code": "ServiceUnavailable"}', delay=0.3)
    )
    request = OpenApiRequest(
        body={"RegionId": "cn-hangzhou", "NetworkInterface": [{"SecurityGroupId": ordinary}]}
    )
    thread = Thread(target=client.do_request, args=(params("RunInstances"), request, RuntimeOptions()))
    thread.start()
    while not ecs.reads:
        gc.collect()
    request.body["NetworkInterface"][0]["SecurityGroupId"] = managed
    thread.join()
    assert [write.parameters["NetworkInterface.1.SecurityGroupId"] for write in ecs.writes] == [ordinary]


def test_a_call_that_had_to_wait_is_sent_as_the_stock_client_sends_it(
    ecs: FakeEcs, stock: Any, client: Client, ordinary: str
) -> None:
    """Unflattened lists, tuples and models are sent as by the stock client."""
    model = models.DeleteSecurityGroupRequest(security_group_id=ordinary)
    # ECS takes no anonymous requests. The SDK cannot sign this one, so it is sent anonymously.
    ecs.answer_with("RunInstances", *[CannedAnswer(body=b"{}")] * 2)
    for each in (stock, client):
        body = {"NetworkInterface": [{"SecurityGroupIds": (ordinary,)}], "Model": [model]}
        request = OpenApiRequest(query={"RegionId": "cn-hangzhou", "Odd": ("a", ["b"])}, body=body)
        each.do_request(params("RunInstances", auth_type="Anonymous"), request, RuntimeOptions())
    ours, theirs = (write.parameters for write in ecs.writes)
    assert ours == theirs
    assert len(ecs.reads) == 1


async def test_headers_for_the_next_call_stay_with_that_call(
    ecs: FakeEcs, client: Client, ordinary: str
) -> None:
    """A waiting call keeps its own headers. Headers set meanwhile belong to the next call."""
    client.set_rpc_headers({"x-mine": "delete"})
    delete = asyncio.create_task(
        client.delete_security_group_async(models.DeleteSecurityGroupRequest(security_group_id=ordinary))
    )
    await asyncio.sleep(0)
    client.set_rpc_headers({"x-mine": "describe"})
    request = models.DescribeSecurityGroupAttributeRequest(security_group_id=ordinary)
    await client.describe_security_group_attribute_async(request)
    await delete
    carried = {each.action: each.headers.get("x-mine") for each in ecs.requests}
    assert carried == {
        "DescribeSecurityGroups": None,
        "DescribeSecurityGroupAttribute": "describe",
        DELETE: "delete",
    }


@pytest.mark.parametrize("form", ["sync", "async"])
@pytest.mark.parametrize(
    "header", [{"x-mine": "next"}, {"x-acs-action": "DeleteSecurityGroup"}, {"host": "127.0.0.1:1"}]
)
def test_headers_that_are_set_while_a_call_waits_are_for_the_next_one(
    ecs: FakeEcs, client: Client, ordinary: str, form: str, header: dict[str, str]
) -> None:
    """The guard sends a call with the headers of its review, as the stock client would have done."""
    ecs.latency = 0.3
    request = models.ModifySecurityGroupAttributeRequest(security_group_id=ordinary, description="mine")

    thread = Thread(target=call, args=(client, "ModifySecurityGroupAttribute", request, form))
    thread.start()
    while not ecs.reads:
        gc.collect()
    client.set_rpc_headers(header)
    thread.join()
    [write] = ecs.writes
    assert write.action == "ModifySecurityGroupAttribute"
    assert not header.items() & write.headers.items()
    assert client.get_rpc_headers() == header


def test_an_endpoint_or_global_parameters_that_change_while_a_call_waits_are_for_the_next_one(
    ecs: FakeEcs, client: Client, ordinary: str
) -> None:
    """The guard sends a call with its client's settings at the start of the call."""
    queries = {"Mark": "first"}
    client._global_parameters = GlobalParameters(queries=queries)
    ecs.latency = 0.3
    request = models.DeleteSecurityGroupRequest(security_group_id=ordinary)
    thread = Thread(target=client.delete_security_group, args=(request,))
    thread.start()
    while not ecs.reads:
        gc.collect()
    client._endpoint, queries["Mark"] = "127.0.0.1:1", "next"
    thread.join()
    assert [write.parameters["Mark"] for write in ecs.writes] == ["first"]


def test_a_further_try_goes_where_the_first_one_went(ecs: FakeEcs, ordinary: str) -> None:
    """A further try keeps endpoint and parameters of the first, though the client has changed. The group is cached here."""
    client = Client(ecs.config(), cache=StatusCache())
    client.guard.status(ordinary)
    client._retry_options = TWICE
    queries = {"Mark": "first"}
    client._global_parameters = GlobalParameters(queries=queries)
    ecs.answer_with(DELETE, CannedAnswer(status=503, body=b'{"Code": "ServiceUnavailable"}', delay=0.3))
    request = models.DeleteSecurityGroupRequest(security_group_id=ordinary)
    thread = Thread(target=client.delete_security_group, args=(request,))
    thread.start()
    while not ecs.writes:
        gc.collect()
    client._endpoint, queries["Mark"] = "127.0.0.1:1", "next"
    client.set_rpc_headers({"host": "127.0.0.1:1"})
    thread.join()
    assert [write.parameters["Mark"] for write in ecs.writes] == ["first"] * 2


@pytest.mark.parametrize("known", [False, True])
def test_headers_for_one_call_reach_its_first_try_only(ecs: FakeEcs, ordinary: str, *, known: bool) -> None:
    """The headers go with the first try only, as with the stock client, whether the call waited or not."""
    config = ecs.config()
    config.retry_options = TWICE
    client = Client(config, cache=StatusCache())
    if known:
        client.guard.status(ordinary)
    for each in (StockClient(config), client):
        ecs.answer_with(DELETE, CannedAnswer(status=503, body=b'{"Code": "ServiceUnavailable"}'))
        each.set_rpc_headers({"x-mine": "first"})
        each.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=ordinary))
        ecs.create_security_group(security_group_id=ordinary)
    assert [write.headers.get("x-mine") for write in ecs.writes] == ["first", None] * 2


def test_a_buffer_that_is_filled_anew_while_a_call_waits_is_sent_as_it_was(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str
) -> None:
    """The SDK turns a buffer into bytes only when it sends it."""
    ecs.latency = 0.3
    body = bytearray(f"RegionId=cn-hangzhou&SecurityGroupId={ordinary}".encode())
    raw = params(DELETE)
    raw.req_body_type = "byte"
    request = OpenApiRequest(body=body, headers={"content-type": "application/x-www-form-urlencoded"})
    thread = Thread(target=client.do_request, args=(raw, request, RuntimeOptions()))
    thread.start()
    while not ecs.reads:
        gc.collect()
    body[:] = f"RegionId=cn-hangzhou&SecurityGroupId={managed}".encode()
    thread.join()
    assert [write.parameters for write in ecs.writes] == [query(ordinary)]


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


class Sender(OpenApiClient):
    """A client that sends nothing and returns the call, its own part included."""

    def transport(self, *arguments: Any) -> tuple[Any, ...]:
        return self, *arguments


def _sender() -> Sender:
    return Sender(Config(access_key_id="k", access_key_secret="s", endpoint="h"))


def _call(client: Any, *leading: Any, takes_once_headers: bool = True, **request: Any) -> Call:
    return Call(
        client, leading, OpenApiRequest(**request), RuntimeOptions(), takes_once_headers=takes_once_headers
    )


def test_a_new_call_has_taken_nothing_and_decided_nothing() -> None:
    """Until the call is held, it has the caller's own objects."""
    client = _sender()
    client.set_rpc_headers({"a": "b"})
    made = _call(client, "leading")
    assert (made.effective, made.once_headers, made.sender) == (None, None, None)
    assert made.send(client.transport) == (client, "leading", made.request, made.runtime)
    assert client.get_rpc_headers() == {"a": "b"}


def test_a_call_is_held_once() -> None:
    """A second hold would be of a later moment."""
    client = _sender()
    client.set_rpc_headers({"a": "b"})
    made = _call(client, ["leading"], body={"a": 1}, query={"q": ["1"]}, headers={"h": "1"})
    sender = made.hold()
    held = made.leading, made.request, made.runtime
    client._endpoint = "another"
    assert made.hold() is sender is made.sender
    assert (made.leading, made.request, made.runtime) == held
    assert made.request is held[1]
    assert sender._endpoint == "h"


def test_a_held_call_shares_no_object_with_its_caller() -> None:
    """The caller may reuse request, runtime and the leading arguments at once."""
    client = _sender()
    layer: Any = ExtendsParameters(headers={"h": "1"}, queries={"q": "1"})
    request: Any = OpenApiRequest(headers={"h": "1"}, query={"q": ["1"]}, body={"b": ["1"]})
    leading, runtime = params(DELETE), RuntimeOptions(extends_parameters=layer)
    made = Call(client, (leading, "text"), request, runtime, takes_once_headers=True)
    made.hold()
    leading.action = "later"
    request.headers["h"] = "later"
    request.query["q"][0] = request.body["b"][0] = "later"
    layer.headers["h"] = layer.queries["q"] = "later"
    runtime.autoretry, request.stream = True, "later"
    assert made.leading[0].action == DELETE
    assert made.leading[1] == "text"
    sent: Any = made.request
    assert (sent.headers, sent.query, sent.body) == ({"h": "1"}, {"q": ["1"]}, {"b": ["1"]})
    assert sent.stream is None
    assert made.runtime.autoretry is None
    assert made.runtime.extends_parameters.headers == {"h": "1"}
    assert made.runtime.extends_parameters.queries == {"q": "1"}


def test_what_a_call_does_not_have_a_held_call_does_not_have_either() -> None:
    """The SDK treats an empty mapping in another way than none."""
    made = _call(_sender())
    made.hold()
    sent: Any = made.request
    assert (sent.headers, sent.query, sent.body) == (None, None, None)
    assert made.runtime.extends_parameters is None


def test_a_held_call_is_sent_by_its_sender_with_the_same_transport() -> None:
    """A function that is no method of the client has no sender to be bound to."""
    client = _sender()
    made = _call(client, "leading")
    sender = made.hold()
    assert sender is not client
    assert type(sender) is Sender
    assert made.send(client.transport) == (sender, "leading", made.request, made.runtime)
    assert made.send(lambda *arguments: arguments) == ("leading", made.request, made.runtime)


def test_the_sender_hands_out_the_headers_for_one_call_once() -> None:
    """The first try gets them, as with the stock client."""
    client = _sender()
    client.set_rpc_headers({"a": "b"})
    sender = _call(client).hold()
    assert [sender.get_rpc_headers() for _ in range(3)] == [{"a": "b"}, None, None]
    assert client.get_rpc_headers() is None


def test_a_sender_whose_class_hands_out_headers_in_its_own_way_gives_them_to_each_try() -> None:
    """The method of the class is asked once, when the call is held."""

    class Theirs(Sender):
        def get_rpc_headers(self) -> Any:
            asked.append(self)
            return {"a": "b"}

    asked: list[Any] = []
    client = Theirs(Config(access_key_id="k", access_key_secret="s", endpoint="h"))
    sender = _call(client).hold()
    assert [sender.get_rpc_headers() for _ in range(3)] == [{"a": "b"}] * 3
    assert asked == [client]
    assert has_own_rpc_headers(client)
    assert not has_own_rpc_headers(_sender())


def test_a_transport_that_takes_no_headers_from_the_client_leaves_them_there() -> None:
    """They are for a later call."""
    client = _sender()
    client.set_rpc_headers({"a": "b"})
    made = _call(client, takes_once_headers=False)
    sender = made.hold()
    made.take_once_headers()
    assert made.once_headers is None
    assert "get_rpc_headers" not in vars(sender)
    assert client.get_rpc_headers() == {"a": "b"}


def test_headers_for_one_call_are_taken_once() -> None:
    """Headers that are set afterwards are for the next call."""
    client = _sender()
    client.set_rpc_headers({"a": "b"})
    made = _call(client)
    made.take_once_headers()
    client.set_rpc_headers({"c": "d"})
    made.take_once_headers()
    made.hold()
    assert made.once_headers == {"a": "b"}
    assert client.get_rpc_headers() == {"c": "d"}


def test_the_sender_has_global_parameters_of_its_own() -> None:
    """The client's global parameters may change while the call waits. A client without any has a sender without any."""
    assert _call(_sender()).hold()._global_parameters is None
    client = _sender()
    layer: Any = GlobalParameters(headers={"h": "1"}, queries={"q": "1"})
    client._global_parameters = layer
    sender = _call(client).hold()
    layer.headers["h"] = layer.queries["q"] = "later"
    assert sender._global_parameters.headers == {"h": "1"}
    assert sender._global_parameters.queries == {"q": "1"}
