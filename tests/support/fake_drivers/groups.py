"""Drivers of the operations on security groups."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.support.fake_drivers.reading import groups, tags
from tests.support.fake_world import REGION, send

if TYPE_CHECKING:
    from tests.support.fake_world import World


def create_security_group(client: Any, _: World) -> None:
    created = send(
        client,
        "CreateSecurityGroup",
        RegionId=REGION,
        SecurityGroupName="web",
        Description="for the web",
        VpcId="vpc-9",
        SecurityGroupType="enterprise",
        ResourceGroupId="rg-9",
        Tag=[{"Key": "team", "Value": "a"}],
    ).security_group_id
    [found] = groups(client, SecurityGroupName="web")
    assert (found.security_group_id, found.description, found.vpc_id) == (created, "for the web", "vpc-9")
    assert (found.security_group_type, found.resource_group_id) == ("enterprise", "rg-9")
    assert (found.service_managed, found.service_id, found.rule_count) == (False, None, 0)
    assert tags(client, created) == {"team": "a"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found.creation_time)


def describe_security_groups(client: Any, world: World) -> None:
    first = send(client, "DescribeSecurityGroups", RegionId=REGION, MaxResults=2)
    assert (first.region_id, first.total_count, len(first.security_groups.security_group)) == (REGION, 6, 2)
    rest = send(client, "DescribeSecurityGroups", RegionId=REGION, MaxResults=4, NextToken=first.next_token)
    assert rest.next_token == ""
    both = [each.security_group_id for page in (first, rest) for each in page.security_groups.security_group]
    numbered = send(client, "DescribeSecurityGroups", RegionId=REGION, PageNumber=2, PageSize=4)
    assert (numbered.page_number, numbered.page_size, numbered.total_count) == (2, 4, 6)
    assert [each.security_group_id for each in numbered.security_groups.security_group] == both[4:]
    [found] = groups(client, SecurityGroupId=world.other, IsQueryEcsCount=True)
    assert (found.ecs_count, found.rule_count, found.group_to_group_rule_count) == (2, 1, 1)
    for filters, expected in (
        ({"VpcId": "vpc-1"}, [world.enterprise]),
        ({"NetworkType": "vpc"}, [world.enterprise]),
        ({"SecurityGroupType": "enterprise"}, [world.enterprise]),
        ({"ServiceManaged": True}, [world.managed]),
        ({"ResourceGroupId": "rg-none"}, []),
        ({"Tag": [{"Key": "none"}]}, []),
        ({"SecurityGroupIds": f'["{world.full}", "sg-none", "{world.group}"]'}, [world.group, world.full]),
    ):
        assert [each.security_group_id for each in groups(client, **filters)] == expected, filters


def modify_security_group_attribute(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "SecurityGroupId": world.group}
    send(client, "ModifySecurityGroupAttribute", **both, SecurityGroupName="renamed")
    send(client, "ModifySecurityGroupAttribute", **both, Description="and described")
    [found] = groups(client, SecurityGroupName="*ename*", FuzzyQuery=True)
    assert (found.security_group_name, found.description) == ("renamed", "and described")


def modify_security_group_policy(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "SecurityGroupId": world.group}
    send(client, "ModifySecurityGroupPolicy", **both, InnerAccessPolicy="drop")
    assert send(client, "DescribeSecurityGroupAttribute", **both).inner_access_policy == "Drop"


def delete_security_group(client: Any, world: World) -> None:
    send(client, "DeleteSecurityGroup", RegionId=REGION, SecurityGroupId=world.enterprise)
    assert groups(client, SecurityGroupIds=f'["{world.enterprise}"]') == []


def describe_security_group_references(client: Any, world: World) -> None:
    body = send(
        client,
        "DescribeSecurityGroupReferences",
        RegionId=REGION,
        SecurityGroupId=[world.group, world.referred],
    )
    [reference] = body.security_group_references.security_group_reference
    [referring] = reference.referencing_security_groups.referencing_security_group
    assert (reference.security_group_id, referring.security_group_id) == (world.referred, world.other)
