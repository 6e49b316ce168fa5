"""Neither an address nor a second region sends the guard's read to another place than the write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.utils_models import GlobalParameters
from darabonba.runtime import RuntimeOptions

from safe_ecs.testing import FakeEcs
from tests.bypass_attempts.refusal import HARMLESS, REGION, refuse
from tests.support.sdk import OpenApiRequest
from tests.support.transports import DELETE, WAYS_TO_SEND, params, query

if TYPE_CHECKING:
    from collections.abc import Callable

    from safe_ecs import Client


def _with_protocol(protocol: str) -> Callable[[Client, FakeEcs, str], Any]:
    def send(client: Client, ecs: FakeEcs, group: str) -> Any:
        client._protocol = None  # type: ignore[assignment]  # so that the call's own counts
        smuggled = protocol.format(endpoint=ecs.endpoint, group=group)
        action = HARMLESS if "Action" in protocol else DELETE
        return client.do_request(
            params(action, protocol=smuggled), OpenApiRequest(query=REGION), RuntimeOptions()
        )

    return send


def _with_header(name: str, value: str) -> Callable[[Client, FakeEcs, str], Any]:
    def send(client: Client, ecs: FakeEcs, group: str) -> Any:
        with FakeEcs(check_signatures=False) as elsewhere:
            request = OpenApiRequest(body={**REGION, "SecurityGroupId": group})
            request.headers = {name: value.format(endpoint=ecs.endpoint, elsewhere=elsewhere.endpoint)}
            return client.do_request(params(DELETE), request, RuntimeOptions())

    return send


def _with_endpoint(query: str) -> Callable[[Client, FakeEcs, str], Any]:
    def send(client: Client, _: FakeEcs, group: str) -> Any:
        client._endpoint += query
        return WAYS_TO_SEND["do_request"](client, DELETE, OpenApiRequest(query={"SecurityGroupId": group}))

    return send


def _with_path(path: str) -> Callable[[Client, FakeEcs, str], Any]:
    def send(client: Client, ecs: FakeEcs, group: str) -> Any:
        with FakeEcs(check_signatures=False) as elsewhere:
            elsewhere.create_security_group(security_group_id=group)
            client._endpoint = elsewhere.endpoint
            smuggled = params(DELETE, pathname=path.format(endpoint=ecs.endpoint))
            return client.do_request(smuggled, query(group), RuntimeOptions())

    return send


ADDRESSES: dict[str, Callable[[Client, FakeEcs, str], Any]] = {
    "an action in the protocol": _with_protocol(
        f"HTTP://{{endpoint}}/?Action={DELETE}&SecurityGroupId={{group}}&x="
    ),
    "a group in the protocol": _with_protocol("http://{endpoint}/?SecurityGroupId={group}&x="),
    "another host behind a path": _with_header("host", "{endpoint}/x://{elsewhere}"),
    "another host behind a fragment": _with_header("host", "{endpoint}#@{elsewhere}"),
    "another host behind a backslash": _with_header("host", "{endpoint}\\@{elsewhere}"),
    "another host behind a port": _with_header("host", "{endpoint}/?x=@{elsewhere}"),
    "another name in the header Host": _with_header("Host", "{elsewhere}"),
    "another host in the path": _with_path("@{endpoint}/"),
    "another host in the path, after a blank": _with_path(" @{endpoint}/"),
    "another host in the path, after a port": _with_path("0@{endpoint}/"),
    "a filter in the endpoint": _with_endpoint("/?ServiceManaged=false&"),
    "a region in the endpoint": _with_endpoint("/?RegionId=cn-beijing&"),
    "a fragment in the endpoint": _with_endpoint("/#"),
}


@pytest.mark.parametrize("way", ADDRESSES)
def test_no_address_leads_the_guards_read_elsewhere_than_the_write(
    ecs: FakeEcs, client: Client, managed: str, way: str
) -> None:
    """The guard must not ask an ECS without the group instead of the one that has it."""
    refuse(lambda: ADDRESSES[way](client, ecs, managed), ecs)


REGIONS: dict[str, Callable[[Client, Any], None]] = {
    "the request's": lambda _, request: request.query.update(RegionId="cn-beijing"),
    "one of two in the request": lambda _, request: request.query.update(regionid="cn-beijing"),
    "the client's": lambda client, _: setattr(client, "_region_id", "cn-beijing"),
    "a global one": lambda client, _: setattr(
        client, "_global_parameters", GlobalParameters(queries={"RegionId": "cn-beijing"})
    ),
    "a header's": lambda _, request: setattr(request, "headers", {"X-Acs-Region-Id": "cn-beijing"}),
}


@pytest.mark.parametrize("way", REGIONS)
def test_a_region_that_is_named_beside_another_does_not_make_a_group_missing(
    ecs: FakeEcs, client: Client, managed: str, way: str
) -> None:
    """A group is missing only if every named region lacks it. ECS does not document its choice between two regions."""
    request = query(managed)
    if way == "the request's":
        del request.query["RegionId"]
    REGIONS[way](client, request)
    refuse(lambda: client.do_request(params(DELETE), request, RuntimeOptions()), ecs)


def test_a_region_in_a_header_is_looked_in(ecs: FakeEcs, client: Client) -> None:
    """The guard asks the region in the header, as other SDKs send one."""
    beijing = ecs.create_security_group(service_managed=True, region_id="cn-beijing")
    request = OpenApiRequest(query={"SecurityGroupId": beijing}, headers={"x-acs-region-id": "cn-beijing"})
    refuse(lambda: client.do_request(params(DELETE), request, RuntimeOptions()), ecs)
