"""Copies of a client and of a call's containers, for a call that has to wait."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, TypeVar, cast

from alibabacloud_tea_openapi.utils_models import GlobalParameters
from darabonba.model import DaraModel
from darabonba.runtime import ExtendsParameters

from safe_ecs._core.parameters import MAX_DEPTH

if TYPE_CHECKING:
    from alibabacloud_tea_openapi.client import Client as OpenApiClient

_ClientT = TypeVar("_ClientT", bound="OpenApiClient")
_Layer = TypeVar("_Layer", GlobalParameters, ExtendsParameters)


def copy_client(client: OpenApiClient, cls: type[_ClientT]) -> _ClientT:
    """Return an instance of a class with the attributes of a client, slots included.

    No constructor, no method of copying and no property runs: a subclass may have its own, and they may do anything.
    """
    twin = object.__new__(cls)
    state: Any = object.__getstate__(client)
    attributes, slots = state if isinstance(state, tuple) else (state, {})
    vars(twin).update(attributes or {})
    for name, value in slots.items():
        object.__setattr__(twin, name, value)
    return twin


def copy_layer(layer: _Layer) -> _Layer:
    """Return a copy of one layer of parameters that shares no container with it."""
    layer = copy(layer)
    layer.headers, layer.queries = copy_containers(layer.headers), copy_containers(layer.queries)
    return layer


def copy_containers(value: Any, depth: int = 0, copies: dict[int, tuple[Any, Any]] | None = None) -> Any:  # noqa: ANN401 - a caller may hand anything to the SDK
    """Return a copy that shares no container with the original; models become mappings, as on the wire.

    A container that is there several times is copied once: lists that hold one another may be without number.
    """
    if depth > MAX_DEPTH:
        return value
    copies = {} if copies is None else copies
    if id(value) in copies:
        return copies[id(value)][1]
    duplicate = value
    if isinstance(value, dict):
        duplicate = {}
        copies[id(value)] = value, duplicate
        duplicate.update((key, copy_containers(member, depth + 1, copies)) for key, member in value.items())
    elif type(value) in {list, tuple}:
        duplicate = type(value)([copy_containers(member, depth + 1, copies) for member in value])
    elif isinstance(value, bytearray):
        duplicate = bytearray(value)
    elif isinstance(value, DaraModel):
        # Equivalent mutants `cast(None`, `XXAnyXX`: a cast is for the type checker.
        duplicate = copy_containers(cast("Any", value).to_map(), depth + 1, copies)
    # The original is kept: the mapping of a model would be gone otherwise, and another one might get its id.
    copies[id(value)] = value, duplicate
    return duplicate
