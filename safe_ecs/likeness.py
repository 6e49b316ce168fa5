"""A client like another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from alibabacloud_tea_openapi.client import Client as OpenApiClient

_ClientT = TypeVar("_ClientT", bound="OpenApiClient")


def like(client: OpenApiClient, cls: type[_ClientT]) -> _ClientT:
    """Return an instance of a class with the attributes of a client, and beside them those in slots if its class has any.

    Neither the constructor nor a method of copying runs: both are somebody's in a subclass, and may do anything.
    """
    twin = object.__new__(cls)
    state: Any = object.__getstate__(client)
    for attributes in state if isinstance(state, tuple) else (state,):
        for name, value in (attributes or {}).items():
            object.__setattr__(twin, name, value)
    return twin
