"""The guard reads a page strictly: an unclear statement makes a status unknown."""

from __future__ import annotations

from typing import Any

import pytest

from safe_ecs._core.decision import GroupStatus
from safe_ecs._core.failure import Failure
from safe_ecs._lookup.queries.answers import ABOUT_ONE_ID, Pages, service_id
from tests.support.pages import FINE, ONE, STATUS, cannot_be_used, page


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
            {"SecurityGroups": {"SecurityGroup": {}}},
            "",
            "it holds no list SecurityGroups.SecurityGroup",
            {},
            (),
        ),
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
    """The failure names the fault without any value of the answer."""
    assert Pages("cn-hangzhou").last_page == ()
    pages = Pages("cn-hangzhou", last_page=("sg-0",))
    assert pages.take(body) == token
    assert pages.failure == (cannot_be_used(detail) if detail else None)
    assert pages.groups == known
    assert pages.last_page == last_page


def test_all_pages_must_hold_what_any_of_them_announces() -> None:
    """A group on two pages counts twice, as ECS counts the groups that it sends."""
    pages = Pages("cn-hangzhou")
    pages.take(page(ONE, TotalCount=3, NextToken="t"))
    pages.take(page(FINE))
    assert pages.status_of("sg-1") == STATUS
    assert pages.status_of("sg-3") == cannot_be_used("it announces 3 groups and holds 2")
    pages = Pages("cn-hangzhou")
    pages.take(page(ONE, TotalCount=2, NextToken="t"))
    pages.take(page(FINE, TotalCount=1))
    assert pages.status_of("sg-3") == GroupStatus("sg-3", False, False, None, "cn-hangzhou")  # noqa: FBT003 - fields


def test_a_group_that_an_answer_does_not_hold_is_missing_if_its_id_is_plain() -> None:
    """ECS may read another id otherwise where it changes something."""
    pages = Pages("cn-hangzhou")
    pages.take(page())
    assert pages.status_of("sg-3") == GroupStatus("sg-3", False, False, None, "cn-hangzhou")  # noqa: FBT003 - fields
    assert pages.status_of("sg.3") == Failure(
        reason="it holds characters that are in no id of a security group",
        next_step="Check the security group id.",
    )


@pytest.mark.parametrize("code", ["InvalidSecurityGroupId.Malformed", "InvalidSecurityGroupId.NotFound"])
def test_a_code_that_is_about_an_id_is_known_by_its_beginning(code: str) -> None:
    assert code.startswith(ABOUT_ONE_ID)


def test_the_first_thing_that_is_wrong_is_told() -> None:
    """A wrong count follows from the first fault."""
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
