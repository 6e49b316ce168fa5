"""The review of a guarded call: a generator that asks for the statuses it needs and returns a decision.

A generator, so that the sync and the async driver share every rule. The review gets its answers from a resolver. The
generators of the resolver yield the questions that only ECS can answer. Failures are values too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from safe_ecs._core.decision import Decision, GroupStatus, Undetermined, decide
from safe_ecs._core.endpoints import regions_of
from safe_ecs._core.spelling import normal_id

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
        """Return a status, or the lack of one, for each group of a read."""
        ...

    def template_groups(self, read: TemplateRead) -> Generator[Any, Any, TemplateAnswer]:
        """Return the groups that a launch template names."""
        ...


def review(request: EffectiveRequest, policy: GuardPolicy, resolver: Resolver) -> Review:
    """Find the statuses that a decision needs and return the decision."""
    if policy.mode == "off":
        return conclude(request, policy, None, (), ())
    asked_first: str | None = None
    groups: dict[str, GroupStatus] = {}
    unknown: dict[str, Undetermined] = {}
    pending, spelt, unresolved = yield from _targets(request, policy, resolver)
    # An id is absent from every region but its own, and the region of the call is not certain. So a group is
    # missing only if each region of the call lacks the group. The first region that has the group settles it.
    for region_id in regions_of(request):
        asked_first = asked_first or region_id
        if not pending:
            break
        answers = yield from _ask(request, resolver, region_id, pending, spelt)
        unsettled = []
        for security_group_id in pending:
            answer = answers[security_group_id]
            if isinstance(answer, Undetermined):
                unknown[security_group_id] = answer
                unsettled.append(security_group_id)
                continue
            groups[security_group_id] = answer
            if not answer.exists:
                unsettled.append(security_group_id)
            elif unknown:
                # The group is in this region, so that the unanswered read of another one does not matter.
                unknown.pop(security_group_id, None)
        pending = tuple(unsettled)
    # Missing in one region does not outweigh unknown in another: the group may exist in the other one.
    for security_group_id in unknown:
        groups.pop(security_group_id, None)
    undetermined = (*unresolved, *unknown.values())
    # Without any region, no read can answer for the targets.
    nowhere = pending if asked_first is None else ()
    if request.unreadable or nowhere:
        undetermined = (*undetermined, *_unanswerable(request, nowhere))
    return conclude(request, policy, asked_first, tuple(groups.values()), undetermined)


def _targets(
    request: EffectiveRequest, policy: GuardPolicy, resolver: Resolver
) -> Generator[Any, Any, tuple[tuple[str, ...], tuple[str, ...], tuple[Undetermined, ...]]]:
    """Return the targets of a request with those of its templates.

    Returns:
        The targets in lower case; the targets that are not written in lower case, as written; an
        ``Undetermined`` for each template that could not be read.
    """
    if not (request.templates and policy.resolve_launch_templates):
        return request.targets, request.spelt, ()
    targets: dict[str, None] = dict.fromkeys((*request.targets, *request.spelt))
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
                # The first region that has the template settles its groups.
                targets.update(dict.fromkeys(answer))
                break
    normal = dict.fromkeys(map(normal_id, targets))
    return tuple(normal), tuple(each for each in targets if each not in normal), tuple(undetermined)


def _ask(
    request: EffectiveRequest,
    resolver: Resolver,
    region_id: str,
    pending: tuple[str, ...],
    spelt: tuple[str, ...],
) -> Generator[Any, Any, Answers]:
    """Return the statuses of groups in one region, whether or not ECS minds the case of ids."""
    answers = yield from resolver.statuses(Read(request.host, region_id, pending, request.owner))
    if lacking := tuple(each for each in spelt if _is_missing(answers.get(normal_id(each)))):
        as_spelt = yield from resolver.statuses(Read(request.host, region_id, lacking, request.owner))
        answers.update({
            normal_id(each): answer for each, answer in as_spelt.items() if not _is_missing(answer)
        })
    return answers


def _is_missing(answer: GroupStatus | Undetermined | None) -> bool:
    return isinstance(answer, GroupStatus) and not answer.exists


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
