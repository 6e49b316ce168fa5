"""Drivers of the operations on network interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.fake_drivers.reading import interface
from tests.support.fake_world import REGION, send

if TYPE_CHECKING:
    from tests.support.fake_world import World


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


def describe_network_interfaces(client: Any, world: World) -> None:
    send(client, "CreateNetworkInterface", RegionId=REGION, VSwitchId="vsw-9", SecurityGroupId=world.other)
    for filters, count in (({}, 2), ({"SecurityGroupId": world.group}, 1), ({"VSwitchId": "vsw-none"}, 0)):
        body = send(client, "DescribeNetworkInterfaces", RegionId=REGION, **filters)
        assert body.total_count == len(body.network_interface_sets.network_interface_set) == count


def modify_network_interface_attribute(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "NetworkInterfaceId": world.interface}
    send(client, "ModifyNetworkInterfaceAttribute", **both, NetworkInterfaceName="new")
    send(client, "ModifyNetworkInterfaceAttribute", **both, SecurityGroupId=[world.other])
    found = interface(client, world.interface)
    assert (found.network_interface_name, found.security_group_ids.security_group_id) == (
        "new",
        [world.other],
    )


def delete_network_interface(client: Any, world: World) -> None:
    send(client, "DeleteNetworkInterface", RegionId=REGION, NetworkInterfaceId=world.interface)
    assert interface(client, world.interface) is None
