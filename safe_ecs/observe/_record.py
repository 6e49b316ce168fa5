"""The facts that observers are told, as values: one schema for every outcome.

The records hold ids of security groups and no other parameter of a call, and no keys, tokens, signatures,
user data or passwords. ``to_dict()`` returns values for JSON; its keys are the fields. A schema version may
gain a field. The version changes when a field is removed or changes its meaning.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeAlias

from safe_ecs._core.decision import is_out_of_bounds

if TYPE_CHECKING:
    from safe_ecs._core.decision import Decision, Outcome, Source, State
    from safe_ecs.policy import Mode

SCHEMA: Final = 1
DecisionEvent: TypeAlias = Literal["decided", "checked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRecord:
    """One security group that a call targets.

    Attributes:
        security_group_id: The group, in lower case.
        status: ``managed``, ``unmanaged``, ``missing``, or ``unknown`` if it could not be determined.
        service_id: The service that manages the group; None if no service does, or if the service is not
            known.
        out_of_bounds: Whether a service that the policy does not allow manages the group: the reason for a
            refusal.
        region_id: The region that was asked; None if the status is unknown.
        source: The origin of the status: ``lookup``, ``cache``, ``stale``, ``shared``, ``learned`` or
            ``warm``, as in ``GroupStatus``; None if the status is unknown.
        age_seconds: Seconds since ECS was asked; None if the status is unknown.
    """

    security_group_id: str
    status: State | Literal["unknown"]
    service_id: int | None = None
    out_of_bounds: bool = False
    region_id: str | None = None
    source: Source | None = None
    age_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """The guard's decision about one call, or about a call that ``check`` describes.

    Attributes:
        event: ``decided`` for a call; ``checked`` for ``client.guard.check``, without a call.
        decision_id: A random UUID in capitals. The error of a refused call has the same UUID as
            ``request_id``.
        time: The time of the decision, in RFC 3339 and UTC.
        outcome: As in ``Decision``: ``allowed``, ``denied``, ``would_deny``, ``bypassed``, ``unavailable`` or
            ``not_guarded``.
        refused: Whether the guard stopped the call.
        mode: The mode of the policy: ``enforce``, ``audit`` or ``off``.
        action: The operation.
        region_id: The first region of the look-up; None if no region could be found, or if the mode is
            ``off``.
        endpoint: The host of the call.
        groups: The groups that the call targets.
        reason: The explanation of the outcome, in a sentence or two.
        bypass_reason: The reason of the bypass that let the call through; "" without a bypass.
        reads: Describe requests sent for the call, as in ``Decision``.
        decide_microseconds: The duration of the decision, waiting for ECS included.
        caller: File and line of the call, ``"app.py:12"``: the first frame outside safe_ecs, the SDK and
            asyncio. For a coroutine in a task of its own, the line that runs the loop. None if there is no
            such frame.
        safe_ecs_version: The version of safe_ecs.
        schema: The version of this schema.
    """

    event: DecisionEvent
    decision_id: str
    time: str
    outcome: Outcome
    refused: bool
    mode: Mode
    action: str
    region_id: str | None
    endpoint: str
    groups: tuple[GroupRecord, ...]
    reason: str
    bypass_reason: str
    reads: int
    decide_microseconds: int
    caller: str | None
    safe_ecs_version: str
    schema: int = SCHEMA

    def to_dict(self) -> dict[str, Any]:
        """Return the record as values for JSON."""
        return {**_fields(self), "groups": [_fields(group) for group in self.groups]}


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp:
    """One Describe call of the guard, retries included.

    Attributes:
        time: The time of its end, in RFC 3339 and UTC.
        action: ``DescribeSecurityGroups`` or ``DescribeLaunchTemplateVersions``.
        region_id: The region that was asked.
        endpoint: The host that was asked.
        groups_asked: The number of groups in the call; 0 if it lists a region or asks for a launch template.
        tries: The number of requests sent.
        microseconds: The duration, tries and waits included.
        error_code: The code of the refusal by ECS; None without a refusal.
        exception: The name of the exception that ended the call, if ECS gave no answer; None after an answer.
        safe_ecs_version: The version of safe_ecs.
        schema: The version of this schema.
    """

    event: ClassVar[Literal["looked_up"]] = "looked_up"

    time: str
    action: str
    region_id: str
    endpoint: str
    groups_asked: int
    tries: int
    microseconds: int
    error_code: str | None
    exception: str | None
    safe_ecs_version: str
    schema: int = SCHEMA

    @property
    def error(self) -> str | None:
        """The error code, or else the name of the exception; None after an answer."""
        return self.error_code or self.exception

    def to_dict(self) -> dict[str, Any]:
        """Return the fact as values for JSON."""
        return {"event": self.event, **_fields(self)}


def decision_record(
    decision: Decision, event: DecisionEvent, *, decision_id: str, microseconds: int, caller: str | None
) -> DecisionRecord:
    """Return the record of a new decision."""
    known = (
        GroupRecord(
            security_group_id=group.security_group_id,
            status=group.state,
            # ECS may name a ServiceID for an unmanaged group as well, but nobody manages the group then.
            service_id=group.service_id if group.service_managed else None,
            out_of_bounds=is_out_of_bounds(group, decision.policy),
            region_id=group.region_id,
            source=group.source,
            age_seconds=round(group.age, 3),
        )
        for group in decision.groups
    )
    unknown = (
        GroupRecord(security_group_id=each.security_group_id, status="unknown")
        for each in decision.undetermined
        # Targets that cannot be read have no id. The reason of the record mentions them.
        if each.security_group_id
    )
    return DecisionRecord(
        event=event,
        decision_id=decision_id,
        time=now(),
        outcome=decision.outcome,
        refused=decision.refused,
        mode=decision.mode,
        action=decision.action,
        region_id=decision.region_id,
        endpoint=decision.endpoint,
        groups=(*known, *unknown),
        reason=decision.reason,
        bypass_reason=decision.bypass_reason,
        reads=decision.reads,
        decide_microseconds=microseconds,
        caller=caller,
        safe_ecs_version=own_version(),
    )


def now() -> str:
    """Return the time in RFC 3339 and UTC."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@cache
def own_version() -> str:
    """Return the version of safe_ecs."""
    return version("safe-ecs")


def _fields(value: DecisionRecord | GroupRecord | LookUp) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}
