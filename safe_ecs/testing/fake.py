"""FakeEcs: an Alibaba Cloud ECS for tests, as far as security groups are concerned."""

from __future__ import annotations

from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Final, Literal, cast

from safe_ecs.cache.memory import SHARED
from safe_ecs.testing.gateway import Gateway
from safe_ecs.testing.keys import AccessKey
from safe_ecs.testing.server import Server
from safe_ecs.testing.snapshot import load_state, save_state
from safe_ecs.testing.state import LaunchTemplate, Member, Rule, SecurityGroup, new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike
    from typing import Self

    from alibabacloud_tea_openapi.utils_models import Config

    from safe_ecs.testing.faults import CannedAnswer, Fault
    from safe_ecs.testing.record import RecordedRequest

DEFAULT_REGION_ID: Final = "cn-hangzhou"
_ACCOUNT: Final = "fake-account"
_SECRET: Final = "fake-secret"  # noqa: S105 - opens nothing


class FakeEcs:
    """A server on loopback that speaks the RPC of ECS to the unmodified SDK.

    It keeps security groups with their rules, and the instances, network interfaces and launch templates around
    them; it checks signatures, refuses changes to managed groups exactly as ECS does, and records every request::

        with FakeEcs() as ecs:
            client = Client(ecs.config())

    OPERATIONS.md, beside this file, says operation by operation what is kept and what is checked.

    Args:
        port: The port to listen on; 0 for a free one.
        host: The address to listen on.
        latency: Seconds that every answer takes.
        check_signatures: Whether requests must be signed, with a key of `config` or `add_access_key`. If not, who
            asks is what the request says.
        clock: What time it is, in seconds since the epoch: for the dates of signatures, the ends of STS tokens
            and the minutes of throttling.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        latency: float = 0.0,
        check_signatures: bool = True,
        clock: Callable[[], float] = time,
    ) -> None:
        self._gateway = Gateway(clock, check_signatures=check_signatures, latency=latency)
        self._gateway.add_key(AccessKey(access_key_id=_ACCOUNT, access_key_secret=_SECRET))
        self._server = Server(self._gateway, port, host)
        self._gateway.host_id = self.endpoint

    def __enter__(self) -> Self:
        """Start the server."""
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server, and let this process forget what it said: its port will be somebody else's."""
        self._server.stop()
        SHARED.forget_endpoint(self.endpoint)

    @property
    def endpoint(self) -> str:
        """Host and port."""
        return self._server.address

    @property
    def latency(self) -> float:
        """Seconds that every answer takes; it may be changed at any time."""
        return self._gateway.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._gateway.latency = seconds

    def config(
        self,
        *,
        region_id: str | None = DEFAULT_REGION_ID,
        service_id: int | None = None,
        security_token: str = "",
    ) -> Config:
        """Return the configuration of a client for this server.

        Args:
            region_id: The client's region.
            service_id: Makes the client act for this cloud service instead of an account.
            security_token: Makes the client sign with a temporary key that goes with this STS token.
        """
        from alibabacloud_tea_openapi.utils_models import Config  # noqa: PLC0415 - a server needs no SDK

        access_key_id = _ACCOUNT if service_id is None else self.add_service_key(service_id)
        if security_token:
            access_key_id = f"STS.{access_key_id}.{security_token}"
            if self._gateway.keyring.get(access_key_id) is None:
                self.add_access_key(
                    access_key_id, _SECRET, service_id=service_id, security_token=security_token
                )
        return Config(
            access_key_id=access_key_id,
            access_key_secret=_SECRET,
            security_token=cast("str", security_token or None),
            endpoint=self.endpoint,
            protocol="HTTP",
            region_id=cast("str", region_id),  # The SDK's annotations leave out that None will do.
        )

    def add_access_key(
        self,
        access_key_id: str,
        access_key_secret: str,
        *,
        service_id: int | None = None,
        security_token: str = "",
        expires: float | None = None,
    ) -> None:
        """Let requests be signed with another key.

        Args:
            access_key_id: Its id; one with the same id is replaced.
            access_key_secret: Its secret.
            service_id: The cloud service it belongs to; None for the account.
            security_token: The STS token that must come with it.
            expires: When that token ends, in seconds since the epoch; None for never.
        """
        self._gateway.add_key(
            AccessKey(
                access_key_id=access_key_id,
                access_key_secret=access_key_secret,
                service_id=service_id,
                security_token=security_token,
                expires=expires,
            )
        )

    def add_service_key(self, service_id: int) -> str:
        """Let requests be signed for a cloud service, and return the id of the key; its secret is fake-secret."""
        access_key_id = f"fake-service-{service_id}"
        if self._gateway.keyring.get(access_key_id) is None:
            self.add_access_key(access_key_id, _SECRET, service_id=service_id)
        return access_key_id

    @property
    def access_keys(self) -> Sequence[AccessKey]:
        """The keys that requests can be signed with."""
        with self._gateway.lock:
            return tuple(self._gateway.keyring)

    def remove_access_key(self, access_key_id: str) -> None:
        """Let nothing be signed with a key any more.

        Raises:
            KeyError: There is no such key.
        """
        with self._gateway.lock:
            self._gateway.keyring.remove(access_key_id)

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
        """Create a group and return its id.

        Args:
            service_managed: Whether a cloud service manages it.
            service_id: The ``ServiceID`` it shows.
            product: The product that the refusal of a managed group names, e.g. ``"natgw"``.
            region_id: Its region.
            security_group_id: Its id; a new one if None.
            name: Its name.
            vpc_id: The VPC it is in.
        """
        with self._gateway.lock:
            group = SecurityGroup(
                region_id=region_id,
                security_group_id=security_group_id or new_id("sg"),
                name=name,
                vpc_id=vpc_id,
                service_managed=service_managed,
                service_id=service_id,
                product=product,
            )
            return self._gateway.state.add_group(group).security_group_id

    def remove_security_group(self, security_group_id: str) -> None:
        """Let a group vanish, with its memberships: as managed ones do when their product's instance is released.

        Raises:
            KeyError: There is no such group.
        """
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
        """
        with self._gateway.lock:
            rule = Rule(direction=direction, fields=fields)
            self._gateway.state.group(security_group_id).rules.append(rule)
        return rule.security_group_rule_id

    def answer_with(self, action: str, *answers: CannedAnswer | Fault) -> None:
        """Answer the next requests for an action with these, one each, and go on as usual after that."""
        with self._gateway.lock:
            self._gateway.script.add(action, answers)

    def answer_always(self, action: str, answer: CannedAnswer | Fault | None) -> None:
        """Answer every request for an action with this, or as usual again if None."""
        with self._gateway.lock:
            self._gateway.script.set_always(action, [answer] if answer else [])

    def fail(
        self, action: str, *faults: Fault, times: int | None = None, share: float = 1.0, seed: int = 0
    ) -> None:
        """Let requests for an action fail, with these faults in turn; with none, let them fail no more.

        Which request fails depends on its number among those for this action, and on nothing else.

        Args:
            action: The operation.
            faults: What goes wrong.
            times: How many of the next requests fail; all from now on if None.
            share: The share of the requests that fail, picked at random.
            seed: Makes the random picks repeatable.

        Raises:
            ValueError: ``share`` is not between 0 and 1, or given together with ``times``.
        """
        if not 0 <= share <= 1 or (times is not None and share < 1):
            raise ValueError("share must be between 0 and 1, and cannot be given together with times")
        with self._gateway.lock:
            if times is None or not faults:
                self._gateway.script.set_always(action, faults, share, seed)
            else:
                self._gateway.script.add_repeatedly(action, faults, times)

    def throttle(self, action: str, per_minute: int | None) -> None:
        """Let through so many requests for an action in each minute of the clock, caller and region; all if None.

        The others are answered with ``Throttling.User``.
        """
        with self._gateway.lock:
            self._gateway.limits.pop(action, None)
            if per_minute is not None:
                self._gateway.limits[action] = per_minute

    def deny(self, *actions: str) -> None:
        """Refuse these actions with ``Forbidden.RAM``, as if nobody had been granted them."""
        with self._gateway.lock:
            self._gateway.denied.update(actions)

    def allow(self, *actions: str) -> None:
        """Take back what was denied."""
        with self._gateway.lock:
            self._gateway.denied.difference_update(actions)

    @property
    def requests(self) -> Sequence[RecordedRequest]:
        """Every request so far, in the order of the answers."""
        with self._gateway.lock:
            return tuple(self._gateway.requests)

    @property
    def writes(self) -> Sequence[RecordedRequest]:
        """The requests that asked for a change, refused or not."""
        return tuple(request for request in self.requests if request.is_write)

    @property
    def reads(self) -> Sequence[RecordedRequest]:
        """The other requests."""
        return tuple(request for request in self.requests if not request.is_write)

    def assert_no_writes(self) -> None:
        """Check that nothing asked for a change.

        Raises:
            AssertionError: Something did; the message names each such request.
        """
        if writes := self.writes:
            listed = "".join(f"\n  {number}. {write}" for number, write in enumerate(writes, 1))
            raise AssertionError(f"{len(writes)} write request(s) reached FakeEcs:{listed}")

    def reset(self) -> None:
        """Forget the record, everything that was created, faults, limits and denials; the keys stay good.

        This process forgets what it knew of the groups as well.
        """
        with self._gateway.lock:
            self._gateway.reset()
        SHARED.forget_endpoint(self.endpoint)

    def save(self, path: str | PathLike[str]) -> None:
        """Write everything that was created to a file, as JSON; whole or not at all.

        Raises:
            OSError: The file cannot be written.
        """
        with self._gateway.lock:
            save_state(self._gateway.state, Path(path))

    def load(self, path: str | PathLike[str]) -> None:
        """Go on with what a file of `save` holds, instead of what there is.

        Raises:
            OSError: The file cannot be read.
            ValueError: It holds no such thing.
        """
        state = load_state(Path(path))
        with self._gateway.lock:
            self._gateway.state = state
        SHARED.forget_endpoint(self.endpoint)


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
