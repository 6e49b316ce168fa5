"""What FakeEcs keeps: security groups with their rules, instances and network interfaces."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from safe_ecs.testing.errors import malformed_group, unknown_group

_GROUP_ID: Final = re.compile(r"sg-[a-z0-9][a-z0-9-]*")


@dataclass(slots=True, kw_only=True)
class Rule:
    """One rule of a security group, with the fields that ECS returns for it."""

    direction: str
    fields: dict[str, str]
    security_group_rule_id: str = field(default_factory=lambda: _new_id("sgr"))

    @property
    def peer_group_id(self) -> str:
        """The group the rule refers to, "" if it refers to addresses."""
        return self.fields.get("SourceGroupId") or self.fields.get("DestGroupId") or ""


@dataclass(slots=True, kw_only=True)
class SecurityGroup:
    """A security group. It is managed when ``service_managed`` is True, and for no other reason."""

    region_id: str
    security_group_id: str
    name: str = ""
    description: str = ""
    vpc_id: str = ""
    service_managed: bool = False
    service_id: int | None = None
    product: str = ""
    inner_access_policy: str = "Accept"
    creation_time: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    rules: list[Rule] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Member:
    """An instance or a network interface, and the groups it is in."""

    member_id: str
    region_id: str
    security_group_ids: list[str]
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class LaunchTemplate:
    """A launch template: the groups that each of its versions names, version 1 first."""

    region_id: str
    template_id: str
    name: str
    versions: list[list[str]]
    default_version: int = 1


@dataclass(slots=True)
class State:
    """Everything, by id."""

    groups: dict[str, SecurityGroup] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    templates: dict[str, LaunchTemplate] = field(default_factory=dict)

    def add_group(self, group: SecurityGroup) -> SecurityGroup:
        """Keep a new group."""
        self.groups[group.security_group_id] = group
        return group

    def add_member(self, prefix: str, region_id: str, security_group_ids: list[str]) -> Member:
        """Keep a new instance (``prefix="i"``) or network interface (``"eni"``)."""
        member = Member(
            member_id=_new_id(prefix), region_id=region_id, security_group_ids=list(security_group_ids)
        )
        self.members[member.member_id] = member
        return member

    def group(self, security_group_id: str) -> SecurityGroup:
        """Return a group.

        Raises:
            EcsError: The id is malformed or there is no such group.
        """
        if not _GROUP_ID.fullmatch(security_group_id):
            raise malformed_group(security_group_id)
        if security_group_id not in self.groups:
            raise unknown_group()
        return self.groups[security_group_id]

    def add_template(self, region_id: str, name: str, security_group_ids: list[str]) -> LaunchTemplate:
        """Keep a new launch template with one version."""
        template_id = _new_id("lt")
        template = LaunchTemplate(
            region_id=region_id,
            template_id=template_id,
            name=name or template_id,
            versions=[security_group_ids],
        )
        self.templates[template_id] = template
        return template

    def template(self, region_id: str, template_id: str, name: str) -> LaunchTemplate | None:
        """Return a launch template by its id or, if that is "", by its name."""
        for template in self.templates.values():
            is_named = template.template_id == template_id if template_id else template.name == name
            if is_named and template.region_id == region_id:
                return template
        return None

    def in_use(self, group: SecurityGroup) -> bool:
        """Return whether the group has members or is referred to by a rule of another group."""
        i = group.security_group_id
        return any(i in member.security_group_ids for member in self.members.values()) or any(
            rule.peer_group_id == i
            for other in self.groups.values()
            if other is not group
            for rule in other.rules
        )


def new_group_id() -> str:
    """Return an id that no group has."""
    return _new_id("sg")


def _new_id(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(10)}"
