"""Reads a whole region page by page, and remembers every page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from safe_ecs._core.failure import Failure
from safe_ecs._core.operations import STATUS_QUERY
from safe_ecs._lookup.queries.regions import RegionQueries
from safe_ecs._lookup.sending.breaker import Breaker
from safe_ecs._lookup.sending.execute import Sender
from safe_ecs._system.clock import Clock
from safe_ecs._system.threads import in_thread

if TYPE_CHECKING:
    from safe_ecs._core.decision import GroupStatus
    from safe_ecs._core.review import Read
    from safe_ecs._lookup.context import LookupContext


class RegionListing:
    """The groups of a region: each read gives a page of at most 100, and no page is read before it is wanted.

    Args:
        context: The context of the look-up.
        read: The endpoint and the region; it names no groups.
        service_managed_only: Whether to list managed groups alone.

    Attributes:
        read: As above.
    """

    def __init__(self, context: LookupContext, read: Read, *, service_managed_only: bool = False) -> None:
        self.read = read
        self._context = context
        self._queries = RegionQueries(read, service_managed_only=service_managed_only)

    @property
    def ended(self) -> bool:
        """Whether there is no page left."""
        return self._queries.ended

    def next_page(self) -> list[GroupStatus] | Failure:
        """Read a page and return its groups, or the reason for having none."""
        cache, policy, *_ = self._context.resources
        asked_at = Clock.now()
        body = Sender(self._context, math.inf).execute(self._queries.query)
        page = self._queries.take(body)
        breaker = Breaker(self._context, STATUS_QUERY)
        if not isinstance(page, Failure):
            breaker.note_answer()
            holding = cache.remember(
                self.read, self._context.principal, page, asked_at=asked_at, source="warm"
            )
            if cache.is_shared:
                cache.publish(self.read, holding, policy.ttl, asked_at)
        elif page.scope != "group":
            breaker.note({"": page}, ())
        return page

    async def next_page_async(self) -> list[GroupStatus] | Failure:
        """Read a page without blocking the event loop."""
        return await in_thread(self.next_page)
