"""The DescribeSecurityGroups queries of one look-up: batches of ids, pages, and the search for a refused id.

Pure: generators that yield one query after the other and are sent the body of each answer, or a ``Failure``.

Source: ECS API reference, *DescribeSecurityGroups*. ``SecurityGroupIds`` is a string that holds a JSON array
of at most 100 ids. ``MaxResults`` is 10 unless given, and at most 100. Ids that do not exist are silently
absent. One malformed id makes ECS refuse all ids of the query.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from safe_ecs._core.failure import Failure
from safe_ecs._core.operations import STATUS_QUERY
from safe_ecs._core.parameters import OWNER_PARAMETERS
from safe_ecs._core.spelling import normal_id
from safe_ecs._lookup.queries.answers import ABOUT_ONE_ID, Pages, malformed

if TYPE_CHECKING:
    from collections.abc import Generator

    from safe_ecs._core.decision import GroupStatus
    from safe_ecs._core.review import Read

PAGE_SIZE: Final = 100

Found: TypeAlias = "dict[str, GroupStatus | Failure]"


class Query(NamedTuple):
    """One Describe call.

    Attributes:
        action: The action.
        parameters: The parameters.
        groups: The number of groups that the query names; 0 for none.
    """

    action: str
    parameters: dict[str, str]
    groups: int = 0


Describe: TypeAlias = "Generator[Query, object, Found]"


def describe(read: Read) -> Describe:
    """Yield the queries that a read needs, and return a status or a failure for each of its groups."""
    found: Found = {}
    wanted = read.security_group_ids
    for start in range(0, len(wanted), PAGE_SIZE):
        found |= yield from _describe_some(read, wanted[start : start + PAGE_SIZE])
    return found


def _describe_some(read: Read, wanted: tuple[str, ...]) -> Describe:
    found = yield from _ask(read, wanted)
    refusal = _refusal_of_all(found)
    if refusal is None or len(wanted) == 1:
        return found
    return (yield from _halve(read, wanted, refusal))


def _halve(read: Read, wanted: tuple[str, ...], refusal: Failure) -> Describe:
    """Ask in halves for ids that ECS refused together, so that only the ids at fault fail.

    At least one of the ids is at fault.
    """
    if len(wanted) == 1:
        return {wanted[0]: refusal}
    first, second = wanted[: len(wanted) // 2], wanted[len(wanted) // 2 :]
    found = yield from _ask(read, first)
    of_first = _refusal_of_all(found)
    if of_first is None and (outage := _outage(found)):
        # ECS cannot be asked: the second half would only wait for the same failure.
        return found | dict.fromkeys(second, outage)
    if of_first is None:
        # ECS did not refuse the first half. So an id at fault is in the second: do not ask for that as a
        # whole.
        return found | (yield from _halve(read, second, refusal))
    rest = yield from _ask(read, second)
    of_second = _refusal_of_all(rest)
    if of_second is None:
        # By the same reasoning, an id at fault is in the first half.
        return rest | (yield from _halve(read, first, of_first))
    if not of_first.code or not of_first.code.startswith(ABOUT_ONE_ID):
        # ECS refuses both halves, and not for an id: the cause, such as a missing permission, covers all ids.
        return found | rest
    return (yield from _halve(read, first, of_first)) | (yield from _halve(read, second, of_second))


def _refusal_of_all(found: Found) -> Failure | None:
    """Return the refusal of a whole query, if one of its ids may be the cause; else None."""
    # A refusal is the answer for each id of the query, so the first id tells.
    failure = next(iter(found.values()))
    if isinstance(failure, Failure) and failure.code and failure.scope == "group" and not failure.is_outage:
        return failure
    return None


def _outage(found: Found) -> Failure | None:
    """Return the failure of an outage; None if ECS could be asked."""
    return next((f for f in found.values() if isinstance(f, Failure) and f.is_outage), None)


def _ask(read: Read, wanted: tuple[str, ...]) -> Describe:
    query = status_query(read, {"SecurityGroupIds": json.dumps(wanted)})
    pages = Pages(read.region_id)
    # ECS needs one page for at most 100 ids. The bound is for a server that pages without an end.
    for _ in range(len(wanted) + 1):
        body = yield Query(STATUS_QUERY, query, len(wanted))
        if isinstance(body, Failure):
            pages.failure = body
            break
        token = pages.take(body)
        if not token or pages.failure:
            break
        query = {**query, "NextToken": token}
    else:
        pages.failure = malformed(STATUS_QUERY, "it goes on paging without an end")
    if not pages.failure and pages.groups.keys() - set(map(normal_id, wanted)):
        # ECS reads one of the ids otherwise than the guard does, so that no id can be trusted to be absent.
        pages.failure = malformed(STATUS_QUERY, "it holds a group that was not asked for")
    return {i: pages.status_of(i) for i in wanted}


def status_query(read: Read, parameters: dict[str, str]) -> dict[str, str]:
    """Return the given parameters with the region and the owner of a read, and the page size."""
    return {
        "RegionId": read.region_id,
        **parameters,
        "MaxResults": str(PAGE_SIZE),
        **{OWNER_PARAMETERS[name]: value for name, value in read.owner},
    }
