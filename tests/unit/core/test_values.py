"""A value becomes text on the wire."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any

import pytest

from safe_ecs._core.values import Pairs, is_settled, members_of, text_of, texts_of


class Region(str, Enum):  # noqa: UP042 - the point
    """A string enumeration in the style before Python 3.11: its str() is the member's name."""

    HANGZHOU = "cn-hangzhou"


class Told(str):  # noqa: SLOT000 - the point
    """A text that is another one when it is asked for."""

    def __str__(self) -> str:
        return "told "


class Number(IntEnum):
    ONE = 1


class Unreadable:
    """An object without a text."""

    def __str__(self) -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (" sg-1 ", ("sg-1",)),
        (Region.HANGZHOU, ("cn-hangzhou", "Region.HANGZHOU")),
        (Told(" sg-1"), ("sg-1", "told")),
        (b" sg-1 ", ("sg-1",)),
        (bytearray(b"\xffsg-1"), ("\N{REPLACEMENT CHARACTER}sg-1",)),
        (7, ("7",)),
        (True, ("True",)),
        (Decimal("1.50"), ("1.50",)),
    ],
    ids=repr,
)
def test_a_value_becomes_a_text_or_one_of_two(value: object, texts: tuple[str, ...]) -> None:
    """The string itself comes before the text that its str() gives."""
    assert texts_of(value) == texts
    assert text_of(value) == texts[0]


def test_blanks_around_what_an_object_says_are_left_out() -> None:
    class Padded:
        def __str__(self) -> str:
            return " sg-1 "

    assert texts_of(Padded()) == ("sg-1",)


def test_what_has_no_text_is_none() -> None:
    assert text_of(Unreadable()) == ""
    with pytest.raises(ZeroDivisionError):
        texts_of(Unreadable())


PAIRS = Pairs([("a", 1), ("a", 2)])


@pytest.mark.parametrize(
    ("value", "members"),
    [
        (PAIRS, [("a", 1), ("a", 2)]),
        ({"a": 1}, [("a", 1)]),
        (["x", "y"], [(1, "x"), (2, "y")]),
        (("x",), [(1, "x")]),
        ({"x"}, [(1, "x")]),
        (frozenset({"x"}), [(1, "x")]),
        ([], []),
    ],
    ids=repr,
)
def test_a_container_has_members_by_name_or_number(value: object, members: Any) -> None:
    found = members_of(value)
    assert found is not None
    assert list(found) == members


@pytest.mark.parametrize("value", ["sg-1", b"sg-1", bytearray(b"sg-1"), 7, None], ids=repr)
def test_a_scalar_has_no_members(value: object) -> None:
    assert members_of(value) is None


@pytest.mark.parametrize(
    "value", ["a", b"a", bytearray(b"a"), 1, 1.5, True, Number.ONE, Region.HANGZHOU], ids=repr
)
def test_plain_values_and_enumerations_say_the_same_each_time(value: object) -> None:
    assert is_settled(value)


@pytest.mark.parametrize("value", [Told("a"), Decimal(1), [], None, Unreadable], ids=str)
def test_other_objects_may_say_something_else(value: object) -> None:
    assert not is_settled(value)
