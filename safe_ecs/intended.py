"""A call that is only intended: read as the transports will read it when it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from alibabacloud_ecs20140526 import models
from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions

from safe_ecs import outgoing
from safe_ecs.core.operations import GUARDED_ACTIONS, OPERATIONS
from safe_ecs.core.request import ECS_VERSION, EffectiveRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alibabacloud_tea_openapi.client import Client as OpenApiClient


class RequestModel(Protocol):
    """A request model of the SDK, whose base class is another one in older SDKs."""

    def to_map(self) -> Any:  # noqa: ANN401 - the SDK does not say
        """Return the parameters, spelt as on the wire."""
        ...


def intended_call(
    client: OpenApiClient, request: RequestModel | str, parameters: Mapping[str, object] | None
) -> tuple[str, EffectiveRequest | None]:
    """Return the action that a request names, and what would be sent; None if that is not guarded.

    Args:
        client: Who would send it.
        request: A request model of the SDK, or an action.
        parameters: With an action: its parameters, spelt as on the wire.

    Raises:
        TypeError: ``request`` is neither, or parameters are given beside a model.
        ValueError: The installed SDK knows no such operation, or a parameter is spelt as in Python.
    """
    if isinstance(request, str):
        action = GUARDED_ACTIONS.get(request.strip().lower(), request)
        _refuse_snake_case(parameters or {})
    else:
        action = _action_of(type(request))
        if parameters is not None:
            raise TypeError("parameters go with an action, not with a request model")
        parameters = request.to_map()
    if action not in OPERATIONS and not hasattr(models, f"{action}Request"):
        raise ValueError(f"ECS has no operation {action!r}, as far as the installed SDK knows")
    params = Params(action=action, version=ECS_VERSION, protocol="HTTPS", pathname="/", style="RPC")
    # Unlike the SDK, the review reads nested and unflattened parameters as well.
    sent = OpenApiRequest(query=cast("dict[str, str]", dict(parameters or {})))
    effective = outgoing.of_intended(client, params, sent, RuntimeOptions())
    return action, effective if effective is not None and effective.is_guarded else None


def _refuse_snake_case(parameters: Mapping[str, object]) -> None:
    """Refuse what no parameter of ECS looks like: a group that is named so would not be seen."""
    for name in parameters:
        if "_" in name:
            spelt = "".join(part.capitalize() for part in name.split("_"))
            raise ValueError(f"parameters are spelt as on the wire: {spelt!r} instead of {name!r}")


def _action_of(model: type) -> str:
    """Return the action of a request model, also of somebody's subclass of one."""
    # Older SDKs derive their models from another class than newer ones: the module tells them.
    for cls in model.__mro__:
        if cls.__module__.startswith("alibabacloud_ecs20140526."):
            return cls.__name__.removesuffix("Request").removesuffix("Shrink")
    raise TypeError(f"check() takes a request model of the ECS SDK or an action, not a {model.__name__}")
