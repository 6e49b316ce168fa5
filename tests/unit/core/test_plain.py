"""The rule of plain text: plain texts, and the guarded names that other texts may be taken for."""

from __future__ import annotations

import pytest

from safe_ecs._core.plain import NOT_PLAIN, fold, hidden_action, is_plain_address, is_plain_id, is_plain_name


@pytest.mark.parametrize("code", [0x00, 0x09, 0x1F, 0x20, 0x7F, 0x85, 0xA0, 0x200B, 0x2028, 0xFEFF], ids=hex)
def test_what_cannot_be_seen_is_nothing(code: int) -> None:
    """Around a text and inside it."""
    assert fold(f"{chr(code)}a{chr(code)}b{chr(code)}") == "ab"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("SG-1", "sg1"),
        ("\u017fg-1", "sg1"),
        ("\u0131d", "id"),
        ("\u0130d", "id"),
        ("\uff53\uff47-1", "sg1"),
        ("s\u200bg\u0301", "sg"),
        ("Delete%53ecurity", "deletesecurity"),
    ],
)
def test_what_looks_like_a_plain_letter_is_one(text: str, plain: str) -> None:
    """A letter that becomes plain by case mapping or decoding counts too."""
    assert fold(text) == plain


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("Delete Security Group", "DeleteSecurityGroup"),
        ("DeleteSecurityGroup", ""),
        ("/?Action=DescribeSecurityGroups&Action=RunInstances", "RunInstances"),
        ("http://h/api?AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupEgress"),
        ("/clusters/c-1?x=y", ""),
        ("", ""),
    ],
)
def test_an_action_is_found_in_a_text_that_is_not_plain(text: str, action: str) -> None:
    """A guarded one before others; a plain text is compared as it is."""
    assert hidden_action(text) == action


def test_a_plain_id_is_read_in_one_way_only() -> None:
    """A plain id begins and ends with a letter or a number, with dashes and underscores between."""
    assert all(map(is_plain_id, ("sg-1", "a", "0", "sg_bp-67", "ab")))
    assert not any(map(is_plain_id, ("", "-a", "a-", "_", "SG-1", "sg 1", "sg-1\n", "sg.1", "sé")))


def test_a_guarded_action_outweighs_others_that_a_text_holds() -> None:
    """Among guarded ones the longest counts: the name of one operation may begin with that of another."""
    assert (
        hidden_action("DescribeSecurityGroups\N{ZERO WIDTH SPACE}DeleteSecurityGroup")
        == "DeleteSecurityGroup"
    )
    assert hidden_action(" AuthorizeSecurityGroupEgress") == "AuthorizeSecurityGroupEgress"
    assert hidden_action("Describe Instances") == ""


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("SecurityGroupIds.1", True),
        ("", True),
        ("Security GroupId", False),
        ("Tag[1]", False),
        ("\xe4", False),
    ],
)
def test_a_name_of_letters_digits_and_dots_is_plain(name: str, *, plain: bool) -> None:
    assert is_plain_name(name) is plain


@pytest.mark.parametrize(
    ("protocol", "host", "path", "plain"),
    [
        ("HTTPS", "ecs.aliyuncs.com", "/", True),
        ("http", "127.0.0.1:80", "/x/y.z", True),
        ("http", "[::1]:80/base", "", True),
        ("ftp", "h", "/", False),
        ("http\N{LATIN SMALL LETTER LONG S}", "h", "/", False),
        ("https", "h?x", "/", False),
        ("https", "h\xf6st", "/", False),
        ("https", "h", "/?x", False),
        ("https", "h", "x", False),
        ("https", "h", "/\xe4", False),
    ],
)
def test_an_address_of_documented_characters_is_plain(
    protocol: str, host: str, path: str, *, plain: bool
) -> None:
    assert is_plain_address(protocol, host, path) is plain


def test_the_reason_names_the_danger() -> None:
    """The sentence follows a subject."""
    assert NOT_PLAIN == "is not plain text, and a server may read it in another way"
