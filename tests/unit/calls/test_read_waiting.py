"""A call that waits is sent as it was when it was made, or reviewed again."""

from __future__ import annotations

import asyncio
import gc
from contextlib import contextmanager
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.utils_models import GlobalParameters
from darabonba.runtime import ExtendsParameters, RuntimeOptions

from safe_ecs import Client, ManagedSecurityGroupError, StatusCache, StatusUnavailableError
from safe_ecs.testing import CannedAnswer, FakeEcs
from tests.support.concurrency import Callers, wait_for_read
from tests.support.sdk import TWICE, OpenApiRequest, models
from tests.support.transports import call, params

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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


def test_a_call_is_reviewed_again_if_its_endpoint_has_changed_while_it_waited(
    ecs: FakeEcs, client: Client, ordinary: str
) -> None:
    """The SDK sends the call to the endpoint of that moment, where the group may be another one."""
    with FakeEcs() as another:
        another.create_security_group(security_group_id=ordinary, service_managed=True)
        request = models.DeleteSecurityGroupRequest(security_group_id=ordinary)
        with _waiting(ecs, lambda: client.delete_security_group(request)) as outcomes:
            client._http_proxy = client._endpoint = another.endpoint
        assert isinstance(outcomes[0], ManagedSecurityGroupError)
        assert outcomes[0].decision.endpoint == another.endpoint
        assert not ecs.writes
        assert not another.writes


def test_a_call_is_reviewed_again_if_its_region_has_changed_while_it_waited(
    ecs: FakeEcs, client: Client, ordinary: str
) -> None:
    """A call without a region of its own is in the client's region of that moment."""
    request = models.ModifyInstanceAttributeRequest(instance_id="i-1", security_group_ids=[ordinary])
    with _waiting(ecs, lambda: client.modify_instance_attribute(request)):
        client._region_id = "cn-beijing"
    assert [read.parameters["RegionId"] for read in ecs.reads] == ["cn-hangzhou", "cn-beijing"]


def test_global_parameters_that_change_while_a_call_waits_are_reviewed(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str
) -> None:
    """The SDK merges them when it sends the call. A group that they add is a target as well."""
    queries: dict[str, str] = {"Mark": "first"}
    client._global_parameters = GlobalParameters(queries=queries)
    request = OpenApiRequest(query=query(ordinary))
    call_it = partial(client.do_request, params(DELETE), request, RuntimeOptions())
    with _waiting(ecs, call_it) as outcomes:
        queries["SecurityGroupId.1"] = managed
    assert isinstance(outcomes[0], ManagedSecurityGroupError)
    assert not ecs.writes


def test_a_client_that_keeps_changing_gets_no_call_through(ecs: FakeEcs, ordinary: str) -> None:
    """The guard reviews a call three times, and then cannot tell where the call would go."""

    class Wandering(Client):
        @property
        def _endpoint(self) -> Any:
            self.asked += 1
            return f"{self.address}" if self.asked % 2 else self.address.replace("127.0.0.1", "localhost")

        @_endpoint.setter
        def _endpoint(self, address: str) -> None:
            self.address, self.asked = address, 0

    client = Wandering(ecs.config(), cache=StatusCache())
    with pytest.raises(StatusUnavailableError, match="keep changing"):
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=ordinary))
    assert not ecs.writes


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


@contextmanager
def _waiting(ecs: FakeEcs, send: Callable[[], Any]) -> Iterator[list[Any]]:
    """Enter the block while a call waits for the guard's read, and wait for the call after the block."""
    ecs.latency = 0.3
    callers = Callers([send])
    wait_for_read(ecs)
    yield callers.results
    callers.join(30)
