"""The guard reads what will really be sent."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.utils_models import GlobalParameters
from darabonba.runtime import ExtendsParameters, RuntimeOptions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safe_ecs.core.decision import GroupStatus, Undetermined
from safe_ecs.core.region import region_of_endpoint
from safe_ecs.core.request import EffectiveRequest, Outgoing, effective_request
from safe_ecs.core.review import review
from safe_ecs.outgoing import of_request, of_rpcrequest
from safe_ecs.policy import GuardPolicy
from safe_ecs.testing.parameters import Parameters
from tests.doors import ECS, TRANSPORTS, params
from tests.sdk import OpenApiRequest

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs

NAMES = st.sampled_from([
    "SecurityGroupId",
    "securitygroupid",
    "SecurityGroupId.1",
    "SecurityGroupIds.2",
    "NetworkInterface.1.SecurityGroupIds.1",
    "SourceGroupId",
    "Permissions.1.DestGroupId",
    "SecurityGroupRuleId.1",
    "SecurityGroupName",
    "RegionId",
    "Action",
    "Version",
])
VALUES = st.sampled_from([
    "sg-a",
    " SG-B ",
    '["sg-c","sg-d"]',
    "cn-beijing",
    "DeleteSecurityGroup",
    "RunInstances",
    ECS,
])
LAYER = st.dictionaries(NAMES, VALUES, max_size=4)
HEADERS = st.dictionaries(
    st.sampled_from(["x-acs-action", "X-Acs-Action", "x-acs-version", "x-other"]),
    st.sampled_from(["DeleteSecurityGroup", "DescribeInstances", ECS, "2017-11-10"]),
    max_size=2,
)


def effective(**changes: Any) -> EffectiveRequest | None:
    plain = Outgoing(
        action="DeleteSecurityGroup",
        version=ECS,
        headers={},
        once_headers=None,
        tried_again=False,
        query={},
        body=None,
        streamed=False,
        pathname="/",
        host="127.0.0.1",
        plugged_in=False,
        client_region_id=None,
    )
    return effective_request(plain._replace(**changes))


def targets(**changes: Any) -> tuple[str, ...]:
    request = effective(**changes)
    assert request is not None
    assert not request.unreadable
    return request.targets


@pytest.mark.parametrize("transport", ["do_request", "do_rpcrequest"])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(for_all=LAYER, for_this_call=LAYER, query=LAYER, form=LAYER, headers=HEADERS, once=HEADERS)
def test_action_and_targets_are_those_that_arrive(
    ecs: FakeEcs,
    stock: Any,
    transport: str,
    for_all: Any,
    for_this_call: Any,
    query: Any,
    form: Any,
    headers: Any,
    once: Any,
) -> None:
    """Whatever the layers hold, what the stock client sends is what was reviewed."""
    stock._global_parameters = GlobalParameters(queries=for_all, headers=headers)
    stock.set_rpc_headers(once)
    request = OpenApiRequest(query=query, body=form or None)
    runtime = RuntimeOptions(extends_parameters=ExtendsParameters(queries=for_this_call))
    if transport == "do_request":
        call = of_request(stock, params("DescribeInstances"), request, runtime)
    else:
        call = of_rpcrequest(stock, "DescribeInstances", ECS, "HTTP", request, runtime)
    reviewed = None if call is None else call.effective
    try:
        TRANSPORTS[transport](stock, "DescribeInstances", request, runtime)
    except Exception:  # noqa: BLE001 - whatever the fake makes of it, it has been sent
        sent = ecs.requests[-1]
    else:
        sent = ecs.requests[-1]
    if reviewed is None:
        assert sent.action not in {"DeleteSecurityGroup", "RunInstances"} or sent.version != ECS
    else:
        pairs = {**for_all, **for_this_call, **query}
        arrived = Parameters([*pairs.items(), *form.items()])
        assert set(arrived.target_groups()) == set(reviewed.targets)
        assert set(reviewed.region_ids) >= {arrived.get("RegionId").lower()} - {""}


@pytest.mark.parametrize(
    "body",
    [
        {"SecurityGroupIds": ["sg-a", " SG-B "]},
        {"NetworkInterface": [{"SecurityGroupId": "sg-a"}, {"SecurityGroupIds": ("sg-b",)}]},
        '{"SecurityGroupId": "sg-a", "SecurityGroupId": "sg-b"}',
        b'[{"SecurityGroupId": ["sg-a", {"SecurityGroupId": "sg-b"}]}]',
        "SecurityGroupId=sg-a&SecurityGroupId=sg-b",
        {"SecurityGroupId": b"sg-a", "SecurityGroupIds": '"sg-b"'},
    ],
    ids=lambda body: type(body).__name__ + str(len(str(body))),
)
def test_a_body_is_read_in_every_encoding(body: object) -> None:
    """As a mapping, as JSON (both of two equal names), and as a form."""
    assert targets(body=body) == ("sg-a", "sg-b")


@pytest.mark.parametrize("value", ["", "  ", "[]", '[""]', None, [], [None]], ids=repr)
def test_an_empty_value_names_no_group(value: object) -> None:
    assert targets(query={"SecurityGroupId": value}) == ()


@pytest.mark.parametrize("value", [7, 1.5, True], ids=str)
def test_a_value_of_another_type_is_what_it_becomes_on_the_wire(value: object) -> None:
    assert targets(query={"SecurityGroupId": value}) == (str(value).lower(),)


@pytest.mark.parametrize(
    "changes",
    [
        {"query": {"SecurityGroupId": "[{}]"}},
        {"query": {"SecurityGroupId": '["sg-a"'}},
        {"query": {"SecurityGroupId": "[" * 100_000}},
        {"body": "[" * 100_000},
        {"body": 7},
        {"body": list(b"SecurityGroupId=sg-a")},
        {"body": b"\x1f\x8b\x08SecurityGroupId=sg-a"},
        {"body": "S\0e\0c\0u\0r\0i\0t\0y\0G\0r\0o\0u\0p\0I\0d\0=\0s\0g\0"},
        {"body": '--x\r\nContent-Disposition: form-data; name="SecurityGroupId"\r\n\r\nsg-a\r\n--x--'},
        {"body": "SecurityGroupId"},
        {"streamed": True},
    ],
    ids=[
        "a number",
        "half an array",
        "a deep array",
        "a deep body",
        "a number as body",
        "a list of bytes",
        "compressed",
        "another character set",
        "multipart",
        "no form",
        "a stream",
    ],
)
def test_what_cannot_be_read_is_said_to_be_unreadable(changes: Any) -> None:
    request = effective(**changes)
    assert request is not None
    assert request.unreadable


@pytest.mark.parametrize(
    ("changes", "guarded"),
    [
        ({}, True),
        ({"version": None}, True),
        ({"action": None}, False),
        ({"headers": {"x-acs-action": " deletesecuritygroup ", "X-Acs-Version": f" {ECS} "}}, True),
        ({"headers": {"x-acs-action": None}}, False),
        ({"headers": {"x-acs-action": "DescribeInstances"}}, False),
        ({"headers": {"x-acs-action": "DescribeInstances"}, "query": {"aCTion": "RunInstances"}}, True),
        (
            {
                "headers": {"x-acs-action": "DescribeInstances"},
                "once_headers": {"x-acs-action": "RunInstances"},
            },
            True,
        ),
        ({"once_headers": {"x-acs-action": "DescribeInstances"}}, False),
        ({"once_headers": {"x-acs-action": "DescribeInstances"}, "tried_again": True}, True),
        ({"headers": {"x-acs-action": "RunInstances", "x-acs-version": None}}, True),
        ({"headers": {"x-acs-action": "RunInstances", "x-acs-version": "2017-11-10"}}, False),
        (
            {
                "headers": {"x-acs-action": "RunInstances", "x-acs-version": "2017-11-10"},
                "query": {"Version": ECS},
            },
            True,
        ),
        ({"headers": {"x-acs-action": "DescribeInstances"}, "plugged_in": True}, True),
        ({"headers": {"x-acs-version": "2099-01-01"}, "plugged_in": True}, True),
        ({"host": None}, False),
        ({"host": "", "plugged_in": True}, True),
    ],
    ids=str,
)
def test_action_and_version_decide_whether_a_call_is_guarded(changes: Any, guarded: bool) -> None:  # noqa: FBT001 - parametrized
    assert (effective(**changes) is not None) == guarded


@pytest.mark.parametrize(
    ("host", "region_id"),
    [
        ("ecs.cn-hangzhou.aliyuncs.com", "cn-hangzhou"),
        ("ecs-cn-hangzhou.aliyuncs.com", "cn-hangzhou"),
        ("ecs.ap-southeast-1.aliyuncs.com:443", "ap-southeast-1"),
        ("ecs-vpc.cn-beijing.aliyuncs.com", "cn-beijing"),
        ("ecs.vpc-proxy.aliyuncs.com", None),
        ("ecs.aliyuncs.com", None),
        ("127.0.0.1:8080", None),
        ("ecs.cn-hangzhou.aliyuncs.com.example.org", None),
    ],
)
def test_the_region_is_read_from_the_endpoints_name(host: str, region_id: str | None) -> None:
    assert region_of_endpoint(host) == region_id


def test_a_group_found_in_a_later_region_is_known_though_an_earlier_one_could_not_be_asked() -> None:
    """Managed there is managed, and ordinary there is ordinary: ids are not used twice."""
    request = effective(
        query={"SecurityGroupId": "sg-a", "RegionId": "cn-qingdao"}, client_region_id="cn-beijing"
    )
    assert request is not None
    steps = review(request, GuardPolicy())
    next(steps)
    steps.send({"sg-a": Undetermined(security_group_id="sg-a", reason="it rains", next_step="Wait.")})
    with pytest.raises(StopIteration) as done:
        steps.send({"sg-a": GroupStatus("sg-a", True, True, 7, "cn-beijing")})  # noqa: FBT003 - fields
    assert (done.value.value.outcome, done.value.value.undetermined) == ("denied", ())


def test_missing_in_one_region_does_not_outweigh_unknown_in_another() -> None:
    """The group may be where ECS could not be asked."""
    request = effective(
        query={"SecurityGroupId": "sg-a"},
        client_region_id="cn-qingdao",
        host="ecs.cn-beijing.aliyuncs.com",
    )
    assert request is not None
    steps = review(request, GuardPolicy())
    assert next(steps).region_id == "cn-qingdao"
    unknown = Undetermined(security_group_id="sg-a", reason="it rains", next_step="Wait.")
    assert steps.send({"sg-a": unknown}).region_id == "cn-beijing"
    missing = GroupStatus("sg-a", False, False, None, "cn-beijing")  # noqa: FBT003 - fields
    with pytest.raises(StopIteration) as done:
        steps.send({"sg-a": missing})
    assert done.value.value.undetermined == (unknown,)


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("ecs.aliyuncs.com", "ecs.aliyuncs.com"),
        (" HTTP://user:secret@ECS.aliyuncs.com:80/path?query ", "ecs.aliyuncs.com:80"),
        ("127.0.0.1:8080/", "127.0.0.1:8080"),
    ],
)
def test_a_host_is_known_by_its_name_alone(endpoint: str, host: str) -> None:
    """However an endpoint is written, it is the same ECS, and no password stays in it."""
    request = effective(host=endpoint)
    assert request is not None
    assert request.host == host


class Protocol(str, Enum):  # noqa: UP042 - as below
    SECURE = "Https"


@pytest.mark.parametrize("protocol", ["HTTP", "https", "hTTPS", Protocol.SECURE, None], ids=str)
def test_a_protocol_may_be_written_in_any_way_that_the_sdk_takes(protocol: object) -> None:
    """It makes small letters of it; without any it sends nothing."""
    assert targets(protocol=protocol, query={"SecurityGroupId": "sg-a"}) == ("sg-a",)


class Region(str, Enum):  # noqa: UP042 - the point
    """A string enumeration as it was written before Python 3.11, whose str() is the member's name."""

    HANGZHOU = "cn-hangzhou"


def test_a_string_enumeration_counts_as_both_texts_it_may_become() -> None:
    """The SDK puts str() of it into a query, and the string itself into a header."""
    request = effective(query={"RegionId": Region.HANGZHOU}, client_region_id=Region.HANGZHOU)
    assert request is not None
    assert request.region_ids == ("cn-hangzhou", "region.hangzhou")
    assert request.client_region_id == "cn-hangzhou"
