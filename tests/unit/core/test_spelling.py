"""How the guard compares the ids of groups."""

from __future__ import annotations

import pytest

from safe_ecs._core.spelling import normal_ids, spellings_of


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


def test_an_id_is_asked_for_in_lower_case_and_as_it_is_spelt() -> None:
    assert tuple(spellings_of("SG-A")) == ("sg-a", "SG-A")
    assert tuple(spellings_of("sg-a")) == ("sg-a",)
