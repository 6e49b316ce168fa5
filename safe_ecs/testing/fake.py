"""FakeEcs: an Alibaba Cloud ECS for tests, as far as security groups are concerned."""

from __future__ import annotations

import json
import re
from collections import defaultdict, deque
from dataclasses import dataclass, field
from threading import Lock
from time import sleep
from typing import TYPE_CHECKING, Final, Literal, cast
from uuid import uuid4

from alibabacloud_tea_openapi.utils_models import Config

from safe_ecs.cache.memory import SHARED
from safe_ecs.testing.errors import EcsError
from safe_ecs.testing.operations import perform
from safe_ecs.testing.parameters import Parameters
from safe_ecs.testing.record import RecordedRequest
from safe_ecs.testing.server import CutConnectionError, Server
from safe_ecs.testing.state import Rule, SecurityGroup, State, new_group_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

DEFAULT_REGION_ID: Final = "cn-hangzhou"
_CREDENTIAL: Final = re.compile(r"Credential=([^,\s]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CannedAnswer:
    """What FakeEcs says instead of thinking.

    Attributes:
        status: The HTTP status; 0 resets the connection.
        body: The body, as it is.
        headers: More headers.
        delay: Seconds to wait before answering.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


class FakeEcs:
    """A server on loopback that speaks the RPC of ECS to the unmodified SDK.

    It keeps security groups with their rules and members, refuses changes to managed groups exactly as ECS
    does, and records every request::

        with FakeEcs() as ecs:
            client = Client(ecs.config())

    Args:
        port: The port to listen on; 0 for a free one.
        latency: Seconds that every answer takes.

    Attributes:
        latency: As above; it may be changed at any time.
    """

    def __init__(self, *, port: int = 0, latency: float = 0.0) -> None:
        self.latency = latency
        self._always: dict[str, CannedAnswer] = {}
        self._state = State()
        self._requests: list[RecordedRequest] = []
        self._canned: defaultdict[str, deque[CannedAnswer]] = defaultdict(deque)
        self._service_keys: dict[str, int] = {}
        self._lock = Lock()
        self._server = Server(self._answer, port)

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

    def config(self, *, region_id: str | None = DEFAULT_REGION_ID, service_id: int | None = None) -> Config:
        """Return the configuration of a client for this server.

        Args:
            region_id: The client's region.
            service_id: Makes the client act for this cloud service instead of an account.
        """
        access_key_id = "fake-account"
        if service_id is not None:
            access_key_id = f"fake-service-{service_id}"
            with self._lock:
                self._service_keys[access_key_id] = service_id
        return Config(
            access_key_id=access_key_id,
            access_key_secret="fake-secret",  # noqa: S106 - opens nothing
            endpoint=self.endpoint,
            protocol="HTTP",
            region_id=cast("str", region_id),  # The SDK's annotations leave out that None will do.
        )

    def create_security_group(  # noqa: PLR0913 - each is a field of the group
        self,
        *,
        service_managed: bool = False,
        service_id: int | None = None,
        product: str = "",
        region_id: str = DEFAULT_REGION_ID,
        security_group_id: str | None = None,
        name: str = "",
    ) -> str:
        """Create a group and return its id.

        Args:
            service_managed: Whether a cloud service manages it.
            service_id: The ``ServiceID`` it shows.
            product: The product that the refusal of a managed group names, e.g. ``"natgw"``.
            region_id: Its region.
            security_group_id: Its id; a new one if None.
            name: Its name.
        """
        group = SecurityGroup(
            region_id=region_id,
            security_group_id=security_group_id or new_group_id(),
            name=name,
            service_managed=service_managed,
            service_id=service_id,
            product=product,
        )
        with self._lock:
            return self._state.add_group(group).security_group_id

    def create_instance(self, *security_group_ids: str, region_id: str = DEFAULT_REGION_ID) -> str:
        """Create an instance in these groups and return its id."""
        with self._lock:
            return self._state.add_member("i", region_id, list(security_group_ids)).member_id

    def create_network_interface(self, *security_group_ids: str, region_id: str = DEFAULT_REGION_ID) -> str:
        """Create a network interface in these groups and return its id."""
        with self._lock:
            return self._state.add_member("eni", region_id, list(security_group_ids)).member_id

    def create_launch_template(
        self, *security_group_ids: str, name: str = "", region_id: str = DEFAULT_REGION_ID
    ) -> str:
        """Create a launch template, whose version 1 names these groups, and return its id."""
        with self._lock:
            return self._state.add_template(region_id, name, list(security_group_ids)).template_id

    def create_launch_template_version(
        self, template_id: str, *security_group_ids: str, default: bool = False
    ) -> int:
        """Add a version to a launch template and return its number.

        Args:
            template_id: The launch template.
            security_group_ids: The groups that the version names.
            default: Whether it is the default version from now on.
        """
        with self._lock:
            template = self._state.templates[template_id]
            template.versions.append(list(security_group_ids))
            if default:
                template.default_version = len(template.versions)
            return len(template.versions)

    def create_rule(
        self, security_group_id: str, direction: Literal["ingress", "egress"], **fields: str
    ) -> str:
        """Add a rule to a group and return the rule's id.

        Args:
            security_group_id: The group.
            direction: Which way the traffic goes.
            fields: The rule's fields, spelt as ECS spells them, e.g. ``IpProtocol="TCP"``.
        """
        rule = Rule(direction=direction, fields=fields)
        with self._lock:
            self._state.group(security_group_id).rules.append(rule)
        return rule.security_group_rule_id

    def answer_with(self, action: str, *answers: CannedAnswer) -> None:
        """Answer the next requests for an action with these, one each, and go on as usual after that."""
        with self._lock:
            self._canned[action].extend(answers)

    def answer_always(self, action: str, answer: CannedAnswer | None) -> None:
        """Answer every request for an action with this, or as usual again if None."""
        with self._lock:
            self._always.pop(action, None)
            if answer is not None:
                self._always[action] = answer

    @property
    def requests(self) -> Sequence[RecordedRequest]:
        """Every request so far, in the order of the answers."""
        with self._lock:
            return tuple(self._requests)

    @property
    def writes(self) -> Sequence[RecordedRequest]:
        """The requests that asked for a change, refused or not."""
        return tuple(request for request in self.requests if request.is_write)

    @property
    def reads(self) -> Sequence[RecordedRequest]:
        """The other requests."""
        return tuple(request for request in self.requests if not request.is_write)

    def _answer(
        self, *, method: str, path: str, pairs: Sequence[tuple[str, str]], headers: dict[str, str]
    ) -> tuple[int, bytes, dict[str, str]]:
        parameters = Parameters(pairs)
        action = headers.get("x-acs-action") or parameters.get("Action")
        if parameters.get("SignatureVersion") == "1.0":
            # The older signature covers the parameters alone: there the action is one of them.
            action = parameters.get("Action")
        signed = _CREDENTIAL.search(headers.get("authorization", ""))
        access_key_id = signed[1] if signed else parameters.get("AccessKeyId")
        with self._lock:
            canned = self._canned[action].popleft() if self._canned[action] else self._always.get(action)
            if canned is None:
                status, body = self._think(action, parameters, self._service_keys.get(access_key_id))
                canned = CannedAnswer(status=status, body=json.dumps(body).encode())
            self._requests.append(
                RecordedRequest(
                    action=action,
                    version=headers.get("x-acs-version") or parameters.get("Version"),
                    parameters=dict(pairs),
                    headers=headers,
                    method=method,
                    path=path,
                    access_key_id=access_key_id,
                    status=canned.status,
                )
            )
        if delay := canned.delay + self.latency:
            sleep(delay)
        if canned.status == 0:
            raise CutConnectionError
        return canned.status, canned.body, canned.headers

    def _think(
        self, action: str, parameters: Parameters, service_id: int | None
    ) -> tuple[int, dict[str, object]]:
        request_id = str(uuid4()).upper()
        try:
            return 200, {"RequestId": request_id, **perform(action, self._state, parameters, service_id)}
        except EcsError as error:
            return error.status, {
                "RequestId": request_id,
                "HostId": self.endpoint,
                "Code": error.code,
                "Message": error.message,
                "Recommend": "https://api.aliyun.com/troubleshoot"
                f"?q={error.code}&product=Ecs&requestId={request_id}",
            }
