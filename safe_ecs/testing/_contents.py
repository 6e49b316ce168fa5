"""The contents of a FakeEcs: a test creates, removes, saves and loads them without a request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from safe_ecs._core.spelling import normal_id
from safe_ecs.cache._status_cache import forget_endpoint
from safe_ecs.testing._snapshot import as_json, load_state, save_state
from safe_ecs.testing._state import LaunchTemplate, Member, Rule, SecurityGroup, new_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from safe_ecs.testing._gateway import Gateway

DEFAULT_REGION_ID: Final = "cn-hangzhou"


class Contents:
    """Security groups with their rules, instances, network interfaces and launch templates.

    The methods check no field of a new resource.

    Args:
        gateway: The gateway that holds the state.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def create_security_group(  # noqa: PLR0913 - each is a field of the group
        self,
        *,
        service_managed: bool = False,
        service_id: int | None = None,
        product: str = "",
        region_id: str = DEFAULT_REGION_ID,
        security_group_id: str | None = None,
        name: str = "",
        vpc_id: str = "",
    ) -> str:
        """Create a group and return its id. The new group replaces a group with the same id.

        Args:
            service_managed: Whether a cloud service manages the group.
            service_id: The ``ServiceID`` of the group.
            product: The product in the error for a change to a managed group, e.g. ``"natgw"``.
            region_id: The region of the group.
            security_group_id: The id, put into lower case like every id of ECS; None for a new id.
            name: The name of the group.
            vpc_id: The VPC of the group.
        """
        if service_managed and service_id is not None:
            self._gateway.add_service_key(service_id)
        with self._gateway.lock:
            group = SecurityGroup(
                region_id=region_id,
                security_group_id=normal_id(security_group_id or "") or new_id("sg"),
                name=name,
                vpc_id=vpc_id,
                service_managed=service_managed,
                service_id=service_id,
                product=product,
            )
            return self._gateway.state.add_group(group).security_group_id

    def has_security_group(self, security_group_id: str) -> bool:
        """Return whether a group exists."""
        with self._gateway.lock:
            return normal_id(security_group_id) in self._gateway.state.groups

    def remove_security_group(self, security_group_id: str) -> None:
        """Remove a group and its memberships. Managed groups vanish like this when a product's instance is released.

        Raises:
            KeyError: The group does not exist.
        """
        security_group_id = normal_id(security_group_id)
        with self._gateway.lock:
            state = self._gateway.state
            state.remove_group(state.groups[security_group_id])
            for member in state.members:
                if security_group_id in member.security_group_ids:
                    member.security_group_ids.remove(security_group_id)

    def create_instance(self, *security_group_ids: str, region_id: str = DEFAULT_REGION_ID) -> str:
        """Create an instance in these groups and return its id."""
        with self._gateway.lock:
            return _add_member(
                self._gateway.state.instances, "i", region_id, security_group_ids, Status="Stopped"
            )

    def create_network_interface(self, *security_group_ids: str, region_id: str = DEFAULT_REGION_ID) -> str:
        """Create a network interface in these groups and return its id."""
        with self._gateway.lock:
            return _add_member(
                self._gateway.state.interfaces, "eni", region_id, security_group_ids, Status="Available"
            )

    def create_launch_template(
        self, *security_group_ids: str, name: str = "", region_id: str = DEFAULT_REGION_ID
    ) -> str:
        """Create a launch template with these groups in version 1, and return its id."""
        with self._gateway.lock:
            template_id = new_id("lt")
            template = LaunchTemplate(region_id=region_id, template_id=template_id, name=name or template_id)
            template.add_version(security_group_ids)
            self._gateway.state.templates[template_id] = template
            return template_id

    def create_launch_template_version(
        self, template_id: str, *security_group_ids: str, default: bool = False
    ) -> int:
        """Add a version to a launch template and return its number.

        Args:
            template_id: The id of the launch template.
            security_group_ids: The groups of the version.
            default: Whether the version becomes the default version.

        Raises:
            KeyError: The launch template does not exist.
        """
        with self._gateway.lock:
            template = self._gateway.state.templates[template_id]
            number = template.add_version(security_group_ids).number
            if default:
                template.default_version = number
            return number

    def create_rule(
        self, security_group_id: str, direction: Literal["ingress", "egress"], **fields: str
    ) -> str:
        """Add a rule to a group and return the rule's id.

        Args:
            security_group_id: The id of the group.
            direction: The direction of the traffic.
            fields: The fields of the rule, in the spelling of ECS, e.g. ``IpProtocol="TCP"``.

        Raises:
            KeyError: The group does not exist.
        """
        with self._gateway.lock:
            rule = Rule(direction=direction, fields=fields)
            self._gateway.state.groups[normal_id(security_group_id)].rules.append(rule)
        return rule.security_group_rule_id

    def snapshot(self) -> dict[str, object]:
        """Return the contents in the format of `save`."""
        with self._gateway.lock:
            return as_json(self._gateway.state)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the contents to a file as JSON, whole or not at all.

        Raises:
            OSError: The file cannot be written.
        """
        with self._gateway.lock:
            save_state(self._gateway.state, Path(path))

    def load(self, path: str | PathLike[str]) -> None:
        """Replace the contents by a file of `save`.

        Every client of this process forgets the answers of this endpoint.

        Raises:
            OSError: The file cannot be read.
            ValueError: The file was not written by `save`.
        """
        state = load_state(Path(path))
        with self._gateway.lock:
            self._gateway.state = state
        for service_id in {
            group.service_id for group in state.groups.values() if group.service_id is not None
        }:
            self._gateway.add_service_key(service_id)
        forget_endpoint(self._gateway.host_id)


def _add_member(
    members: dict[str, Member],
    prefix: str,
    region_id: str,
    security_group_ids: Sequence[str],
    **attributes: str,
) -> str:
    member = Member(
        member_id=new_id(prefix),
        region_id=region_id,
        security_group_ids=list(security_group_ids),
        attributes=attributes,
    )
    members[member.member_id] = member
    return member.member_id
