"""The facts that observers are told, as values: one schema for every outcome.

They hold ids of security groups and no other parameter of a call, and no keys, tokens, signatures, user data or
passwords. ``to_dict()`` gives what JSON takes; its keys are the fields. A field may be added within a schema version;
the version changes when one is removed or means something else.
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
        service_id: The service that manages it; None if none does or it is not known.
        out_of_bounds: Whether it is managed by a service that the policy does not allow, so that the call is refused.
        region_id: The region that was asked; None if the status is unknown.
        source: Where the status is from: ``lookup``, ``cache``, ``stale``, ``shared``, ``learned`` or ``warm``, as in
            ``GroupStatus``; None if it is unknown.
        age_seconds: How long ago ECS said so; None if it is unknown.
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
    """What the guard decided of one call, or would decide.

    Attributes:
        event: ``decided`` of a call, ``checked`` if ``client.guard.check`` asked and there was no call.
        decision_id: A random UUID in capitals. The error that the call ended with has it as ``request_id``.
        time: When it was decided, in RFC 3339 and UTC.
        outcome: As in ``Decision``: ``allowed``, ``denied``, ``would_deny``, ``bypassed``, ``unavailable`` or
            ``not_guarded``.
        refused: Whether the call was stopped.
        mode: The mode of the policy: ``enforce``, ``audit`` or ``off``.
        action: The operation.
        region_id: The region that was asked first; None when no region could be found.
        endpoint: The host the call is addressed to.
        groups: The groups it targets.
        reason: One sentence that says why.
        bypass_reason: Why the bypass was made that let it through; "" if none did.
        reads: How many Describe requests were sent for it, as in ``Decision``.
        decide_microseconds: How long deciding took, waiting for ECS included.
        caller: File and line of the call, ``"app.py:12"``: the first frame outside safe_ecs, the SDK and asyncio. For
            a coroutine that is a task of its own this is the line that runs the loop. None if there is no such frame.
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
        """Return the record as JSON takes it."""
        return {**_fields(self), "groups": [_fields(group) for group in self.groups]}


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp:
    """One Describe call that the guard sent, with its further tries.

    Attributes:
        time: When it ended, in RFC 3339 and UTC.
        action: ``DescribeSecurityGroups`` or ``DescribeLaunchTemplateVersions``.
        region_id: The region that was asked.
        endpoint: The host that was asked.
        groups_asked: How many groups it named; 0 if it lists a region or asks for a launch template.
        tries: How often it was sent.
        microseconds: How long it took, tries and waits included.
        error_code: The code that ECS refused it with; None if it did not.
        exception: The name of the exception that it ended with, where ECS gave no answer; None if it did.
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
        """The code or the exception, whichever there is; None if it was answered."""
        return self.error_code or self.exception

    def to_dict(self) -> dict[str, Any]:
        """Return the fact as JSON takes it."""
        return {"event": self.event, **_fields(self)}


def decision_record(
    decision: Decision, event: DecisionEvent, *, decision_id: str, microseconds: int, caller: str | None
) -> DecisionRecord:
    """Return the record of a decision that has just been made."""
    known = (
        GroupRecord(
            security_group_id=group.security_group_id,
            status=group.state,
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
