"""The queries for statuses go page by page, and an unclear answer leaves a status unknown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safe_ecs._core.decision import GroupStatus
from safe_ecs._core.failure import Failure
from safe_ecs._lookup.queries.statuses import Found, Query, describe
from tests.support.pages import FINE, ONE, OUTAGE, READ, STATUS, cannot_be_used, page

if TYPE_CHECKING:
    from safe_ecs._core.review import Read


def answer(read: Read, *bodies: object) -> tuple[list[dict[str, str]], Found]:
    """Play ECS: give one body after the other, and return the queries and the result."""
    steps = describe(read)
    queries = [next(steps).parameters]
    waiting = list(bodies)
    try:
        while True:
            queries.append(steps.send(waiting.pop(0)).parameters)
    except StopIteration as done:
        return queries, done.value


def test_a_managed_and_an_ordinary_group_are_told_apart_by_the_flag_alone() -> None:
    """An ordinary group may have a ServiceID."""
    managed = {"SecurityGroupId": "sg-1", "ServiceManaged": True, "ServiceID": 12}
    _, statuses = answer(READ, page(managed, {**FINE, "ServiceID": 13}))
    assert statuses["sg-1"] == GroupStatus("sg-1", True, True, 12, "cn-hangzhou")  # noqa: FBT003 - fields
    assert statuses["sg-2"] == GroupStatus("sg-2", True, False, 13, "cn-hangzhou")  # noqa: FBT003 - fields


def test_a_group_that_a_good_answer_lacks_is_missing() -> None:
    """ECS leaves out groups that do not exist."""
    _, statuses = answer(READ, page(FINE, TotalCount=1))
    assert statuses["sg-1"] == GroupStatus("sg-1", False, False, None, "cn-hangzhou")  # noqa: FBT003 - fields


def test_an_id_that_is_none_is_not_missing() -> None:
    """ECS may read such an id otherwise in a write."""
    _, statuses = answer(READ._replace(security_group_ids=("sg-1", "sg-(1)")), page())
    assert isinstance(statuses["sg-1"], GroupStatus)
    assert statuses["sg-(1)"] == Failure(
        reason="it holds characters that are in no id of a security group",
        next_step="Check the security group id.",
    )


def test_a_group_that_was_not_asked_for_makes_nothing_missing() -> None:
    """ECS reads one of the ids otherwise than the guard. Its other answers hold."""
    _, statuses = answer(READ, page(FINE, {"SecurityGroupId": "sg-9", "ServiceManaged": True}))
    assert statuses.keys() == {"sg-1", "sg-2"}
    assert isinstance(statuses["sg-2"], GroupStatus)
    failure = statuses["sg-1"]
    assert isinstance(failure, Failure)
    assert failure.reason == (
        "the answer to DescribeSecurityGroups cannot be used: it holds a group that was not asked for"
    )


@pytest.mark.parametrize("flag", [None, "false", "true", 0, 1, [], {}])
def test_a_flag_that_is_not_true_or_false_is_no_answer(flag: object) -> None:
    """The string "false" is truthy, and None does not mean "unmanaged"."""
    _, statuses = answer(READ, page({"SecurityGroupId": "sg-1", "ServiceManaged": flag}, FINE))
    assert isinstance(statuses["sg-1"], Failure)
    assert isinstance(statuses["sg-2"], GroupStatus)


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        [],
        {},
        {"SecurityGroups": None},
        {"SecurityGroups": []},
        {"SecurityGroups": {"SecurityGroup": None}},
        page(None),
        page({"ServiceManaged": False}),
        page({"SecurityGroupId": 1, "ServiceManaged": False}),
        page(TotalCount=2),
        page(NextToken=7),
        page(TotalCount="0"),
        page(TotalCount=False),
        page(RegionId="cn-beijing"),
        Failure(reason="it rains", next_step="Wait."),
    ],
)
def test_a_malformed_answer_tells_nothing_of_a_group_it_lacks(body: object) -> None:
    """Absence from a bad answer is no proof of absence."""
    _, statuses = answer(READ, body)
    assert all(isinstance(status, Failure) for status in statuses.values())


def test_an_answer_that_contradicts_itself_is_no_answer() -> None:
    """The answer holds one group twice, managed and not."""
    twice = (
        {"SecurityGroupId": "sg-1", "ServiceManaged": True},
        {"SecurityGroupId": "SG-1", "ServiceManaged": False},
    )
    _, statuses = answer(READ, page(*twice, FINE))
    assert isinstance(statuses["sg-1"], Failure)


@pytest.mark.parametrize(
    ("given_id", "known"),
    [(7, 7), ("8", 8), (True, None), ("x", None), (None, None), ("9" * 40, None), (1.5, None)],
)
def test_an_owner_that_makes_no_sense_is_unknown(given_id: object, known: int | None) -> None:
    """An unknown owner is in nobody's allow-list."""
    group = {"SecurityGroupId": "sg-1", "ServiceManaged": True, "ServiceID": given_id}
    _, statuses = answer(READ, page(group, FINE))
    status = statuses["sg-1"]
    assert isinstance(status, GroupStatus)
    assert (status.service_managed, status.service_id) == (True, known)


def test_pages_are_followed_to_the_end() -> None:
    """The query sets MaxResults, as ECS's default is 10. The guard returns tokens unchanged."""
    first = page({"SecurityGroupId": "sg-1", "ServiceManaged": True}, NextToken="t1", TotalCount=2)
    queries, statuses = answer(READ, first, page(FINE, TotalCount=2))
    assert queries == [
        {"RegionId": "cn-hangzhou", "SecurityGroupIds": '["sg-1", "sg-2"]', "MaxResults": "100"},
        {
            "RegionId": "cn-hangzhou",
            "SecurityGroupIds": '["sg-1", "sg-2"]',
            "MaxResults": "100",
            "NextToken": "t1",
        },
    ]
    assert all(isinstance(status, GroupStatus) and status.exists for status in statuses.values())


def test_paging_without_an_end_is_no_answer() -> None:
    """A server with one more page every time must not hold a caller for ever."""
    queries, statuses = answer(READ, *[page(NextToken="more")] * 3)
    assert len(queries) == 3
    assert all(isinstance(status, Failure) for status in statuses.values())


def test_ids_are_asked_for_a_hundred_at_a_time() -> None:
    """SecurityGroupIds takes a hundred ids at most."""
    ids = tuple(f"sg-{number}" for number in range(250))
    queries, _ = answer(READ._replace(security_group_ids=ids), page(), page(), page())
    assert [len(json.loads(query["SecurityGroupIds"])) for query in queries] == [100, 100, 50]


def test_one_failed_chunk_spoils_no_other() -> None:
    """The answers of the other chunks hold."""
    ids = tuple(f"sg-{number}" for number in range(150))
    failure = Failure(reason="it rains", next_step="Wait.")
    _, statuses = answer(READ._replace(security_group_ids=ids), failure, page())
    assert [isinstance(statuses[i], Failure) for i in ids] == [True] * 100 + [False] * 50


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["sg-1", "false"]),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from([
                "SecurityGroups",
                "SecurityGroup",
                "SecurityGroupId",
                "ServiceManaged",
                "NextToken",
                "TotalCount",
            ]),
            children,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(body=JSON)
def test_no_garbage_makes_a_group_unmanaged(body: object) -> None:
    """A group is unmanaged only if a group object with its id has a false flag."""
    _, statuses = answer(READ, *[body] * 3)
    status = statuses["sg-1"]
    if isinstance(status, GroupStatus) and status.exists and not status.service_managed:
        text = json.dumps(body)
        assert '"SecurityGroupId": "sg-1"' in text
        assert '"ServiceManaged": false' in text


def test_paging_ends_with_the_first_thing_that_is_wrong() -> None:
    """More pages than groups are a fault too."""
    queries, found = answer(READ, page(NextToken="t1"), page(None, NextToken="t2"))
    assert [query.get("NextToken") for query in queries] == [None, "t1"]
    assert found["sg-1"] == cannot_be_used("one of its groups has no SecurityGroupId")
    queries, found = answer(READ, page(ONE, NextToken="t1"), OUTAGE)
    assert found == {"sg-1": STATUS, "sg-2": OUTAGE}
    queries, found = answer(READ, *[page(NextToken="more")] * 3)
    assert found == dict.fromkeys(("sg-1", "sg-2"), cannot_be_used("it goes on paging without an end"))


def test_a_query_speaks_for_the_owner_of_the_read() -> None:
    """The query has the owner's parameters in ECS's spelling, and the read's region."""
    owner = (("owneraccount", "a"), ("ownerid", "b"), ("resourceowneraccount", "c"), ("resourceownerid", "d"))
    read = READ._replace(owner=owner, security_group_ids=("sg-1",))
    queries, _ = answer(read, page())
    assert queries == [
        {
            "RegionId": "cn-hangzhou",
            "SecurityGroupIds": '["sg-1"]',
            "MaxResults": "100",
            "OwnerAccount": "a",
            "OwnerId": "b",
            "ResourceOwnerAccount": "c",
            "ResourceOwnerId": "d",
        }
    ]
    assert Query("DescribeSecurityGroups", {}).groups == 0
