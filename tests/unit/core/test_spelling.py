"""``folded`` and its kin read a text as a lenient server may read it."""

from __future__ import annotations

import pytest

from safe_ecs._core.spelling import folded, is_plain_id, normal_ids, parts_of_name

AROUND = (0x00, 0x09, 0x1F, 0x20, 0x7F, 0x85, 0xA0, 0x1680, 0x2028, 0x2029)
NOT_AROUND = "!~X¡\u1681"


@pytest.mark.parametrize("code", AROUND, ids=hex)
def test_controls_and_blanks_may_be_around_a_text(code: int) -> None:
    """Controls and blanks within a text stay."""
    assert folded(f"{chr(code)}a{chr(code)}") == "a"
    assert folded(f"a{chr(code)}b") != "ab"


@pytest.mark.parametrize("letter", NOT_AROUND)
def test_other_letters_belong_to_a_text(letter: str) -> None:
    """Other characters stay even at the ends."""
    assert folded(f"{letter}a{letter}") == f"{letter}a{letter}".lower()


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("SG-1", "sg-1"),
        ("\u017fg-1", "sg-1"),
        ("\u0131d", "id"),
        ("\uff53\uff47-1", "sg-1"),
        ("s\u200bg\u0301", "sg"),
        ("\u202aSG\u202c", "sg"),
    ],
)
def test_what_looks_like_a_plain_letter_is_one(text: str, plain: str) -> None:
    """Letters that case mapping makes plain count as plain. Invisible characters are dropped."""
    assert folded(text) == plain


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("SecurityGroupId", ["securitygroupid"]),
        ("SecurityGroupIds.1", ["securitygroupids"]),
        ("A.12.B[3].4", ["a", "12", "b"]),
        (" A . B ", ["a", "b"]),
        ("..A", ["a"]),
        ("1.2", ["1"]),
        ("7", ["7"]),
        (".[]", [""]),
        ("", [""]),
    ],
)
def test_a_name_is_divided_and_loses_the_numbers_at_its_end(name: str, parts: list[str]) -> None:
    """The only part of a name stays, even if it is a number."""
    assert parts_of_name(name) == parts


def test_a_plain_id_is_read_in_one_way_only() -> None:
    """A plain id begins and ends with a letter or a number, with dashes and underscores between."""
    assert all(map(is_plain_id, ("sg-1", "a", "0", "sg_bp-67", "ab")))
    assert not any(map(is_plain_id, ("", "-a", "a-", "_", "SG-1", "sg 1", "sg-1\n", "sg.1", "sé")))


def test_ids_are_normal_and_each_stands_once() -> None:
    assert normal_ids([" SG-A", "sg-b", "sg-a "]) == ("sg-a", "sg-b")
    assert normal_ids(iter(())) == ()
    for text in ("sg-a", b"sg-a"):
        with pytest.raises(TypeError, match=r"must be several ids, not the string b?'sg-a'"):
            normal_ids(text)
    with pytest.raises(
        TypeError, match=r"a security group id is a string, not \['sg-a'\]; unpack it with \*"
    ):
        normal_ids([["sg-a"]])
    with pytest.raises(TypeError, match=r"a security group id is a string, not 7$"):
        normal_ids([7])
