"""A call that waits is sent as it was when it was made."""

from __future__ import annotations

import asyncio
import gc
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.utils_models import GlobalParameters
from darabonba.runtime import ExtendsParameters, RuntimeOptions

from safe_ecs import Client, ManagedSecurityGroupError, StatusCache
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
