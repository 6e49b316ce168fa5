"""The fields of a rule: their spelling, defaults and limits, and the comparison of two rules."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Final

from safe_ecs.testing._errors import forbidden, invalid, missing_parameter, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from safe_ecs.testing._state import SecurityGroup, State

FIELDS: Final = {
    name.lower(): name
    for name in (
        "IpProtocol",
        "PortRange",
        "PortRangeListId",
        "SourcePortRange",
        "SourceCidrIp",
        "Ipv6SourceCidrIp",
        "SourceGroupId",
        "SourceGroupOwnerAccount",
        "SourcePrefixListId",
        "DestCidrIp",
        "Ipv6DestCidrIp",
        "DestGroupId",
        "DestGroupOwnerAccount",
        "DestPrefixListId",
        "Policy",
        "Priority",
        "NicType",
        "Description",
    )
}
"""The fields of a rule, by lower-case name."""

PEERS: Final = {
    "SourceCidrIp",
    "Ipv6SourceCidrIp",
    "SourceGroupId",
    "SourcePrefixListId",
    "DestCidrIp",
    "Ipv6DestCidrIp",
    "DestGroupId",
    "DestPrefixListId",
}
"""The fields for the source or the destination."""

_DEFAULTS: Final = {"Policy": "Accept", "Priority": "1", "NicType": "intranet"}
_PROTOCOLS: Final = ("TCP", "UDP", "ICMP", "ICMPV6", "GRE", "ALL")
_WITH_PORTS: Final = ("TCP", "UDP")
_PORTS: Final = re.compile(r"(\d{1,5})/(\d{1,5})")
_LAST_PORT: Final = 65535
_MOST_PRIORITY: Final = 100
_MOST_CHARACTERS: Final = 512


def complete_rule(fields: Mapping[str, str]) -> dict[str, str]:
    """Return a rule as ECS stores it: with the defaults, and the protocol in capitals."""
    protocol = fields.get("IpProtocol", "").upper()
    given = {name: value for name, value in fields.items() if value}
    ports = {} if protocol in _WITH_PORTS or not protocol else {"PortRange": "-1/-1"}
    completed = _DEFAULTS | ports | given
    if protocol:
        completed["IpProtocol"] = protocol
    completed["Policy"] = completed["Policy"].capitalize()
    return completed


def is_same_rule(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Return whether two rules are the same rule. Descriptions do not count."""
    return _identity(one) == _identity(other)


def matches(rule: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Return whether a rule has the wanted fields. Descriptions and priorities do not count."""
    return _identity(rule) | {"Priority": ""} == _identity(wanted) | {"Priority": ""}


def _identity(fields: Mapping[str, str]) -> dict[str, str]:
    completed = complete_rule(fields)
    return {name: value.lower() for name, value in completed.items() if name != "Description"}


def check_rule(fields: Mapping[str, str], direction: str, group: SecurityGroup, state: State) -> None:
    """Check a new or changed rule.

    Raises:
        EcsError: ECS would refuse the call.
    """
    _check_protocol_and_ports(fields)
    if fields["Policy"] not in ("Accept", "Drop"):
        raise invalid("InvalidPolicy.Malformed", "The specified parameter Policy is not valid.")
    priority = fields["Priority"]
    if not (priority.isascii() and priority.isdigit() and 1 <= int(priority) <= _MOST_PRIORITY):
        raise invalid("InvalidPriority.ValueNotSupported", "The parameter Priority is invalid.")
    if fields["NicType"].lower() not in ("internet", "intranet"):
        raise invalid("InvalidNicType.ValueNotSupported", "The specified parameter NicType is not valid.")
    if len(fields.get("Description", "")) > _MOST_CHARACTERS:
        raise invalid(
            "InvalidSecurityGroupDiscription.Malformed",
            "The specified security group rule description is not valid.",
        )
    _check_peer(fields, "Source" if direction == "ingress" else "Dest", group, state)
    _check_addresses(fields)


def _check_protocol_and_ports(fields: Mapping[str, str]) -> None:
    if not fields.get("IpProtocol"):
        raise missing_parameter("IpProtocol")
    if fields["IpProtocol"] not in _PROTOCOLS:
        raise invalid(
            "InvalidIpProtocol.ValueNotSupported",
            "The parameter IpProtocol must be specified with case insensitive TCP, UDP, ICMP, GRE or All.",
        )
    ports = fields.get("PortRange", "")
    if not ports and not fields.get("PortRangeListId"):
        raise missing_parameter("PortRange")
    match = _PORTS.fullmatch(ports)
    is_range = match is not None and 1 <= int(match[1]) <= int(match[2]) <= _LAST_PORT
    if ports and not (is_range if fields["IpProtocol"] in _WITH_PORTS else ports == "-1/-1"):
        raise invalid("InvalidIpPortRange.Malformed", "The specified parameter PortRange is not valid.")


def _check_peer(fields: Mapping[str, str], end: str, group: SecurityGroup, state: State) -> None:
    """Check the source of an inbound rule, or the destination of an outbound one."""
    group_id = fields.get(f"{end}GroupId", "")
    if not (
        group_id
        or fields.get(f"{end}CidrIp")
        or fields.get(f"Ipv6{end}CidrIp")
        or fields.get(f"{end}PrefixListId")
    ):
        raise invalid(
            f"MissingParameter.{end}",
            f"One of the parameters {end}CidrIp, Ipv6{end}CidrIp, {end}GroupId or {end}PrefixListId "
            "must be specified.",
        )
    if not group_id or fields.get(f"{end}GroupOwnerAccount"):
        return
    if group.security_group_type == "enterprise":
        raise invalid(
            "InvalidGroupParameter.OperationDenied",
            "The attributes Policy, SourceGroupId, DestGroupId of enterprise level security groups are not "
            "allowed to be set or modified.",
        )
    if group_id == group.security_group_id:
        raise forbidden(
            "InvalidParamter.Conflict",
            f"The specified SecurityGroupId should be different from the {end}GroupId.",
        )
    if group_id not in state.groups:
        raise not_found(
            f"Invalid{end}GroupId.NotFound", f"The {end}GroupId provided does not exist in our records."
        )


def _check_addresses(fields: Mapping[str, str]) -> None:
    for end in ("Source", "Dest"):
        if fields.get(f"{end}CidrIp") and fields.get(f"Ipv6{end}CidrIp"):
            raise invalid(
                f"InvalidParam.{end}Ip",
                f"The Parameters {end}CidrIp and Ipv6{end}CidrIp in Permissions cannot be set at the same time.",
            )
        for name, kind, code in (
            (f"{end}CidrIp", IPv4Network, f"Invalid{end}CidrIp.Malformed"),
            (f"Ipv6{end}CidrIp", IPv6Network, f"InvalidParam.Ipv6{end}CidrIp"),
        ):
            try:
                kind(fields.get(name) or kind(0), strict=False)
            except ValueError:
                raise invalid(code, f"The specified parameter {name} is not valid.") from None
