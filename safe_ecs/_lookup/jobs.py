"""What may be asked of ECS on behalf of one principal, in batches: statuses of groups, and groups of launch templates.

A loader asks, and writes what it learns through to the cache.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from safe_ecs._core.decision import GroupStatus
from safe_ecs._core.failure import Failure
from safe_ecs._core.operations import STATUS_QUERY, TEMPLATE_QUERY
from safe_ecs._lookup.context import Reader
from safe_ecs._lookup.queries.statuses import PAGE_SIZE, describe
from safe_ecs._lookup.queries.templates import describe_template
from safe_ecs._lookup.sending.execute import ask, ask_async
from safe_ecs._lookup.sending.failures import failure_of, timed_out
from safe_ecs.cache._background import in_background_async

if TYPE_CHECKING:
    from collections.abc import Hashable

    from safe_ecs._core.review import Read, TemplateRead
    from safe_ecs._lookup.context import Means
    from safe_ecs._lookup.queries.statuses import Found
    from safe_ecs._lookup.queries.templates import TemplateFound

LEAST_PATIENCE: Final = 0.05
"""The part of ``lookup_timeout`` that a call waits for an answer even in an outage."""

_NEARLY: Final = 0.8
"""The part of a time that counts as all of it, since nobody is woken at the very moment."""

_TemplatesFound: TypeAlias = "dict[str, TemplateFound]"


class _Inquiry(Reader):
    """What inquiries have in common: the action of the query, where it is asked and on whose behalf, and the means.

    Attributes:
        reads: How many requests were sent, by it or another, for what was asked of it.
    """

    reads = 0

    def __init__(self, action: str, read: Read | TemplateRead, means: Means) -> None:
        super().__init__(read, means)
        self._action = action
        self.key: Hashable = (
            action,
            read.host,
            read.region_id,
            self._principal,
            self._connection.settings,
            self._cache,
            self._limits,
            self._ttl,
        )

    def joined(self, ids: int) -> None:
        """Count them."""
        self._counters.count(joined=ids)

    def failure_for(self, error: BaseException, *, waited: float = 0.0, in_flight: float = 0.0) -> Failure:
        """Return the failure for an exception, and remember it if ECS was too slow."""
        if not isinstance(error, TimeoutError):
            return failure_of(error, self._action)
        failure = timed_out(self._action, self._limits.seconds)
        # It is no outage when there was no time left, or when ECS has been answering those in front.
        is_owed = in_flight >= waited * _NEARLY
        if is_owed and waited >= self._limits.seconds * LEAST_PATIENCE * _NEARLY:
            self._cache.remember_failures(self._at, self._action, {"": failure}, self._who)
        return failure

    def _note(self, failures: dict[str, Failure], answered: list[str]) -> None:
        """Remember what failed, and that what was answered does no longer."""
        if answered:
            self._cache.clear_failures(self._at, self._action, answered, self._who)
        if failures:
            self._cache.remember_failures(self._at, self._action, failures, self._who)


class StatusLookup(_Inquiry):
    """Asks for the statuses of groups: other processes first, if the cache is shared, and then ECS.

    Args:
        read: Where it is asked, and on whose behalf; the groups come later.
        means: What it asks with.
        refresh: Whether ECS alone is to be asked.
    """

    most_ids = PAGE_SIZE

    def __init__(self, read: Read, means: Means, *, refresh: bool) -> None:
        super().__init__(STATUS_QUERY, read, means)
        self._read = read
        self._shares = means.cache.is_shared and not refresh
        self.key = (self.key, refresh)

    def ask(self, ids: tuple[str, ...]) -> Found:
        """Return a status or a failure for each group."""
        asked_at = self._cache.now()
        read = self._read._replace(security_group_ids=ids)
        shared = self._cache.fetch(read, self._ttl) if self._shares else {}
        rest = self._rest(read, shared, asked_at)
        found = ask(self._connection, describe(rest), self._limits, self)
        fresh = self._keep(rest, found, shared, asked_at)
        if fresh and self._cache.is_shared:
            self._cache.publish(rest, fresh, self._ttl)
        return {**shared, **found}

    async def ask_async(self, ids: tuple[str, ...]) -> Found:
        """Do what ``ask`` does, in an event loop."""
        asked_at = self._cache.now()
        read = self._read._replace(security_group_ids=ids)
        shared: dict[str, GroupStatus] = {}
        if self._shares:
            shared = await in_background_async(partial(self._cache.fetch, read, self._ttl))
        rest = self._rest(read, shared, asked_at)
        found = await ask_async(self._connection, describe(rest), self._limits, self)
        fresh = self._keep(rest, found, shared, asked_at)
        if fresh and self._cache.is_shared:
            await in_background_async(partial(self._cache.publish, rest, fresh, self._ttl))
        return {**shared, **found}

    def _rest(self, read: Read, shared: dict[str, GroupStatus], asked_at: float) -> Read:
        """Return what ECS is to be asked, and drop what is shared but has been forgotten since it was learned."""
        for security_group_id, status in list(shared.items()):
            if self._cache.forgotten_at((security_group_id,)) >= asked_at - status.age:
                # The other processes could not be told at that moment.
                del shared[security_group_id]
        self._counters.count(shared_hits=len(shared))
        return read._replace(security_group_ids=tuple(i for i in read.security_group_ids if i not in shared))

    def _keep(
        self, rest: Read, found: Found, shared: dict[str, GroupStatus], asked_at: float
    ) -> list[GroupStatus]:
        """Remember everything and return what other processes are to hear of."""
        if shared:
            self._cache.remember(rest, self._principal, shared.values(), asked_at=asked_at, source="shared")
        statuses = [status for status in found.values() if isinstance(status, GroupStatus)]
        if statuses:
            self._cache.remember(rest, self._principal, statuses, asked_at=asked_at)
        failures = {each: failure for each, failure in found.items() if isinstance(failure, Failure)}
        self._note(failures, [status.security_group_id for status in statuses])
        return [s for s in statuses if self._cache.forgotten_at((s.security_group_id,)) < asked_at]

    def common_failure(self, answers: Found) -> Failure | None:
        """Return the failure that is not about a group, if every answer is one."""
        failures = [a for a in answers.values() if isinstance(a, Failure) and a.scope != "group"]
        return failures[0] if failures and len(failures) == len(answers) else None


class TemplateLookup(_Inquiry):
    """Asks for the groups that one launch template names.

    Args:
        read: The launch template.
        means: What it asks with.
    """

    most_ids = 1

    def __init__(self, read: TemplateRead, means: Means) -> None:
        super().__init__(TEMPLATE_QUERY, read, means)
        self._read = read
        self.key = (self.key, read.template)

    def ask(self, ids: tuple[str, ...]) -> _TemplatesFound:
        """Return the groups, or a failure."""
        asked_at = self._cache.now()
        found = ask(self._connection, describe_template(self._read), self._limits, self)
        return self._tables(ids, found, asked_at)

    async def ask_async(self, ids: tuple[str, ...]) -> _TemplatesFound:
        """Do what ``ask`` does, in an event loop."""
        asked_at = self._cache.now()
        found = await ask_async(self._connection, describe_template(self._read), self._limits, self)
        return self._tables(ids, found, asked_at)

    def _tables(self, ids: tuple[str, ...], found: TemplateFound, asked_at: float) -> _TemplatesFound:
        failures = dict.fromkeys(ids, found) if isinstance(found, Failure) else {}
        self._note(failures, [] if failures else list(ids))
        if isinstance(found, tuple):
            self._cache.remember_template(self._read, self._principal, found, asked_at)
        return dict.fromkeys(ids, found)

    def common_failure(self, answers: _TemplatesFound) -> None:  # noqa: ARG002 - part of the protocol
        """Return None: whoever asks for this template is in the same batch."""
        return
