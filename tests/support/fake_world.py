"""A FakeEcs with one resource of every kind, and requests about them in ECS's spelling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.sdk import models
from tests.support.transports import call

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs

REGION = "cn-hangzhou"
SSH = {"IpProtocol": "TCP", "PortRange": "22/22", "SourceCidrIp": "10.0.0.0/8"}
WEB = {"IpProtocol": "TCP", "PortRange": "80/80", "DestCidrIp": "10.0.0.0/8"}


@dataclass(frozen=True, kw_only=True)
class World:
    """The ids of the resources."""

    group: str
    other: str
    referred: str
    managed: str
    enterprise: str
    full: str
    instance: str
    running: str
    protected: str
    interface: str
    template: str
    rule: str
    second_rule: str
    egress_rule: str


def send(client: Any, action: str, **fields: Any) -> Any:
    """Call an operation with parameters in ECS's spelling, and return the body as the SDK's model."""
    return call(client, action, getattr(models, f"{action}Request")().from_map(fields)).body


def make_world(ecs: FakeEcs, stock: Any) -> World:
    group, other, full, referred = (ecs.create_security_group() for _ in range(4))
    for number in range(200):
        ecs.create_rule(full, "ingress", **SSH | {"PortRange": f"{number + 1}/{number + 1}"})
    ecs.create_rule(other, "ingress", IpProtocol="TCP", PortRange="1/1", SourceGroupId=referred)
    protected = ecs.create_instance(other)
    send(stock, "ModifyInstanceAttribute", InstanceId=protected, DeletionProtection=True)
    running = send(stock, "RunInstances", RegionId=REGION, SecurityGroupIds=[other])
    enterprise = send(
        stock, "CreateSecurityGroup", RegionId=REGION, VpcId="vpc-1", SecurityGroupType="enterprise"
    )
    return World(
        group=group,
        other=other,
        referred=referred,
        managed=ecs.create_security_group(service_managed=True, service_id=7, product="alb"),
        enterprise=enterprise.security_group_id,
        full=full,
        instance=ecs.create_instance(group),
        running=running.instance_id_sets.instance_id_set[0],
        protected=protected,
        interface=ecs.create_network_interface(group),
        template=ecs.create_launch_template(group, name="web"),
        rule=ecs.create_rule(group, "ingress", **SSH),
        second_rule=ecs.create_rule(group, "ingress", **SSH | {"PortRange": "443/443"}),
        egress_rule=ecs.create_rule(group, "egress", **WEB),
    )
