"""Gives an override the signature of the SDK's method, for the tools that inspect a client."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

_F = TypeVar("_F", bound="Callable[..., Any]")


def signed_like(stock: Callable[..., Any]) -> Callable[[_F], _F]:
    """Return a decorator: the override gets the signature, name and documentation of the method it overrides."""

    def sign(override: _F) -> _F:
        return cast("_F", wraps(stock)(override))

    return sign
