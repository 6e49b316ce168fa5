"""Drivers of the operations on instances and regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.fake_drivers.reading import instance
from tests.support.fake_world import REGION, send

if TYPE_CHECKING:
    from tests.support.fake_world import World


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


def create_instance(client: Any, world: World) -> None:
    created = send(client, "CreateInstance", RegionId=REGION, SecurityGroupId=world.group, HostName="web")
    found = instance(client, created.instance_id)
    assert (found.status, found.host_name, found.deletion_protection) == ("Stopped", "web", False)
    assert found.security_group_ids.security_group_id == [world.group]


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


def delete_instance(client: Any, world: World) -> None:
    send(client, "DeleteInstance", InstanceId=world.instance)
    send(client, "DeleteInstance", InstanceId=world.running, Force=True)
    assert instance(client, world.instance) is instance(client, world.running) is None


def delete_instances(client: Any, world: World) -> None:
    ids = [world.instance, world.running]
    send(client, "DeleteInstances", RegionId=REGION, InstanceId=ids, Force=True)
    assert send(client, "DescribeInstances", RegionId=REGION).total_count == 1


def describe_regions(client: Any, _: World) -> None:
    regions = {
        region.region_id: region.region_endpoint for region in send(client, "DescribeRegions").regions.region
    }
    assert regions[REGION] == "ecs.cn-hangzhou.aliyuncs.com"
