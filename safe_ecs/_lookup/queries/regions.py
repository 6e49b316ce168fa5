"""The DescribeSecurityGroups queries that list a whole region, one page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from safe_ecs._core.decision import GroupStatus
from safe_ecs._core.failure import Failure
from safe_ecs._core.operations import STATUS_QUERY
from safe_ecs._lookup.queries.answers import Pages, malformed
from safe_ecs._lookup.queries.statuses import Query, status_query

if TYPE_CHECKING:
    from safe_ecs._core.review import Read

_MOST_EMPTY_PAGES: Final = 10


class RegionQueries:
    """The queries for the groups of a region, and the groups of each page. Pure: the caller sends them.

    Args:
        read: The endpoint and the region; names no groups.
        service_managed_only: Whether to list managed groups alone.

    Attributes:
        ended: Whether the last page has been taken.
    """

    def __init__(self, read: Read, *, service_managed_only: bool) -> None:
        self.read = read
        self.ended = False
        self._parameters = status_query(read, {"ServiceManaged": "true"} if service_managed_only else {})
        self._managed_only = service_managed_only
        self._tokens: set[str] = set()
        self._flags: dict[str, bool] = {}
        self._empty_pages = 0

    @property
    def query(self) -> Query:
        """The query for the next page."""
        return Query(STATUS_QUERY, self._parameters)

    def take(self, body: object) -> list[GroupStatus] | Failure:
        """Return the groups of a page, or the failure that makes the page useless."""
        if isinstance(body, Failure):
            return body
        pages = Pages(self.read.region_id)
        token = pages.take(body)
        self._empty_pages = 0 if pages.last_page else self._empty_pages + 1
        # A repeated token and a row of empty pages both mean paging without an end.
        if token in self._tokens or self._empty_pages > _MOST_EMPTY_PAGES:
            pages.failure = malformed(STATUS_QUERY, "it goes on paging without an end")
        if pages.failure:
            return pages.failure
        self._tokens.add(token)
        self._parameters = {**self._parameters, "NextToken": token}
        self.ended = not token
        statuses = []
        for status in pages.groups.values():
            if isinstance(status, GroupStatus):
                # Each page is a Pages of its own, so that a contradiction between two pages shows only here.
                flag = self._flags.setdefault(status.security_group_id, status.service_managed)
                if flag != status.service_managed:
                    return malformed(STATUS_QUERY, "it contradicts itself")
                if status.service_managed or not self._managed_only:
                    statuses.append(status)
            elif self._managed_only:
                return status  # Leaving the group out would call it unmanaged.
        return statuses
