"""What ECS says of a group (a status), what the guard says of a call (a decision), and the rule between."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from safe_ecs._core.notebook import note, table
from safe_ecs._core.operations import OPERATIONS, STATUS_QUERY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safe_ecs.policy import GuardPolicy, Mode

Outcome: TypeAlias = Literal["allowed", "denied", "would_deny", "bypassed", "unavailable", "not_guarded"]
State: TypeAlias = Literal["managed", "unmanaged", "missing"]
Source: TypeAlias = Literal["lookup", "cache", "shared", "learned", "warm", "stale"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Undetermined:
    """A group whose status could not be learned, which is not the same as unmanaged.

    Attributes:
        security_group_id: The group, or "" when the call's targets themselves cannot be read.
        reason: Why, as a clause that follows "cannot be determined:". Holds no server text, and no value of a parameter.
        next_step: What to do about it, as a sentence.
        code: The error code of ECS, if that was the cause.
        launch_template: The launch template whose groups cannot be told, with its version; "" if it is none's.
        cause: The exception, if there was one; it does not survive pickling.
    """

    security_group_id: str
    reason: str
    next_step: str
    code: str | None = None
    launch_template: str = ""
    cause: BaseException | None = field(default=None, repr=False, compare=False)

    def __reduce__(self) -> tuple[object, ...]:
        """Leave the cause behind: exceptions of the transport need not be picklable."""
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


# Named tuples, as the hit path makes one of each for every call: a frozen dataclass takes four times as long.


class GroupStatus(NamedTuple):
    """What ECS says of one security group.

    Attributes:
        security_group_id: The group, in lower case and without surrounding blanks.
        exists: False when a complete DescribeSecurityGroups answer did not contain it.
        service_managed: ``ServiceManaged`` of the answer; the only field that makes a group managed.
        service_id: ``ServiceID`` of the answer. It may be set on an ordinary group as well.
        region_id: The region that was asked.
        source: ``"lookup"`` if ECS was asked for this decision. What was remembered came from an earlier look-up
            (``"cache"``), from another process (``"shared"``), from the caller's own calls (``"learned"``) or
            from a listing of the guard's (``"warm"``); ``"stale"`` is what has outlived ``ttl`` and serves while ECS cannot be asked.
        age: Seconds since ECS gave the answer.
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
        """The service id in words: ``unknown`` where ECS names none."""
        return "unknown" if self.service_id is None else str(self.service_id)

    @property
    def reason(self) -> str:
        """The status in one sentence, such as a program says when it skips the group."""
        group = self.security_group_id
        if not self.exists:
            return f"{group} was not found in {self.region_id}."
        if not self.service_managed:
            return f"{group} is not managed."
        return f"A cloud service manages {group} (serviceID {self.owner})."

    def _repr_html_(self) -> str:
        return statuses_html((self,))


class Decision(NamedTuple):
    """What the guard says of one call; in an error of ``client.guard.status`` and the like, of what it could not read.

    Attributes:
        action: The operation as it will be sent; ``DescribeSecurityGroups`` if there is no call.
        region_id: The region that was asked first; None when no region could be found.
        endpoint: The host the call is addressed to.
        outcome: ``allowed``, ``denied``, ``would_deny`` (audit mode), ``bypassed`` (it would have been refused but for
            a bypass), ``unavailable`` (a status could not be determined) or ``not_guarded`` (the operation is
            not refused on managed groups).
        refused: Whether the call is stopped. An ``unavailable`` call is, unless the policy lets it go.
        policy: The policy that was applied.
        groups: The status of every group the call targets, as far as they are known.
        undetermined: The groups whose status is not known.
        bypass_reason: Why the bypass was made that lets the call through; "" if none does.
        reads: How many Describe requests were sent for it while it was waiting, further tries and pages included. One
            that several calls were waiting for counts for each of them.
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
        """The targets the caller may not change: managed, by a service that is not allowed."""
        return tuple(group for group in self.groups if is_out_of_bounds(group, self.policy))

    @property
    def reason(self) -> str:
        """One sentence that says why."""
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
    """Return a table of groups for a notebook; "" if there are none."""
    known = [
        (g.security_group_id, g.region_id, g.state, g.service_id, g.source, f"{g.age:.0f} s") for g in groups
    ]
    unknown = [(u.security_group_id or "?", "", "unknown", None, "", "") for u in undetermined]
    rows = (*known, *unknown)
    return table(("security group", "region", "status", "serviceID", "source", "age"), rows) if rows else ""


def is_out_of_bounds(group: GroupStatus, policy: GuardPolicy) -> bool:
    """Return whether a group is managed by a service that the caller does not act for."""
    return group.service_managed and group.service_id not in policy.allowed_service_ids


def decide(
    groups: Sequence[GroupStatus], undetermined: Sequence[Undetermined], policy: GuardPolicy
) -> tuple[Outcome, bool]:
    """Return the outcome for a guarded call and whether it is refused.

    A group known to be managed outweighs one whose status is unknown: that call is certain to fail.
    A group that does not exist stops nothing, because ECS gives its own NotFound.
    """
    enforced = policy.mode == "enforce"
    for group in groups:
        if group.service_managed and is_out_of_bounds(group, policy):
            return ("denied", True) if enforced else ("would_deny", False)
    if undetermined:
        return "unavailable", enforced and policy.on_unavailable == "deny"
    return "allowed", False
