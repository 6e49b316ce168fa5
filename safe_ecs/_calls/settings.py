"""The settings of a client that decide where its calls go, and which parameters its calls carry."""
# ruff: noqa: SLF001 - the SDK's client has no getters for its settings

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from safe_ecs._calls.copies import copy_layer, is_steady_layer

if TYPE_CHECKING:
    from alibabacloud_tea_openapi.client import Client as OpenApiClient


class Settings(NamedTuple):
    """The settings of a client at one moment.

    Attributes:
        endpoint: The client's ``endpoint``.
        protocol: Its ``protocol``; None if each operation has its own.
        region_id: Its ``region_id``.
        tries_again: Whether its retry options may make the SDK send a call once more.
        headers: A copy of its global headers; None for none.
        queries: A copy of its global queries; None for none.
        is_steady: Whether the SDK will read the same global parameters, as long as nobody changes them.
    """

    endpoint: object
    protocol: object
    region_id: object
    tries_again: bool
    headers: dict[Any, object] | None
    queries: dict[Any, object] | None
    is_steady: bool


def settings_of(client: OpenApiClient, *, has_layer: bool = True) -> Settings:
    """Return the settings of a client at this moment, with its global parameters or without."""
    layer: Any = client._global_parameters if has_layer else None
    return Settings(
        client._endpoint,
        client._protocol,
        client._region_id,
        client._retry_options is not None,
        None if layer is None else copy_layer(layer.headers),
        None if layer is None else copy_layer(layer.queries),
        layer is None or is_steady_layer(layer),
    )
