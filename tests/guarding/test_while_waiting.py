"""While the guard waits for ECS, no change by the caller bypasses it, and no two calls get mixed up."""

from __future__ import annotations

import asyncio
import gc
import signal
import weakref
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.utils_models import GlobalParameters
from darabonba.runtime import ExtendsParameters, RuntimeOptions

from safe_ecs import Client, GroupStatus, GuardPolicy, ManagedSecurityGroupError, StatusCache
from safe_ecs._core.review import Read
from safe_ecs.cache._principal import Principal
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


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("form", ["sync", "async"])
def test_the_headers_of_a_refused_call_are_not_for_the_next_one(
    client: Client, managed: str, form: str, *, known: bool
) -> None:
    """The refused call used the headers up, as the stock client would have sent them with it."""
    if known:
        client.guard.status(managed)
    client.set_rpc_headers({"x-mine": "delete"})
    request = models.DeleteSecurityGroupRequest(security_group_id=managed)
    with pytest.raises(ManagedSecurityGroupError):
        call(client, DELETE, request, form)
    assert client.get_rpc_headers() is None


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


def test_a_region_that_ecs_pays_no_heed_to_does_not_make_a_group_missing(ecs: FakeEcs, managed: str) -> None:
    """ModifyInstanceAttribute has no RegionId. A global RegionId may name any region."""
    config = ecs.config()
    config.global_parameters = GlobalParameters(queries={"RegionId": "cn-beijing"})
    with pytest.raises(ManagedSecurityGroupError):
        Client(config).modify_instance_attribute(
            models.ModifyInstanceAttributeRequest(instance_id="i-1", security_group_ids=[managed])
        )
    assert not ecs.writes


def test_the_memory_does_not_keep_the_credentials_of_clients_that_are_gone(ecs: FakeEcs) -> None:
    """The cache keeps no credentials, even for a missing group."""
    client = Client(ecs.config())
    with pytest.raises(ClientException):
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id="sg-none"))
    credential = weakref.ref(client._credential)
    del client
    gc.collect()
    assert credential() is None


def test_a_signal_handler_that_uses_the_memory_does_not_hang(managed: str) -> None:
    """The handler may interrupt a write of its own thread. The cache then forgets everything, at the cost of a read."""
    cache, policy, credential = StatusCache(), GuardPolicy(), GuardPolicy
    principal = Principal(credential, ())
    read = Read("host", "cn-hangzhou", (managed,))
    status = GroupStatus(managed, True, True, 7, "cn-hangzhou")  # noqa: FBT003 - fields
    rounds = 0

    def use(*_: object) -> None:
        nonlocal rounds
        rounds += 1
        cache.remember(read, principal, [status])
        cache.forget(["sg-other"])
        assert all(known.service_managed for known in cache.recall(read, credential, policy).values())
        signal.setitimer(signal.ITIMER_REAL, 0.0002)

    before = signal.signal(signal.SIGALRM, use)
    signal.setitimer(signal.ITIMER_REAL, 0.0002)
    try:
        while rounds < 200:
            cache.remember(read, principal, [status])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    cache.remember(read, principal, [status])
    assert cache.recall(read, credential, policy)[managed].service_managed
    assert len(cache) == 1


def test_what_is_let_through_unchecked_is_in_the_log(
    ecs: FakeEcs, managed: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Audit mode logs "would be refused". It would be of no use in silence."""
    client = Client(ecs.config(), policy=GuardPolicy(mode="audit"))
    with pytest.raises(ClientException):
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
    [record] = [record for record in caplog.records if record.name == "safe_ecs"]
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("DeleteSecurityGroup would be refused: a cloud service manages ")
