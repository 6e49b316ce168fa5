"""Reads an intended call, given as a request model or as an action, as the transports would read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from alibabacloud_ecs20140526 import models
from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions

from safe_ecs._calls.read import read_intended
from safe_ecs._core.operations import GUARDED_ACTIONS, OPERATIONS
from safe_ecs._core.parameters import MAX_DEPTH
from safe_ecs._core.request import ECS_VERSION, EffectiveRequest

if TYPE_CHECKING:
    from alibabacloud_tea_openapi.client import Client as OpenApiClient


class RequestModel(Protocol):
    """A request model of the SDK. Older SDKs have another base class."""

    def to_map(self) -> object:
        """Return the parameters, spelt as on the wire."""
        ...


def call_from_model(
    client: OpenApiClient,
    request: RequestModel | str,
    parameters: Mapping[str, object] | None,
    runtime: RuntimeOptions | None = None,
) -> tuple[str, EffectiveRequest | None]:
    """Return the action of a request, and the request as ECS would read it; None if it is not guarded.

    Args:
        client: The client that would send it.
        request: A request model of the SDK, or an action.
        parameters: With an action: its parameters, spelt as on the wire.
        runtime: The runtime options that it would be sent with, which may hold parameters.

    Raises:
        TypeError: ``request`` is neither, or parameters are given beside a model, or are no mapping.
        ValueError: The installed SDK knows no such operation, or a parameter is spelt as in Python.
    """
    named: Any
    if isinstance(request, str):
        action = GUARDED_ACTIONS.get(request.strip().lower(), request)
        if not isinstance(parameters or {}, Mapping):
            raise TypeError(f"parameters are a mapping of names to values, not {parameters!r}")
        named = _as_on_the_wire(parameters or {})
    else:
        if isinstance(request, type):
            raise TypeError(f"check() takes a request model, not the class {request.__name__} of one")
        action = _action_of(type(request))
        if parameters is not None:
            raise TypeError("parameters go with an action, not with a request model")
        named = request.to_map()
    if action not in OPERATIONS and not hasattr(models, f"{action}Request"):
        raise ValueError(f"ECS has no operation {action!r}, as far as the installed SDK knows")
    params = Params(action=action, version=ECS_VERSION, protocol="HTTPS", pathname="/", style="RPC")
    # Unlike the SDK, the review reads nested and unflattened parameters as well.
    sent = OpenApiRequest(query=named)
    effective = read_intended(client, params, sent, RuntimeOptions() if runtime is None else runtime)
    return action, effective if effective is not None and effective.is_guarded else None


def _as_on_the_wire(value: object, depth: int = 0) -> object:
    """Return parameters with mappings for the models in them.

    Raises:
        ValueError: A name looks as no parameter of ECS does: a group that is named so would not be seen.
    """
    if depth > MAX_DEPTH:
        return value  # The review says that it is nested too deep.
    to_map = getattr(value, "to_map", None)
    if to_map is not None:
        value = to_map()
    if isinstance(value, (list, tuple)):
        return [_as_on_the_wire(member, depth + 1) for member in value]
    if not isinstance(value, Mapping):
        return value
    for name in filter(_looks_like_python, value):
        spelt = "".join(part.capitalize() for part in name.split("_"))
        raise ValueError(f"parameters are spelt as on the wire: {spelt!r} instead of {name!r}")
    return {name: _as_on_the_wire(member, depth + 1) for name, member in value.items()}


def _looks_like_python(name: object) -> bool:
    return isinstance(name, str) and "_" in name


def _action_of(model: type) -> str:
    """Return the action of a request model, also of somebody's subclass of one."""
    # Older SDKs derive their models from another class than newer ones: the module tells them.
    for cls in model.__mro__:
        if cls.__module__.startswith("alibabacloud_ecs20140526.") and cls.__name__.endswith("Request"):
            return cls.__name__.removesuffix("Request").removesuffix("Shrink")
    raise TypeError(f"check() takes a request model of the ECS SDK or an action, not a {model.__name__}")
