"""The rules of a group: authorize, revoke, modify, and DescribeSecurityGroupAttribute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from safe_ecs.testing._errors import EcsError, forbidden, invalid, missing_parameter, not_found
from safe_ecs.testing._operations.paging import page
from safe_ecs.testing._operations.rule_fields import (
    FIELDS,
    PEERS,
    check_rule,
    complete_rule,
    is_same_rule,
    matches,
)
from safe_ecs.testing._state import Rule

if TYPE_CHECKING:
    from safe_ecs.testing._operations.calls import Answer, Call, Handler
    from safe_ecs.testing._parameters import Parameters
    from safe_ecs.testing._state import SecurityGroup

Direction: TypeAlias = Literal["ingress", "egress"]
_MOST_RULES: Final = 200
_MOST_AT_ONCE: Final = 100


def describe_security_group_attribute(call: Call) -> Answer:
    """Perform DescribeSecurityGroupAttribute.

    Raises:
        EcsError: ECS would refuse the call.
    """
    group, asked = call.group, call.parameters
    direction, nic_type = asked.get("Direction").lower(), asked.get("NicType").lower()
    rules = [
        rule
        for rule in group.rules
        if direction in ("", "all", rule.direction)
        and nic_type in ("", rule.fields.get("NicType", "intranet").lower())
    ]
    paging: Answer = {}
    if asked.get("MaxResults") or asked.get("NextToken"):
        shown, paging = page(asked, rules, most=1000)
        rules = list(shown)
    return {
        "RegionId": group.region_id,
        "SecurityGroupId": group.security_group_id,
        "SecurityGroupName": group.name,
        "Description": group.description,
        "VpcId": group.vpc_id,
        "InnerAccessPolicy": group.inner_access_policy,
        "NextToken": paging.get("NextToken", ""),
        "Permissions": {
            "Permission": [
                {
                    "SecurityGroupRuleId": rule.security_group_rule_id,
                    "Direction": rule.direction,
                    "CreateTime": rule.creation_time,
                    **rule.fields,
                }
                for rule in rules
            ]
        },
    }


def authorize(direction: Direction) -> Handler:
    """Return the handler of AuthorizeSecurityGroup or of AuthorizeSecurityGroupEgress."""

    def perform(call: Call) -> Answer:
        group = call.group
        asked = [complete_rule(each) for each in _rules_asked_for(call.parameters)]
        if not asked:
            raise missing_parameter("IpProtocol")
        for number, fields in enumerate(asked):
            check_rule(fields, direction, group, call.state)
            if any(is_same_rule(fields, other) for other in asked[:number]):
                raise invalid(
                    "InvalidParam.DuplicatePermissions",
                    "There are duplicate permissions in the specified parameter Permissions.",
                )
        new = [fields for fields in asked if not _is_there(group, direction, fields)]
        if len(group.rules) + len(new) > _MOST_RULES:
            raise forbidden(
                "AuthorizationLimitExceed",
                "The limit of authorization records in the security group reaches.",
            )
        group.rules += [Rule(direction=direction, fields=fields) for fields in new]
        return {}

    return perform


def revoke(direction: Direction) -> Handler:
    """Return the handler of RevokeSecurityGroup or of RevokeSecurityGroupEgress."""

    def perform(call: Call) -> Answer:
        group, ids = call.group, call.parameters.values("SecurityGroupRuleId")
        asked = [complete_rule(each) for each in _rules_asked_for(call.parameters)]
        if not ids and not asked:
            raise missing_parameter("SecurityGroupRuleId")
        if ids and asked:
            raise _not_together()
        _check_ids(group, direction, ids)
        group.rules = [
            rule
            for rule in group.rules
            if rule.direction != direction
            or not (
                rule.security_group_rule_id in ids or any(matches(rule.fields, fields) for fields in asked)
            )
        ]
        return {}

    return perform


def modify_rule(direction: Direction) -> Handler:
    """Return the handler of ModifySecurityGroupRule or of ModifySecurityGroupEgressRule."""

    def perform(call: Call) -> Answer:
        group, rule_id = call.group, call.parameters.get("SecurityGroupRuleId")
        asked = _rules_asked_for(call.parameters)
        changes = asked[0] if asked else {}
        if not rule_id:
            # Without an id the call finds the rule by its other fields: only the description can change.
            wanted = complete_rule(changes)
            for rule in group.rules:
                if rule.direction == direction and matches(rule.fields, wanted):
                    rule.fields["Description"] = changes.get("Description", "")
                    return {}
            raise not_found("SecurityGroupRule.NotFound", "The target security group rule not exist.")
        rule = _rule_with_id(group, direction, rule_id)
        if (peers := PEERS & changes.keys()) and not peers & rule.fields.keys():
            raise invalid(
                "InvalidOperation.ModifySgRuleEntityType",
                "The source or destination type of the rules cannot be modified.",
            )
        changed = rule.fields | changes
        if changes.keys() - {"Description"}:
            changed = complete_rule(changed)
            check_rule(changed, direction, group, call.state)
            if any(
                other is not rule and other.direction == direction and is_same_rule(other.fields, changed)
                for other in group.rules
            ):
                raise invalid("InvalidOperation.RuleDuplicate", "The modified rule exists already.")
        rule.fields = changed
        return {}

    return perform


def _rules_asked_for(parameters: Parameters) -> list[dict[str, str]]:
    flat = {spelt: parameters.get(spelt) for spelt in FIELDS.values() if parameters.get(spelt)}
    several = parameters.structures("Permissions", FIELDS)
    if flat and several:
        raise _not_together()
    if len(several) > _MOST_AT_ONCE:
        raise invalid("InvalidParam.Permissions", "The specified parameter Permissions has more than 100.")
    return several or ([flat] if flat else [])


def _not_together() -> EcsError:
    return invalid(
        "InvalidParam.Permissions",
        "The specified parameter Permissions cannot coexist with other parameters.",
    )


def _is_there(group: SecurityGroup, direction: Direction, fields: dict[str, str]) -> bool:
    return any(rule.direction == direction and is_same_rule(rule.fields, fields) for rule in group.rules)


def _check_ids(group: SecurityGroup, direction: Direction, ids: list[str]) -> None:
    if len(ids) > _MOST_AT_ONCE:
        raise invalid("InvalidParam.SecurityGroupRuleId", "There are more than 100 SecurityGroupRuleIds.")
    if len(set(ids)) < len(ids):
        raise invalid(
            "InvalidParam.SecurityGroupRuleIdRepeated",
            "The specified parameter SecurityGroupRuleId is repeated.",
        )
    there = {rule.security_group_rule_id for rule in group.rules if rule.direction == direction}
    if there.issuperset(ids):
        return
    if direction == "ingress":
        raise invalid(
            "InvalidParam.SecurityGroupRuleId", "The specified parameter SecurityGroupRuleId is not valid."
        )
    raise invalid("InvalidSecurityGroupRule.RuleNotExist", "The specified rule does not exist.")


def _rule_with_id(group: SecurityGroup, direction: Direction, rule_id: str) -> Rule:
    for rule in group.rules:
        if rule.security_group_rule_id == rule_id and rule.direction == direction:
            return rule
    raise not_found("InvalidSecurityGroupRuleId.NotFound", "The specified SecurityGroupRuleId is not exists.")
