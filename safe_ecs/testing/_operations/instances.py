"""Instances: run, create, describe, modify, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from safe_ecs.testing._errors import conflicting_group_ids, forbidden, invalid, missing_parameter
from safe_ecs.testing._operations.membership import find_instance
from safe_ecs.testing._operations.paging import page
from safe_ecs.testing._operations.tags import has_tags, read_tags, show_tags
from safe_ecs.testing._operations.templates import template_groups
from safe_ecs.testing._state import Member, new_id

if TYPE_CHECKING:
    from safe_ecs.testing._operations.calls import Answer, Call

_STORED: Final = (
    "Description",
    "HostName",
    "ImageId",
    "InstanceChargeType",
    "InstanceName",
    "InstanceType",
    "KeyPairName",
    "ResourceGroupId",
    "ZoneId",
)
_NOT_SHOWN_FLAT: Final = ("DeletionProtection", "VSwitchId", "VpcId", "PrivateIpAddress")


def run_instances(call: Call) -> Answer:
    """Perform RunInstances.

    Raises:
        EcsError: ECS would refuse the call.
    """
    region_id, asked = call.region_id, call.parameters
    groups = groups_to_run_in(call)
    amount = asked.number("Amount", default=1, most=100)
    return {"InstanceIdSets": {"InstanceIdSet": _create(call, region_id, groups, amount, status="Running")}}


def create_instance(call: Call) -> Answer:
    """Perform CreateInstance.

    Raises:
        EcsError: ECS would refuse the call.
    """
    region_id = call.region_id
    [created] = _create(call, region_id, call.parameters.target_groups(), 1, status="Stopped")
    return {"InstanceId": created}


def groups_to_run_in(call: Call) -> list[str]:
    """Return the groups in a RunInstances call, followed by the groups of its launch template.

    Groups for the instance itself replace the template's groups. Groups for network interfaces do not: an interface
    in a request is a secondary one by default.

    Raises:
        EcsError: The template or its version does not exist.
    """
    named, asked = call.parameters.target_groups(), call.parameters
    if named and (asked.values("SecurityGroupId") or asked.values("SecurityGroupIds")):
        return named
    return list(dict.fromkeys((*named, *template_groups(call))))


def _create(call: Call, region_id: str, groups: list[str], amount: int, *, status: str) -> list[str]:
    asked = call.parameters
    if asked.names_one_and_several_groups:
        raise conflicting_group_ids()
    tags = read_tags(asked)
    attributes = {name: asked.get(name) for name in (*_STORED, *_NOT_SHOWN_FLAT) if asked.get(name)}
    asked.stop_if_dry_run()
    created = []
    for _ in range(amount):
        member = Member(
            member_id=new_id("i"),
            region_id=region_id,
            security_group_ids=list(groups),
            attributes=attributes | {"Status": status},
            tags=dict(tags),
        )
        call.state.instances[member.member_id] = member
        created.append(member.member_id)
    return created


def describe_instances(call: Call) -> Answer:
    """Perform DescribeInstances.

    Raises:
        EcsError: ECS would refuse the call.
    """
    region_id, asked = call.region_id, call.parameters
    found = [each for each in call.state.instances.values() if each.region_id == region_id]
    if asked.get("InstanceIds"):
        ids = asked.json_ids("InstanceIds")
        found = [each for each in found if each.member_id in ids]
    if group := asked.get("SecurityGroupId").lower():
        found = [each for each in found if group in each.security_group_ids]
    for name in ("InstanceName", "InstanceType", "Status", "VSwitchId", "VpcId", "ZoneId", "ResourceGroupId"):
        if wanted := asked.get(name):
            found = [each for each in found if each.attributes.get(name) == wanted]
    found = [each for each in found if has_tags(each.tags, asked)]
    shown, paging = page(asked, found)
    return {**paging, "Instances": {"Instance": [_as_answer(each) for each in shown]}}


def _as_answer(instance: Member) -> Answer:
    kept = instance.attributes
    address = kept.get("PrivateIpAddress")
    return {
        "InstanceId": instance.member_id,
        "RegionId": instance.region_id,
        "CreationTime": instance.creation_time,
        **{name: value for name, value in kept.items() if name not in _NOT_SHOWN_FLAT},
        "DeletionProtection": kept.get("DeletionProtection", "").lower() == "true",
        "InstanceNetworkType": "vpc",
        "SecurityGroupIds": {"SecurityGroupId": list(instance.security_group_ids)},
        "Tags": show_tags(instance.tags),
        "VpcAttributes": {
            "VpcId": kept.get("VpcId", ""),
            "VSwitchId": kept.get("VSwitchId", ""),
            "PrivateIpAddress": {"IpAddress": [address] if address else []},
        },
    }


def modify_instance_attribute(call: Call) -> Answer:
    """Perform ModifyInstanceAttribute. Groups in the call replace the groups of the instance.

    Raises:
        EcsError: ECS would refuse the call.
    """
    instance = find_instance(call, call.parameters.require("InstanceId"))
    _replace_groups(call, instance)
    for name in ("InstanceName", "Description", "HostName", "DeletionProtection"):
        if value := call.parameters.get(name):
            instance.attributes[name] = value
    return {}


def modify_instance_vpc_attribute(call: Call) -> Answer:
    """Perform ModifyInstanceVpcAttribute.

    Raises:
        EcsError: ECS would refuse the call.
    """
    instance = find_instance(call, call.parameters.require("InstanceId"))
    call.parameters.require("VSwitchId")
    _replace_groups(call, instance)
    for name in ("VSwitchId", "VpcId", "PrivateIpAddress"):
        if value := call.parameters.get(name):
            instance.attributes[name] = value
    return {}


def _replace_groups(call: Call, instance: Member) -> None:
    instance.security_group_ids = call.parameters.target_groups() or instance.security_group_ids


def delete_instance(call: Call) -> Answer:
    """Perform DeleteInstance.

    Raises:
        EcsError: ECS would refuse the call.
    """
    return _delete(call, [call.parameters.require("InstanceId")])


def delete_instances(call: Call) -> Answer:
    """Perform DeleteInstances, for all instances or none.

    Raises:
        EcsError: ECS would refuse the call.
    """
    call.region_id  # noqa: B018 - raises without a region
    ids = call.parameters.values("InstanceId")
    if not ids:
        raise missing_parameter("InstanceId")
    if len(ids) > 100:  # noqa: PLR2004 - the documented limit
        raise invalid("InvalidParameter.InstanceId", "There are more than 100 InstanceIds.")
    return _delete(call, ids)


def _delete(call: Call, ids: list[str]) -> Answer:
    for instance in [find_instance(call, i) for i in ids]:
        if instance.attributes.get("DeletionProtection", "").lower() == "true":
            raise forbidden(
                "InvalidOperation.DeletionProtection",
                "The operation is not allowed due to the deletion protection of the instance.",
            )
        if instance.attributes.get("Status") == "Running" and not call.parameters.flag("Force"):
            raise forbidden(
                "IncorrectInstanceStatus",
                "The current status of the resource does not support this operation.",
            )
    call.parameters.stop_if_dry_run()
    for i in dict.fromkeys(ids):
        del call.state.instances[i]
    return {}
