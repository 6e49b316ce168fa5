"""The guard sees through every way to hide a call, and takes no guarded call for a harmless one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.utils_models import GlobalParameters
from darabonba.model import DaraModel
from darabonba.policy.retry import RetryOptions
from darabonba.runtime import ExtendsParameters, RuntimeOptions
from Tea.exceptions import TeaException

from safe_ecs import Client, ManagedSecurityGroupError, StatusUnavailableError
from safe_ecs.testing import FakeEcs, Fault
from tests.support.sdk import TWICE, OpenApiRequest, models
from tests.support.transports import DELETE, TRANSPORTS, WAYS_TO_SEND, params, query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def ecs() -> Iterator[FakeEcs]:
    """A FakeEcs without signature checks: a signature does not cover everything that an attempt can add to a request."""
    with FakeEcs(check_signatures=False) as server:
        yield server


CHANNELS: dict[str, Callable[[Client, str], Any]] = {}


def channel(build: Callable[[Client, str], Any]) -> Callable[[Client, str], Any]:
    CHANNELS[build.__name__.replace("_", " ")] = build
    return build


@channel
def in_the_query(_: Client, group: str) -> Any:
    return OpenApiRequest(query={"SecurityGroupId": group}), RuntimeOptions()


@channel
def in_the_form(_: Client, group: str) -> Any:
    return OpenApiRequest(body={"SecurityGroupId": group}), RuntimeOptions()


@channel
def nested_in_the_form(_: Client, group: str) -> Any:
    return OpenApiRequest(body={"NetworkInterface": [{"SecurityGroupIds": [group]}]}), RuntimeOptions()


class Query(DaraModel):
    def __init__(self, group: str) -> None:
        self.group = group

    def to_map(self) -> Any:
        return {"SecurityGroupId": self.group}


@channel
def in_a_model_as_query(_: Client, group: str) -> Any:
    return OpenApiRequest(query=Query(group)), RuntimeOptions()


@channel
def in_global_parameters(client: Client, group: str) -> Any:
    client._global_parameters = GlobalParameters(queries={"SecurityGroupId": group})
    return OpenApiRequest(query={}), RuntimeOptions()


@channel
def in_the_runtime(_: Client, group: str) -> Any:
    extra = ExtendsParameters(queries={"SecurityGroupId": group})
    return OpenApiRequest(query={}), RuntimeOptions(extends_parameters=extra)


@channel
def numbered(_: Client, group: str) -> Any:
    return OpenApiRequest(query={"NetworkInterface.3.SecurityGroupIds.7": group}), RuntimeOptions()


@channel
def as_a_json_array(_: Client, group: str) -> Any:
    return OpenApiRequest(query={"SecurityGroupIds": f' [ "{group}" ] '}), RuntimeOptions()


@channel
def with_blanks_and_capitals(_: Client, group: str) -> Any:
    return OpenApiRequest(query={"securitygroupid": f" \t{group.upper()} "}), RuntimeOptions()


@pytest.mark.parametrize("transport", ["do_request", "do_rpcrequest", "do_request_async"])
@pytest.mark.parametrize("name", CHANNELS)
def test_no_parameter_channel_hides_a_managed_group(
    ecs: FakeEcs, stock: Any, client: Client, managed: str, name: str, transport: str
) -> None:
    """The guard reads every source of parameters that the SDK sends, and refuses as ECS would."""
    request, runtime = CHANNELS[name](stock, managed)
    with pytest.raises(TeaException) as remote:
        WAYS_TO_SEND[transport](stock, "RunInstances", request, runtime)
    assert remote.value.code == ManagedSecurityGroupError.code
    request, runtime = CHANNELS[name](client, managed)
    with pytest.raises(ManagedSecurityGroupError):
        WAYS_TO_SEND[transport](client, "RunInstances", request, runtime)
    assert len(ecs.writes) == 1


HARMLESS = "DescribeSecurityGroupAttribute"


@pytest.mark.parametrize("layer", ["global", "runtime", "request", "set_rpc_headers"])
@pytest.mark.parametrize("header", ["x-acs-action", "X-Acs-Action"])
def test_a_header_that_replaces_the_action_does_not_hide_it(
    ecs: FakeEcs, client: Client, managed: str, layer: str, header: str
) -> None:
    """The action is an ordinary header, so a header can turn a harmless call into a deletion."""
    _send_with_header(client, managed, layer, {header: DELETE}, HARMLESS)
    assert not ecs.writes


def _send_with_header(client: Any, group: str, layer: str, header: dict[str, str], action: str) -> None:
    request, runtime = query(group), RuntimeOptions()
    if layer == "global":
        client._global_parameters = GlobalParameters(headers=header)
    elif layer == "runtime":
        runtime.extends_parameters = ExtendsParameters(headers=header)
    elif layer == "request":
        request.headers = header
    else:
        client.set_rpc_headers(header)
    with pytest.raises(ManagedSecurityGroupError):
        client.do_request(params(action), request, runtime)


@pytest.mark.parametrize("layer", ["query", "form", "endpoint"])
def test_a_parameter_that_replaces_the_action_does_not_hide_it(
    ecs: FakeEcs, client: Client, managed: str, layer: str
) -> None:
    """With the older signature, the action is an ordinary parameter."""
    request = query(managed)
    if layer == "query":
        request.query["Action"] = DELETE
    elif layer == "form":
        request.body = {"Action": DELETE}
    else:
        client._endpoint += f"/?Action={DELETE}&"
    with pytest.raises(ManagedSecurityGroupError):
        WAYS_TO_SEND["do_rpcrequest"](client, HARMLESS, request)
    assert not ecs.writes


@pytest.mark.parametrize("separator", "&;")
def test_a_path_that_carries_a_query_does_not_hide_it(
    ecs: FakeEcs, client: Client, managed: str, separator: str
) -> None:
    """The SDK appends its query to the path as it is."""
    smuggling = params(HARMLESS, pathname=f"/?Action={DELETE}{separator}SecurityGroupId={managed}")
    with pytest.raises(StatusUnavailableError):
        client.do_request(smuggling, OpenApiRequest(query={"RegionId": "cn-hangzhou"}), RuntimeOptions())
    assert not ecs.writes


@pytest.mark.parametrize("header", [{"x-acs-version": "2099-01-01"}, {"host": "127.0.0.1:1"}], ids=str)
def test_a_header_does_not_hide_what_a_gateway_plug_in_sends(
    ecs: FakeEcs, client: Client, managed: str, header: dict[str, str]
) -> None:
    """A gateway plug-in takes host, action and version from the client and the call, not from headers."""
    request = query(managed)
    request.headers = header
    with pytest.raises(ManagedSecurityGroupError):
        WAYS_TO_SEND["execute"](client, DELETE, request)
    assert not ecs.writes


def test_a_query_that_endpoint_and_path_make_together_is_read(
    ecs: FakeEcs, client: Client, managed: str
) -> None:
    """The SDK puts them side by side."""
    client._endpoint += "/?a=b"
    smuggling = params(DELETE, pathname=f"&SecurityGroupId={managed}")
    with pytest.raises(StatusUnavailableError):
        client.do_request(smuggling, OpenApiRequest(query={"RegionId": "cn-hangzhou"}), RuntimeOptions())
    assert not ecs.writes


def test_a_call_whose_action_is_replaced_by_a_query_is_let_through(
    ecs: FakeEcs, client: Client, managed: str
) -> None:
    """The guard judges the action on the wire: here a header makes it a query."""
    client.set_rpc_headers({"x-acs-action": HARMLESS})
    WAYS_TO_SEND["do_request"](client, DELETE, query(managed))
    assert [request.action for request in ecs.requests] == [HARMLESS]


def test_headers_for_one_try_do_not_hide_what_a_second_try_would_send(
    ecs: FakeEcs, client: Client, managed: str
) -> None:
    """A second try goes without the headers of set_rpc_headers, so the guard reviews that try too."""
    client._retry_options = RetryOptions({"retryable": True})
    client.set_rpc_headers({"x-acs-action": HARMLESS})
    with pytest.raises(ManagedSecurityGroupError):
        WAYS_TO_SEND["do_request"](client, DELETE, query(managed))
    assert not ecs.writes


def test_a_host_for_one_try_does_not_hide_where_a_second_try_would_go(
    ecs: FakeEcs, client: Client, managed: str
) -> None:
    """The first try goes to a host without the group, and fails. The second try would go to the client's endpoint."""
    client._retry_options = TWICE
    client._http_proxy = ""  # It would be asked for either host.
    with FakeEcs(check_signatures=False) as other:
        other.fail(DELETE, Fault("unavailable"), times=1)
        client.set_rpc_headers({"host": other.endpoint})
        with pytest.raises(StatusUnavailableError, match="a further one would go elsewhere"):
            WAYS_TO_SEND["do_request"](client, DELETE, query(managed))
        assert not other.writes
    assert not ecs.writes


def test_the_read_goes_where_a_header_sends_the_call(ecs: FakeEcs, managed: str) -> None:
    """The SDK connects to the address in the header ``host``, and the guard reads there."""
    config = ecs.config()
    config.endpoint = "127.0.0.1:1"
    client = Client(config)
    client._http_proxy = ""  # It would be asked for either host.
    request = query(managed)
    request.headers = {"host": ecs.endpoint}
    with pytest.raises(ManagedSecurityGroupError):
        client.do_request(params(DELETE), request, RuntimeOptions())
    assert not ecs.writes


@pytest.mark.parametrize(
    "behind", ["/?a=://127.0.0.1:1", "\\@127.0.0.1:1", "?a@127.0.0.1:1", "#@127.0.0.1:1"]
)
def test_the_read_goes_to_no_host_that_stands_behind_the_one_the_call_goes_to(
    ecs: FakeEcs, client: Client, managed: str, behind: str
) -> None:
    """The host ends before a path, a query, a fragment or a backslash, for the SDK and for the guard."""
    request = OpenApiRequest(body={"SecurityGroupId": managed, "RegionId": "cn-hangzhou"})
    request.headers = {"host": f"{ecs.endpoint}{behind}"}
    with pytest.raises(ManagedSecurityGroupError):
        client.do_request(params(DELETE), request, RuntimeOptions())
    assert not ecs.writes


@pytest.mark.parametrize("transport", WAYS_TO_SEND)
def test_layers_of_an_unguarded_call_reach_ecs_as_with_the_stock_client(
    ecs: FakeEcs, stock: Any, client: Client, ordinary: str, transport: str
) -> None:
    """Global parameters, the runtime's parameters, headers and body arrive unchanged."""
    for each in (stock, client):
        each._global_parameters = GlobalParameters(queries={"A": "1"}, headers={"a": "1"})
        each.set_rpc_headers({"c": "3"})
        runtime = RuntimeOptions(extends_parameters=ExtendsParameters(queries={"B": "2"}, headers={"b": "2"}))
        WAYS_TO_SEND[transport](each, HARMLESS, query(ordinary), runtime)
    sent, ours = ecs.requests
    volatile = {"authorization", "date", "x-acs-date", "x-acs-signature-nonce"}
    assert sent.parameters.keys() == ours.parameters.keys() >= {"A", "B"}
    assert sent.headers.keys() == ours.headers.keys() >= {"a", "b"}
    for name in sent.headers.keys() - volatile:
        assert sent.headers[name] == ours.headers[name]


def test_the_read_leaves_the_headers_of_the_next_call_to_that_call(
    ecs: FakeEcs, client: Client, ordinary: str
) -> None:
    """set_rpc_headers is for the user's next call: the guard's read neither uses nor sends its headers."""
    client.set_rpc_headers({"x-trace": "mine"})
    client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=ordinary))
    read, write = ecs.requests
    assert "x-trace" not in read.headers
    assert write.headers["x-trace"] == "mine"


def test_a_filter_meant_for_the_call_does_not_make_the_group_look_missing(
    ecs: FakeEcs, client: Client, managed: str
) -> None:
    """The guard's read omits the extra queries of the client and of the runtime."""
    client._global_parameters = GlobalParameters(queries={"SecurityGroupName": "no such name"})
    runtime = RuntimeOptions(extends_parameters=ExtendsParameters(queries={"ServiceManaged": "false"}))
    with pytest.raises(ManagedSecurityGroupError):
        client.delete_security_group_with_options(
            models.DeleteSecurityGroupRequest(security_group_id=managed), runtime
        )
    assert not {"SecurityGroupName", "ServiceManaged"} & ecs.reads[0].parameters.keys()


def test_the_read_speaks_for_the_owner_that_the_call_speaks_for(
    ecs: FakeEcs, client: Client, managed: str
) -> None:
    """The guard asks on behalf of the call's resource owner, so that it looks where the call would write."""
    request = models.DeleteSecurityGroupRequest(security_group_id=managed, resource_owner_id=42)
    with pytest.raises(ManagedSecurityGroupError):
        client.delete_security_group(request)
    assert ecs.reads[0].parameters["ResourceOwnerId"] == "42"


IN_ITSELF: list[Any] = []


IN_ITSELF.append(IN_ITSELF)


@pytest.mark.parametrize(
    "request_",
    [
        OpenApiRequest(query={"SecurityGroupIds": '["sg-1"'}),
        OpenApiRequest(query={"SecurityGroupIds": "[1]"}),
        OpenApiRequest(body=object()),
        OpenApiRequest(body=b"{"),
        OpenApiRequest(stream=object()),
        OpenApiRequest(query={"Deep": IN_ITSELF}),
    ],
)
def test_a_guarded_call_whose_target_cannot_be_read_is_refused(
    ecs: FakeEcs, client: Client, request_: Any
) -> None:
    """The guard refuses an unreadable target, as it may be a managed group."""
    with pytest.raises(StatusUnavailableError, match="Which security groups DeleteSecurityGroup targets"):
        client.do_request(params(DELETE), request_, RuntimeOptions())
    assert not ecs.requests


class _Unreadable:
    def __str__(self) -> str:
        raise OSError("not today")


def test_a_value_that_cannot_be_turned_into_text_is_refused(ecs: FakeEcs, client: Client) -> None:
    """An exception in the caller's own object leads to a refusal: it neither crashes the guard nor bypasses it."""
    request = OpenApiRequest(query={"SecurityGroupId": _Unreadable()})
    with pytest.raises(StatusUnavailableError, match="raised OSError"):
        client.do_request(params(DELETE), request, RuntimeOptions())
    assert not ecs.requests


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_call_with_nothing_to_send_fails_as_with_the_stock_client(
    ecs: FakeEcs, stock: Any, client: Client, transport: str
) -> None:
    """The guard raises the SDK's own error for a call that the SDK refuses."""
    errors = []
    for each in (stock, client):
        with pytest.raises(Exception) as error:  # noqa: PT011 - any error of the SDK
            WAYS_TO_SEND[transport](each, DELETE, None)
        errors.append((type(error.value), str(error.value)))
    assert errors[0] == errors[1]
    assert not ecs.requests
