"""The front door: a drop-in for ``alibabacloud_ecs20140526.client``, and ``guard()`` for clients that others have made."""

from __future__ import annotations

from functools import lru_cache, wraps
from inspect import getattr_static
from types import new_class
from typing import TYPE_CHECKING, Any, Final, SupportsIndex, cast, overload

from alibabacloud_ecs20140526.client import Client as EcsClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient

from safe_ecs._calls.copies import copy_client
from safe_ecs._enforcer import make_enforcer
from safe_ecs._transports import GuardedTransports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from alibabacloud_tea_openapi.utils_models import Config

    from safe_ecs._enforcer import Enforcer
    from safe_ecs.cache._memory import StatusCache
    from safe_ecs.observe._observer import Observer
    from safe_ecs.policy import GuardPolicy

_OURS: Final = frozenset({"guard", "_safe_ecs_enforcer"})


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
        self._safe_ecs_enforcer = make_enforcer(policy, cache, observers)
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

    Copies and pickles of the twin are made as the client's class makes its own, and have the twin's guard: what a
    ``__copy__``, ``__deepcopy__`` or ``__reduce__`` of the class returns unguarded is guarded in turn, or refused with
    a TypeError where ``guard`` would refuse it.

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
    if replaced := _ways_past(client):
        raise TypeError(
            f"what is set on the instance would lead past the guard: {replaced}; "
            "guard the client first, then set it on the twin"
        )
    return _twin_of(client, make_enforcer(policy, cache, observers))


def _ways_past(client: OpenApiClient) -> str:
    """Return which attributes replace a method of the SDK, or are methods bound to this very client."""
    return ", ".join(
        sorted(
            name
            for name, value in vars(client).items()
            if callable(getattr(EcsClient, name, None)) or getattr(value, "__self__", None) is client
        )
    )


def _twin_of(client: OpenApiClient, enforcer: Enforcer) -> GuardedTransports:
    twin = copy_client(client, _twin_class(type(client)))  # type: ignore[arg-type]  # mypy takes a class for unhashable
    vars(twin)["_safe_ecs_enforcer"] = enforcer
    return twin


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
        namespace["__reduce_ex__"] = lambda twin, protocol: _reduced(cls, twin, protocol)
        for name, keep in (("__copy__", _copying), ("__deepcopy__", _copying), ("__setstate__", _setting)):
            if (method := getattr(cls, name, None)) is not None:
                namespace[name] = keep(method)

    return cast("type[GuardedTransports]", new_class(f"Guarded{cls.__name__}", (cls, guarded), {}, describe))


def _reduced(
    cls: type[OpenApiClient], twin: GuardedTransports, protocol: SupportsIndex
) -> str | tuple[Any, ...]:
    """Return what ``copy`` and ``pickle`` are told of a twin: what they are told of an instance of ``cls``, and the guard."""
    reduced = cls.__reduce_ex__(twin, protocol)
    if isinstance(reduced, str):
        return reduced  # The name of a global: a copy is the twin itself, and pickle refuses what is not that global.
    make, arguments, *state = reduced
    # The twin's class has no name by which it could be found again.
    guarded = _twin_class(cls)  # type: ignore[arg-type]  # mypy takes a class for unhashable
    parts = (cls if part is guarded else part for part in (make, *arguments))
    return (_revive, (cls, twin._safe_ecs_enforcer, *parts), *state)  # noqa: SLF001 - the guard is ours


def _revive(cls: type[OpenApiClient], enforcer: Enforcer, *parts: Any) -> GuardedTransports:  # noqa: ANN401 - a callable and what it takes
    """Make a copied or unpickled twin, as ``_reduced`` has said."""
    guarded = _twin_class(cls)  # type: ignore[arg-type]  # mypy takes a class for unhashable
    remade: list[Any] = [guarded if part is cls else part for part in parts]
    return _guarded(remade[0](*remade[1:]), enforcer)


def _copying(method: Callable[..., object]) -> Callable[..., GuardedTransports]:
    """Return somebody's ``__copy__`` or ``__deepcopy__`` with the guard on what it makes."""

    @wraps(method)
    def copy(twin: GuardedTransports, *memo: object) -> GuardedTransports:
        return _guarded(method(twin, *memo), twin._safe_ecs_enforcer)  # noqa: SLF001 - the guard is ours

    return copy


def _setting(method: Callable[..., object]) -> Callable[..., None]:
    """Return somebody's ``__setstate__``, which may replace all attributes, but not the guard."""

    @wraps(method)
    def set_state(twin: GuardedTransports, state: object) -> None:
        ours = {name: value for name, value in vars(twin).items() if name in _OURS}
        method(twin, state)
        vars(twin).update(ours)

    return set_state


def _guarded(copied: object, enforcer: Enforcer) -> GuardedTransports:
    """Return what somebody's class has made for a copy of a twin, with the guard of that twin."""
    if isinstance(copied, GuardedTransports):
        vars(copied)["_safe_ecs_enforcer"] = enforcer
        return copied
    if not isinstance(copied, OpenApiClient):
        raise TypeError(
            f"a copy of a guarded client cannot be guarded, as it is no SDK client but a {type(copied).__name__}"
        )
    if replaced := _ways_past(copied):
        raise TypeError(
            f"a copy of a guarded client cannot be guarded: what {type(copied).__name__} sets on the copy would lead "
            f"past the guard: {replaced}"
        )
    return _twin_of(copied, enforcer)
