"""A whole region, page by page: read, remembered, and handed out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from safe_ecs._core.failure import Failure
from safe_ecs._core.operations import STATUS_QUERY
from safe_ecs._lookup.context import Reader
from safe_ecs._lookup.queries.regions import RegionQueries
from safe_ecs._lookup.sending.execute import ask, ask_async
from safe_ecs._lookup.sending.failures import timed_out
from safe_ecs.cache._background import in_background_async, within

if TYPE_CHECKING:
    from collections.abc import Generator

    from safe_ecs._core.decision import GroupStatus
    from safe_ecs._core.review import Read
    from safe_ecs._lookup.context import Means
    from safe_ecs._lookup.queries.statuses import Query


class RegionListing(Reader):
    """The groups of a region, a page of at most 100 for each read, and no read before its page is wanted.

    Args:
        read: Says which region of which endpoint; it names no groups.
        means: What to read with.
        service_managed_only: Whether to list managed groups alone.

    Attributes:
        read: As above.
    """

    def __init__(self, read: Read, means: Means, *, service_managed_only: bool = False) -> None:
        super().__init__(read, means)
        self.read = read
        self._listing = RegionQueries(read, service_managed_only=service_managed_only)

    @property
    def ended(self) -> bool:
        """Whether there is no page left."""
        return self._listing.ended

    def next_page(self) -> list[GroupStatus] | Failure:
        """Read a page and return its groups, or why they cannot be had."""
        asked_at = self._cache.now()
        work = partial(ask, self._connection, _once(self._listing.query), self._limits, self)
        try:
            body = within(self._limits.seconds, work)
        except TimeoutError as error:
            body = timed_out(STATUS_QUERY, self._limits.seconds, error)
        page = self._learned(body, asked_at)
        if isinstance(page, list) and self._cache.is_shared:
            self._cache.publish(self.read, page, self._ttl)
        return page

    async def next_page_async(self) -> list[GroupStatus] | Failure:
        """Do what ``next_page`` does, in an event loop."""
        asked_at = self._cache.now()
        body = await ask_async(self._connection, _once(self._listing.query), self._limits, self)
        page = self._learned(body, asked_at)
        if isinstance(page, list) and self._cache.is_shared:
            await in_background_async(partial(self._cache.publish, self.read, page, self._ttl))
        return page

    def _learned(self, body: object, asked_at: float) -> list[GroupStatus] | Failure:
        page = self._listing.take(body)
        if not isinstance(page, Failure):
            self._cache.clear_failures(self.read, STATUS_QUERY, (), self._who)
            self._cache.remember(self.read, self._principal, page, asked_at=asked_at, source="warm")
        elif page.scope != "group":
            self._cache.remember_failures(self.read, STATUS_QUERY, {"": page}, self._who)
        return page


def _once(query: Query) -> Generator[Query, object, object]:
    return (yield query)
