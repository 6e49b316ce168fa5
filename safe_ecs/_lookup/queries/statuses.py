"""The DescribeSecurityGroups calls of one look-up: what to ask, how to page, and what to do when one id is refused.

Pure: generators that yield one query after the other and are sent the body of each answer, or a ``Failure``.

Source: ECS API reference, *DescribeSecurityGroups*. ``SecurityGroupIds`` is a JSON array of at most 100 ids in a
string; ``MaxResults`` is 10 unless given, and at most 100; ids that do not exist are silently absent; one id that is
none makes ECS refuse them all.
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
        action: Its action.
        parameters: Its parameters.
        groups: How many groups it asks for; 0 if it names none.
    """

    action: str
    parameters: dict[str, str]
    groups: int = 0


Describe: TypeAlias = "Generator[Query, object, Found]"


def describe(read: Read) -> Describe:
    """Yield the queries that a read needs and return a status, or its lack, for every group of it."""
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
    """Find out which of the ids, one at least, made ECS refuse all of them."""
    if len(wanted) == 1:
        return {wanted[0]: refusal}
    first, second = wanted[: len(wanted) // 2], wanted[len(wanted) // 2 :]
    found = yield from _ask(read, first)
    of_first = _refusal_of_all(found)
    if of_first is None and (outage := _outage(found)):
        return found | dict.fromkeys(second, outage)
    if of_first is None:
        # What is wrong must be in the second half: to ask for it as a whole would be a read in vain.
        return found | (yield from _halve(read, second, refusal))
    rest = yield from _ask(read, second)
    of_second = _refusal_of_all(rest)
    if of_second is None:
        return rest | (yield from _halve(read, first, of_first))
    if not of_first.code or not of_first.code.startswith(ABOUT_ONE_ID):
        # Refused whatever is asked for, as far as can be seen: a permission that is not there, for one.
        return found | rest
    return (yield from _halve(read, first, of_first)) | (yield from _halve(read, second, of_second))


def _refusal_of_all(found: Found) -> Failure | None:
    """Return why ECS refused a query, if the ids may be the reason."""
    failure = next(iter(found.values()))
    if isinstance(failure, Failure) and failure.code and failure.scope == "group" and not failure.is_outage:
        return failure
    return None


def _outage(found: Found) -> Failure | None:
    """Return why ECS could not be asked, if it could not."""
    return next((f for f in found.values() if isinstance(f, Failure) and f.is_outage), None)


def _ask(read: Read, wanted: tuple[str, ...]) -> Describe:
    query = status_query(read, {"SecurityGroupIds": json.dumps(wanted)})
    pages = Pages(read.region_id)
    # An honest ECS needs one page for each 100 groups; one that never stops paging must not stop us.
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
    if not pages.failure and not pages.groups.keys() <= set(map(normal_id, wanted)):
        # ECS reads one of the ids otherwise than the guard does.
        pages.failure = malformed(STATUS_QUERY, "it holds a group that was not asked for")
    return {i: pages.status_of(i) for i in wanted}


def status_query(read: Read, parameters: dict[str, str]) -> dict[str, str]:
    """Return the parameters of a query in the region and on behalf of the owner of a read."""
    return {
        "RegionId": read.region_id,
        **parameters,
        "MaxResults": str(PAGE_SIZE),
        **{OWNER_PARAMETERS[name]: value for name, value in read.owner},
    }
