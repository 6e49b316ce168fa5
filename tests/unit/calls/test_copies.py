"""A client like another has all that it has, and nothing of it runs."""

from __future__ import annotations

from typing import Any

from alibabacloud_tea_openapi.client import Client as OpenApiClient

from safe_ecs._calls.copies import copy_client


class Theirs(OpenApiClient):
    """Somebody's subclass, of which nothing may run."""

    __slots__ = ("slotted", "unset")

    def __new__(cls) -> Any:
        raise AssertionError

    def __init__(self) -> None:
        raise AssertionError

    def __getstate__(self) -> Any:
        raise AssertionError

    def __setattr__(self, name: str, value: object) -> None:
        raise AssertionError

    @property
    def name(self) -> str:
        raise AssertionError


class Twin(Theirs):
    """Another class."""


def made(**attributes: Any) -> Theirs:
    client: Theirs = object.__new__(Theirs)
    vars(client).update(attributes)
    return client


def test_a_twin_has_the_attributes_and_slots_of_its_original() -> None:
    """Each its own; a slot that is empty stays so."""
    original = made(_endpoint="h")
    object.__setattr__(original, "slotted", [1])
    twin = copy_client(original, Twin)
    assert type(twin) is Twin
    assert vars(twin) == {"_endpoint": "h"}
    assert vars(twin) is not vars(original)
    assert twin.slotted is original.slotted  # type: ignore[attr-defined]  # a slot
    assert not hasattr(twin, "unset")


def test_a_client_without_slots_or_attributes_has_a_twin_as_well() -> None:
    assert vars(copy_client(made(), Twin)) == {}
    plain = object.__new__(OpenApiClient)
    assert vars(copy_client(plain, OpenApiClient)) == {}
    vars(plain)["_endpoint"] = "h"
    assert vars(copy_client(plain, Twin)) == {"_endpoint": "h"}
