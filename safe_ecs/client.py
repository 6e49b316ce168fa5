"""The front door: a drop-in for ``alibabacloud_ecs20140526.client``."""

from __future__ import annotations

from functools import lru_cache
from inspect import getattr_static
from types import new_class
from typing import TYPE_CHECKING, Any, Final, cast, overload

from alibabacloud_ecs20140526.client import Client as EcsClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient

from safe_ecs.cache.memory import StatusCache
from safe_ecs.gate import Gate
from safe_ecs.policy import GuardPolicy
from safe_ecs.transports import GuardedTransports

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alibabacloud_tea_openapi.utils_models import Config

    from safe_ecs.observe.observer import Observer

_OURS: Final = frozenset({"guard", "_safe_ecs_gate"})


class Client(GuardedTransports, EcsClient):
    """The stock ECS client with a guard in front of the wire.

    A call that would change a security group managed by a cloud service raises
    ``ManagedSecurityGroupError`` before anything but a Describe is sent; every other call is the stock
    client's.

    Args:
        config: As for the stock client.
        policy: The rules of the guard; ``GuardPolicy()`` if None.
        cache: What remembers statuses; the one that all clients of the process share if None.
        observers: Who is told what the guard does, beside the logger ``safe_ecs``.

    Raises:
        TypeError: ``policy`` is not a GuardPolicy, ``cache`` not a StatusCache, or one of ``observers`` no Observer.
    """

    def __init__(
        self,
        config: Config,
        *,
        policy: GuardPolicy | None = None,
        cache: StatusCache | None = None,
        observers: Iterable[Observer] = (),
    ) -> None:
        self._safe_ecs_gate = _gate(policy, cache, observers)
        super().__init__(config)


@overload
def guard(
    client: EcsClient,
    *,
    policy: GuardPolicy | None = None,
    cache: StatusCache | None = None,
    observers: Iterable[Observer] = (),
) -> Client: ...
@overload
def guard(
    client: OpenApiClient,
    *,
    policy: GuardPolicy | None = None,
    cache: StatusCache | None = None,
    observers: Iterable[Observer] = (),
) -> GuardedTransports: ...
def guard(
    client: OpenApiClient,
    *,
    policy: GuardPolicy | None = None,
    cache: StatusCache | None = None,
    observers: Iterable[Observer] = (),
) -> GuardedTransports:
    """Return a guarded twin of a client; the original stays as it was, and unguarded.

    Twin and original share credentials and connections. Methods that the client's class overrides run in the
    twin as well, in front of the guard; to a type checker it has them once ``isinstance(twin, TheirClient)`` is asked.

    Args:
        client: An instance of the stock ECS client, of a subclass, or of the generic OpenApi client.
        policy: The rules of the guard; ``GuardPolicy()`` if None.
        cache: What remembers statuses; the one that all clients of the process share if None.
        observers: Who is told what the guard does, beside the logger ``safe_ecs``.

    Returns:
        A client of a class that derives from the client's own, with ``client.guard``.

    Raises:
        TypeError: ``client`` is no SDK client, is guarded already, or has methods replaced on the instance,
            which would lead past the guard; or another argument is not what it is called.
    """
    cls: type[OpenApiClient] = type(client)
    if not issubclass(cls, OpenApiClient):
        raise TypeError(
            f"guard() takes an instance of an Alibaba Cloud SDK client, not {type(client).__name__}"
        )
    if issubclass(cls, GuardedTransports):
        raise TypeError(f"this {cls.__name__} is guarded already")
    if taken := sorted(name for name in _OURS if getattr_static(client, name, None) is not None):
        raise TypeError(
            f"{cls.__name__} has an attribute of its own where the guard goes: {', '.join(taken)}"
        )
    if replaced := sorted(name for name, value in vars(client).items() if _leads_back(client, name, value)):
        raise TypeError(
            f"what is set on the instance would lead past the guard: {', '.join(replaced)}; "
            "guard the client first, then set it on the twin"
        )
    twin = _revive(cls, object.__getstate__(client))
    vars(twin)["_safe_ecs_gate"] = _gate(policy, cache, observers)
    return twin


def _gate(policy: GuardPolicy | None, cache: StatusCache | None, observers: Iterable[Observer]) -> Gate:
    if policy is not None and not isinstance(policy, GuardPolicy):
        raise TypeError(f"policy must be a GuardPolicy, not {type(policy).__name__}")
    if cache is not None and not isinstance(cache, StatusCache):
        raise TypeError(f"cache must be a StatusCache, not {type(cache).__name__}")
    return Gate(policy or GuardPolicy(), cache, observers)


def _leads_back(client: OpenApiClient, name: str, value: object) -> bool:
    """Return whether an attribute replaces a method of the SDK, or is a method bound to the original."""
    return callable(getattr(EcsClient, name, None)) or getattr(value, "__self__", None) is client


@lru_cache(maxsize=256)
def _twin_class(cls: type[OpenApiClient]) -> type[GuardedTransports]:
    """Return a class with the guard behind what ``cls`` overrides, and in front of the SDK's own classes."""
    if cls is EcsClient:
        return Client
    if cls is OpenApiClient:
        return GuardedTransports
    guarded = Client if issubclass(cls, EcsClient) else GuardedTransports

    def describe(namespace: dict[str, object]) -> None:
        namespace["__module__"] = cls.__module__
        namespace["__doc__"] = cls.__doc__
        namespace["__reduce_ex__"] = lambda twin, _: (_revive, (cls, object.__getstate__(twin)))

    return cast("type[GuardedTransports]", new_class(f"Guarded{cls.__name__}", (cls, guarded), {}, describe))


def _revive(cls: type[OpenApiClient], state: object) -> GuardedTransports:
    """Rebuild the copied or unpickled twin of an instance of ``cls``."""
    twin = object.__new__(_twin_class(cls))  # type: ignore[arg-type]  # mypy takes a class for unhashable
    _set_state(twin, state)
    return twin


def _set_state(client: OpenApiClient, state: Any) -> None:  # noqa: ANN401 - what object.__getstate__ returns
    """Set the attributes, and beside them those in slots if the class has any."""
    for attributes in state if isinstance(state, tuple) else (state,):
        for name, value in (attributes or {}).items():
            object.__setattr__(client, name, value)
