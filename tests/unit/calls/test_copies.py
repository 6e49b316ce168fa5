"""The copies of a call's objects hold what the originals held, and share no container with them."""

from __future__ import annotations

from collections import OrderedDict
from io import BytesIO
from typing import Any, NamedTuple, cast

import pytest
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.utils_models import GlobalParameters, Params
from darabonba.model import DaraModel
from darabonba.runtime import ExtendsParameters, RuntimeOptions

from safe_ecs._calls import copies
from safe_ecs._calls.copies import (
    copy_layer,
    copy_params,
    copy_request,
    copy_runtime,
    is_steady,
    is_steady_call,
    is_steady_layer,
)
from safe_ecs._core.parameters import MAX_DEPTH
from tests.support.sdk import OpenApiRequest

copy_containers: Any = copies.copy_containers


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


class Slotted:
    """Somebody's class with slots."""

    __slots__ = ("action", "headers", "query", "version")


class Computed(OpenApiRequest):  # type: ignore[misc]  # untyped here
    """A request with a computed attribute."""

    @property
    def query(self) -> Any:
        return {}

    @query.setter
    def query(self, _: object) -> None:
        pass


class Answering:
    """A class that computes each attribute."""

    def __getattribute__(self, name: str) -> Any:
        return None


class Guessing:
    """A class that computes the attributes that it lacks."""

    def __getattr__(self, name: str) -> Any:
        return None


STEADY = (Params, OpenApiRequest, RuntimeOptions, GlobalParameters, Slotted, OpenApiClient)


def test_classes_with_plain_attributes_are_steady() -> None:
    """Slots are plain attributes too."""
    assert is_steady(*STEADY)
    for cls in (Computed, Answering, Guessing, type(None)):
        assert not is_steady(cls)
        assert not is_steady(*STEADY, cls)


@pytest.mark.parametrize("name", ["query", "headers"])
@pytest.mark.parametrize("kind", [GlobalParameters, ExtendsParameters])
def test_a_layer_is_steady_with_mappings_of_the_standard_library(kind: Any, name: str) -> None:
    """A mapping of somebody's may hold something else when it is read again."""

    class Theirs(dict[str, str]):
        pass

    name = name.replace("query", "queries")
    for mapping in (None, {}, {"a": "b"}, OrderedDict(a="b")):
        assert is_steady_layer(kind(**{name: mapping}))
    assert not is_steady_layer(kind(**{name: Theirs()}))
    assert not is_steady_layer(cast("Any", Guessing()))


class Theirs(dict[str, str]):
    """A mapping of somebody's."""


def test_a_call_is_steady_if_each_of_its_objects_is() -> None:
    """The SDK would otherwise read something else than the guard has read."""
    operation, runtime = Params(), RuntimeOptions()
    for request in (
        OpenApiRequest(),
        OpenApiRequest(query={}, headers={}, body={}),
        OpenApiRequest(body="text"),
        OpenApiRequest(body=b"bytes"),
    ):
        assert is_steady_call((operation,), request, runtime)
    assert is_steady_call(
        (operation,), OpenApiRequest(), RuntimeOptions(extends_parameters=ExtendsParameters())
    )
    for request in (
        Computed(),
        OpenApiRequest(query=Theirs()),
        OpenApiRequest(headers=Theirs()),
        OpenApiRequest(body=Theirs()),
        OpenApiRequest(body=bytearray()),
    ):
        assert not is_steady_call((operation,), request, runtime)
    assert not is_steady_call((Guessing(),), OpenApiRequest(), runtime)
    layer: Any = ExtendsParameters(queries=Theirs())
    assert not is_steady_call((), OpenApiRequest(), RuntimeOptions(extends_parameters=layer))
    assert not is_steady_call((), OpenApiRequest(), cast("Any", Guessing()))


def test_a_copied_call_shares_no_container() -> None:
    """The caller may reuse its objects at once. A stream stays the caller's."""
    stream = BytesIO()
    request: Any = OpenApiRequest(
        headers={"h": "1"}, query={"q": ["1"]}, body={"b": ["1"]}, stream=stream, endpoint_override="e"
    )
    copied: Any = copy_request(request)
    assert type(copied) is OpenApiRequest
    request.headers["h"] = request.query["q"][0] = request.body["b"][0] = request.endpoint_override = "later"
    assert (copied.headers, copied.query, copied.body) == ({"h": "1"}, {"q": ["1"]}, {"b": ["1"]})
    assert copied.stream is stream
    assert copied.endpoint_override == "e"
    layer: Any = ExtendsParameters(headers={"h": "1"}, queries={"q": "1"})
    runtime: Any = RuntimeOptions(extends_parameters=layer, read_timeout=7)
    copied = copy_runtime(runtime)
    layer.headers["h"] = layer.queries["q"] = runtime.read_timeout = "later"
    assert (copied.extends_parameters.headers, copied.extends_parameters.queries) == ({"h": "1"}, {"q": "1"})
    assert copied.read_timeout == 7
    assert copied.extends_parameters is not layer is runtime.extends_parameters
    operation = Params(action="A", style="RPC")
    described = copy_params(operation)
    operation.action = "B"
    assert (type(described), described.action, described.style) == (Params, "A", "RPC")


def test_a_part_that_a_call_lacks_its_copy_lacks_too() -> None:
    """The SDK treats an empty mapping in another way than none."""
    copied: Any = copy_request(OpenApiRequest())
    assert (copied.headers, copied.query, copied.body, copied.stream) == (None, None, None, None)
    assert copy_runtime(RuntimeOptions()).extends_parameters is None


def test_objects_of_any_class_are_copied_by_their_attributes() -> None:
    """An attribute that the original lacks is missing in the copy as well."""
    theirs: Any = Slotted()
    theirs.action, theirs.version = "A", "V"
    copied = copy_params(theirs)
    assert type(copied) is Params
    assert vars(copied) == {"action": "A", "version": "V"}
    theirs.query, theirs.headers = OrderedDict(a="b"), None
    with pytest.raises(AttributeError):
        copy_request(theirs)


def test_a_mapping_of_any_class_becomes_a_dict() -> None:
    """The SDK's merge decides on the mappings that count."""
    assert copy_layer(None) is None
    for layer in (Theirs(a="b"), OrderedDict(a="b"), {"a": "b"}):
        copied = copy_layer(layer)
        assert (type(copied), copied) == (dict, {"a": "b"})
    nested = {"a": ["b"], "c": None, "d": 1}
    unnested: Any = copy_layer(nested)
    assert unnested == nested
    assert unnested["a"] is not nested["a"]
    assert copy_layer("odd") == {}


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


def test_lists_and_tuples_of_any_class_become_plain_ones() -> None:
    """A list of somebody's may have other members when it is read again."""

    class Members(list[Any]):
        pass

    class Pair(NamedTuple):
        first: str
        second: str

    copied = copy_containers({"a": Members(["b"]), "c": Pair("d", "e")})
    assert copied == {"a": ["b"], "c": ("d", "e")}
    assert (type(copied["a"]), type(copied["c"])) == (list, tuple)


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
