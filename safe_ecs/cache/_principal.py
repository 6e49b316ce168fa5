"""The principal of a request: "missing" and "forbidden" are facts for one principal alone."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_SDK: Final = "alibabacloud_credentials."


class Principal:
    """Credentials and the owner they ask for. Keeps neither the keys nor the credentials object.

    Args:
        credential: The SDK's credentials object of a client.
        owner: The owner parameters of the request.
    """

    __slots__ = ("_credential", "_identity")

    _credential: Callable[[], object]

    def __init__(self, credential: object, owner: tuple[tuple[str, str], ...]) -> None:
        keys = _fixed_keys(credential)
        if keys is None:
            # Another object may be born at the same address once this one is gone.
            self._credential = _nothing
            self._identity: Hashable = id(credential), owner
            try:
                self._credential = weakref.ref(credential)
            except TypeError:
                # Then nothing can tell that it is gone, and each time it asks it is another principal.
                self._identity = object()
        else:
            self._credential = _nothing
            self._identity = hash(keys), owner

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Principal):
            return NotImplemented
        return self._identity == other._identity and self._credential() is other._credential()

    def __hash__(self) -> int:
        return hash(self._identity)


def _nothing() -> None:
    """Stand for credentials that need not be told apart by their object."""


def _fixed_keys(credential: object) -> Hashable | None:
    """Return the keys and tokens of credentials that never change; None for other credentials.

    A program that makes a new client for every call makes new credentials of the same keys each time.
    """
    provider = getattr(credential, "cloud_credential", None)
    provider = getattr(provider, "provider", provider)
    cls = type(provider)
    if provider is None or not cls.__module__.startswith(_SDK):
        return None
    values = vars(provider)
    if not values or not all(isinstance(value, str) for value in values.values()):
        return None
    return cls, *sorted(values.items())
