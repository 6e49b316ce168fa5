"""A whole region is read a page at a time, and no page too many."""

from __future__ import annotations

from typing import Any

import pytest

from safe_ecs._core.decision import GroupStatus
from safe_ecs._core.failure import Failure
from safe_ecs._core.review import Read
from safe_ecs._lookup.queries.answers import malformed
from safe_ecs._lookup.queries.regions import RegionQueries
from safe_ecs._lookup.queries.statuses import Query

DESCRIBE = "DescribeSecurityGroups"


REGION = Read("127.0.0.1", "cn-hangzhou", (), (("ownerid", "7"),))


MANAGED = {"SecurityGroupId": "sg-m", "ServiceManaged": True}


ORDINARY = {"SecurityGroupId": "sg-o", "ServiceManaged": False}


def body(*groups: Any, **more: Any) -> dict[str, Any]:
    return {"SecurityGroups": {"SecurityGroup": list(groups)}, **more}


def ids(taken: Any) -> list[str]:
    return [status.security_group_id for status in taken]


def test_a_listing_asks_for_page_after_page() -> None:
    """A listing of managed groups uses ECS's filter, and filters the answer again."""
    parameters = {"RegionId": "cn-hangzhou", "MaxResults": "100", "OwnerId": "7"}
    listing = RegionQueries(REGION, service_managed_only=False)
    assert listing.query == Query(DESCRIBE, parameters)
    assert ids(listing.take(body(MANAGED, ORDINARY, NextToken="t1"))) == ["sg-m", "sg-o"]
    assert not listing.ended
    assert listing.query == Query(DESCRIBE, {**parameters, "NextToken": "t1"})
    assert ids(listing.take(body(NextToken="t2"))) == []
    assert listing.query == Query(DESCRIBE, {**parameters, "NextToken": "t2"})
    assert ids(listing.take(body(ORDINARY))) == ["sg-o"]
    assert listing.ended
    managed = RegionQueries(REGION, service_managed_only=True)
    assert managed.query == Query(DESCRIBE, {**parameters, "ServiceManaged": "true"})
    assert ids(managed.take(body(ORDINARY, MANAGED))) == ["sg-m"]
    assert managed.read is REGION


@pytest.mark.parametrize("only", [True, False])
def test_what_cannot_be_read_is_left_out_of_no_list_of_managed_groups(only: bool) -> None:  # noqa: FBT001 - parametrized
    listing = RegionQueries(REGION, service_managed_only=only)
    assert listing.ended is False
    taken = listing.take(body({"SecurityGroupId": "sg-x"}, MANAGED))
    if only:
        assert taken == malformed(DESCRIBE, "ServiceManaged is missing instead of true or false")
    else:
        assert ids(taken) == ["sg-m"]


def test_what_is_wrong_with_a_page_is_told() -> None:
    """The failure is ECS's own, or names the fault of the page."""
    listing = RegionQueries(REGION, service_managed_only=False)
    failure = Failure(reason="it rains", next_step="Wait.")
    assert listing.take(failure) is failure
    assert listing.take(body(None, MANAGED)) == malformed(
        DESCRIBE, "one of its groups has no SecurityGroupId"
    )
    assert ids(listing.take(body(MANAGED, NextToken="t"))) == ["sg-m"]
    endless = malformed(DESCRIBE, "it goes on paging without an end")
    assert listing.take(body(ORDINARY, NextToken="t")) == endless
    changed = {**MANAGED, "ServiceManaged": False}
    assert listing.take(body(changed)) == malformed(DESCRIBE, "it contradicts itself")


def test_a_group_is_in_the_region_that_is_asked() -> None:
    """And an answer about another region says nothing of it."""
    listing = RegionQueries(REGION, service_managed_only=False)
    taken = listing.take(body(ORDINARY, RegionId="cn-hangzhou", NextToken="t"))
    assert taken == [GroupStatus("sg-o", True, False, None, "cn-hangzhou")]  # noqa: FBT003 - fields
    assert listing.take(body(ORDINARY, RegionId="cn-x")) == malformed(DESCRIBE, "it is about another region")


def test_ten_empty_pages_in_a_row_may_be_followed_by_a_group() -> None:
    """An eleventh empty page is a failure. A page with a group restarts the count."""
    listing = RegionQueries(REGION, service_managed_only=False)
    for row in range(2):
        for number in range(10):
            assert listing.take(body(NextToken=f"{row}-{number}")) == []
        assert ids(listing.take(body(ORDINARY, NextToken=f"{row}"))) == ["sg-o"]
    for number in range(10):
        assert listing.take(body(NextToken=f"2-{number}")) == []
    assert listing.take(body(NextToken="2-10")) == malformed(DESCRIBE, "it goes on paging without an end")
