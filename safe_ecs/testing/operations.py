"""What each operation does to the state of FakeEcs, and what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from safe_ecs.testing.errors import EcsError, managed_group, missing_parameter
from safe_ecs.testing.state import Rule, SecurityGroup, new_group_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from safe_ecs.testing.parameters import Parameters
    from safe_ecs.testing.state import LaunchTemplate, Member, State

Answer: TypeAlias = "dict[str, object]"
Handler: TypeAlias = "Callable[[State, Parameters], Answer]"

_RULE_FIELDS: Final = {
    name.lower(): name
    for name in (
        "IpProtocol",
        "PortRange",
        "SourceCidrIp",
        "SourceGroupId",
        "DestCidrIp",
        "DestGroupId",
        "Policy",
        "Priority",
        "NicType",
        "Description",
    )
}
_IDENTITY: Final = frozenset(_RULE_FIELDS.values()) - {"Description"}


def perform(action: str, state: State, parameters: Parameters, service_id: int | None) -> Answer:
    """Perform an operation for an account, or for the cloud service ``service_id``.

    Raises:
        EcsError: ECS would refuse it, or FakeEcs does not know the operation.
    """
    if handler := _QUERIES.get(action):
        return handler(state, parameters)
    if handler := _WRITES.get(action):
        for security_group_id in _targets(action, state, parameters):
            group = state.group(security_group_id)
            if group.service_managed and (service_id is None or group.service_id != service_id):
                raise managed_group(group)
        return handler(state, parameters)
    known = ", ".join(sorted({*_QUERIES, *_WRITES}))
    raise EcsError(404, "InvalidAction.NotFound", f"FakeEcs does not know {action!r}. It knows {known}.")


def _targets(action: str, state: State, parameters: Parameters) -> list[str]:
    """Return the groups a write would change: with RunInstances those of its template if it names none itself."""
    if action == "RunInstances" and not parameters.target_groups():
        return _groups_of_template(state, parameters)
    return parameters.target_groups()


def _groups_of_template(state: State, parameters: Parameters) -> list[str]:
    if not (parameters.get("LaunchTemplateId") or parameters.get("LaunchTemplateName")):
        return []
    template = _the_template(state, parameters)
    if template is None:
        raise EcsError(404, "InvalidLaunchTemplate.NotFound", "The specified LaunchTemplate does not exist.")
    number = parameters.number("LaunchTemplateVersion", default=template.default_version, most=10**9)
    if number > len(template.versions):
        raise EcsError(
            404,
            "InvalidLaunchTemplateVersion.NotFound",
            "The specified LaunchTemplateVersion does not exist.",
        )
    return template.versions[number - 1]


def _the_template(state: State, parameters: Parameters) -> LaunchTemplate | None:
    return state.template(
        parameters.require("RegionId"),
        parameters.get("LaunchTemplateId"),
        parameters.get("LaunchTemplateName"),
    )


def _describe_launch_template_versions(state: State, parameters: Parameters) -> Answer:
    template = _the_template(state, parameters)
    numbers = tuple(range(1, len(template.versions) + 1)) if template else ()
    if template and parameters.get("DefaultVersion").lower() == "true":
        numbers = (template.default_version,)
    elif wanted := parameters.get("LaunchTemplateVersion.1"):
        numbers = tuple(number for number in numbers if str(number) == wanted)
    return {
        "TotalCount": len(numbers),
        "LaunchTemplateVersionSets": {
            "LaunchTemplateVersionSet": [_version(template, number) for number in numbers if template]
        },
    }


def _version(template: LaunchTemplate, number: int) -> Answer:
    return {
        "LaunchTemplateId": template.template_id,
        "LaunchTemplateName": template.name,
        "VersionNumber": number,
        "DefaultVersion": number == template.default_version,
        "LaunchTemplateData": {"SecurityGroupIds": {"SecurityGroupId": template.versions[number - 1]}},
    }


def _create_security_group(state: State, parameters: Parameters) -> Answer:
    group = SecurityGroup(
        region_id=parameters.require("RegionId"),
        security_group_id=new_group_id(),
        name=parameters.get("SecurityGroupName"),
        description=parameters.get("Description"),
        vpc_id=parameters.get("VpcId"),
    )
    return {"SecurityGroupId": state.add_group(group).security_group_id}


def _describe_security_groups(state: State, parameters: Parameters) -> Answer:
    region_id = parameters.require("RegionId")
    wanted = parameters.listed_groups()
    groups = [group for group in state.groups.values() if group.region_id == region_id]
    if wanted is not None:
        for security_group_id in wanted:
            if security_group_id not in state.groups:
                _refuse_malformed(state, security_group_id)
        groups = [group for group in groups if group.security_group_id in wanted]
    if name := parameters.get("SecurityGroupName"):
        groups = [group for group in groups if group.name == name]
    if flag := parameters.get("ServiceManaged").lower():
        groups = [group for group in groups if group.service_managed == (flag == "true")]
    start = int(parameters.get("NextToken").removeprefix("token-") or 0)
    end = start + parameters.number("MaxResults", default=10, most=100)
    return {
        "RegionId": region_id,
        "TotalCount": len(groups),
        "NextToken": f"token-{end}" if end < len(groups) else "",
        "SecurityGroups": {"SecurityGroup": [_as_answer(group) for group in groups[start:end]]},
    }


def _refuse_malformed(state: State, security_group_id: str) -> None:
    try:
        state.group(security_group_id)
    except EcsError as error:
        if error.code == "InvalidSecurityGroupId.Malformed":
            raise


def _as_answer(group: SecurityGroup) -> Answer:
    answer: Answer = {
        "SecurityGroupId": group.security_group_id,
        "SecurityGroupName": group.name,
        "Description": group.description,
        "VpcId": group.vpc_id,
        "CreationTime": group.creation_time,
        "ServiceManaged": group.service_managed,
        "SecurityGroupType": "normal",
        "Tags": {"Tag": []},
    }
    if group.service_id is not None:
        answer["ServiceID"] = group.service_id
    return answer


def _describe_security_group_attribute(state: State, parameters: Parameters) -> Answer:
    group = _the_group(state, parameters)
    return {
        "RegionId": group.region_id,
        "SecurityGroupId": group.security_group_id,
        "SecurityGroupName": group.name,
        "Description": group.description,
        "VpcId": group.vpc_id,
        "InnerAccessPolicy": group.inner_access_policy,
        "Permissions": {
            "Permission": [
                {
                    "SecurityGroupRuleId": rule.security_group_rule_id,
                    "Direction": rule.direction,
                    **rule.fields,
                }
                for rule in group.rules
            ]
        },
    }


def _describe_security_group_references(state: State, parameters: Parameters) -> Answer:
    group = _the_group(state, parameters)
    referring = [
        {"SecurityGroupId": other.security_group_id}
        for other in state.groups.values()
        if any(rule.peer_group_id == group.security_group_id for rule in other.rules)
    ]
    reference = {
        "SecurityGroupId": group.security_group_id,
        "ReferencingSecurityGroups": {"ReferencingSecurityGroup": referring},
    }
    return {"SecurityGroupReferences": {"SecurityGroupReference": [reference] if referring else []}}


def _the_group(state: State, parameters: Parameters) -> SecurityGroup:
    targets = parameters.target_groups()
    if not targets:
        raise missing_parameter("SecurityGroupId")
    return state.group(targets[0])


def _rules_asked_for(parameters: Parameters) -> list[dict[str, str]]:
    flat = {spelt: parameters.get(spelt) for spelt in _RULE_FIELDS.values() if parameters.get(spelt)}
    return parameters.structures("Permissions", _RULE_FIELDS) or ([flat] if flat else [])


def _authorize(direction: str) -> Handler:
    def authorize(state: State, parameters: Parameters) -> Answer:
        group = _the_group(state, parameters)
        asked = _rules_asked_for(parameters)
        if not asked:
            raise missing_parameter("IpProtocol")
        group.rules += [Rule(direction=direction, fields=fields) for fields in asked]
        return {}

    return authorize


def _revoke(direction: str) -> Handler:
    def revoke(state: State, parameters: Parameters) -> Answer:
        group = _the_group(state, parameters)
        asked = [_identity(fields) for fields in _rules_asked_for(parameters)]
        rule_id = parameters.get("SecurityGroupRuleId.1")
        group.rules = [
            rule
            for rule in group.rules
            if rule.direction != direction
            or (rule.security_group_rule_id != rule_id and _identity(rule.fields) not in asked)
        ]
        return {}

    return revoke


def _identity(fields: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name in _IDENTITY}


def _modify_rule(direction: str) -> Handler:
    def modify_rule(state: State, parameters: Parameters) -> Answer:
        group = _the_group(state, parameters)
        rule_id = parameters.get("SecurityGroupRuleId")
        asked = _rules_asked_for(parameters)
        changes = asked[0] if asked else {}
        for rule in group.rules:
            by_id = rule_id and rule.security_group_rule_id == rule_id
            by_fields = not rule_id and _identity(rule.fields) == _identity(changes)
            if rule.direction == direction and (by_id or by_fields):
                rule.fields.update(changes)
                return {}
        raise EcsError(404, "InvalidSecurityGroupRule.RuleNotExist", "The specified rule does not exist.")

    return modify_rule


def _modify_security_group_attribute(state: State, parameters: Parameters) -> Answer:
    group = _the_group(state, parameters)
    group.name = parameters.get("SecurityGroupName") or group.name
    group.description = parameters.get("Description") or group.description
    return {}


def _modify_security_group_policy(state: State, parameters: Parameters) -> Answer:
    group = _the_group(state, parameters)
    group.inner_access_policy = parameters.require("InnerAccessPolicy")
    return {}


def _delete_security_group(state: State, parameters: Parameters) -> Answer:
    group = _the_group(state, parameters)
    if state.in_use(group):
        raise EcsError(
            403,
            "DependencyViolation",
            "There is still instance(s) or reference(s) in the specified security group.",
        )
    del state.groups[group.security_group_id]
    return {}


def _join_security_group(state: State, parameters: Parameters) -> Answer:
    group, member = _the_group(state, parameters), _the_member(state, parameters)
    if group.security_group_id not in member.security_group_ids:
        member.security_group_ids.append(group.security_group_id)
    return {}


def _leave_security_group(state: State, parameters: Parameters) -> Answer:
    group, member = _the_group(state, parameters), _the_member(state, parameters)
    if group.security_group_id in member.security_group_ids:
        member.security_group_ids.remove(group.security_group_id)
    return {}


def _the_member(state: State, parameters: Parameters) -> Member:
    for name, code in (
        ("InstanceId", "InvalidInstanceId.NotFound"),
        ("NetworkInterfaceId", "InvalidEniId.NotFound"),
    ):
        if member_id := parameters.get(name):
            if member_id not in state.members:
                raise EcsError(404, code, f"The specified {name} does not exist.")
            return state.members[member_id]
    raise missing_parameter("InstanceId")


def _run_instances(state: State, parameters: Parameters) -> Answer:
    region_id, groups = parameters.require("RegionId"), _targets("RunInstances", state, parameters)
    amount = parameters.number("Amount", default=1, most=100)
    created = [state.add_member("i", region_id, groups).member_id for _ in range(amount)]
    return {"InstanceIdSets": {"InstanceIdSet": created}}


def _create_instance(state: State, parameters: Parameters) -> Answer:
    region_id = parameters.require("RegionId")
    return {"InstanceId": state.add_member("i", region_id, parameters.target_groups()).member_id}


def _create_network_interface(state: State, parameters: Parameters) -> Answer:
    region_id, groups = parameters.require("RegionId"), parameters.target_groups()
    member = state.add_member("eni", region_id, groups)
    return {"NetworkInterfaceId": member.member_id, "SecurityGroupIds": {"SecurityGroupId": groups}}


def _modify_member(state: State, parameters: Parameters) -> Answer:
    member = _the_member(state, parameters)
    member.security_group_ids = parameters.target_groups() or member.security_group_ids
    for name in ("InstanceName", "NetworkInterfaceName", "Description", "VpcId", "VSwitchId"):
        if value := parameters.get(name):
            member.attributes[name] = value
    return {}


_QUERIES: Final[dict[str, Handler]] = {
    "DescribeSecurityGroups": _describe_security_groups,
    "DescribeSecurityGroupAttribute": _describe_security_group_attribute,
    "DescribeSecurityGroupReferences": _describe_security_group_references,
    "DescribeLaunchTemplateVersions": _describe_launch_template_versions,
}
_WRITES: Final[dict[str, Handler]] = {
    "CreateSecurityGroup": _create_security_group,
    "AuthorizeSecurityGroup": _authorize("ingress"),
    "AuthorizeSecurityGroupEgress": _authorize("egress"),
    "RevokeSecurityGroup": _revoke("ingress"),
    "RevokeSecurityGroupEgress": _revoke("egress"),
    "JoinSecurityGroup": _join_security_group,
    "LeaveSecurityGroup": _leave_security_group,
    "DeleteSecurityGroup": _delete_security_group,
    "ModifySecurityGroupAttribute": _modify_security_group_attribute,
    "ModifySecurityGroupRule": _modify_rule("ingress"),
    "ModifySecurityGroupEgressRule": _modify_rule("egress"),
    "ModifySecurityGroupPolicy": _modify_security_group_policy,
    "CreateNetworkInterface": _create_network_interface,
    "ModifyNetworkInterfaceAttribute": _modify_member,
    "RunInstances": _run_instances,
    "CreateInstance": _create_instance,
    "ModifyInstanceAttribute": _modify_member,
    "ModifyInstanceVpcAttribute": _modify_member,
}
