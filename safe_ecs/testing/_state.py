"""The state of FakeEcs: security groups with their rules, instances, network interfaces, launch templates."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Final

from safe_ecs.testing._errors import malformed_group, unknown_group

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_GROUP_ID: Final = re.compile(r"sg-[a-z0-9][a-z0-9-]*")
_serials: Final = count(1)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_id(prefix: str) -> str:
    """Return a unique id, e.g. ``sg-...`` for the prefix ``sg``."""
    return f"{prefix}-{secrets.token_hex(10)}"


@dataclass(slots=True, kw_only=True, eq=False)
class _Resource:
    """The fields of every listed resource: its creation time, and a serial number that orders listings."""

    creation_time: str = field(default_factory=_now)
    serial: int = field(default_factory=_serials.__next__, init=False)


@dataclass(slots=True, kw_only=True, eq=False)
class Rule(_Resource):
    """One rule of a security group, with the fields that ECS returns for it."""

    direction: str
    fields: dict[str, str]
    security_group_rule_id: str = field(default_factory=lambda: new_id("sgr"))

    @property
    def peer_group_id(self) -> str:
        """The id of the group that the rule refers to, "" if it refers to addresses."""
        return self.fields.get("SourceGroupId") or self.fields.get("DestGroupId") or ""


@dataclass(slots=True, kw_only=True, eq=False)
class SecurityGroup(_Resource):
    """A security group. ``service_managed`` alone makes it a managed one."""

    region_id: str
    security_group_id: str
    name: str = ""
    description: str = ""
    vpc_id: str = ""
    security_group_type: str = "normal"
    resource_group_id: str = ""
    service_managed: bool = False
    service_id: int | None = None
    product: str = ""
    inner_access_policy: str = "Accept"
    rules: list[Rule] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class Member(_Resource):
    """An instance or a network interface, with the ids of its groups.

    ``attributes`` has the names in the answers of ECS.
    """

    member_id: str
    region_id: str
    security_group_ids: list[str]
    attributes: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class TemplateVersion:
    """One version of a launch template. ``data`` is the LaunchTemplateData in the answers of ECS."""

    number: int
    security_group_ids: list[str]
    data: dict[str, object] = field(default_factory=dict)
    description: str = ""
    creation_time: str = field(default_factory=_now)


@dataclass(slots=True, kw_only=True, eq=False)
class LaunchTemplate(_Resource):
    """A launch template with its versions by number."""

    region_id: str
    template_id: str
    name: str
    versions: dict[int, TemplateVersion] = field(default_factory=dict)
    default_version: int = 1
    last_version: int = 0
    tags: dict[str, str] = field(default_factory=dict)

    def add_version(
        self, security_group_ids: Sequence[str], data: dict[str, object] | None = None, description: str = ""
    ) -> TemplateVersion:
        """Add a version. No number is used twice."""
        self.last_version += 1
        version = TemplateVersion(
            number=self.last_version,
            security_group_ids=list(security_group_ids),
            data=data or {"SecurityGroupIds": {"SecurityGroupId": list(security_group_ids)}},
            description=description,
        )
        self.versions[version.number] = version
        return version


@dataclass(slots=True)
class State:
    """The resources by id, and the groups of each region in the order of their creation."""

    groups: dict[str, SecurityGroup] = field(default_factory=dict)
    instances: dict[str, Member] = field(default_factory=dict)
    interfaces: dict[str, Member] = field(default_factory=dict)
    templates: dict[str, LaunchTemplate] = field(default_factory=dict)
    _ordered: dict[str, list[SecurityGroup]] = field(default_factory=dict)

    @property
    def members(self) -> Iterator[Member]:
        """The instances and network interfaces."""
        yield from self.instances.values()
        yield from self.interfaces.values()

    def groups_in(self, region_id: str) -> Sequence[SecurityGroup]:
        """Return the groups of a region in the order of their creation."""
        return self._ordered.get(region_id, ())

    def add_group(self, group: SecurityGroup) -> SecurityGroup:
        """Add a group, in place of one with the same id."""
        if old := self.groups.get(group.security_group_id):
            self.remove_group(old)
        self.groups[group.security_group_id] = group
        self._ordered.setdefault(group.region_id, []).append(group)
        return group

    def remove_group(self, group: SecurityGroup) -> None:
        """Remove a group. Its memberships stay."""
        del self.groups[group.security_group_id]
        self._ordered[group.region_id].remove(group)

    def group(self, security_group_id: str) -> SecurityGroup:
        """Return a group.

        Raises:
            EcsError: The id is malformed, or the group does not exist.
        """
        refuse_malformed(security_group_id)
        if security_group_id not in self.groups:
            raise unknown_group()
        return self.groups[security_group_id]

    def template(self, region_id: str, template_id: str, name: str) -> LaunchTemplate | None:
        """Return a launch template by its id or, if the id is "", by its name."""
        for template in self.templates.values():
            is_named = template.template_id == template_id if template_id else template.name == name
            if is_named and template.region_id == region_id:
                return template
        return None

    def referring(self, group: SecurityGroup) -> list[SecurityGroup]:
        """Return the other groups with a rule that refers to this group."""
        i = group.security_group_id
        return [
            other
            for other in self.groups.values()
            if other is not group and any(rule.peer_group_id == i for rule in other.rules)
        ]

    def has_members(self, group: SecurityGroup) -> bool:
        """Return whether an instance or a network interface is in the group."""
        return any(group.security_group_id in member.security_group_ids for member in self.members)


def refuse_malformed(security_group_id: str) -> None:
    """Check the form of a group's id.

    Raises:
        EcsError: The id is malformed.
    """
    if not _GROUP_ID.fullmatch(security_group_id):
        raise malformed_group(security_group_id)
