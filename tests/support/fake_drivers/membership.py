"""Drivers of joining and leaving a security group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.fake_drivers.reading import instance, interface
from tests.support.fake_world import REGION, send

if TYPE_CHECKING:
    from tests.support.fake_world import World


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
