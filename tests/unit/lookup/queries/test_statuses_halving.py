"""ECS refuses a query because of one id, and the guard asks for the others in halves."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from safe_ecs._core.decision import GroupStatus
from safe_ecs._core.failure import Failure
from safe_ecs._lookup.queries.statuses import Found, describe
from tests.support.pages import OUTAGE, READ, page

MALFORMED = Failure(reason="malformed", next_step="Look.", code="InvalidSecurityGroupId.Malformed")
FORBIDDEN = Failure(reason="forbidden", next_step="Ask.", code="Forbidden.RAM")


def ask_for(ids: str, bad: str, refusal: Failure = MALFORMED, outage_at: str = "-") -> tuple[str, Found]:
    """Play an ECS that refuses the bad ids. Return the ids of each query, and the result."""
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
    """The guard asks for no half with a known answer, and the good ids get theirs."""
    questions, found = ask_for(ids, bad)
    assert questions == asked
    assert {each for each in ids if found[each] == MALFORMED} == set(bad)
    assert all(isinstance(found[each], GroupStatus) for each in set(ids) - set(bad))


def test_a_refusal_of_both_halves_that_is_about_no_id_ends_the_search() -> None:
    """ECS may lack a permission, for example. A refusal without a code says nothing about ids."""
    assert ask_for("abcd", "abcd", FORBIDDEN) == ("abcd ab cd", dict.fromkeys("abcd", FORBIDDEN))
    assert ask_for("abcd", "c", FORBIDDEN)[0] == "abcd ab c d"


@pytest.mark.parametrize(
    "failure",
    [
        replace(MALFORMED, code=None),
        replace(MALFORMED, code=""),
        replace(MALFORMED, scope="principal"),
        replace(MALFORMED, is_outage=True),
    ],
)
def test_a_failure_that_is_not_about_ids_starts_no_search(failure: Failure) -> None:
    assert ask_for("abcd", "c", failure) == ("abcd", dict.fromkeys("abcd", failure))


def test_an_outage_ends_the_search_for_what_is_not_known_yet() -> None:
    """Further queries would only wait in vain."""
    assert ask_for("abcd", "c", outage_at="ab") == ("abcd ab", dict.fromkeys("abcd", OUTAGE))
    asked, found = ask_for("abcd", "a", outage_at="cd")
    assert asked == "abcd ab cd a b"
    assert [found[each] for each in "acd"] == [MALFORMED, OUTAGE, OUTAGE]
