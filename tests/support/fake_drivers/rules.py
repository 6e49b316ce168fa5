"""Drivers of the operations on the rules of security groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.fake_drivers.reading import rules
from tests.support.fake_world import REGION, SSH, WEB, send

if TYPE_CHECKING:
    from tests.support.fake_world import World


def authorize_security_group(client: Any, world: World) -> None:
    before = len(rules(client, world.group))
    more = [SSH | {"PortRange": "1/9", "Priority": "7", "Description": "low"}, SSH, SSH | {"Policy": "drop"}]
    both = {"RegionId": REGION, "SecurityGroupId": world.group}
    send(client, "AuthorizeSecurityGroup", **both, Permissions=more)
    send(client, "AuthorizeSecurityGroup", **both, IpProtocol="icmp", SourceGroupId=world.other)
    new = rules(client, world.group)[before:]
    assert [(rule.ip_protocol, rule.port_range, rule.policy, rule.priority) for rule in new] == [
        ("TCP", "1/9", "Accept", "7"),
        ("TCP", "22/22", "Drop", "1"),
        ("ICMP", "-1/-1", "Accept", "1"),
    ]
    assert (new[0].description, new[0].direction, new[2].source_group_id) == ("low", "ingress", world.other)
    assert new[0].security_group_rule_id.startswith("sgr-")


def authorize_security_group_egress(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "SecurityGroupId": world.other}
    ipv6 = {"IpProtocol": "ALL", "Ipv6DestCidrIp": "fd00::/8"}
    send(client, "AuthorizeSecurityGroupEgress", **both, Permissions=[ipv6])
    send(client, "AuthorizeSecurityGroupEgress", **both, **WEB)
    send(client, "AuthorizeSecurityGroupEgress", **both, **WEB)
    found = rules(client, world.other, Direction="egress")
    assert [(rule.ipv_6dest_cidr_ip, rule.dest_cidr_ip) for rule in found] == [
        ("fd00::/8", None),
        (None, "10.0.0.0/8"),
    ]


def revoke_security_group(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "SecurityGroupId": world.group}
    send(client, "RevokeSecurityGroup", **both, SecurityGroupRuleId=[world.rule])
    left = [rule.security_group_rule_id for rule in rules(client, world.group)]
    assert left == [world.second_rule, world.egress_rule]
    send(client, "RevokeSecurityGroup", **both, Permissions=[SSH])  # Matches no rule.
    send(client, "RevokeSecurityGroup", **both, Permissions=[SSH | {"PortRange": "443/443"}])
    assert [rule.security_group_rule_id for rule in rules(client, world.group)] == [world.egress_rule]


def revoke_security_group_egress(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "SecurityGroupId": world.group}
    send(client, "RevokeSecurityGroupEgress", **both, **WEB)
    assert rules(client, world.group, Direction="egress") == []
    assert len(rules(client, world.group)) == 2


def modify_security_group_rule(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "SecurityGroupId": world.group}
    change = {"SecurityGroupRuleId": world.rule, "PortRange": "23/23", "Description": "telnet"}
    send(client, "ModifySecurityGroupRule", **both, **change)
    send(client, "ModifySecurityGroupRule", **both, **SSH | {"PortRange": "443/443"}, Description="tls")
    first, second, _ = rules(client, world.group)
    assert (first.port_range, first.description, second.description) == ("23/23", "telnet", "tls")


def modify_security_group_egress_rule(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "SecurityGroupId": world.group}
    change = {"SecurityGroupRuleId": world.egress_rule, "DestCidrIp": "192.168.0.0/16"}
    send(client, "ModifySecurityGroupEgressRule", **both, **change)
    assert rules(client, world.group, Direction="egress")[0].dest_cidr_ip == "192.168.0.0/16"


def describe_security_group_attribute(client: Any, world: World) -> None:
    both = {"RegionId": REGION, "SecurityGroupId": world.full}
    page = send(client, "DescribeSecurityGroupAttribute", **both, MaxResults=150)
    rest = send(client, "DescribeSecurityGroupAttribute", **both, MaxResults=150, NextToken=page.next_token)
    assert [len(each.permissions.permission) for each in (page, rest)] == [150, 50]
    assert (rest.next_token, rest.security_group_id, rest.region_id) == ("", world.full, REGION)
    assert len(rules(client, world.full)) == 200
    assert rules(client, world.full, NicType="internet") == []
