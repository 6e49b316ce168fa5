"""Each operation of FakeEcs, driven by the stock SDK: what it keeps is what the SDK's models read back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient

import safe_ecs.testing.fake
from safe_ecs.testing.operations.table import DRY_RUN_QUERIES, IDEMPOTENT, QUERIES, WRITES
from tests.fake_world import REGION, SSH, WEB, World, make_world, send
from tests.sdk import models

if TYPE_CHECKING:
    from collections.abc import Callable

    from safe_ecs.testing import FakeEcs

TABLE = (Path(safe_ecs.testing.fake.__file__).parent / "OPERATIONS.md").read_text()
DRIVERS: dict[str, Callable[[Any, World], None]] = {}


def driver(drive: Callable[[Any, World], None]) -> Callable[[Any, World], None]:
    """Register what drives the operation after which the function is named."""
    DRIVERS["".join(word.capitalize() for word in drive.__name__.split("_"))] = drive
    return drive


@pytest.fixture
def world(ecs: FakeEcs, stock: Any) -> World:
    return make_world(ecs, stock)


def groups(client: Any, **filters: Any) -> list[Any]:
    body = send(client, "DescribeSecurityGroups", RegionId=REGION, MaxResults=100, **filters)
    return list(body.security_groups.security_group)


def rules(client: Any, group: str, **filters: Any) -> list[Any]:
    body = send(client, "DescribeSecurityGroupAttribute", RegionId=REGION, SecurityGroupId=group, **filters)
    return list(body.permissions.permission)


def instance(client: Any, instance_id: str) -> Any:
    body = send(client, "DescribeInstances", RegionId=REGION, InstanceIds=f'["{instance_id}"]')
    found = body.instances.instance
    return found[0] if found else None


def interface(client: Any, interface_id: str) -> Any:
    body = send(client, "DescribeNetworkInterfaces", RegionId=REGION, NetworkInterfaceId=[interface_id])
    found = body.network_interface_sets.network_interface_set
    return found[0] if found else None


def versions(client: Any, template: str, **filters: Any) -> list[Any]:
    body = send(
        client, "DescribeLaunchTemplateVersions", RegionId=REGION, LaunchTemplateId=template, **filters
    )
    assert body.total_count == len(body.launch_template_version_sets.launch_template_version_set)
    return list(body.launch_template_version_sets.launch_template_version_set)


def tags(client: Any, group: str) -> dict[str, str]:
    [found] = groups(client, SecurityGroupIds=f'["{group}"]')
    return {tag.tag_key: tag.tag_value for tag in found.tags.tag}


@driver
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


@driver
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


@driver
def modify_security_group_attribute(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "SecurityGroupId": world.group}
    send(client, "ModifySecurityGroupAttribute", **both, SecurityGroupName="renamed")
    send(client, "ModifySecurityGroupAttribute", **both, Description="and described")
    [found] = groups(client, SecurityGroupName="*ename*", FuzzyQuery=True)
    assert (found.security_group_name, found.description) == ("renamed", "and described")


@driver
def modify_security_group_policy(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "SecurityGroupId": world.group}
    send(client, "ModifySecurityGroupPolicy", **both, InnerAccessPolicy="drop")
    assert send(client, "DescribeSecurityGroupAttribute", **both).inner_access_policy == "Drop"


@driver
def delete_security_group(client: Any, world: World) -> None:
    send(client, "DeleteSecurityGroup", RegionId=REGION, SecurityGroupId=world.enterprise)
    assert groups(client, SecurityGroupIds=f'["{world.enterprise}"]') == []


@driver
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


@driver
def authorize_security_group(client: Any, world: World) -> None:
    before = len(rules(client, world.group))
    more = [SSH | {"PortRange": "1/9", "Priority": "7", "Description": "low"}, SSH, SSH | {"Policy": "drop"}]
    both = {"RegionId": REGION, "SecurityGroupId": world.group}
    send(client, "AuthorizeSecurityGroup", **both, Permissions=more)
    send(client, "AuthorizeSecurityGroup", **both, IpProtocol="icmp", SourceGroupId=world.other)
    new = rules(client, world.group)[before:]
    assert [(rule.ip_protocol, rule.port_range, rule.policy, rule.priority) for rule in new] == [
        ("TCP", "1/9", "Accept", "7"),
        ("TCP", "22/22", "Drop", "1"),
        ("ICMP", "-1/-1", "Accept", "1"),
    ]
    assert (new[0].description, new[0].direction, new[2].source_group_id) == ("low", "ingress", world.other)
    assert new[0].security_group_rule_id.startswith("sgr-")


@driver
def authorize_security_group_egress(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "SecurityGroupId": world.other}
    ipv6 = {"IpProtocol": "ALL", "Ipv6DestCidrIp": "fd00::/8"}
    send(client, "AuthorizeSecurityGroupEgress", **both, Permissions=[ipv6])
    send(client, "AuthorizeSecurityGroupEgress", **both, **WEB)
    send(client, "AuthorizeSecurityGroupEgress", **both, **WEB)
    found = rules(client, world.other, Direction="egress")
    assert [(rule.ipv_6dest_cidr_ip, rule.dest_cidr_ip) for rule in found] == [
        ("fd00::/8", None),
        (None, "10.0.0.0/8"),
    ]


@driver
def revoke_security_group(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "SecurityGroupId": world.group}
    send(client, "RevokeSecurityGroup", **both, SecurityGroupRuleId=[world.rule])
    left = [rule.security_group_rule_id for rule in rules(client, world.group)]
    assert left == [world.second_rule, world.egress_rule]
    send(client, "RevokeSecurityGroup", **both, Permissions=[SSH])  # Matches nothing.
    send(client, "RevokeSecurityGroup", **both, Permissions=[SSH | {"PortRange": "443/443"}])
    assert [rule.security_group_rule_id for rule in rules(client, world.group)] == [world.egress_rule]


@driver
def revoke_security_group_egress(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "SecurityGroupId": world.group}
    send(client, "RevokeSecurityGroupEgress", **both, **WEB)
    assert rules(client, world.group, Direction="egress") == []
    assert len(rules(client, world.group)) == 2


@driver
def modify_security_group_rule(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "SecurityGroupId": world.group}
    change = {"SecurityGroupRuleId": world.rule, "PortRange": "23/23", "Description": "telnet"}
    send(client, "ModifySecurityGroupRule", **both, **change)
    send(client, "ModifySecurityGroupRule", **both, **SSH | {"PortRange": "443/443"}, Description="tls")
    first, second, _ = rules(client, world.group)
    assert (first.port_range, first.description, second.description) == ("23/23", "telnet", "tls")


@driver
def modify_security_group_egress_rule(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "SecurityGroupId": world.group}
    change = {"SecurityGroupRuleId": world.egress_rule, "DestCidrIp": "192.168.0.0/16"}
    send(client, "ModifySecurityGroupEgressRule", **both, **change)
    assert rules(client, world.group, Direction="egress")[0].dest_cidr_ip == "192.168.0.0/16"


@driver
def describe_security_group_attribute(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "SecurityGroupId": world.full}
    page = send(client, "DescribeSecurityGroupAttribute", **both, MaxResults=150)
    rest = send(client, "DescribeSecurityGroupAttribute", **both, MaxResults=150, NextToken=page.next_token)
    assert [len(each.permissions.permission) for each in (page, rest)] == [150, 50]
    assert (rest.next_token, rest.security_group_id, rest.region_id) == ("", world.full, REGION)
    assert len(rules(client, world.full)) == 200
    assert rules(client, world.full, NicType="internet") == []


@driver
def join_security_group(client: Any, world: World) -> None:
    send(client, "JoinSecurityGroup", RegionId=REGION, SecurityGroupId=world.other, InstanceId=world.instance)
    send(
        client,
        "JoinSecurityGroup",
        RegionId=REGION,
        SecurityGroupId=world.other,
        NetworkInterfaceId=world.interface,
    )
    both = [world.group, world.other]
    assert instance(client, world.instance).security_group_ids.security_group_id == both
    assert interface(client, world.interface).security_group_ids.security_group_id == both


@driver
def leave_security_group(client: Any, world: World) -> None:
    join_security_group(client, world)
    send(client, "LeaveSecurityGroup", SecurityGroupId=world.group, InstanceId=world.instance)
    send(
        client,
        "LeaveSecurityGroup",
        RegionId=REGION,
        SecurityGroupId=world.group,
        NetworkInterfaceId=world.interface,
    )
    assert instance(client, world.instance).security_group_ids.security_group_id == [world.other]
    assert interface(client, world.interface).security_group_ids.security_group_id == [world.other]


@driver
def run_instances(client: Any, world: World) -> None:
    run = send(
        client,
        "RunInstances",
        RegionId=REGION,
        SecurityGroupIds=[world.group, world.other],
        InstanceName="web",
        InstanceType="ecs.g7.large",
        ImageId="aliyun_3",
        VSwitchId="vsw-1",
        Amount=2,
        Tag=[{"Key": "team", "Value": "a"}],
    ).instance_id_sets.instance_id_set
    body = send(client, "DescribeInstances", RegionId=REGION, InstanceName="web")
    found = body.instances.instance
    assert [each.instance_id for each in found] == run
    assert found[1].security_group_ids.security_group_id == [world.group, world.other]
    assert (found[1].status, found[1].instance_type, found[1].image_id) == (
        "Running",
        "ecs.g7.large",
        "aliyun_3",
    )
    assert found[1].vpc_attributes.v_switch_id == "vsw-1"
    assert [(tag.tag_key, tag.tag_value) for tag in found[1].tags.tag] == [("team", "a")]
    [templated] = send(
        client, "RunInstances", RegionId=REGION, LaunchTemplateName="web"
    ).instance_id_sets.instance_id_set
    assert instance(client, templated).security_group_ids.security_group_id == [world.group]


@driver
def create_instance(client: Any, world: World) -> None:
    created = send(client, "CreateInstance", RegionId=REGION, SecurityGroupId=world.group, HostName="web")
    found = instance(client, created.instance_id)
    assert (found.status, found.host_name, found.deletion_protection) == ("Stopped", "web", False)
    assert found.security_group_ids.security_group_id == [world.group]


@driver
def describe_instances(client: Any, world: World) -> None:
    body = send(client, "DescribeInstances", RegionId=REGION, SecurityGroupId=world.other, MaxResults=1)
    assert (body.total_count, [each.instance_id for each in body.instances.instance]) == (
        2,
        [world.protected],
    )
    body = send(
        client,
        "DescribeInstances",
        RegionId=REGION,
        SecurityGroupId=world.other,
        MaxResults=1,
        NextToken=body.next_token,
    )
    assert [each.instance_id for each in body.instances.instance] == [world.running]
    body = send(client, "DescribeInstances", RegionId=REGION, Status="Running")
    assert [each.instance_id for each in body.instances.instance] == [world.running]
    assert send(client, "DescribeInstances", RegionId="cn-beijing").total_count == 0


@driver
def modify_instance_attribute(client: Any, world: World) -> None:
    send(
        client,
        "ModifyInstanceAttribute",
        InstanceId=world.instance,
        InstanceName="new",
        Description="described",
        DeletionProtection=True,
        SecurityGroupIds=[world.other],
    )
    found = instance(client, world.instance)
    assert (found.instance_name, found.description, found.deletion_protection) == ("new", "described", True)
    assert found.security_group_ids.security_group_id == [world.other]


@driver
def modify_instance_vpc_attribute(client: Any, world: World) -> None:
    send(
        client,
        "ModifyInstanceVpcAttribute",
        InstanceId=world.instance,
        VSwitchId="vsw-2",
        VpcId="vpc-2",
        PrivateIpAddress="10.0.0.2",
        SecurityGroupId=[world.other],
    )
    found = instance(client, world.instance)
    assert (found.vpc_attributes.v_switch_id, found.vpc_attributes.vpc_id) == ("vsw-2", "vpc-2")
    assert found.vpc_attributes.private_ip_address.ip_address == ["10.0.0.2"]
    assert found.security_group_ids.security_group_id == [world.other]


@driver
def delete_instance(client: Any, world: World) -> None:
    send(client, "DeleteInstance", InstanceId=world.instance)
    send(client, "DeleteInstance", InstanceId=world.running, Force=True)
    assert instance(client, world.instance) is instance(client, world.running) is None


@driver
def delete_instances(client: Any, world: World) -> None:
    ids = [world.instance, world.running]
    send(client, "DeleteInstances", RegionId=REGION, InstanceId=ids, Force=True)
    assert send(client, "DescribeInstances", RegionId=REGION).total_count == 1


@driver
def create_network_interface(client: Any, world: World) -> None:
    created = send(
        client,
        "CreateNetworkInterface",
        RegionId=REGION,
        VSwitchId="vsw-1",
        SecurityGroupIds=[world.group, world.other],
        NetworkInterfaceName="second",
        Description="described",
        PrimaryIpAddress="10.0.0.3",
        Tag=[{"Key": "team", "Value": "a"}],
    )
    assert created.security_group_ids.security_group_id == [world.group, world.other]
    found = interface(client, created.network_interface_id)
    for each in (created, found):
        assert (each.network_interface_name, each.description) == ("second", "described")
        assert (each.v_switch_id, each.private_ip_address) == ("vsw-1", "10.0.0.3")
        assert (each.status, each.type, each.service_managed) == ("Available", "Secondary", False)
        assert [(tag.tag_key, tag.tag_value) for tag in each.tags.tag] == [("team", "a")]


@driver
def describe_network_interfaces(client: Any, world: World) -> None:
    send(client, "CreateNetworkInterface", RegionId=REGION, VSwitchId="vsw-9", SecurityGroupId=world.other)
    for filters, count in (({}, 2), ({"SecurityGroupId": world.group}, 1), ({"VSwitchId": "vsw-none"}, 0)):
        body = send(client, "DescribeNetworkInterfaces", RegionId=REGION, **filters)
        assert body.total_count == len(body.network_interface_sets.network_interface_set) == count


@driver
def modify_network_interface_attribute(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "NetworkInterfaceId": world.interface}
    send(client, "ModifyNetworkInterfaceAttribute", **both, NetworkInterfaceName="new")
    send(client, "ModifyNetworkInterfaceAttribute", **both, SecurityGroupId=[world.other])
    found = interface(client, world.interface)
    assert (found.network_interface_name, found.security_group_ids.security_group_id) == (
        "new",
        [world.other],
    )


@driver
def delete_network_interface(client: Any, world: World) -> None:
    send(client, "DeleteNetworkInterface", RegionId=REGION, NetworkInterfaceId=world.interface)
    assert interface(client, world.interface) is None


@driver
def create_launch_template(client: Any, world: World) -> None:
    nested = {"InstanceType": "Secondary", "SecurityGroupIds": [world.other]}
    created = send(
        client,
        "CreateLaunchTemplate",
        RegionId=REGION,
        LaunchTemplateName="api",
        SecurityGroupId=world.group,
        NetworkInterface=[nested],
        ImageId="aliyun_3",
        VersionDescription="first",
    )
    [version] = versions(client, created.launch_template_id)
    data = version.launch_template_data
    assert (created.launch_template_version_number, version.version_number) == (1, 1)
    assert (version.default_version, version.version_description) == (True, "first")
    assert (data.security_group_id, data.image_id) == (world.group, "aliyun_3")
    [kept] = data.network_interfaces.network_interface
    assert (kept.instance_type, kept.security_group_ids.security_group_id) == ("Secondary", [world.other])


@driver
def create_launch_template_version(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "LaunchTemplateId": world.template}
    created = send(client, "CreateLaunchTemplateVersion", **both, SecurityGroupIds=["sg-none", world.other])
    assert created.launch_template_version_number == 2
    [version] = versions(client, world.template, LaunchTemplateVersion=[2])
    assert version.launch_template_data.security_group_ids.security_group_id == ["sg-none", world.other]
    assert not version.default_version


@driver
def describe_launch_templates(client: Any, world: World) -> None:
    create_launch_template(client, world)
    for filters, names in (
        ({}, ["web", "api"]),
        ({"LaunchTemplateId": [world.template]}, ["web"]),
        ({"LaunchTemplateName": ["api"]}, ["api"]),
    ):
        body = send(client, "DescribeLaunchTemplates", RegionId=REGION, **filters)
        found = body.launch_template_sets.launch_template_set
        assert [each.launch_template_name for each in found] == names
        assert {(each.default_version_number, each.latest_version_number) for each in found} == {(1, 1)}


@driver
def describe_launch_template_versions(client: Any, world: World) -> None:
    create_launch_template_version(client, world)
    assert [each.version_number for each in versions(client, world.template)] == [1, 2]
    assert [each.version_number for each in versions(client, world.template, MinVersion=2)] == [2]
    assert [each.version_number for each in versions(client, world.template, DefaultVersion=True)] == [1]
    assert versions(client, "lt-none") == []


@driver
def modify_launch_template_default_version(client: Any, world: World) -> None:
    create_launch_template_version(client, world)
    both = {"RegionId": REGION, "LaunchTemplateName": "web"}
    send(client, "ModifyLaunchTemplateDefaultVersion", **both, DefaultVersionNumber=2)
    assert [each.version_number for each in versions(client, world.template, DefaultVersion=True)] == [2]


@driver
def delete_launch_template(client: Any, world: World) -> None:
    send(client, "DeleteLaunchTemplate", RegionId=REGION, LaunchTemplateId=world.template)
    assert versions(client, world.template) == []


@driver
def delete_launch_template_version(client: Any, world: World) -> None:
    create_launch_template_version(client, world)
    both = {"RegionId": REGION, "LaunchTemplateId": world.template}
    deleted = send(client, "DeleteLaunchTemplateVersion", **both, DeleteVersion=["2"])
    [gone] = deleted.launch_template_versions.launch_template_version
    assert (gone.launch_template_id, gone.launch_template_version_number) == (world.template, 2)
    assert send(client, "CreateLaunchTemplateVersion", **both).launch_template_version_number == 3


@driver
def tag_resources(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "ResourceType": "securitygroup"}
    two = [{"Key": "team", "Value": "a"}, {"Key": "stage", "Value": "test"}]
    send(client, "TagResources", **both, ResourceId=[world.group, world.managed], Tag=two)
    assert tags(client, world.group) == tags(client, world.managed) == {"team": "a", "stage": "test"}
    found = groups(client, Tag=[{"Key": "team", "Value": "a"}, {"Key": "stage"}])
    assert [each.security_group_id for each in found] == [world.group, world.managed]


@driver
def untag_resources(client: Any, world: World) -> None:
    tag_resources(client, world)
    both = {"RegionId": REGION, "ResourceType": "securitygroup"}
    send(client, "UntagResources", **both, ResourceId=[world.group], TagKey=["team"])
    send(client, "UntagResources", **both, ResourceId=[world.managed], All=True)
    assert (tags(client, world.group), tags(client, world.managed)) == ({"stage": "test"}, {})


@driver
def list_tag_resources(client: Any, world: World) -> None:
    tag_resources(client, world)
    both = {"RegionId": REGION, "ResourceType": "securitygroup"}
    for filters in ({"ResourceId": [world.group, world.managed]}, {"Tag": [{"Key": "team"}]}):
        body = send(client, "ListTagResources", **both, **filters)
        lines = body.tag_resources.tag_resource
        assert [(line.resource_id, line.tag_key, line.tag_value) for line in lines] == [
            (group, key, value)
            for group in (world.group, world.managed)
            for key, value in (("team", "a"), ("stage", "test"))
        ]
        assert (body.next_token, lines[0].resource_type) == ("", "securitygroup")


@driver
def describe_regions(client: Any, _: World) -> None:
    regions = {
        region.region_id: region.region_endpoint for region in send(client, "DescribeRegions").regions.region
    }
    assert regions[REGION] == "ecs.cn-hangzhou.aliyuncs.com"


@pytest.mark.parametrize("action", DRIVERS)
def test_an_operation_does_what_the_table_says(ecs: FakeEcs, stock: Any, world: World, action: str) -> None:
    """Asked through the SDK's models, and read back through them."""
    DRIVERS[action](stock, world)
    assert (action, 200) in {(request.action, request.status) for request in ecs.requests}


def test_the_table_lists_every_operation_and_each_is_driven() -> None:
    """OPERATIONS.md, the code and these tests know the same operations."""
    listed = re.findall(r"^\| ([A-Z]\w+) \|", TABLE, re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) == {*QUERIES, *WRITES} == set(DRIVERS)


def test_client_tokens_and_dry_runs_are_taken_where_the_sdk_has_them() -> None:
    """The models of the SDK are the list of the parameters there are."""
    has = {name: vars(getattr(models, f"{name}Request")()).keys() for name in sorted({*QUERIES, *WRITES})}
    assert {name for name, fields in has.items() if "client_token" in fields} == IDEMPOTENT
    writes = {"CreateInstance", "DeleteInstance", "DeleteInstances", "RunInstances"}
    assert {name for name, fields in has.items() if "dry_run" in fields} == DRY_RUN_QUERIES | writes


def test_a_client_token_lets_a_request_be_done_once(ecs: FakeEcs, stock: Any, world: World) -> None:
    """The second answer is that of the first; another caller's token is another token."""
    request = {"RegionId": REGION, "SecurityGroupId": world.group, "ClientToken": "T-1"}
    first, second = (send(stock, "RunInstances", **request) for _ in range(2))
    assert first.instance_id_sets.instance_id_set == second.instance_id_sets.instance_id_set
    other = send(StockClient(ecs.config(service_id=7)), "RunInstances", **request)
    assert other.instance_id_sets.instance_id_set != first.instance_id_sets.instance_id_set
    assert first.request_id != second.request_id


def test_a_dry_run_changes_nothing(ecs: FakeEcs, stock: Any, world: World) -> None:
    """Whether it is to create or to delete."""
    before = send(stock, "DescribeInstances", RegionId=REGION).total_count
    for action, fields in (
        ("RunInstances", {"RegionId": REGION, "SecurityGroupId": world.group}),
        ("CreateInstance", {"RegionId": REGION, "SecurityGroupId": world.group}),
        ("DeleteInstance", {"InstanceId": world.instance}),
        ("DeleteInstances", {"RegionId": REGION, "InstanceId": [world.instance]}),
    ):
        with pytest.raises(Exception, match="DryRunOperation"):
            send(stock, action, **fields, DryRun=True)
    assert send(stock, "DescribeInstances", RegionId=REGION).total_count == before
