"""The review of a guarded call: a generator that asks for the statuses it needs and returns a decision.

A generator, so that the sync and the async driver share every rule. The review gets its answers from a resolver. The
generators of the resolver yield the questions that only ECS can answer. Failures are values too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from safe_ecs._core.decision import Decision, GroupStatus, Undetermined, decide
from safe_ecs._core.endpoints import regions_of
from safe_ecs._core.spelling import normal_id, spellings_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from safe_ecs._core.request import EffectiveRequest, LaunchTemplate
    from safe_ecs.policy import GuardPolicy

Answers: TypeAlias = "dict[str, GroupStatus | Undetermined]"
TemplateAnswer: TypeAlias = "tuple[str, ...] | Undetermined | None"
# The resolver decides on the questions that it yields and on the answers that it is sent: the review passes both on.
Review: TypeAlias = "Generator[Any, Any, Decision]"

NO_REGION = (
    "neither the request nor the client names a region, and the endpoint's name holds none",
    "Give the client Config(region_id=...), or the request its RegionId.",
)
# Equivalent mutant `3`: weights are only compared.
_FOUND = 2
_UNREADABLE_NEXT_STEP = (
    "Name the security groups in the request model, or in query or form parameters, and leave headers and endpoint "
    "to the client's configuration."
)


class Read(NamedTuple):
    """A question to ECS: the status of these groups in this region, on behalf of this owner."""

    host: str
    region_id: str
    security_group_ids: tuple[str, ...]
    owner: tuple[tuple[str, str], ...] = ()


class TemplateRead(NamedTuple):
    """A question to ECS: the groups that a launch template names; None if there is no such template."""

    host: str
    region_id: str
    template: LaunchTemplate
    owner: tuple[tuple[str, str], ...] = ()


class Resolver(Protocol):
    """Finds statuses and template groups for a review."""

    def statuses(self, read: Read) -> Generator[Any, Any, Answers]:
        """Return a status, or the lack of one, for each spelling that a read names."""
        ...

    def template_groups(self, read: TemplateRead) -> Generator[Any, Any, TemplateAnswer]:
        """Return the groups that a launch template names."""
        ...


def review(request: EffectiveRequest, policy: GuardPolicy, resolver: Resolver) -> Review:
    """Find the statuses that a decision needs and return the decision."""
    if policy.mode == "off":
        return conclude(request, policy, None, (), ())
    asked_first: str | None = None
    said: Answers = {}
    pending, unresolved = yield from _targets(request, policy, resolver)
    # An id is absent from every region but its own, and the region of the call is not certain. So a group is
    # missing only if each region of the call lacks it under each spelling. The first region that has it settles it.
    for region_id in regions_of(request):
        asked_first = asked_first or region_id
        if not pending:
            break
        answers = yield from resolver.statuses(Read(request.host, region_id, pending, request.owner))
        for answer in map(answers.__getitem__, pending):
            security_group_id = answer.security_group_id
            said[security_group_id] = max(answer, said.get(security_group_id, answer), key=_weight)
        pending = tuple(each for each in pending if _weight(said[normal_id(each)]) < _FOUND)
    undetermined = (*unresolved, *(each for each in said.values() if isinstance(each, Undetermined)))
    groups = tuple(each for each in said.values() if isinstance(each, GroupStatus))
    nowhere = tuple(dict.fromkeys(map(normal_id, pending))) if asked_first is None else ()
    if request.unreadable or nowhere:
        undetermined = (*undetermined, *_unanswerable(request, nowhere))
    return conclude(request, policy, asked_first, groups, undetermined)


def _weight(answer: GroupStatus | Undetermined) -> int:
    """Return the weight of an answer: missing here, or under one spelling, does not outweigh unknown elsewhere."""
    if isinstance(answer, Undetermined):
        return _FOUND - 1
    return _FOUND + answer.service_managed if answer.exists else 0


def _targets(
    request: EffectiveRequest, policy: GuardPolicy, resolver: Resolver
) -> Generator[Any, Any, tuple[tuple[str, ...], tuple[Undetermined, ...]]]:
    """Return the targets of a request with those of its templates, and an unknown status for each unread template."""
    if not (request.templates and policy.resolve_launch_templates):
        return request.targets, ()
    targets: dict[str, None] = dict.fromkeys(request.targets)
    undetermined: list[Undetermined] = []
    regions = tuple(regions_of(request))
    if not regions:
        reason, next_step = NO_REGION
        undetermined.append(Undetermined(security_group_id="", reason=reason, next_step=next_step))
    for template in request.templates:
        for region_id in regions:
            read = TemplateRead(request.host, region_id, template, request.owner)
            answer = yield from resolver.template_groups(read)
            if isinstance(answer, Undetermined):
                undetermined.append(answer)
            elif answer is not None:
                for each in answer:
                    targets.update(spellings_of(each))
                break
    return tuple(targets), tuple(undetermined)


def _unanswerable(request: EffectiveRequest, nowhere: tuple[str, ...]) -> Iterator[Undetermined]:
    """Yield the targets that no read can answer for: groups without a region, and unreadable targets."""
    reason, next_step = NO_REGION
    for security_group_id in nowhere:
        yield Undetermined(security_group_id=security_group_id, reason=reason, next_step=next_step)
    if request.unreadable:
        yield Undetermined(security_group_id="", reason=request.unreadable, next_step=_UNREADABLE_NEXT_STEP)


def conclude(
    request: EffectiveRequest,
    policy: GuardPolicy,
    region_id: str | None,
    groups: tuple[GroupStatus, ...],
    undetermined: tuple[Undetermined, ...],
) -> Decision:
    """Return the decision about a request from the statuses, known and unknown, of its targets."""
    outcome, refused = decide(groups, undetermined, policy)
    return Decision(request.action, region_id, request.host, outcome, refused, policy, groups, undetermined)


def first_read(request: EffectiveRequest, policy: GuardPolicy) -> Read | None:
    """Return the first read of a plain review; None without a read, or if its answers alone cannot decide."""
    if policy.mode == "off" or request.unreadable or request.templates or not request.targets:
        return None
    region_id = request.region_ids[0] if request.region_ids else request.client_region_id
    return Read(request.host, region_id, request.targets, request.owner) if region_id else None
