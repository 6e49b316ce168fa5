"""Answers are read strictly: what is not clearly said is not known."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safe_ecs.core.decision import GroupStatus
from safe_ecs.core.failure import Failure
from safe_ecs.core.review import Read
from safe_ecs.lookup.answers import Pages, service_id
from safe_ecs.lookup.describe import Found, Query, describe

READ = Read("127.0.0.1", "cn-hangzhou", ("sg-1", "sg-2"))
FINE = {"SecurityGroupId": "sg-2", "ServiceManaged": False}


def page(*groups: Any, **more: Any) -> dict[str, Any]:
    return {"SecurityGroups": {"SecurityGroup": list(groups)}, **more}


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
    """ServiceID may be set on an ordinary group."""
    managed = {"SecurityGroupId": "sg-1", "ServiceManaged": True, "ServiceID": 12}
    _, statuses = answer(READ, page(managed, {**FINE, "ServiceID": 13}))
    assert statuses["sg-1"] == GroupStatus("sg-1", True, True, 12, "cn-hangzhou")  # noqa: FBT003 - fields
    assert statuses["sg-2"] == GroupStatus("sg-2", True, False, 13, "cn-hangzhou")  # noqa: FBT003 - fields


def test_a_group_that_a_good_answer_lacks_is_missing() -> None:
    """ECS leaves out what does not exist."""
    _, statuses = answer(READ, page(FINE, TotalCount=1))
    assert statuses["sg-1"] == GroupStatus("sg-1", False, False, None, "cn-hangzhou")  # noqa: FBT003 - fields


def test_an_id_that_is_none_is_not_missing() -> None:
    """ECS may read it otherwise where it changes something."""
    _, statuses = answer(READ._replace(security_group_ids=("sg-1", "sg-(1)")), page())
    assert isinstance(statuses["sg-1"], GroupStatus)
    assert statuses["sg-(1)"] == Failure(
        reason="it holds characters that are in no id of a security group",
        next_step="Check the security group id.",
    )


def test_a_group_that_was_not_asked_for_makes_nothing_missing() -> None:
    """ECS reads one of the ids otherwise than the guard does. What it says of the others holds."""
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
    """The string "false" is truthy, and None is not "unmanaged"."""
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
    """The same group twice, once managed and once not."""
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
    """MaxResults is 10 unless it is given, and tokens are sent as they came."""
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
    """A server that always has one more page must not hold a caller for ever."""
    queries, statuses = answer(READ, *[page(NextToken="more")] * 3)
    assert len(queries) == 3
    assert all(isinstance(status, Failure) for status in statuses.values())


def test_ids_are_asked_for_a_hundred_at_a_time() -> None:
    """That is the limit of SecurityGroupIds."""
    ids = tuple(f"sg-{number}" for number in range(250))
    queries, _ = answer(READ._replace(security_group_ids=ids), page(), page(), page())
    assert [len(json.loads(query["SecurityGroupIds"])) for query in queries] == [100, 100, 50]


def test_one_failed_chunk_spoils_no_other() -> None:
    """What was answered stays answered."""
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
    """Only a group object with this id and a flag that is false says "unmanaged"."""
    _, statuses = answer(READ, *[body] * 3)
    status = statuses["sg-1"]
    if isinstance(status, GroupStatus) and status.exists and not status.service_managed:
        text = json.dumps(body)
        assert '"SecurityGroupId": "sg-1"' in text
        assert '"ServiceManaged": false' in text


def cannot_be_used(detail: str) -> Failure:
    return Failure(
        reason=f"the answer to DescribeSecurityGroups cannot be used: {detail}",
        next_step="The endpoint, or a proxy in front of it, does not answer as ECS does: check both, and try again.",
    )


ONE = {"SecurityGroupId": "sg-1", "ServiceManaged": True, "ServiceID": "12"}
STATUS = GroupStatus("sg-1", True, True, 12, "cn-hangzhou")  # noqa: FBT003 - fields


@pytest.mark.parametrize(
    ("body", "token", "detail", "known", "last_page"),
    [
        (page(ONE), "", "", {"sg-1": STATUS}, ("sg-1",)),
        (page(ONE, NextToken="t"), "t", "", {"sg-1": STATUS}, ("sg-1",)),
        (page(ONE, NextToken="", TotalCount=1), "", "", {"sg-1": STATUS}, ("sg-1",)),
        (page(ONE, RegionId="CN-Hangzhou"), "", "", {"sg-1": STATUS}, ("sg-1",)),
        (page(ONE, RegionId=""), "", "", {"sg-1": STATUS}, ("sg-1",)),
        (page(ONE, RegionId="cn-beijing", NextToken="t"), "", "it is about another region", {}, ()),
        ([], "", "it holds no list SecurityGroups.SecurityGroup", {}, ()),
        ({"SecurityGroups": {}}, "", "it holds no list SecurityGroups.SecurityGroup", {}, ()),
        ({"SecurityGroups": [1]}, "", "it holds no list SecurityGroups.SecurityGroup", {}, ()),
        (
            page(ONE, NextToken=7),
            "",
            "its NextToken or TotalCount is of another type",
            {"sg-1": STATUS},
            ("sg-1",),
        ),
        (
            page(ONE, TotalCount=True, NextToken="t"),
            "",
            "its NextToken or TotalCount is of another type",
            {"sg-1": STATUS},
            ("sg-1",),
        ),
        (page("sg-2", ONE), "", "one of its groups has no SecurityGroupId", {"sg-1": STATUS}, ("sg-1",)),
        (
            page({"SecurityGroupId": None}, ONE),
            "",
            "one of its groups has no SecurityGroupId",
            {"sg-1": STATUS},
            ("sg-1",),
        ),
        (page({**ONE, "SecurityGroupId": " SG-1 "}, ONE), "", "", {"sg-1": STATUS}, ("sg-1", "sg-1")),
        (
            page(ONE, {**ONE, "ServiceManaged": False}),
            "",
            "",
            {"sg-1": cannot_be_used("it contradicts itself")},
            ("sg-1", "sg-1"),
        ),
        (
            page({"SecurityGroupId": "sg-1"}),
            "",
            "",
            {"sg-1": cannot_be_used("ServiceManaged is missing instead of true or false")},
            ("sg-1",),
        ),
        (
            page({**ONE, "ServiceManaged": "true"}),
            "",
            "",
            {"sg-1": cannot_be_used("ServiceManaged is of the type str instead of true or false")},
            ("sg-1",),
        ),
    ],
    ids=str,
)
def test_a_page_says_what_it_says_and_no_more(
    body: object, token: str, detail: str, known: Any, last_page: Any
) -> None:
    """What is wrong with it is named in words that hold none of its values."""
    assert Pages("cn-hangzhou").last_page == ()
    pages = Pages("cn-hangzhou", last_page=("sg-0",))
    assert pages.take(body) == token
    assert pages.failure == (cannot_be_used(detail) if detail else None)
    assert pages.groups == known
    assert pages.last_page == last_page


def test_all_pages_must_hold_what_any_of_them_announces() -> None:
    """Groups that stand there twice count twice, as ECS counts what it sends."""
    pages = Pages("cn-hangzhou")
    pages.take(page(ONE, TotalCount=3, NextToken="t"))
    pages.take(page(FINE))
    assert pages.status_of("sg-1") == STATUS
    assert pages.status_of("sg-3") == cannot_be_used("it announces 3 groups and holds 2")
    pages = Pages("cn-hangzhou")
    pages.take(page(ONE, TotalCount=2, NextToken="t"))
    pages.take(page(FINE, TotalCount=1))
    assert pages.status_of("sg-3") == GroupStatus("sg-3", False, False, None, "cn-hangzhou")  # noqa: FBT003 - fields


def test_the_first_thing_that_is_wrong_is_told() -> None:
    """A count that does not fit follows from it."""
    pages = Pages("cn-hangzhou")
    pages.take(page(None, TotalCount=9))
    assert pages.status_of("sg-3") == cannot_be_used("one of its groups has no SecurityGroupId")


@pytest.mark.parametrize(
    ("value", "owner"),
    [
        (0, 0),
        (12, 12),
        ("12", 12),
        ("9" * 19, int("9" * 19)),
        ("9" * 20, None),
        ("", None),
        ("-1", None),
        ("\N{ARABIC-INDIC DIGIT SEVEN}", None),
        ("\N{SUPERSCRIPT TWO}", None),
        (False, None),
        (1.0, None),
    ],
    ids=repr,
)
def test_an_owner_is_a_whole_number(value: object, owner: int | None) -> None:
    assert service_id(value) == owner
    assert type(service_id(value)) is type(owner)


MALFORMED = Failure(reason="malformed", next_step="Look.", code="InvalidSecurityGroupId.Malformed")
FORBIDDEN = Failure(reason="forbidden", next_step="Ask.", code="Forbidden.RAM")
OUTAGE = Failure(reason="it rains", next_step="Wait.", code="Rain", extent="endpoint", passing=True)


def ask_for(ids: str, bad: str, refusal: Failure = MALFORMED, outage_at: str = "-") -> tuple[str, Found]:
    """Play an ECS that refuses what holds a bad id, and return which ids were asked for together, and the result."""
    steps, asked = describe(READ._replace(security_group_ids=tuple(ids))), []
    try:
        query = next(steps)
        while True:
            assert query.action == "DescribeSecurityGroups"
            together = "".join(json.loads(query.parameters["SecurityGroupIds"]))
            assert query.groups == len(together)
            asked.append(together)
            answer: object = page(*({"SecurityGroupId": i, "ServiceManaged": False} for i in together))
            if set(together) & set(bad):
                answer = refusal
            if together == outage_at:
                answer = OUTAGE
            query = steps.send(answer)
    except StopIteration as done:
        return " ".join(asked), done.value


@pytest.mark.parametrize(
    ("ids", "bad", "asked"),
    [
        ("abcd", "", "abcd"),
        ("a", "a", "a"),
        ("ab", "a", "ab a b"),
        ("ab", "b", "ab a"),
        ("abc", "c", "abc a b"),
        ("abcd", "a", "abcd ab cd a b"),
        ("abcd", "b", "abcd ab cd a"),
        ("abcd", "c", "abcd ab c d"),
        ("abcd", "d", "abcd ab c"),
        ("abcd", "ad", "abcd ab cd a b c"),
        ("abcd", "abcd", "abcd ab cd a b c d"),
    ],
)
def test_ids_that_are_none_are_found_by_halving(ids: str, bad: str, asked: str) -> None:
    """No half is asked for whose answer is known, and the other ids get theirs."""
    questions, found = ask_for(ids, bad)
    assert questions == asked
    assert {each for each in ids if found[each] == MALFORMED} == set(bad)
    assert all(isinstance(found[each], GroupStatus) for each in set(ids) - set(bad))


def test_a_refusal_of_both_halves_that_is_about_no_id_ends_the_search() -> None:
    """A permission that is not there, for one; a refusal without a code says nothing of ids at all."""
    assert ask_for("abcd", "abcd", FORBIDDEN) == ("abcd ab cd", dict.fromkeys("abcd", FORBIDDEN))
    assert ask_for("abcd", "c", FORBIDDEN)[0] == "abcd ab c d"


@pytest.mark.parametrize(
    "failure",
    [
        replace(MALFORMED, code=None),
        replace(MALFORMED, code=""),
        replace(MALFORMED, extent="asker"),
        replace(MALFORMED, passing=True),
    ],
)
def test_a_failure_that_is_not_about_ids_starts_no_search(failure: Failure) -> None:
    assert ask_for("abcd", "c", failure) == ("abcd", dict.fromkeys("abcd", failure))


def test_an_outage_ends_the_search_for_what_is_not_known_yet() -> None:
    """Asking on would be waiting in vain."""
    assert ask_for("abcd", "c", outage_at="ab") == ("abcd ab", dict.fromkeys("abcd", OUTAGE))
    asked, found = ask_for("abcd", "a", outage_at="cd")
    assert asked == "abcd ab cd a b"
    assert [found[each] for each in "acd"] == [MALFORMED, OUTAGE, OUTAGE]


def test_paging_ends_with_the_first_thing_that_is_wrong() -> None:
    """And one page more than there are groups is one too many."""
    queries, found = answer(READ, page(NextToken="t1"), page(None, NextToken="t2"))
    assert [query.get("NextToken") for query in queries] == [None, "t1"]
    assert found["sg-1"] == cannot_be_used("one of its groups has no SecurityGroupId")
    queries, found = answer(READ, page(ONE, NextToken="t1"), OUTAGE)
    assert found == {"sg-1": STATUS, "sg-2": OUTAGE}
    queries, found = answer(READ, *[page(NextToken="more")] * 3)
    assert found == dict.fromkeys(("sg-1", "sg-2"), cannot_be_used("it goes on paging without an end"))


def test_a_query_speaks_for_the_owner_of_the_read() -> None:
    """With the parameters' own spelling, and in the read's region."""
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
