"""One request for every guarded operation, for tests and demonstrations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from alibabacloud_ecs20140526 import models

from safe_ecs.testing._contents import DEFAULT_REGION_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from darabonba.model import DaraModel

    from safe_ecs.testing._fake import FakeEcs


NAT_GATEWAY_SERVICE_ID: Final = 1679259531804325


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A group, and the resources that the guarded operations need for a change to it.

    Attributes:
        security_group_id: The group.
        region_id: The region of the group.
        member_id: An instance in the group, unless the group was made without a member.
        outsider_id: An instance outside the group.
        network_interface_id: A network interface outside the group.
        ingress_rule_id: An inbound rule of the group.
        egress_rule_id: An outbound rule of the group.
    """

    security_group_id: str
    region_id: str
    member_id: str
    outsider_id: str
    network_interface_id: str
    ingress_rule_id: str
    egress_rule_id: str


def make_target(ecs: FakeEcs, *, service_managed: bool, with_member: bool = True) -> Target:
    """Create a new group for one call, and the resources around it.

    Args:
        ecs: The server.
        service_managed: Whether NAT Gateway manages the group.
        with_member: Whether an instance is in the group. ECS does not delete a group with members.
    """
    if service_managed:
        group = ecs.create_security_group(
            service_managed=True, service_id=NAT_GATEWAY_SERVICE_ID, product="natgw"
        )
    else:
        group = ecs.create_security_group()
    other_group = ecs.create_security_group()
    return Target(
        security_group_id=group,
        region_id=DEFAULT_REGION_ID,
        member_id=ecs.create_instance(*([group] if with_member else []), other_group),
        outsider_id=ecs.create_instance(other_group),
        network_interface_id=ecs.create_network_interface(other_group),
        ingress_rule_id=ecs.create_rule(group, "ingress", IpProtocol="TCP", PortRange="22/22"),
        egress_rule_id=ecs.create_rule(group, "egress", IpProtocol="TCP", PortRange="80/80"),
    )


def method_name(action: str) -> str:
    """Return the name of the SDK's method for a guarded action."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower()


def _authorize(t: Target) -> DaraModel:
    permission = models.AuthorizeSecurityGroupRequestPermissions(
        ip_protocol="TCP", port_range="443/443", source_cidr_ip="10.0.0.0/8"
    )
    return models.AuthorizeSecurityGroupRequest(
        region_id=t.region_id, security_group_id=t.security_group_id, permissions=[permission]
    )


def _run_instances(t: Target) -> DaraModel:
    interface = models.RunInstancesRequestNetworkInterface(security_group_ids=[t.security_group_id])
    return models.RunInstancesRequest(region_id=t.region_id, network_interface=[interface], amount=1)


SAMPLES: Final[Mapping[str, Callable[[Target], DaraModel]]] = MappingProxyType({
    "AuthorizeSecurityGroup": _authorize,
    "AuthorizeSecurityGroupEgress": lambda t: models.AuthorizeSecurityGroupEgressRequest(
        region_id=t.region_id,
        security_group_id=t.security_group_id,
        ip_protocol="TCP",
        port_range="443/443",
        dest_cidr_ip="10.0.0.0/8",
    ),
    "RevokeSecurityGroup": lambda t: models.RevokeSecurityGroupRequest(
        region_id=t.region_id,
        security_group_id=t.security_group_id,
        security_group_rule_id=[t.ingress_rule_id],
    ),
    "RevokeSecurityGroupEgress": lambda t: models.RevokeSecurityGroupEgressRequest(
        region_id=t.region_id,
        security_group_id=t.security_group_id,
        security_group_rule_id=[t.egress_rule_id],
    ),
    "JoinSecurityGroup": lambda t: models.JoinSecurityGroupRequest(
        region_id=t.region_id, security_group_id=t.security_group_id, instance_id=t.outsider_id
    ),
    "LeaveSecurityGroup": lambda t: models.LeaveSecurityGroupRequest(
        region_id=t.region_id, security_group_id=t.security_group_id, instance_id=t.member_id
    ),
    "DeleteSecurityGroup": lambda t: models.DeleteSecurityGroupRequest(
        region_id=t.region_id, security_group_id=t.security_group_id
    ),
    "ModifySecurityGroupAttribute": lambda t: models.ModifySecurityGroupAttributeRequest(
        region_id=t.region_id, security_group_id=t.security_group_id, security_group_name="renamed"
    ),
    "ModifySecurityGroupRule": lambda t: models.ModifySecurityGroupRuleRequest(
        region_id=t.region_id,
        security_group_id=t.security_group_id,
        security_group_rule_id=t.ingress_rule_id,
        description="ssh",
    ),
    "ModifySecurityGroupEgressRule": lambda t: models.ModifySecurityGroupEgressRuleRequest(
        region_id=t.region_id,
        security_group_id=t.security_group_id,
        security_group_rule_id=t.egress_rule_id,
        description="http",
    ),
    "ModifySecurityGroupPolicy": lambda t: models.ModifySecurityGroupPolicyRequest(
        region_id=t.region_id, security_group_id=t.security_group_id, inner_access_policy="Drop"
    ),
    "CreateNetworkInterface": lambda t: models.CreateNetworkInterfaceRequest(
        region_id=t.region_id, v_switch_id="vsw-1", security_group_ids=[t.security_group_id]
    ),
    "ModifyNetworkInterfaceAttribute": lambda t: models.ModifyNetworkInterfaceAttributeRequest(
        region_id=t.region_id,
        network_interface_id=t.network_interface_id,
        security_group_id=[t.security_group_id],
    ),
    "RunInstances": _run_instances,
    "CreateInstance": lambda t: models.CreateInstanceRequest(
        region_id=t.region_id, security_group_id=t.security_group_id, instance_type="ecs.g6.large"
    ),
    "ModifyInstanceAttribute": lambda t: models.ModifyInstanceAttributeRequest(
        instance_id=t.outsider_id, security_group_ids=[t.security_group_id]
    ),
    "ModifyInstanceVpcAttribute": lambda t: models.ModifyInstanceVpcAttributeRequest(
        instance_id=t.outsider_id, v_switch_id="vsw-1", security_group_id=[t.security_group_id]
    ),
})
"""For each guarded action, a function that makes a request to change a target."""
