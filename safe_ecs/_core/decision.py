"""GroupStatus (ECS about a group), Decision (the guard about a call), and the rule between the two."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from safe_ecs._core.html import note, table
from safe_ecs._core.operations import OPERATIONS, STATUS_QUERY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safe_ecs.policy import GuardPolicy, Mode

Outcome: TypeAlias = Literal["allowed", "denied", "would_deny", "bypassed", "unavailable", "not_guarded"]
State: TypeAlias = Literal["managed", "unmanaged", "missing"]
Source: TypeAlias = Literal["lookup", "cache", "shared", "learned", "warm", "stale"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Undetermined:
    """A group of unknown status. Unknown is not unmanaged.

    Attributes:
        security_group_id: The group, or "" when the call's targets themselves cannot be read.
        reason: The cause, as a clause that follows "cannot be determined:". Holds no server text and no value
            of a parameter.
        next_step: The advice to the caller, as a sentence.
        code: The error code of ECS; None if no answer of ECS was the cause.
        launch_template: The launch template with unknown groups, and its version; "" if the cause is no
            template.
        cause: The exception, or None. Pickling drops the exception.
    """

    security_group_id: str
    reason: str
    next_step: str
    code: str | None = None
    launch_template: str = ""
    # Equivalent mutants `repr=None`, `compare=None`: a dataclass takes None for False.
    cause: BaseException | None = field(default=None, repr=False, compare=False)

    def __reduce__(self) -> tuple[object, ...]:
        """Leave out the cause: an exception of the transport need not be picklable."""
        fields = self.security_group_id, self.reason, self.next_step, self.code, self.launch_template
        return _undetermined, fields


def _undetermined(
    security_group_id: str, reason: str, next_step: str, code: str | None, launch_template: str
) -> Undetermined:
    return Undetermined(
        security_group_id=security_group_id,
        reason=reason,
        next_step=next_step,
        code=code,
        launch_template=launch_template,
    )


# Why named tuples: a call that is decided from memory makes a GroupStatus for each target, and a Decision. A
# frozen dataclass takes four times as long to make.


class GroupStatus(NamedTuple):
    """The status of one security group, as ECS gave it.

    Attributes:
        security_group_id: The group, in lower case and without surrounding blanks.
        exists: False when a complete DescribeSecurityGroups answer did not contain the group.
        service_managed: ``ServiceManaged`` of the answer; the only field that makes a group managed.
        service_id: ``ServiceID`` of the answer; None if absent or malformed. An unmanaged group may have one
            as well.
        region_id: The region that was asked.
        source: The origin of the status. ``"lookup"``: ECS, for this decision. ``"cache"``: an earlier
            look-up. ``"shared"``: another process. ``"learned"``: the caller's own calls. ``"warm"``: a
            listing by the guard. ``"stale"``: remembered for longer than ``ttl``, used while ECS cannot be
            asked.
        age: Seconds since ECS was asked; 0.0 for ``"lookup"``.
    """

    security_group_id: str
    exists: bool
    service_managed: bool
    service_id: int | None
    region_id: str
    source: Source = "lookup"
    age: float = 0.0

    @property
    def state(self) -> State:
        """The status in one word: ``managed``, ``unmanaged`` or ``missing``."""
        if not self.exists:
            return "missing"
        return "managed" if self.service_managed else "unmanaged"

    @property
    def owner(self) -> str:
        """The service id as text; ``unknown`` if ECS names none."""
        return "unknown" if self.service_id is None else str(self.service_id)

    @property
    def reason(self) -> str:
        """The status in one sentence, for the output of a program that skips the group."""
        group = self.security_group_id
        if not self.exists:
            return f"{group} was not found in {self.region_id}."
        if not self.service_managed:
            return f"{group} is not managed."
        return f"A cloud service manages {group} (serviceID {self.owner})."

    def _repr_html_(self) -> str:
        return statuses_html((self,))


class Decision(NamedTuple):
    """The guard's decision about one call.

    An error of ``client.guard.status``, or of another read of ``client.guard``, holds a decision too: about
    the groups that could not be read.

    Attributes:
        action: The operation as the SDK will send it; ``DescribeSecurityGroups`` if there is no call.
        region_id: The first region of the look-up; None if no region could be found, or if the mode is
            ``off``.
        endpoint: The host of the call.
        outcome: ``allowed``, ``denied``, ``would_deny`` (audit mode), ``bypassed`` (refused but for a
            bypass), ``unavailable`` (a status could not be determined) or ``not_guarded`` (ECS does not
            refuse the operation on managed groups).
        refused: Whether the guard stops the call: if ``denied``, and if ``unavailable`` unless the policy
            lets the call go.
        policy: The policy that the guard applied.
        groups: The known statuses of the call's targets.
        undetermined: The targets of unknown status.
        bypass_reason: The reason of the bypass that lets the call through; "" without a bypass.
        reads: Describe requests that were sent and answered while the call waited, retries and pages included.
            A request that several calls wait for counts for each of the calls.
    """

    action: str
    region_id: str | None
    endpoint: str
    outcome: Outcome
    refused: bool
    policy: GuardPolicy
    groups: tuple[GroupStatus, ...] = ()
    undetermined: tuple[Undetermined, ...] = ()
    bypass_reason: str = ""
    reads: int = 0

    @property
    def mode(self) -> Mode:
        """The mode of the policy."""
        return self.policy.mode

    @property
    def managed(self) -> tuple[GroupStatus, ...]:
        """The targets that the caller may not change: managed by a service that the policy does not allow."""
        return tuple(group for group in self.groups if is_out_of_bounds(group, self.policy))

    @property
    def reason(self) -> str:
        """The explanation of the outcome, in a sentence or two."""
        action = self.action
        if self.outcome == "not_guarded":
            operation = OPERATIONS.get(action)
            because = operation.not_guarded_because if operation else "It targets no security group."
            return f"{action} is not guarded. {because}"
        if self.mode == "off":
            return "The policy's mode is off: no security group was looked up."
        stale = ", ".join(
            f"{g.security_group_id} ({g.age:.0f} s old)" for g in self.groups if g.source == "stale"
        )
        since = f" ECS cannot be asked now; stale: {stale}." if stale else ""
        verb = "would be refused" if self.mode == "audit" else "is refused"
        if self.bypass_reason:
            verb = f"is let through by a bypass ({self.bypass_reason}), and would otherwise be refused"
        if managed := self.managed:
            named = ", ".join(f"{g.security_group_id} (serviceID {g.owner})" for g in managed)
            return f"{action} {verb}: a cloud service manages {named}.{since}"
        if self.undetermined:
            if self.policy.on_unavailable == "allow":
                verb = "is let through"
            named = "; ".join(
                f"{u.security_group_id or 'its targets'}: {u.reason}" for u in self.undetermined
            )
            subject = "What" if action == STATUS_QUERY else f"{action} {verb}: what"
            return f"{subject} is managed cannot be determined. {named}."
        missing = ", ".join(group.security_group_id for group in self.groups if not group.exists)
        if missing:
            return f"{action} is left to ECS, where these groups were not found: {missing}."
        found = "is allowed: no target is managed by a service the caller does not act for"
        return f"{action} {found if self.groups else 'names no security group'}.{since}"

    def __repr__(self) -> str:
        return f"<Decision {self.outcome}: {' '.join(self.reason.split())}>"

    def _repr_html_(self) -> str:
        return note(self.outcome, self.reason, is_bad=self.refused) + statuses_html(
            self.groups, self.undetermined
        )


def statuses_html(groups: Sequence[GroupStatus], undetermined: Sequence[Undetermined] = ()) -> str:
    """Return an HTML table of groups for a notebook; "" without groups."""
    known = [
        (g.security_group_id, g.region_id, g.state, g.service_id, g.source, f"{g.age:.0f} s") for g in groups
    ]
    unknown = [(u.security_group_id or "?", "", "unknown", None, "", "") for u in undetermined]
    rows = (*known, *unknown)
    return table(("security group", "region", "status", "serviceID", "source", "age"), rows) if rows else ""


def is_out_of_bounds(group: GroupStatus, policy: GuardPolicy) -> bool:
    """Return whether a service manages the group and the caller does not act for that service."""
    return group.service_managed and group.service_id not in policy.allowed_service_ids


def decide(
    groups: Sequence[GroupStatus], undetermined: Sequence[Undetermined], policy: GuardPolicy
) -> tuple[Outcome, bool]:
    """Return the outcome of a guarded call, and whether the guard refuses the call.

    A managed group outweighs a group of unknown status, because ECS is certain to refuse the call.
    A missing group stops nothing, because ECS answers with its own NotFound.
    """
    enforced = policy.mode == "enforce"
    for group in groups:
        if group.service_managed and is_out_of_bounds(group, policy):
            return ("denied", True) if enforced else ("would_deny", False)
    if undetermined:
        return "unavailable", enforced and policy.on_unavailable == "deny"
    return "allowed", False
