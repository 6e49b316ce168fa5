"""Copies of a call's objects in the SDK's own classes: the guard reads each attribute of the caller's once.

Whatever type the caller's objects have, the copies do not change between the review and the sending.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache, partial
from inspect import getattr_static
from types import MemberDescriptorType, NoneType
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
from darabonba.core import DaraCore
from darabonba.model import DaraModel
from darabonba.runtime import ExtendsParameters, RuntimeOptions

from safe_ecs._core.parameters import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from alibabacloud_tea_openapi.utils_models import GlobalParameters

_Object = TypeVar("_Object")

_NAMES: Final[dict[type, tuple[str, ...]]] = {
    cls: tuple(vars(cls())) for cls in (OpenApiRequest, Params, RuntimeOptions, ExtendsParameters)
}
"""The attributes of each class of the SDK, as the installed version has them."""

_SETTINGS: Final = (
    "_endpoint",
    "_global_parameters",
    "_headers",
    "_protocol",
    "_region_id",
    "_retry_options",
)
_READ: Final = frozenset((*(name for names in _NAMES.values() for name in names), *_SETTINGS))
_SCALARS: Final[set[type]] = {str, int, bool, float, type(None)}
_STEADY_LAYERS: Final = frozenset({type(None), dict, OrderedDict})
_STEADY_BODIES: Final = _STEADY_LAYERS | {str, bytes}


def copy_params(params: Params) -> Params:
    """Return a copy of the description of an operation."""
    return _copy(Params, params)


def copy_request(request: OpenApiRequest) -> OpenApiRequest:
    """Return a copy of a request that shares no container with it. A stream stays the caller's."""
    copy = _copy(OpenApiRequest, request)
    vars(copy).update(
        headers=copy_layer(copy.headers), query=copy_layer(copy.query), body=copy_containers(copy.body)
    )
    return copy


def copy_runtime(runtime: RuntimeOptions) -> RuntimeOptions:
    """Return a copy of runtime options, with an own layer of parameters."""
    copy = _copy(RuntimeOptions, runtime)
    if copy.extends_parameters is not None:
        layer = copy.extends_parameters = _copy(ExtendsParameters, copy.extends_parameters)
        vars(layer).update(headers=copy_layer(layer.headers), queries=copy_layer(layer.queries))
    return copy


def _copy(cls: type[_Object], source: _Object) -> _Object:
    copy = cls.__new__(cls)
    if type(source) is cls:
        copy.__dict__ = source.__dict__.copy()
        return copy
    for name in _NAMES[cls]:
        try:
            value = getattr(source, name)
        except AttributeError:
            continue  # The transport raises the same, if it needs the attribute.
        setattr(copy, name, value)
    return copy


def copy_layer(layer: object) -> dict[Any, Any] | None:
    """Return a copy of headers or queries, as the SDK's merge takes them; None for None."""
    if layer is None:
        return None
    copy = layer.copy() if type(layer) is dict else DaraCore.merge(layer)
    if {*map(type, copy.values())} <= _SCALARS:
        return copy
    return cast("dict[Any, Any]", copy_containers(copy))


def copy_containers(
    value: object, depth: int = 0, copies: dict[int, tuple[object, object]] | None = None
) -> object:
    """Return a copy that shares no container with the original; models become mappings, as on the wire.

    A container that is there several times is copied once: lists that hold one another may be without number.
    """
    if type(value) in _SCALARS or depth > MAX_DEPTH:
        return value
    copies = {} if copies is None else copies
    if id(value) in copies:
        return copies[id(value)][1]
    duplicate = value
    if isinstance(value, dict):
        mapping: dict[object, object] = {}
        duplicate = mapping
        copies[id(value)] = value, mapping
        mapping.update((key, copy_containers(member, depth + 1, copies)) for key, member in value.items())
    elif isinstance(value, (list, tuple)):
        plain = list if isinstance(value, list) else tuple
        duplicate = plain([copy_containers(member, depth + 1, copies) for member in value])
    elif isinstance(value, bytearray):
        duplicate = bytearray(value)
    elif isinstance(value, DaraModel):
        # Equivalent mutants `cast(None`, `XXAnyXX`: a cast is for the type checker.
        duplicate = copy_containers(cast("Any", value).to_map(), depth + 1, copies)
    # The original is kept: the mapping of a model would be gone otherwise, and another one might get its id.
    copies[id(value)] = value, duplicate
    return duplicate


def is_steady_call(objects: Iterable[object], request: OpenApiRequest, runtime: RuntimeOptions) -> bool:
    """Return whether the SDK will read in a call what its copy holds, unless somebody changes the call in between.

    Args:
        objects: The params of the call, if its transport takes any.
        request: The request of the caller.
        runtime: The runtime options of the caller.
    """
    if not is_steady(type(request), type(runtime), *map(type, objects)):
        return False
    layer: Any = runtime.extends_parameters
    return (
        type(request.query) in _STEADY_LAYERS
        and type(request.headers) in _STEADY_LAYERS
        and type(request.body) in _STEADY_BODIES
        and (layer is None or is_steady_layer(layer))
    )


def is_steady_layer(layer: GlobalParameters | ExtendsParameters) -> bool:
    """Return whether a layer of parameters has the same mappings each time the SDK reads it."""
    return (
        is_steady(type(layer))
        and type(layer.queries) in _STEADY_LAYERS
        and type(layer.headers) in _STEADY_LAYERS
    )


def _are_steady(*classes: type) -> bool:
    return all(map(_has_plain_attributes, classes))


# With this type, because mypy takes some classes for unhashable.
is_steady: Callable[..., bool] = lru_cache(maxsize=1024)(_are_steady)
"""Return whether instances of the classes have plain attributes: no code runs when the SDK reads them."""


def _has_plain_attributes(cls: type) -> bool:
    reads_plainly = cls.__getattribute__ is cast("Any", object.__getattribute__)
    if cls is NoneType or not reads_plainly or hasattr(cls, "__getattr__"):
        return False
    return not any(map(partial(_is_computed, cls), _READ))


def _is_computed(cls: type, name: str) -> bool:
    attribute = getattr_static(cls, name, None)
    return hasattr(type(attribute), "__get__") and not isinstance(attribute, MemberDescriptorType)
