"""The members of groups: JoinSecurityGroup and LeaveSecurityGroup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from safe_ecs.testing._errors import forbidden, invalid, missing_parameter, not_found

if TYPE_CHECKING:
    from safe_ecs.testing._operations.calls import Answer, Call
    from safe_ecs.testing._state import Member

_INSTANCE_ID: Final = re.compile(r"i-[a-z0-9][a-z0-9-]*")


def join_security_group(call: Call) -> Answer:
    """Perform JoinSecurityGroup.

    Raises:
        EcsError: ECS would refuse the call.
    """
    group, (member, is_instance) = call.group, _named_member(call)
    if group.security_group_id in member.security_group_ids:
        if is_instance:
            raise forbidden(
                "InvalidInstanceId.AlreadyExists",
                "The specified instance already exists in the specified security group.",
            )
        raise invalid(
            "InvalidSecurityGroupAssociation.Duplicate",
            "The specified network interface is in the specified security group already.",
        )
    member.security_group_ids.append(group.security_group_id)
    return {}


def leave_security_group(call: Call) -> Answer:
    """Perform LeaveSecurityGroup.

    Raises:
        EcsError: ECS would refuse the call.
    """
    group, (member, is_instance) = call.group, _named_member(call)
    if group.security_group_id not in member.security_group_ids:
        if is_instance:
            raise forbidden("InstanceNotInSecurityGroup", "The instance not in the group.")
        raise invalid(
            "InvalidSecurityGroupAssociation.NotFound",
            "The specified network interface is not in the specified security group.",
        )
    if len(member.security_group_ids) == 1:
        if is_instance:
            raise forbidden(
                "InstanceLastSecurityGroup",
                "The specified security group is the last security group for the instance.",
            )
        raise forbidden(
            "InvalidOperation.AtLeastInOneGroup",
            "The specified network interface must be in one security group at least.",
        )
    member.security_group_ids.remove(group.security_group_id)
    return {}


def find_instance(call: Call, instance_id: str) -> Member:
    """Return an instance.

    Raises:
        EcsError: The id is malformed, or the instance does not exist in the call's region.
    """
    if not _INSTANCE_ID.fullmatch(instance_id):
        raise invalid("InvalidInstanceId.Malformed", 'The specified parameter "InstanceId" is not valid.')
    return _find(call, call.state.instances, instance_id, "InstanceId", "InvalidInstanceId.NotFound")


def find_interface(call: Call, network_interface_id: str) -> Member:
    """Return a network interface.

    Raises:
        EcsError: The network interface does not exist in the call's region.
    """
    return _find(
        call, call.state.interfaces, network_interface_id, "NetworkInterfaceId", "InvalidEniId.NotFound"
    )


def _find(call: Call, kept: dict[str, Member], member_id: str, name: str, code: str) -> Member:
    member = kept.get(member_id)
    if member is None or call.parameters.get("RegionId").lower() not in ("", member.region_id):
        raise not_found(code, f"The specified {name} does not exist.")
    return member


def _named_member(call: Call) -> tuple[Member, bool]:
    """Return the instance or network interface in the call, and whether it is an instance."""
    instance_id, interface_id = call.parameters.get("InstanceId"), call.parameters.get("NetworkInterfaceId")
    if instance_id and interface_id:
        raise forbidden(
            "InvalidParam.EniIdAndInstanceId.Conflict",
            "The parameters NetworkInterfaceId and InstanceId cannot be specified at the same time.",
        )
    if interface_id:
        return find_interface(call, interface_id), False
    if not instance_id:
        raise missing_parameter("InstanceId")
    return find_instance(call, instance_id), True
