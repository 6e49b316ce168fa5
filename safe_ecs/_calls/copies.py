"""A client like another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from alibabacloud_tea_openapi.client import Client as OpenApiClient

_ClientT = TypeVar("_ClientT", bound="OpenApiClient")


def like(client: OpenApiClient, cls: type[_ClientT]) -> _ClientT:
    """Return an instance of a class with the attributes of a client, and beside them those in slots if its class has any.

    No constructor, no method of copying and no property runs: they are somebody's in a subclass, and may do anything.
    """
    twin = object.__new__(cls)
    state: Any = object.__getstate__(client)
    attributes, slots = state if isinstance(state, tuple) else (state, {})
    vars(twin).update(attributes or {})
    for name, value in slots.items():
        object.__setattr__(twin, name, value)
    return twin
