"""Security groups: create, describe, modify, delete, and the references between them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from safe_ecs.testing._errors import forbidden, invalid
from safe_ecs.testing._operations.paging import page
from safe_ecs.testing._operations.tags import has_tags, read_tags, show_tags
from safe_ecs.testing._state import SecurityGroup, new_id, refuse_malformed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safe_ecs.testing._operations.calls import Answer, Call
    from safe_ecs.testing._parameters import Parameters

_NAME: Final = re.compile(r"(?!https?://)[^\W\d_][\w.:-]{1,127}")
_DESCRIPTION: Final = re.compile(r"(?!https?://).{2,256}", re.DOTALL)
_TYPES: Final = ("normal", "enterprise")
_MOST_REFERENCED: Final = 10


def create_security_group(call: Call) -> Answer:
    """Perform CreateSecurityGroup. With ServiceManaged, the calling cloud service manages the new group.

    Raises:
        EcsError: ECS would refuse the call.
    """
    region_id, asked = call.region_id, call.parameters
    _check_texts(asked)
    group_type = asked.get("SecurityGroupType").lower() or _TYPES[0]
    if group_type not in _TYPES:
        raise invalid("InvalidParams.GroupType", "The specified security group type is not valid.")
    if group_type != _TYPES[0] and not asked.get("VpcId"):
        raise invalid(
            "InvalidParams.VpcIdGroupType", "Only VPC instance supports enterprise level security group."
        )
    tags = read_tags(asked)
    if asked.flag("ServiceManaged") and call.service_id is None:
        raise forbidden(
            "InvalidOperation.ResourceManagedByCloudProduct",
            "Only a cloud service may create a security group in managed mode.",
        )
    group = SecurityGroup(
        region_id=region_id,
        security_group_id=new_id("sg"),
        name=asked.get("SecurityGroupName"),
        description=asked.get("Description"),
        vpc_id=asked.get("VpcId"),
        security_group_type=group_type,
        resource_group_id=asked.get("ResourceGroupId"),
        service_managed=asked.flag("ServiceManaged"),
        service_id=call.service_id if asked.flag("ServiceManaged") else None,
        tags=tags,
    )
    return {"SecurityGroupId": call.state.add_group(group).security_group_id}


def describe_security_groups(call: Call) -> Answer:
    """Perform DescribeSecurityGroups.

    Raises:
        EcsError: ECS would refuse the call.
    """
    region_id, asked = call.region_id, call.parameters
    wanted = asked.listed_groups()
    for security_group_id in wanted or ():
        refuse_malformed(security_group_id)
    group_type = asked.get("SecurityGroupType").lower()
    if group_type not in ("", *_TYPES):
        raise invalid("InvalidParameter.SecurityGroupType", "The specified SecurityGroupType is not valid.")
    groups = call.state.groups_in(region_id)
    if wanted is not None:
        found = filter(None, map(call.state.groups.get, dict.fromkeys(wanted)))
        groups = sorted((g for g in found if g.region_id == region_id), key=lambda group: group.serial)
    shown, paging = page(asked, _filtered(asked, groups), most_by_number=50)
    counts = asked.flag("IsQueryEcsCount")
    return {
        "RegionId": region_id,
        **paging,
        "SecurityGroups": {
            "SecurityGroup": [
                _as_answer(group) | ({"EcsCount": _ecs_count(call, group)} if counts else {})
                for group in shown
            ]
        },
    }


def _filtered(asked: Parameters, groups: Sequence[SecurityGroup]) -> Sequence[SecurityGroup]:
    name, flag = asked.get("SecurityGroupName"), asked.get("ServiceManaged").lower()
    vpc_id, network = asked.get("VpcId"), asked.get("NetworkType").lower()
    group_type, resource_group = asked.get("SecurityGroupType").lower(), asked.get("ResourceGroupId")
    if name:
        is_fuzzy = asked.flag("FuzzyQuery")
        groups = [g for g in groups if g.name == name or (is_fuzzy and name.strip("*") in g.name)]
    if flag:
        groups = [g for g in groups if g.service_managed == (flag == "true")]
    if vpc_id:
        groups = [g for g in groups if g.vpc_id == vpc_id]
    if network:
        groups = [g for g in groups if bool(g.vpc_id) == (network == "vpc")]
    if group_type:
        groups = [g for g in groups if g.security_group_type == group_type]
    if resource_group:
        groups = [g for g in groups if g.resource_group_id == resource_group]
    if asked.get("Tag.1.Key"):
        groups = [g for g in groups if has_tags(g.tags, asked)]
    return groups


def _as_answer(group: SecurityGroup) -> Answer:
    answer: Answer = {
        "SecurityGroupId": group.security_group_id,
        "SecurityGroupName": group.name,
        "Description": group.description,
        "VpcId": group.vpc_id,
        "CreationTime": group.creation_time,
        "ServiceManaged": group.service_managed,
        "SecurityGroupType": group.security_group_type,
        "ResourceGroupId": group.resource_group_id,
        "RuleCount": len(group.rules),
        "GroupToGroupRuleCount": sum(bool(rule.peer_group_id) for rule in group.rules),
        "Tags": show_tags(group.tags),
    }
    if group.service_id is not None:
        answer["ServiceID"] = group.service_id
    return answer


def _ecs_count(call: Call, group: SecurityGroup) -> int:
    return sum(group.security_group_id in i.security_group_ids for i in call.state.instances.values())


def describe_security_group_references(call: Call) -> Answer:
    """Perform DescribeSecurityGroupReferences.

    Raises:
        EcsError: ECS would refuse the call.
    """
    call.region_id  # noqa: B018 - raises without a region
    ids = call.parameters.target_groups() or [call.group.security_group_id]
    if len(ids) > _MOST_REFERENCED:
        raise invalid("InvalidSecurityGroupId.Malformed", "The amount of SecurityGroupId exceeds 10.")
    references = []
    for group in map(call.find_group, ids):
        if referring := call.state.referring(group):
            several = [{"SecurityGroupId": each.security_group_id, "AliUid": "1"} for each in referring]
            references.append({
                "SecurityGroupId": group.security_group_id,
                "ReferencingSecurityGroups": {"ReferencingSecurityGroup": several},
            })
    return {"SecurityGroupReferences": {"SecurityGroupReference": references}}


def modify_security_group_attribute(call: Call) -> Answer:
    """Perform ModifySecurityGroupAttribute.

    Raises:
        EcsError: ECS would refuse the call.
    """
    group = call.group
    _check_texts(call.parameters)
    group.name = call.parameters.get("SecurityGroupName") or group.name
    group.description = call.parameters.get("Description") or group.description
    return {}


def modify_security_group_policy(call: Call) -> Answer:
    """Perform ModifySecurityGroupPolicy.

    Raises:
        EcsError: ECS would refuse the call.
    """
    group = call.group
    policy = call.parameters.require("InnerAccessPolicy").capitalize()
    if policy not in ("Accept", "Drop"):
        raise invalid("InvalidPolicy.Malformed", "The specified parameter InnerAccessPolicy is not valid.")
    group.inner_access_policy = policy
    return {}


def delete_security_group(call: Call) -> Answer:
    """Perform DeleteSecurityGroup.

    Raises:
        EcsError: ECS would refuse the call.
    """
    group = call.group
    if call.state.has_members(group):
        raise forbidden("DependencyViolation", "There is still instance(s) in the specified security group.")
    if call.state.referring(group):
        raise forbidden(
            "DependencyViolation", "The specified security group has been authorized in another one."
        )
    call.state.remove_group(group)
    return {}


def _check_texts(asked: Parameters) -> None:
    name, description = asked.get("SecurityGroupName"), asked.get("Description")
    if name and not _NAME.fullmatch(name):
        raise invalid("InvalidSecurityGroupName.Malformed", "Specified security group name is not valid.")
    if description and not _DESCRIPTION.fullmatch(description):
        raise invalid(
            "InvalidSecurityGroupDiscription.Malformed", "Specified security group description is not valid."
        )
