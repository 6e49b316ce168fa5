"""The jobs that batches do: asking for the statuses of groups, and for the groups of a launch template.

A job writes the answers through to the cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from safe_ecs._core.decision import GroupStatus
from safe_ecs._core.drivers import drive
from safe_ecs._core.failure import Failure
from safe_ecs._core.operations import STATUS_QUERY, TEMPLATE_QUERY
from safe_ecs._lookup.batching import BatchResult
from safe_ecs._lookup.queries.statuses import PAGE_SIZE, describe
from safe_ecs._lookup.queries.templates import describe_template
from safe_ecs._lookup.sending.breaker import Breaker
from safe_ecs._lookup.sending.classify import failure_of
from safe_ecs._lookup.sending.execute import Sender
from safe_ecs._system.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Hashable

    from safe_ecs._core.review import Read, TemplateRead
    from safe_ecs._lookup.context import LookupContext
    from safe_ecs._lookup.queries.statuses import Found
    from safe_ecs._lookup.queries.templates import TemplateFound

_TemplatesFound: TypeAlias = "dict[str, TemplateFound]"


class _Job:
    """The part that all jobs have in common.

    Args:
        action: The action of the query.
        context: The context of the look-up.

    Attributes:
        breaker: The breaker for the place and the principal of the job.
        key: Equal for jobs that one batch may do together.
    """

    def __init__(self, action: str, context: LookupContext) -> None:
        self._action = action
        self._context = context
        self._cache = context.resources.cache
        policy = context.resources.policy
        self._ttl = policy.ttl
        self.breaker = Breaker(context, action)
        self.key: Hashable = (
            action,
            context.at.host,
            context.at.region_id,
            context.scope,
            self._cache,
            policy.lookup_timeout,
            policy.lookup_attempts,
            policy.ttl,
        )

    @property
    def most_seconds(self) -> float:
        """The seconds after which the leader of a batch is given up for lost."""
        return 2 * self._context.resources.policy.lookup_timeout

    def joined(self, ids: int) -> None:
        """Count the ids that another caller was asking for already."""
        self._context.resources.counters.count(joined=ids)

    def failure_for(self, error: BaseException, *, waited: float = 0.0, in_flight: float = 0.0) -> Failure:
        """Return the failure for an exception that the job raised, or for a caller's time-out."""
        if isinstance(error, TimeoutError):
            return self.breaker.failure_of_waiting(waited, in_flight)
        if isinstance(error, RecursionError):
            return Failure(
                reason=f"{self._action} was asked for from inside a look-up that needs its answer",
                next_step="Give the credentials provider, handler or observer that makes this call a client without a guard.",
                cause=error,
                scope="caller",
            )
        return failure_of(error, self._action)

    def is_shared(self, answer: object) -> bool:
        """Return whether an answer holds for other callers: all but a failure of the caller's own program."""
        return not (isinstance(answer, Failure) and answer.scope == "caller")


class StatusLookup(_Job):
    """Asks for the statuses of groups: other processes first, if the cache is shared, and then ECS.

    Args:
        context: The context of the look-up.
        read: The place of the read; the groups come with each batch.
        refresh: Whether to ask ECS alone.
    """

    most_ids = PAGE_SIZE

    def __init__(self, context: LookupContext, read: Read, *, refresh: bool) -> None:
        super().__init__(STATUS_QUERY, context)
        self._read = read
        self._fetches = self._cache.is_shared and not refresh
        self.key = (self.key, refresh)

    def load(self, ids: tuple[str, ...], deadline: float) -> BatchResult:
        """Return a status or a failure for each group."""
        asked_at, sender = Clock.now(), Sender(self._context, deadline)
        read = self._read._replace(security_group_ids=ids)
        shared: dict[str, GroupStatus] = {}
        if self._fetches:
            shared = self._holding(read, self._cache.fetch(read, self._ttl), asked_at)
        rest = read._replace(security_group_ids=tuple(i for i in ids if i not in shared))
        found = drive(describe(rest), sender.execute)
        holding = self._keep(rest, found, asked_at)
        if holding and self._cache.is_shared:
            self._cache.publish(rest, holding, self._ttl, asked_at)
        return BatchResult({**shared, **found}, sender.sent)

    def _holding(self, read: Read, shared: dict[str, GroupStatus], asked_at: float) -> dict[str, GroupStatus]:
        """Remember the shared statuses, and return those that are not older than what this process knows or forgot."""
        principal = self._context.principal
        kept = self._cache.remember(read, principal, shared.values(), asked_at=asked_at, source="shared")
        holding = {status.security_group_id for status in kept}
        shared = {each: status for each, status in shared.items() if status.security_group_id in holding}
        self._context.resources.counters.count(shared_hits=len(shared))
        return shared

    def _keep(self, rest: Read, found: Found, asked_at: float) -> list[GroupStatus]:
        """Remember everything that ECS answered, and return the statuses that hold."""
        answered = {each: status for each, status in found.items() if isinstance(status, GroupStatus)}
        # Of a group that is missing under one spelling, the memory does not know whether it is under another.
        statuses = [
            status for each, status in answered.items() if status.exists or each == status.security_group_id
        ]
        failures = {each: failure for each, failure in found.items() if isinstance(failure, Failure)}
        self.breaker.note(failures, answered)
        return self._cache.remember(rest, self._context.principal, statuses, asked_at=asked_at)

    def common_failure(self, answers: Found) -> Failure | None:
        """Return the failure that every other batch of this key would meet too, if every answer is one."""
        failures = [a for a in answers.values() if isinstance(a, Failure) and a.scope != "group"]
        return failures[0] if failures and len(failures) == len(answers) else None


class TemplateLookup(_Job):
    """Asks for the groups that one launch template names.

    Args:
        context: The context of the look-up.
        read: The launch template.
    """

    most_ids = 1

    def __init__(self, context: LookupContext, read: TemplateRead) -> None:
        super().__init__(TEMPLATE_QUERY, context)
        self._read = read
        self.key = (self.key, read.template)

    def load(self, ids: tuple[str, ...], deadline: float) -> BatchResult:
        """Return the groups of the template, or a failure."""
        asked_at, sender = Clock.now(), Sender(self._context, deadline)
        found = drive(describe_template(self._read), sender.execute)
        failures = dict.fromkeys(ids, found) if isinstance(found, Failure) else {}
        self.breaker.note(failures, [] if failures else ids)
        if isinstance(found, tuple):
            self._cache.templates.remember(self._read, self._context.principal, found, asked_at)
        return BatchResult(dict.fromkeys(ids, found), sender.sent)

    def common_failure(self, answers: _TemplatesFound) -> None:  # noqa: ARG002 - part of the protocol
        """Return None: all callers that ask for this template are in the same batch."""
        return
