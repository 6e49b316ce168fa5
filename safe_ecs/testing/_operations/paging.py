"""Both ways to page: MaxResults with NextToken, and PageNumber with PageSize."""

from __future__ import annotations

import re
from bisect import bisect_right
from operator import attrgetter
from typing import TYPE_CHECKING, Final, Protocol, TypeVar
from zlib import crc32

from safe_ecs.testing._errors import invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safe_ecs.testing._operations.calls import Answer
    from safe_ecs.testing._parameters import Parameters


class _Listed(Protocol):
    @property
    def serial(self) -> int: ...


_T = TypeVar("_T", bound=_Listed)
_TOKEN: Final = re.compile(r"([0-9a-f]{8,})([0-9a-f]{8})")
_MOST_PAGES: Final = 10**9


def page(
    parameters: Parameters, items: Sequence[_T], *, most: int = 100, most_by_number: int = 100
) -> tuple[Sequence[_T], Answer]:
    """Return one page of a listing, and the paging fields of the answer.

    Args:
        parameters: The parameters of the call.
        items: All matches, in the order of their serial numbers.
        most: The highest MaxResults.
        most_by_number: The highest PageSize.

    Raises:
        EcsError: A number is out of range, or NextToken does not belong to this query.
    """
    token = parameters.get("NextToken")
    by_number = parameters.get("PageNumber") or parameters.get("PageSize")
    if by_number and not token and not parameters.get("MaxResults"):
        number = parameters.number("PageNumber", default=1, most=_MOST_PAGES)
        size = parameters.number("PageSize", default=10, most=most_by_number)
        paging: Answer = {"TotalCount": len(items), "PageNumber": number, "PageSize": size}
        return items[(number - 1) * size : number * size], paging
    size = parameters.number("MaxResults", default=10, most=most)
    query = f"{crc32(repr(parameters.content).encode()):08x}"
    start = bisect_right(items, _last_seen(token, query), key=attrgetter("serial")) if token else 0
    shown = items[start : start + size]
    has_more = start + size < len(items)
    next_token = f"{shown[-1].serial:08x}{query}" if has_more else ""
    return shown, {"TotalCount": len(items), "NextToken": next_token}


def _last_seen(token: str, query: str) -> int:
    match = _TOKEN.fullmatch(token)
    if match is None or match[2] != query:
        raise invalid("InValidParameter.NextToken", "The parameter NextToken is invalid.")
    return int(match[1], 16)
