"""The jobs that batches do: asking for the statuses of groups, and for the groups of a launch template.

A job is a generator of steps, written once for threads and event loops. It writes the answers through to the cache.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from safe_ecs._clock import Clock
from safe_ecs._core.decision import GroupStatus
from safe_ecs._core.drivers import drive, drive_async
from safe_ecs._core.failure import Failure
from safe_ecs._core.operations import STATUS_QUERY, TEMPLATE_QUERY
from safe_ecs._lookup.batching import BatchResult
from safe_ecs._lookup.queries.statuses import PAGE_SIZE, describe
from safe_ecs._lookup.queries.templates import describe_template
from safe_ecs._lookup.sending.breaker import Breaker
from safe_ecs._lookup.sending.classify import failure_of
from safe_ecs._lookup.sending.execute import Blocking, Sender

if TYPE_CHECKING:
    from collections.abc import Generator, Hashable

    from safe_ecs._core.review import Read, TemplateRead
    from safe_ecs._lookup.context import LookupContext
    from safe_ecs._lookup.queries.statuses import Found
    from safe_ecs._lookup.queries.templates import TemplateFound
    from safe_ecs._lookup.sending.execute import Step

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

    def steps(self, ids: tuple[str, ...]) -> Generator[Step, Any, dict[str, Any]]:
        """Yield the steps of the job and return an answer for each id."""
        raise NotImplementedError

    def load(self, ids: tuple[str, ...]) -> BatchResult:
        """Do the job for a batch."""
        sender = Sender(self._context)
        return BatchResult(drive(self.steps(ids), sender.execute), sender.sent)

    async def load_async(self, ids: tuple[str, ...]) -> BatchResult:
        """Do the job for a batch, in an event loop."""
        sender = Sender(self._context)
        return BatchResult(await drive_async(self.steps(ids), sender.execute_async), sender.sent)

    def joined(self, ids: int) -> None:
        """Count the ids that another caller was asking for already."""
        self._context.resources.counters.count(joined=ids)

    def failure_for(self, error: BaseException, *, waited: float = 0.0, in_flight: float = 0.0) -> Failure:
        """Return the failure for an exception that the job raised, or for a caller's time-out."""
        if isinstance(error, TimeoutError):
            return self.breaker.failure_of_waiting(waited, in_flight)
        return failure_of(error, self._action)


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

    def steps(self, ids: tuple[str, ...]) -> Generator[Step, Any, Found]:
        """Yield the steps and return a status or a failure for each group."""
        asked_at = Clock.now()
        read = self._read._replace(security_group_ids=ids)
        shared: dict[str, GroupStatus] = {}
        if self._fetches:
            shared = yield Blocking(partial(self._cache.fetch, read, self._ttl))
        rest = self._rest(read, shared, asked_at)
        found = yield from describe(rest)
        fresh = self._keep(rest, found, shared, asked_at)
        if fresh and self._cache.is_shared:
            yield Blocking(partial(self._cache.publish, rest, fresh, self._ttl))
        return {**shared, **found}

    def _rest(self, read: Read, shared: dict[str, GroupStatus], asked_at: float) -> Read:
        """Return the read that is left for ECS, and drop the shared statuses that were forgotten since."""
        for each, status in list(shared.items()):
            if self._cache.forgotten_at((status.security_group_id,)) >= asked_at - status.age:
                # The other processes could not be told at that moment.
                del shared[each]
        self._context.resources.counters.count(shared_hits=len(shared))
        return read._replace(security_group_ids=tuple(i for i in read.security_group_ids if i not in shared))

    def _keep(
        self, rest: Read, found: Found, shared: dict[str, GroupStatus], asked_at: float
    ) -> list[GroupStatus]:
        """Remember everything and return the statuses to share with other processes."""
        principal = self._context.principal
        if shared:
            self._cache.remember(rest, principal, shared.values(), asked_at=asked_at, source="shared")
        answered = {each: status for each, status in found.items() if isinstance(status, GroupStatus)}
        # Of a group that is missing under one spelling, the memory does not know whether it is under another.
        statuses = [
            status for each, status in answered.items() if status.exists or each == status.security_group_id
        ]
        if statuses:
            self._cache.remember(rest, principal, statuses, asked_at=asked_at)
        failures = {each: failure for each, failure in found.items() if isinstance(failure, Failure)}
        self.breaker.note(failures, answered)
        return [s for s in statuses if self._cache.forgotten_at((s.security_group_id,)) < asked_at]

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

    def steps(self, ids: tuple[str, ...]) -> Generator[Step, Any, _TemplatesFound]:
        """Yield the query and return the groups, or a failure."""
        asked_at = Clock.now()
        found = yield from describe_template(self._read)
        failures = dict.fromkeys(ids, found) if isinstance(found, Failure) else {}
        self.breaker.note(failures, [] if failures else ids)
        if isinstance(found, tuple):
            self._cache.templates.remember(self._read, self._context.principal, found, asked_at)
        return dict.fromkeys(ids, found)

    def common_failure(self, answers: _TemplatesFound) -> None:  # noqa: ARG002 - part of the protocol
        """Return None: all callers that ask for this template are in the same batch."""
        return
