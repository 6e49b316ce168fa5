"""The guard finds the parameters that matter, under any spelling of the name and with any value."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

import pytest

from safe_ecs._core.parameters import MAX_DEPTH, Parameters, kind_of, may_name_action
from safe_ecs._core.request import LaunchTemplate
from tests.support.merged_calls import effective, targets


@pytest.mark.parametrize("value", ["", "  ", "[]", '[""]', None, [], [None]], ids=repr)
def test_an_empty_value_names_no_group(value: object) -> None:
    assert targets(query={"SecurityGroupId": value}) == ()


@pytest.mark.parametrize("value", [7, 1.5, True], ids=str)
def test_a_value_of_another_type_is_what_it_becomes_on_the_wire(value: object) -> None:
    assert targets(query={"SecurityGroupId": value}) == (str(value).lower(),)


class Region(str, Enum):  # noqa: UP042 - the point
    """A string enumeration in the style before Python 3.11: its str() is the member's name."""

    HANGZHOU = "cn-hangzhou"


def test_a_string_enumeration_counts_as_both_texts_it_may_become() -> None:
    """The SDK puts the enumeration's str() into a query, and the string itself into a header."""
    request = effective(query={"RegionId": Region.HANGZHOU}, client_region_id=Region.HANGZHOU)
    assert request is not None
    assert request.region_ids == ("cn-hangzhou", "region.hangzhou")
    assert request.client_region_id == "cn-hangzhou"


def test_a_value_that_has_no_text_is_named_by_its_parameter() -> None:
    """The reason names the parameter and the class of the error, but not the error's text."""

    class Secret:
        def __str__(self) -> str:
            raise OSError("s3cret")

    request = effective(query={"SecurityGroupId": Secret(), "Description": Secret()})
    assert request is not None
    assert request.unreadable == "reading the value of SecurityGroupId raised OSError"
    request = effective(query={"SecurityGroupIds": ["sg-a", Secret()]})
    assert request is not None
    assert request.unreadable == "reading the value of SecurityGroupIds.2 raised OSError"
    request = effective(query={"Description": Secret()})
    assert request is not None
    assert not request.unreadable


def test_what_is_nested_too_deep_for_ecs_is_not_followed_for_ever() -> None:
    def nested(depth: int) -> Any:
        value: Any = "sg-a"
        for _ in range(depth):
            value = [value]
        return value

    assert targets(query={"SecurityGroupId": nested(MAX_DEPTH + 1)}) == ("sg-a",)
    request = effective(query={"SecurityGroupId": nested(MAX_DEPTH + 2)})
    assert request is not None
    assert request.unreadable == "its parameters are nested more than 32 deep"


def test_numbers_within_json_are_those_of_repeated_parameters() -> None:
    """JSON is read like a form: a list's index is a number in the name, and the RegionId within Tag is not the call's."""
    body = {
        "NetworkInterface": [{"SecurityGroupId": "sg-a"}],
        "RegionId": "cn-beijing",
        "Tag": {"RegionId": "x"},
    }
    for request in (effective(body=body), effective(body=json.dumps(body))):
        assert request is not None
        assert (request.targets, request.region_ids) == (("sg-a",), ("cn-beijing",))


def launch_templates(**query: Any) -> tuple[LaunchTemplate, ...]:
    request = effective(action="RunInstances", query=query)
    assert request is not None
    return request.templates


def test_every_launch_template_that_may_be_meant_is_named() -> None:
    """In each version that may be meant; by its id or by its name, never by both."""
    assert launch_templates(LaunchTemplateId=" lt-1 ") == (LaunchTemplate("lt-1", "", ""),)
    assert launch_templates(LaunchTemplateName="Web", LaunchTemplateVersion=3) == (
        LaunchTemplate("", "Web", "3"),
    )
    assert launch_templates(
        LaunchTemplateId="lt-1",
        launchtemplateid="lt-2",
        LaunchTemplateName="Web",
        LaunchTemplateVersion="1",
        launchTemplateVersion="2",
    ) == (
        LaunchTemplate("lt-1", "", "1"),
        LaunchTemplate("lt-1", "", "2"),
        LaunchTemplate("lt-2", "", "1"),
        LaunchTemplate("lt-2", "", "2"),
        LaunchTemplate("", "Web", "1"),
        LaunchTemplate("", "Web", "2"),
    )
    assert launch_templates(LaunchTemplateVersion="1") == ()


@pytest.mark.parametrize("name", ["SecurityGroupId", "SecurityGroupIds.1", "SecurityGroupIds.16"])
def test_a_group_that_is_named_as_documented_replaces_those_of_the_template(name: str) -> None:
    assert launch_templates(LaunchTemplateId="lt-1", **{name: "sg-1"}) == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SecurityGroupIds", "sg-1"),
        ("SecurityGroupIds.0", "sg-1"),
        ("SecurityGroupIds.1.1", "sg-1"),
        ("SecurityGroupIds[1]", "sg-1"),
        ("SecurityGroupId.1", "sg-1"),
        ("securitygroupid", "sg-1"),
        (" SecurityGroupId", "sg-1"),
        ("SecurityGroupId", '["sg-1"]'),
        ("SecurityGroupIds.1", [["sg-1"]]),
        ("NetworkInterface.1.SecurityGroupId", "sg-1"),
    ],
)
def test_a_group_that_is_named_in_another_way_is_a_target_beside_those_of_the_template(
    name: str, value: Any
) -> None:
    """ECS may not know the parameter, and take the groups of the template."""
    request = effective(action="RunInstances", query={"LaunchTemplateId": "lt-1", name: value})
    assert request is not None
    assert (request.targets, request.templates) == (("sg-1",), (LaunchTemplate("lt-1", "", ""),))


class Told(str):  # noqa: SLOT000 - the point
    """A text with another text as its str()."""

    def __str__(self) -> str:
        return "sg-b"


def test_a_text_that_may_say_something_else_is_read_in_both_ways_and_not_trusted() -> None:
    request = effective(query={"SecurityGroupId": Told("sg-a")})
    assert request is not None
    assert request.targets == ("sg-a", "sg-b")
    assert request.unreadable == (
        "the value of SecurityGroupId is of the type Told, which may say something else when it is sent"
    )


def test_a_name_that_may_say_something_else_is_not_trusted() -> None:
    """Only plain text and bytes are trusted as names. Bytes give the same text each time."""
    request = effective(query={Told("SecurityGroupId"): "sg-a"})
    assert request is not None
    assert request.targets == ("sg-a",)
    assert request.unreadable == (
        "the name of a parameter is of the type Told, which may say something else when it is sent"
    )
    for value in ("sg-a", ["sg-a", ["sg-b"]]):
        assert effective(query={b"SecurityGroupId": value}) == effective(query={"SecurityGroupId": value})


def test_a_name_of_several_parts_is_no_region() -> None:
    request = effective(query={"RegionId.Next": "cn-beijing", "Next.RegionId": "cn-beijing"})
    assert request is not None
    assert request.region_ids == ()


def test_two_owners_are_named() -> None:
    request = effective(query={"OwnerId": "1", "ownerid": "2"})
    assert request is not None
    assert request.unreadable == "it names more than one ownerid"


class Either(str, Enum):  # noqa: UP042 - the point
    BLANK = " cn-hangzhou "


def test_the_text_that_a_string_enumeration_is_comes_before_its_name() -> None:
    request = effective(query={"RegionId": Either.BLANK})
    assert request is not None
    assert request.region_ids == ("cn-hangzhou", "either.blank")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("SecurityGroupId", "target"),
        ("A.12.SecurityGroupIds.3.4", "target"),
        ("SourceSecurityGroupId", None),
        ("Security.GroupId", None),
        ("SecurityGroupId[0]", "target"),
        ("RegionId", "region"),
        ("..regionid.1", "region"),
        ("Region.Id", None),
        ("Tag.1.RegionId", None),
        ("RegionId1", None),
        ("RegionId[1]", "region"),
        ("Tag[1].RegionId", None),
        ("", None),
        (".1.", None),
    ],
)
def test_a_name_is_known_by_its_parts_less_the_numbers(name: str, kind: str | None) -> None:
    """One that is not plain is known by its letters."""
    assert kind_of(name) == kind


@pytest.mark.parametrize(
    ("names", "may"),
    [
        ([], False),
        (["RegionId", "SecurityGroupId"], False),
        (["RegionId", "aCTION"], True),
        (["Action.1"], True),
        (["Tag.Action"], False),
        (["[Action]"], True),
        (["Act\u0131on"], True),
        ([b"Action"], True),
        ([1], True),
    ],
)
def test_a_glance_at_names_errs_to_the_safe_side(names: list[object], may: bool) -> None:  # noqa: FBT001 - parametrized
    assert may_name_action(tuple(names)) == may


def test_lists_that_hold_one_another_many_times_cannot_be_read() -> None:
    """Such lists have more members than memory can hold, so the guard counts to a maximum."""
    request = effective(query={"SecurityGroupId": "sg-a", "Tag": [["x"] * 1000] * 300})
    assert request is not None
    assert request.unreadable == "it holds more than 200,000 parameters"
    for one_more in (False, True):
        request = effective(query={"Tag": ["x"] * (200_000 + one_more)})
        assert request is not None
        assert bool(request.unreadable) is one_more


def test_a_container_is_named_by_the_last_512_letters_of_its_name() -> None:
    """No name known to ECS is longer, and the names of members must not grow with every level."""
    assert targets(query={f"SecurityGroupIds.{'x' * 495}": ["sg-a"]}) == ("sg-a",)
    assert targets(query={f"SecurityGroupIds.{'x' * 496}": ["sg-a"]}) == ()


def test_parameters_are_collected_by_what_they_are() -> None:
    """Lower case where ECS's own spelling is not known to matter."""
    seen = Parameters()
    assert (seen.unreadable, seen.actions, seen.versions, seen.owner) == ("", [], [], {})
    for name, value in {
        "Action": " DeleteSecurityGroup ",
        "ACTION": "RunInstances",
        "Version": "2014-05-26",
        "VERSION": "1",
        "RegionId": " CN-Beijing ",
        "OwnerAccount": "Me",
        "OwnerId": 7,
        "ownerid": "7",
        "ResourceOwnerAccount": "him",
        "ResourceOwnerID": "9",
        "SecurityGroupId": " SG-A ",
        "SecurityGroupIds.1": "sg-b",
        "Description": "mine",
    }.items():
        seen.add(name, value)
    assert (seen.actions, seen.versions) == (["DeleteSecurityGroup", "RunInstances"], ["2014-05-26", "1"])
    assert (list(seen.region_ids), list(seen.targets)) == (["cn-beijing"], ["sg-a", "SG-A", "sg-b"])
    assert seen.owner == {
        "owneraccount": "Me",
        "ownerid": "7",
        "resourceowneraccount": "him",
        "resourceownerid": "9",
    }
    assert seen.unreadable == ""


@pytest.mark.parametrize(
    "value", ["[x", "[1]", '["sg-a", 1]', '"sg-a', "[" * 100_000], ids=lambda value: value[:9]
)
def test_a_value_that_begins_like_json_and_is_no_array_of_ids_is_named(value: str) -> None:
    seen = Parameters()
    seen.add("SecurityGroupIds", value)
    assert seen.unreadable == "the value of SecurityGroupIds is no JSON array of group ids"


@pytest.mark.parametrize(
    ("changes", "groups"),
    [
        ({"query": {"SecurityGroupId": b"\xffsg-a"}}, ("\N{REPLACEMENT CHARACTER}sg-a",)),
        ({"query": {"SecurityGroupId": bytearray(b" SG-A ")}}, ("sg-a", "SG-A")),
        ({"query": {"SecurityGroupIds": '["sg-a", " ", "SG-B "]'}}, ("sg-a", "sg-b", "SG-B")),
        ({"query": {"SecurityGroupIds": '"sg-a"'}}, ("sg-a",)),
        ({"query": {"SecurityGroupIds": frozenset({"sg-a"})}}, ("sg-a",)),
        ({"query": {"SecurityGroupIds": {"1": {"sg-a"}}}}, ("sg-a",)),
        ({"query": {".SecurityGroupId.": "sg-a", "SecurityGroupId.x": "sg-b"}}, ("sg-a", "sg-b")),
        ({"query": {"SecurityGroupId.1.2": "sg-a", "1": "sg-b", "": "sg-c"}}, ("sg-a",)),
        ({"query": {"SecurityGroupId": "X-1"}}, ("x-1", "X-1")),
        ({"query": {b" securitygroupid ": "sg-a"}}, ("sg-a",)),
        ({"query": {"SecurityGroupId": None, "SecurityGroupIds": "sg-a"}}, ("sg-a",)),
        ({"query": {"SecurityGroupId": "  ", "SecurityGroupIds": "sg-a"}}, ("sg-a",)),
    ],
    ids=str,
)
def test_a_group_is_seen_however_it_is_named_and_written(changes: Any, groups: tuple[str, ...]) -> None:
    request = effective(**changes)
    assert request is not None
    assert request.targets == groups


def test_a_name_that_is_not_plain_makes_a_call_unreadable() -> None:
    """Its target counts all the same."""
    seen = Parameters()
    assert seen.names_own_group is False
    seen.add("SecurityGroupId\N{ZERO WIDTH SPACE}", "sg-a")
    assert list(seen.targets) == ["sg-a"]
    assert (
        seen.unreadable
        == "the name of a parameter is not plain text, and a server may read it in another way"
    )


@pytest.mark.parametrize(
    ("value", "says_so"),
    [
        *[(value, False) for value in (None, "", " ", False, "false", " FALSE ", [False], "False")],
        *[(value, True) for value in (True, "true", "1", "0", "no", ["false", "true"])],
    ],
    ids=range(14),
)
def test_service_managed_says_anything_but_false(value: object, says_so: bool) -> None:  # noqa: FBT001 - parametrized
    """A group that CreateSecurityGroup makes may then be one of a service's."""
    for name in ("ServiceManaged", "servicemanaged"):
        request = effective(action="CreateSecurityGroup", query={name: value})
        assert request is not None
        assert request.service_managed == says_so
