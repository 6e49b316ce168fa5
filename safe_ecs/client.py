"""The front door: a drop-in for ``alibabacloud_ecs20140526.client``."""

from __future__ import annotations

from functools import lru_cache
from types import new_class
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from alibabacloud_ecs20140526.client import Client as EcsClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient

from safe_ecs.gate import Gate
from safe_ecs.policy import GuardPolicy
from safe_ecs.transports import GuardedTransports

if TYPE_CHECKING:
    from alibabacloud_tea_openapi.utils_models import Config

    from safe_ecs.cache.memory import StatusCache

_ClientT = TypeVar("_ClientT", bound=OpenApiClient)

_OURS: Final = frozenset({"guard", "_safe_ecs_gate"})


class Client(EcsClient, GuardedTransports):
    """The stock ECS client with a guard in front of the wire.

    A call that would change a security group managed by a cloud service raises
    ``ManagedSecurityGroupError`` before anything but a Describe is sent; every other call is the stock
    client's.

    Args:
        config: As for the stock client.
        policy: The rules of the guard; ``GuardPolicy()`` if None.
        cache: What remembers statuses; the one that all clients of the process share if None.

    Raises:
        TypeError: ``policy`` is no GuardPolicy.
    """

    def __init__(
        self, config: Config, *, policy: GuardPolicy | None = None, cache: StatusCache | None = None
    ) -> None:
        self._safe_ecs_gate = _gate(policy, cache)
        super().__init__(config)


def guard(
    client: _ClientT, *, policy: GuardPolicy | None = None, cache: StatusCache | None = None
) -> _ClientT:
    """Return a guarded twin of a client; the original stays as it was, and unguarded.

    Twin and original share credentials and connections. Methods that the client's class overrides run in the
    twin as well, in front of the guard.

    Args:
        client: An instance of the stock ECS client, of a subclass, or of the generic OpenApi client.
        policy: The rules of the guard; ``GuardPolicy()`` if None.
        cache: What remembers statuses; the one that all clients of the process share if None.

    Returns:
        A client of a class that derives from the client's own, with ``client.guard``.

    Raises:
        TypeError: ``client`` is no SDK client, is guarded already, or has methods replaced on the instance,
            which would lead past the guard.
    """
    cls: type[OpenApiClient] = type(client)
    if not issubclass(cls, OpenApiClient):
        raise TypeError(f"guard() takes an instance of an Alibaba Cloud SDK client, not {client!r}")
    if issubclass(cls, GuardedTransports):
        raise TypeError(f"this {cls.__name__} is guarded already")
    if taken := sorted(name for name in _OURS if hasattr(client, name)):
        raise TypeError(
            f"{cls.__name__} has an attribute of its own where the guard goes: {', '.join(taken)}"
        )
    if replaced := sorted(name for name in vars(client) if callable(getattr(cls, name, None))):
        raise TypeError(
            f"methods replaced on the instance would lead past the guard: {', '.join(replaced)}; "
            "guard the client first, then replace them on the twin"
        )
    twin = object.__new__(_twin_class(cls))  # type: ignore[arg-type]  # mypy takes a class for unhashable
    # The attributes, and beside them those in slots if the class has any.
    state: Any = object.__getstate__(client)
    for attributes in state if isinstance(state, tuple) else (state,):
        for name, value in (attributes or {}).items():
            object.__setattr__(twin, name, value)
    twin._safe_ecs_gate = _gate(policy, cache)
    return cast("_ClientT", twin)


def _gate(policy: GuardPolicy | None, cache: StatusCache | None) -> Gate:
    if policy is not None and not isinstance(policy, GuardPolicy):
        raise TypeError(f"policy must be a GuardPolicy, not {policy!r}")
    return Gate(policy or GuardPolicy(), cache)


@lru_cache(maxsize=256)
def _twin_class(cls: type[OpenApiClient]) -> type[GuardedTransports]:
    if cls is EcsClient:
        return Client
    if cls is OpenApiClient:
        return GuardedTransports
    return cast("type[GuardedTransports]", new_class(f"Guarded{cls.__name__}", (cls, GuardedTransports)))
