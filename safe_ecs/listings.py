"""A whole region, page by page: read, remembered, and handed out."""
# ruff: noqa: SLF001 - the SDK's client has no getter for its credentials

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from safe_ecs.background import in_background_async, within
from safe_ecs.cache.asker import Asker
from safe_ecs.cache.memory import Who
from safe_ecs.core.failure import Failure
from safe_ecs.core.operations import STATUS_QUERY
from safe_ecs.lookup.ask import Limits, ask, ask_async
from safe_ecs.lookup.connection import Connection
from safe_ecs.lookup.failures import timed_out
from safe_ecs.lookup.listing import Listing

if TYPE_CHECKING:
    from collections.abc import Generator

    from alibabacloud_tea_openapi.client import Client as OpenApiClient

    from safe_ecs.core.decision import GroupStatus
    from safe_ecs.core.review import Read
    from safe_ecs.knowledge import Knowledge
    from safe_ecs.lookup.describe import Query
    from safe_ecs.policy import GuardPolicy


class RegionPages:
    """The groups of a region, a page of at most 100 for each read, and no read before its page is wanted.

    Args:
        client: On behalf of which client.
        read: Says which region of which endpoint; it names no groups.
        knowledge: What learns of the groups.
        policy: Bounds each read.
        service_managed_only: Whether to list managed groups alone.

    Attributes:
        read: As above.
    """

    def __init__(
        self,
        client: OpenApiClient,
        read: Read,
        knowledge: Knowledge,
        policy: GuardPolicy,
        *,
        service_managed_only: bool = False,
    ) -> None:
        self.read = read
        self._connection = Connection(client, None, read.host)
        self._asker = Asker(client._credential, read.owner)
        self._who = Who(self._asker, self._connection.settings)
        self._knowledge = knowledge
        self._ttl = policy.ttl
        self._limits = Limits(policy.lookup_timeout, policy.lookup_attempts, (read.host, self._asker))
        self._listing = Listing(read, service_managed_only=service_managed_only)

    @property
    def ended(self) -> bool:
        """Whether there is no page left."""
        return self._listing.ended

    def next_page(self) -> list[GroupStatus] | Failure:
        """Read a page and return its groups, or why they cannot be had."""
        asked_at = self._knowledge.cache.now()
        work = partial(ask, self._connection, _once(self._listing.query), self._limits, self)
        try:
            body = within(self._limits.seconds, work)
        except TimeoutError as error:
            body = timed_out(STATUS_QUERY, self._limits.seconds, error)
        page = self._learned(body, asked_at)
        if isinstance(page, list) and self._knowledge.cache.is_shared:
            self._knowledge.cache.publish(self.read, page, self._ttl)
        return page

    async def next_page_async(self) -> list[GroupStatus] | Failure:
        """Do what ``next_page`` does, in an event loop."""
        asked_at = self._knowledge.cache.now()
        body = await ask_async(self._connection, _once(self._listing.query), self._limits, self)
        page = self._learned(body, asked_at)
        if isinstance(page, list) and self._knowledge.cache.is_shared:
            await in_background_async(partial(self._knowledge.cache.publish, self.read, page, self._ttl))
        return page

    def trying(self, _: Query, tries: int) -> None:
        """Count a request."""
        self._knowledge.tally.count(lookups=1, retries=int(tries > 1))

    def asked(self, query: Query, tries: int, seconds: float, failure: Failure | None) -> None:
        """Tell of a look-up."""
        self._knowledge.audience.looked_up(self.read, query.action, query.groups, tries, seconds, failure)

    def _learned(self, body: object, asked_at: float) -> list[GroupStatus] | Failure:
        cache, page = self._knowledge.cache, self._listing.take(body)
        if isinstance(page, Failure):
            cache.remember_failures(self.read, STATUS_QUERY, {"": page}, self._who)
        else:
            cache.forgive(self.read, STATUS_QUERY, (), self._who)
            cache.remember(self.read, self._asker, page, asked_at=asked_at, source="warm")
        return page


def _once(query: Query) -> Generator[Query, object, object]:
    return (yield query)
