"""Reads a whole region page by page, and remembers every page."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from safe_ecs._clock import Clock
from safe_ecs._core.drivers import drive, drive_async
from safe_ecs._core.failure import Failure
from safe_ecs._core.operations import STATUS_QUERY
from safe_ecs._lookup.queries.regions import RegionQueries
from safe_ecs._lookup.sending.breaker import Breaker
from safe_ecs._lookup.sending.classify import timed_out
from safe_ecs._lookup.sending.execute import Blocking, Sender
from safe_ecs.cache._background import within

if TYPE_CHECKING:
    from collections.abc import Generator

    from safe_ecs._core.decision import GroupStatus
    from safe_ecs._core.review import Read
    from safe_ecs._lookup.context import LookupContext
    from safe_ecs._lookup.sending.execute import Step


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
        seconds, sender = self._context.resources.policy.lookup_timeout, Sender(self._context)

        def execute(step: Step) -> Any:  # noqa: ANN401 - each step has a result of its own
            try:
                return within(seconds, partial(sender.execute, step))
            except TimeoutError as error:
                return timed_out(STATUS_QUERY, seconds, error)

        return drive(self._steps(), execute)

    async def next_page_async(self) -> list[GroupStatus] | Failure:
        """Read a page in an event loop."""
        return await drive_async(self._steps(), Sender(self._context).execute_async)

    def _steps(self) -> Generator[Step, Any, list[GroupStatus] | Failure]:
        cache, policy = self._context.resources.cache, self._context.resources.policy
        asked_at = Clock.now()
        body = yield self._queries.query
        page = self._queries.take(body)
        breaker = Breaker(self._context, STATUS_QUERY)
        if not isinstance(page, Failure):
            breaker.note_answer()
            cache.remember(self.read, self._context.principal, page, asked_at=asked_at, source="warm")
            if cache.is_shared:
                yield Blocking(partial(cache.publish, self.read, page, policy.ttl))
        elif page.scope != "group":
            breaker.note({"": page}, ())
        return page
