"""The table of operations, and their common rules: managed groups, client tokens, dry runs.

OPERATIONS.md, in the folder above, lists the stored fields and the checks of each operation.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from safe_ecs.testing._errors import EcsError, forbidden, invalid, not_found
from safe_ecs.testing._operations import groups, instances, interfaces, membership, rules, tags, templates
from safe_ecs.testing._operations.calls import REGIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from safe_ecs.testing._operations.calls import Answer, Call, Handler

VERSION: Final = "2014-05-26"
"""The version of the API."""

_MOST_TOKEN_CHARACTERS: Final = 64


def describe_regions(_: Call) -> Answer:
    """Perform DescribeRegions."""
    regions = [
        {
            "RegionId": region_id,
            "LocalName": name,
            "RegionEndpoint": f"ecs.{region_id}.aliyuncs.com",
            "Status": "available",
        }
        for region_id, name in REGIONS.items()
    ]
    return {"Regions": {"Region": regions}}


QUERIES: Final[Mapping[str, Handler]] = MappingProxyType({
    "DescribeInstances": instances.describe_instances,
    "DescribeLaunchTemplateVersions": templates.describe_launch_template_versions,
    "DescribeLaunchTemplates": templates.describe_launch_templates,
    "DescribeNetworkInterfaces": interfaces.describe_network_interfaces,
    "DescribeRegions": describe_regions,
    "DescribeSecurityGroupAttribute": rules.describe_security_group_attribute,
    "DescribeSecurityGroupReferences": groups.describe_security_group_references,
    "DescribeSecurityGroups": groups.describe_security_groups,
    "ListTagResources": tags.list_tag_resources,
})
"""The operations that only read."""

_CHANGE_GROUPS: Final[Mapping[str, Handler]] = MappingProxyType({
    "AuthorizeSecurityGroup": rules.authorize("ingress"),
    "AuthorizeSecurityGroupEgress": rules.authorize("egress"),
    "CreateInstance": instances.create_instance,
    "CreateNetworkInterface": interfaces.create_network_interface,
    "DeleteSecurityGroup": groups.delete_security_group,
    "JoinSecurityGroup": membership.join_security_group,
    "LeaveSecurityGroup": membership.leave_security_group,
    "ModifyInstanceAttribute": instances.modify_instance_attribute,
    "ModifyInstanceVpcAttribute": instances.modify_instance_vpc_attribute,
    "ModifyNetworkInterfaceAttribute": interfaces.modify_network_interface_attribute,
    "ModifySecurityGroupAttribute": groups.modify_security_group_attribute,
    "ModifySecurityGroupEgressRule": rules.modify_rule("egress"),
    "ModifySecurityGroupPolicy": groups.modify_security_group_policy,
    "ModifySecurityGroupRule": rules.modify_rule("ingress"),
    "RevokeSecurityGroup": rules.revoke("ingress"),
    "RevokeSecurityGroupEgress": rules.revoke("egress"),
    "RunInstances": instances.run_instances,
})
_OTHER_WRITES: Final[Mapping[str, Handler]] = MappingProxyType({
    "CreateLaunchTemplate": templates.create_launch_template,
    "CreateLaunchTemplateVersion": templates.create_launch_template_version,
    "CreateSecurityGroup": groups.create_security_group,
    "DeleteInstance": instances.delete_instance,
    "DeleteInstances": instances.delete_instances,
    "DeleteLaunchTemplate": templates.delete_launch_template,
    "DeleteLaunchTemplateVersion": templates.delete_launch_template_version,
    "DeleteNetworkInterface": interfaces.delete_network_interface,
    "ModifyLaunchTemplateDefaultVersion": templates.modify_launch_template_default_version,
    "TagResources": tags.tag_resources,
    "UntagResources": tags.untag_resources,
})
WRITES: Final[Mapping[str, Handler]] = MappingProxyType({**_CHANGE_GROUPS, **_OTHER_WRITES})
"""The operations that change something."""

IDEMPOTENT: Final = frozenset({
    "AuthorizeSecurityGroup",
    "AuthorizeSecurityGroupEgress",
    "CreateInstance",
    "CreateNetworkInterface",
    "CreateSecurityGroup",
    "DeleteInstances",
    "ModifySecurityGroupEgressRule",
    "ModifySecurityGroupPolicy",
    "ModifySecurityGroupRule",
    "RevokeSecurityGroup",
    "RevokeSecurityGroupEgress",
    "RunInstances",
})
"""The operations with a ClientToken."""

DRY_RUN_QUERIES: Final = frozenset({"DescribeInstances", "DescribeSecurityGroups"})
"""The queries with DryRun. Of the writes, the four that create and delete instances have it."""


class Operations:
    """Performs operations, and remembers their answers by client token."""

    def __init__(self) -> None:
        self._tokens: dict[tuple[int | None, str, str], tuple[object, Answer]] = {}

    def perform(self, action: str, version: str, call: Call) -> Answer:
        """Perform an operation and return the answer, without its RequestId.

        Raises:
            EcsError: ECS would refuse the call, or FakeEcs does not know the operation.
        """
        if version.strip() not in ("", VERSION):
            raise invalid("InvalidVersion", f"FakeEcs is ECS {VERSION}, and knows no version {version!r}.")
        if handler := QUERIES.get(action):
            answer = handler(call)
            if action in DRY_RUN_QUERIES:
                call.parameters.stop_if_dry_run()
            return answer
        if handler := WRITES.get(action):
            return self._write(action, handler, call)
        known = ", ".join(sorted({*QUERIES, *WRITES}))
        raise not_found("InvalidAction.NotFound", f"FakeEcs does not know {action!r}. It knows {known}.")

    def _write(self, action: str, handler: Handler, call: Call) -> Answer:
        token = call.parameters.get("ClientToken") if action in IDEMPOTENT else ""
        if len(token) > _MOST_TOKEN_CHARACTERS or not token.isascii():
            raise invalid("InvalidParameter.ClientToken", "The specified ClientToken is not valid.")
        key = (call.service_id, action, token)
        if token and key in self._tokens:
            content, answer = self._tokens[key]
            if content != call.parameters.content:
                raise invalid(
                    "IdempotentParameterMismatch",
                    "Request uses a client token in a previous request but is not identical to that request.",
                )
            return answer
        if action in _CHANGE_GROUPS:
            _refuse_managed(action, call)
        answer = handler(call)
        if token:
            self._tokens[key] = (call.parameters.content, answer)
        return answer


def _refuse_managed(action: str, call: Call) -> None:
    """Refuse a change to a managed group; only then report a missing group."""
    targets = call.parameters.target_groups()
    if action == "RunInstances":
        targets = instances.groups_to_run_in(call)
    groups, unknown = [], None
    for security_group_id in targets:
        try:
            groups.append(call.find_group(security_group_id))
        except EcsError as error:
            unknown = unknown or error
    for group in groups:
        if group.service_managed and (call.service_id is None or group.service_id != call.service_id):
            raise forbidden(
                "InvalidOperation.ResourceManagedByCloudProduct",
                f'The specified SecurityGroup "{group.security_group_id}" has been managed by '
                f'serviceID "{group.service_id}"; product "{group.product}".',
            )
    if unknown:
        raise unknown
