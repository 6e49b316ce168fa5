"""Network interfaces: create, describe, modify, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from safe_ecs.testing._errors import conflicting_group_ids, missing_parameter
from safe_ecs.testing._operations.membership import find_interface
from safe_ecs.testing._operations.paging import page
from safe_ecs.testing._operations.tags import has_tags, read_tags, show_tags
from safe_ecs.testing._state import Member, new_id

if TYPE_CHECKING:
    from safe_ecs.testing._operations.calls import Answer, Call

_STORED: Final = ("NetworkInterfaceName", "Description", "ResourceGroupId", "VSwitchId", "VpcId")


def create_network_interface(call: Call) -> Answer:
    """Perform CreateNetworkInterface.

    Raises:
        EcsError: ECS would refuse the call.
    """
    region_id, asked = call.region_id, call.parameters
    asked.require("VSwitchId")
    if asked.names_one_and_several_groups:
        raise conflicting_group_ids()
    groups = asked.target_groups()
    if not groups:
        raise missing_parameter("SecurityGroupId")
    interface = Member(
        member_id=new_id("eni"),
        region_id=region_id,
        security_group_ids=groups,
        attributes={name: asked.get(name) for name in _STORED if asked.get(name)}
        | {"Status": "Available", "Type": "Secondary", "PrivateIpAddress": asked.get("PrimaryIpAddress")},
        tags=read_tags(asked),
    )
    call.state.interfaces[interface.member_id] = interface
    return _as_answer(interface)


def describe_network_interfaces(call: Call) -> Answer:
    """Perform DescribeNetworkInterfaces.

    Raises:
        EcsError: ECS would refuse the call.
    """
    region_id, asked = call.region_id, call.parameters
    found = [each for each in call.state.interfaces.values() if each.region_id == region_id]
    if ids := asked.values("NetworkInterfaceId"):
        found = [each for each in found if each.member_id in ids]
    if group := asked.get("SecurityGroupId").lower():
        found = [each for each in found if group in each.security_group_ids]
    for name in ("NetworkInterfaceName", "ResourceGroupId", "Status", "Type", "VSwitchId", "VpcId"):
        if wanted := asked.get(name):
            found = [each for each in found if each.attributes.get(name) == wanted]
    found = [each for each in found if has_tags(each.tags, asked)]
    shown, paging = page(asked, found, most=500)
    return {**paging, "NetworkInterfaceSets": {"NetworkInterfaceSet": [_as_answer(each) for each in shown]}}


def _as_answer(interface: Member) -> Answer:
    return {
        "NetworkInterfaceId": interface.member_id,
        "CreationTime": interface.creation_time,
        "ServiceManaged": False,
        **interface.attributes,
        "SecurityGroupIds": {"SecurityGroupId": list(interface.security_group_ids)},
        "Tags": show_tags(interface.tags),
    }


def modify_network_interface_attribute(call: Call) -> Answer:
    """Perform ModifyNetworkInterfaceAttribute. Groups in the call replace the groups of the interface.

    Raises:
        EcsError: ECS would refuse the call.
    """
    call.region_id  # noqa: B018 - raises without a region
    interface = find_interface(call, call.parameters.require("NetworkInterfaceId"))
    interface.security_group_ids = call.parameters.target_groups() or interface.security_group_ids
    for name in ("NetworkInterfaceName", "Description"):
        if value := call.parameters.get(name):
            interface.attributes[name] = value
    return {}


def delete_network_interface(call: Call) -> Answer:
    """Perform DeleteNetworkInterface.

    Raises:
        EcsError: ECS would refuse the call.
    """
    call.region_id  # noqa: B018 - raises without a region
    interface = find_interface(call, call.parameters.require("NetworkInterfaceId"))
    del call.state.interfaces[interface.member_id]
    return {}
