"""The guard tries every region that a call may be about."""

from __future__ import annotations

import pytest

from safe_ecs._core.decision import GroupStatus, Undetermined
from safe_ecs._core.endpoints import region_of_endpoint, regions_of
from safe_ecs._core.review import review
from safe_ecs.policy import GuardPolicy
from tests.support.merged_calls import effective
from tests.support.resolvers import PlayedResolver


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


@pytest.mark.parametrize(
    ("named", "of_client", "host", "regions"),
    [
        ("", None, "ecs.aliyuncs.com", []),
        ("", "cn-beijing", "ecs.aliyuncs.com", ["cn-beijing"]),
        ("cn-qingdao", "cn-beijing", "ecs.aliyuncs.com", ["cn-qingdao", "cn-beijing"]),
        ("cn-qingdao", None, "ecs.cn-hangzhou.aliyuncs.com", ["cn-qingdao", "cn-hangzhou"]),
        (
            "cn-qingdao",
            "cn-beijing",
            "ecs.cn-hangzhou.aliyuncs.com",
            ["cn-qingdao", "cn-beijing", "cn-hangzhou"],
        ),
        ("cn-beijing", "cn-beijing", "ecs.cn-beijing.aliyuncs.com", ["cn-beijing"]),
        ("cn-qingdao", "cn-beijing", "ecs.cn-qingdao.aliyuncs.com", ["cn-qingdao", "cn-beijing"]),
        ("cn-qingdao", "cn-beijing", "ecs.cn-beijing.aliyuncs.com", ["cn-qingdao", "cn-beijing"]),
    ],
)
def test_every_region_that_a_call_may_be_about_is_tried_once(
    named: str, of_client: str | None, host: str, regions: list[str]
) -> None:
    """The order is: the region of the call, the client's, the one in the endpoint's name."""
    request = effective(query={"RegionId": named}, client_region_id=of_client, host=host)
    assert request is not None
    assert list(regions_of(request)) == regions


def test_a_group_found_in_a_later_region_is_known_though_an_earlier_one_could_not_be_asked() -> None:
    """A group's status in one region is final, as ECS uses no id twice."""
    request = effective(
        query={"SecurityGroupId": "sg-a", "RegionId": "cn-qingdao"}, client_region_id="cn-beijing"
    )
    assert request is not None
    steps = review(request, GuardPolicy(), PlayedResolver())
    next(steps)
    steps.send({"sg-a": Undetermined(security_group_id="sg-a", reason="it rains", next_step="Wait.")})
    with pytest.raises(StopIteration) as done:
        steps.send({"sg-a": GroupStatus("sg-a", True, True, 7, "cn-beijing")})  # noqa: FBT003 - fields
    assert (done.value.value.outcome, done.value.value.undetermined) == ("denied", ())


def test_missing_in_one_region_does_not_outweigh_unknown_in_another() -> None:
    """The group may be in the region that gave no answer."""
    request = effective(
        query={"SecurityGroupId": "sg-a"},
        client_region_id="cn-qingdao",
        host="ecs.cn-beijing.aliyuncs.com",
    )
    assert request is not None
    steps = review(request, GuardPolicy(), PlayedResolver())
    assert next(steps).region_id == "cn-qingdao"
    unknown = Undetermined(security_group_id="sg-a", reason="it rains", next_step="Wait.")
    assert steps.send({"sg-a": unknown}).region_id == "cn-beijing"
    missing = GroupStatus("sg-a", False, False, None, "cn-beijing")  # noqa: FBT003 - fields
    with pytest.raises(StopIteration) as done:
        steps.send({"sg-a": missing})
    assert done.value.value.undetermined == (unknown,)
