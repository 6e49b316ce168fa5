"""A client like another has all that it has, and nothing of it runs."""

from __future__ import annotations

from typing import Any

import pytest
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.utils_models import GlobalParameters
from darabonba.model import DaraModel
from darabonba.runtime import ExtendsParameters

from safe_ecs._calls.copies import copy_client, copy_containers, copy_layer
from safe_ecs._core.parameters import MAX_DEPTH


class Model(DaraModel):
    """A model of the SDK's newer kind. Its fields become a mapping."""

    def __init__(self, **fields: Any) -> None:
        self.fields = fields

    def to_map(self) -> Any:
        def mapped(value: Any) -> Any:
            if isinstance(value, list):
                return list(map(mapped, value))
            return value.to_map() if isinstance(value, Model) else value

        return {name: mapped(value) for name, value in self.fields.items()}


class Theirs(OpenApiClient):
    """A user's subclass: none of its methods may run."""

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


@pytest.mark.parametrize("kind", [GlobalParameters, ExtendsParameters])
def test_a_copied_layer_shares_no_container(kind: Any) -> None:
    """A header or a query that is set later does not reach the copy."""
    layer = kind(headers={"a": "b"}, queries={"c": "d"})
    copied = copy_layer(layer)
    assert type(copied) is kind
    assert copied is not layer
    layer.headers["a"] = layer.queries["c"] = "later"
    assert (copied.headers, copied.queries) == ({"a": "b"}, {"c": "d"})
    assert (layer.headers, layer.queries) == ({"a": "later"}, {"c": "later"})


@pytest.mark.parametrize("value", [{"a": 1}, [1], (1,), bytearray(b"1")], ids=repr)
def test_a_copied_container_is_equal_and_of_its_type(value: Any) -> None:
    """The copy holds as much as the original, at each depth."""
    for nested in (value, [value], (value, value), {"in": {"side": value}}):
        copied = copy_containers(nested)
        assert copied == nested
        assert type(copied) is type(nested)
        assert copied is not nested
    assert type(copy_containers([value])[0]) is type(value)
    assert copy_containers([value])[0] is not value
    assert copy_containers({"in": (value,)})["in"][0] is not value


@pytest.mark.parametrize(
    "value", [None, "text", 1, b"bytes", {1, 2}], ids=["None", "text", "1", "bytes", "set"]
)
def test_a_value_that_is_no_container_of_parameters_stays_itself(value: Any) -> None:
    """Nothing of it is written on the wire member by member."""
    assert copy_containers(value) is value


def test_a_model_becomes_a_mapping_that_shares_nothing() -> None:
    """The mapping is the form on the wire."""
    model = Model(SecurityGroupId="sg-1")
    assert copy_containers({"model": [model]}) == {"model": [{"SecurityGroupId": "sg-1"}]}


@pytest.mark.parametrize("number", [2, 3, 8])
def test_each_of_several_models_is_copied_with_its_own_contents(number: int) -> None:
    """The mapping of one model is gone when the next one is made, and may leave its id to it."""
    models: list[Any] = [
        Model(
            SecurityGroupId=f"sg-{each}",
            Permissions=[Model(Policy=f"{each}-{one}") for one in range(each)],
        )
        for each in range(number)
    ]
    mappings = [model.to_map() for model in models]
    assert copy_containers(models) == mappings
    assert copy_containers(dict(enumerate(models))) == dict(enumerate(mappings))


def test_a_dict_that_holds_itself_is_copied_as_one_that_does() -> None:
    """The copy refers to the copy."""
    value: dict[str, Any] = {"a": 1}
    value["itself"] = value
    copied = copy_containers(value)
    assert copied["itself"] is copied is not value


@pytest.mark.parametrize(
    "shared",
    [{"a": 1}, [1], (1,), bytearray(b"1"), Model(SecurityGroupId="sg-1")],
    ids=["dict", "list", "tuple", "bytearray", "model"],
)
def test_a_container_that_is_there_twice_is_copied_once(shared: Any) -> None:
    """Lists of lists of the same lists would take for ever otherwise."""
    for value in ([shared, shared], (shared, [shared]), {"a": shared, "b": [shared]}):
        first, second = copy_containers(value).values() if isinstance(value, dict) else copy_containers(value)
        assert first is (second if second is first else second[0])
        assert first is not shared


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"a": inner}], ids=["list", "dict"])
def test_containers_are_copied_down_to_the_greatest_depth_and_no_deeper(wrap: Any) -> None:
    """The guard reads no deeper either."""

    def levels(value: Any) -> list[Any]:
        found = [value]
        while found[-1]:
            [inner] = found[-1].values() if isinstance(found[-1], dict) else found[-1]
            found.append(inner)
        return found

    value: Any = wrap([])
    for _ in range(MAX_DEPTH + 3):
        value = wrap(value)
    pairs = zip(levels(value), levels(copy_containers(value)), strict=True)
    assert sum(copied is not original for original, copied in pairs) == MAX_DEPTH + 1


def test_models_within_models_count_as_levels() -> None:
    """A model that holds itself ends as well."""

    class Endless(Model):
        """A model that holds another model."""

        def to_map(self) -> dict[str, Any]:
            return {"next": Endless()}

    depth, value = 0, copy_containers(Endless())
    while isinstance(value, dict):
        depth, value = depth + 1, value["next"]
    assert depth == MAX_DEPTH // 2 + 1
    assert isinstance(value, Endless)


def test_a_container_inside_a_model_and_beside_it_is_copied_once() -> None:
    """Models could multiply the copies as lists could."""
    shared = ["sg-1"]

    class Sharing(Model):
        """A model that shares a list with other models."""

        def to_map(self) -> dict[str, Any]:
            return {"shared": shared}

    beside, *mappings = copy_containers([shared, Sharing(), Sharing()])
    assert [mapping["shared"] is beside for mapping in mappings] == [True, True]
