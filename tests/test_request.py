"""The guard reads what will really be sent."""

from __future__ import annotations

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
from tests.sdk import OpenApiRequest, models

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
        header_layers=(None,),
        query_layers=(None,),
        body=None,
        streamed=False,
        pathname="/",
        host="127.0.0.1",
        client_region_id=None,
        tried_again=False,
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
        call = of_rpcrequest(stock, "DescribeInstances", ECS, request, runtime)
    reviewed = None if call is None else effective_request(call)
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
        assert set(reviewed.region_ids) >= {arrived.get("RegionId")} - {""}


@pytest.mark.parametrize(
    "body",
    [
        {"SecurityGroupIds": ["sg-a", " SG-B "]},
        {"NetworkInterface": [{"SecurityGroupId": "sg-a"}, {"SecurityGroupIds": ("sg-b",)}]},
        '{"SecurityGroupId": "sg-a", "SecurityGroupId": "sg-b"}',
        b'[{"SecurityGroupId": ["sg-a", {"SecurityGroupId": "sg-b"}]}]',
        "SecurityGroupId=sg-a&SecurityGroupId=sg-b",
        {"SecurityGroupId": b"sg-a", "SecurityGroupIds": '"sg-b"'},
        {"Group": [models.DeleteSecurityGroupRequest(security_group_id=i) for i in ("sg-a", "sg-b")]},
        models.RunInstancesRequest(security_group_ids=["sg-a", "sg-b"]),
    ],
    ids=lambda body: type(body).__name__ + str(len(str(body))),
)
def test_a_body_is_read_in_every_encoding(body: object) -> None:
    """As a mapping, as JSON (both of two equal names), and as a form."""
    assert targets(body=body) == ("sg-a", "sg-b")


@pytest.mark.parametrize("value", ["", "  ", "[]", '[""]', None, [], [None]], ids=repr)
def test_an_empty_value_names_no_group(value: object) -> None:
    assert targets(query_layers=({"SecurityGroupId": value},)) == ()


@pytest.mark.parametrize("value", [7, 1.5, True], ids=str)
def test_a_value_of_another_type_is_what_it_becomes_on_the_wire(value: object) -> None:
    assert targets(query_layers=({"SecurityGroupId": value},)) == (str(value).lower(),)


@pytest.mark.parametrize(
    "changes",
    [
        {"query_layers": ({"SecurityGroupId": "[{}]"},)},
        {"query_layers": ({"SecurityGroupId": '["sg-a"'},)},
        {"query_layers": ({"SecurityGroupId": "[" * 100_000},)},
        {"body": "[" * 100_000},
        {"body": 7},
        {"streamed": True},
    ],
    ids=["a number", "half an array", "a deep array", "a deep body", "no body", "a stream"],
)
def test_what_cannot_be_read_is_said_to_be_unreadable(changes: Any) -> None:
    request = effective(**changes)
    assert request is not None
    assert request.unreadable


@pytest.mark.parametrize(
    ("changes", "guarded"),
    [
        ({}, True),
        ({"action": " deletesecuritygroup "}, True),
        ({"action": None}, False),
        ({"action": "DescribeInstances"}, False),
        ({"action": "DescribeInstances", "query_layers": ({"aCTion": "RunInstances"},)}, True),
        ({"version": None}, True),
        ({"version": "2017-11-10"}, False),
        ({"version": "2017-11-10", "header_layers": ({"x-acs-version": ECS},)}, True),
        ({"version": "2017-11-10", "query_layers": ({"Version": ECS},)}, True),
        ({"header_layers": ({"x-acs-action": "DescribeInstances"},)}, False),
        ({"header_layers": ({"x-acs-action": "DescribeInstances"},), "plugged_in": True}, True),
        ({"header_layers": ("no mapping",)}, True),
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
        ("ECS.ap-southeast-1.aliyuncs.com", "ap-southeast-1"),
        ("ecs-vpc.cn-beijing.aliyuncs.com", "cn-beijing"),
        ("ecs.vpc-proxy.aliyuncs.com", None),
        ("ecs.aliyuncs.com", None),
        ("127.0.0.1:8080", None),
        ("ecs.cn-hangzhou.aliyuncs.com.example.org", None),
    ],
)
def test_the_region_is_read_from_the_endpoints_name(host: str, region_id: str | None) -> None:
    assert region_of_endpoint(host) == region_id


def test_missing_in_one_region_does_not_outweigh_unknown_in_another() -> None:
    """The group may be where ECS could not be asked."""
    request = effective(
        query_layers=({"SecurityGroupId": "sg-a"},),
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
