"""What is in a FakeEcs, for the test that prepares it: created, removed, saved and loaded without a request."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from safe_ecs._core.spelling import normal_id
from safe_ecs.cache._memory import forget_endpoint
from safe_ecs.testing._snapshot import as_json, load_state, save_state
from safe_ecs.testing._state import LaunchTemplate, Member, Rule, SecurityGroup, new_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from safe_ecs.testing._gateway import Gateway

DEFAULT_REGION_ID: Final = "cn-hangzhou"


class Contents:
    """Security groups and what is around them. Nothing that is created here is checked.

    Args:
        gateway: What keeps them.
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
        """Create a group and return its id. A group with the same id vanishes.

        Args:
            service_managed: Whether a cloud service manages it.
            service_id: The ``ServiceID`` it shows.
            product: The product that the refusal of a managed group names, e.g. ``"natgw"``.
            region_id: Its region.
            security_group_id: Its id, in lower case as all of ECS's are; a new one if None.
            name: Its name.
            vpc_id: The VPC it is in.
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
        """Return whether there is such a group."""
        with self._gateway.lock:
            return normal_id(security_group_id) in self._gateway.state.groups

    def remove_security_group(self, security_group_id: str) -> None:
        """Let a group vanish, with its memberships: as managed ones do when their product's instance is released.

        Raises:
            KeyError: There is no such group.
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
            return _add(self._gateway.state.instances, "i", region_id, security_group_ids, Status="Stopped")

    def create_network_interface(self, *security_group_ids: str, region_id: str = DEFAULT_REGION_ID) -> str:
        """Create a network interface in these groups and return its id."""
        with self._gateway.lock:
            return _add(
                self._gateway.state.interfaces, "eni", region_id, security_group_ids, Status="Available"
            )

    def create_launch_template(
        self, *security_group_ids: str, name: str = "", region_id: str = DEFAULT_REGION_ID
    ) -> str:
        """Create a launch template, whose version 1 names these groups, and return its id."""
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
            template_id: The launch template.
            security_group_ids: The groups that the version names.
            default: Whether it is the default version from now on.

        Raises:
            KeyError: There is no such launch template.
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
            security_group_id: The group.
            direction: Which way the traffic goes.
            fields: The rule's fields, spelt as ECS spells them, e.g. ``IpProtocol="TCP"``.

        Raises:
            KeyError: There is no such group.
        """
        with self._gateway.lock:
            rule = Rule(direction=direction, fields=fields)
            self._gateway.state.groups[normal_id(security_group_id)].rules.append(rule)
        return rule.security_group_rule_id

    def snapshot(self) -> dict[str, object]:
        """Return everything that was created, as it is saved."""
        with self._gateway.lock:
            return as_json(self._gateway.state)

    def save(self, path: str | PathLike[str]) -> None:
        """Write everything that was created to a file, as JSON; whole or not at all.

        Raises:
            OSError: The file cannot be written.
        """
        with self._gateway.lock:
            save_state(self._gateway.state, Path(path))

    def load(self, path: str | PathLike[str]) -> None:
        """Go on with what a file of `save` holds, instead of what there is.

        Every client of this process forgets what this endpoint has said.

        Raises:
            OSError: The file cannot be read.
            ValueError: It holds no such thing.
        """
        state = load_state(Path(path))
        with self._gateway.lock:
            self._gateway.state = state
        for service_id in {
            group.service_id for group in state.groups.values() if group.service_id is not None
        }:
            self._gateway.add_service_key(service_id)
        forget_endpoint(self._gateway.host_id)


def _add(
    kept: dict[str, Member], prefix: str, region_id: str, security_group_ids: Sequence[str], **attributes: str
) -> str:
    member = Member(
        member_id=new_id(prefix),
        region_id=region_id,
        security_group_ids=list(security_group_ids),
        attributes=attributes,
    )
    kept[member.member_id] = member
    return member.member_id
