"""The permission table: every ECS operation that can name a security group, guarded or not.

**Scope.** Every ECS operation with a request that can name a security group, as a target or otherwise. An
operation is *guarded* when the account may not perform it on a managed group: ECS then answers 403
``InvalidOperation.ResourceManagedByCloudProduct``, and safe_ecs refuses the call before the SDK sends it.
Every other operation states in ``not_guarded_because`` why the guard lets it through.

**Source.** The 19 rows of "Permissions on API operations related to managed security groups" (ECS user guide,
*Managed security groups*). The page lacks ModifyInstanceVpcAttribute, but the API page of that operation
lists the same error code for its ``SecurityGroupId.N``.

**How to add one.** Add an ``Operation`` with the action spelt as ECS spells it, a summary in your own words
and, if the account may perform the operation, the reason. ``tests/unit/core/test_operations.py`` walks the
request models of the installed SDK and fails on a model that mentions a security group and is in no row.
FakeEcs and ``python -m safe_ecs demo`` have to know each guarded operation too, and fail until they do.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One ECS operation that can name a security group.

    Attributes:
        action: The operation's name, e.g. ``"JoinSecurityGroup"``.
        summary: Its effect, in a sentence.
        account_allowed: Whether an Alibaba Cloud account may perform the operation on a managed group.
        service_allowed: Whether the cloud service that owns the managed group may perform the operation.
        not_guarded_because: The reason to let the operation through; "" for a guarded operation.
    """

    action: str
    summary: str
    account_allowed: bool
    service_allowed: bool = True
    not_guarded_because: str = ""

    @property
    def guarded(self) -> bool:
        """Whether safe_ecs checks the groups that this operation targets."""
        return not self.account_allowed


_QUERY: Final = "It is a query: it changes nothing."
_TEMPLATE: Final = (
    "It stores a launch template: ECS does not look at the group until instances are created from it."
)
_RESOURCE: Final = (
    "It names the group as a resource id only, and changes a label beside the group, not the group."
)

# The 16 rows of the user guide that the account may not perform, and ModifyInstanceVpcAttribute.
_FOR_THE_SERVICE_ONLY: Final = (
    ("AuthorizeSecurityGroup", "Adds inbound rules to a group."),
    ("AuthorizeSecurityGroupEgress", "Adds outbound rules to a group."),
    ("RevokeSecurityGroup", "Removes inbound rules from a group."),
    ("RevokeSecurityGroupEgress", "Removes outbound rules from a group."),
    ("JoinSecurityGroup", "Puts an instance or a network interface into a group."),
    ("LeaveSecurityGroup", "Takes an instance or a network interface out of a group."),
    ("DeleteSecurityGroup", "Deletes a group."),
    ("ModifySecurityGroupAttribute", "Renames a group or changes its description."),
    ("ModifySecurityGroupRule", "Changes an inbound rule."),
    ("ModifySecurityGroupEgressRule", "Changes an outbound rule."),
    ("ModifySecurityGroupPolicy", "Switches traffic between the members of a group on or off."),
    ("CreateNetworkInterface", "Creates a network interface inside the groups it names."),
    ("ModifyNetworkInterfaceAttribute", "Can move a network interface into the groups it names."),
    ("RunInstances", "Creates instances inside the groups it names."),
    ("CreateInstance", "Creates an instance inside the group it names."),
    ("ModifyInstanceAttribute", "Can move an instance into the groups it names."),
    ("ModifyInstanceVpcAttribute", "Can move an instance to another VPC, into the groups it names."),
)

# The 3 queries of the user guide come first. ECS refuses none of the others for naming a managed group.
_FOR_EVERYBODY: Final = (
    ("DescribeSecurityGroupAttribute", "Lists the rules of a group.", _QUERY),
    ("DescribeSecurityGroups", "Lists groups, and says which are managed.", _QUERY),
    ("DescribeSecurityGroupReferences", "Lists the groups whose rules refer to a group.", _QUERY),
    ("DescribeInstances", "Lists instances, also those of one group.", _QUERY),
    ("DescribeNetworkInterfaces", "Lists network interfaces, also those of one group.", _QUERY),
    ("ListTagResources", "Lists the tags of resources, groups among them.", _QUERY),
    (
        "CreateSecurityGroup",
        "Creates a group.",
        "It names no group that exists: what it creates belongs to the account.",
    ),
    ("CreateLaunchTemplate", "Creates a launch template that may name groups.", _TEMPLATE),
    ("CreateLaunchTemplateVersion", "Adds a version to a launch template.", _TEMPLATE),
    (
        "CreateAutoProvisioningGroup",
        "Creates an auto provisioning group, whose launch configuration may name groups.",
        "ECS does not refuse it for a managed group; the instances it starts later are checked there.",
    ),
    ("TagResources", "Puts tags on resources, groups among them.", _RESOURCE),
    ("UntagResources", "Takes tags off resources, groups among them.", _RESOURCE),
    ("JoinResourceGroup", "Puts a resource into a resource group.", _RESOURCE),
)

OPERATIONS: Final[Mapping[str, Operation]] = MappingProxyType({
    operation.action: operation
    for operation in (
        *(
            Operation(action=action, summary=summary, account_allowed=False)
            for action, summary in _FOR_THE_SERVICE_ONLY
        ),
        *(
            Operation(action=action, summary=summary, account_allowed=True, not_guarded_because=reason)
            for action, summary, reason in _FOR_EVERYBODY
        ),
    )
})
"""Every operation that can name a security group, by action. Read-only."""

GUARDED_ACTIONS: Final = {
    action.lower(): action for action, operation in OPERATIONS.items() if operation.guarded
}
"""The guarded actions by their lower-case spelling. ECS does not document whether case matters."""

GUARDED: Final = frozenset(GUARDED_ACTIONS.values())
"""The guarded actions as ECS spells them."""

STATUS_QUERY: Final = "DescribeSecurityGroups"
"""The only query with the managed flag of groups. The guard sends it, and learns from the caller's own."""

TEMPLATE_QUERY: Final = "DescribeLaunchTemplateVersions"
"""The query for the groups that a launch template names."""

TEMPLATE_CHANGES: Final = frozenset({
    "ModifyLaunchTemplateDefaultVersion",
    "DeleteLaunchTemplate",
    "DeleteLaunchTemplateVersion",
})
"""The operations after which a launch template, or its name, may stand for other groups."""

CREATION: Final = "CreateSecurityGroup"
"""The operation with the id of a new group in its answer."""

LEARNING_ACTIONS: Final = TEMPLATE_CHANGES | {STATUS_QUERY, CREATION, "DeleteSecurityGroup"}
"""The actions with a successful answer that teaches the guard something about groups or launch templates."""

RELEVANT_ACTIONS: Final = {
    **GUARDED_ACTIONS,
    **{action.lower(): action for action in LEARNING_ACTIONS},
}
"""The actions that the guard reads at all, guarded or learned from, by their lower-case spelling."""
