"""The public clients: a drop-in for ``alibabacloud_ecs20140526.client``, and ``guard()`` for existing clients."""

from __future__ import annotations

from functools import lru_cache, partial
from inspect import getattr_static
from types import new_class
from typing import TYPE_CHECKING, Any, Final, cast, overload

from alibabacloud_ecs20140526.client import Client as EcsClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient

from safe_ecs._calls.copies import copy_client
from safe_ecs._enforcer import make_enforcer
from safe_ecs._transports import GuardedTransports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from alibabacloud_tea_openapi.utils_models import Config

    from safe_ecs._enforcer import Enforcer
    from safe_ecs.cache._status_cache import StatusCache
    from safe_ecs.observe._observer import Observer
    from safe_ecs.policy import GuardPolicy

_OURS: Final = frozenset({"guard", "_safe_ecs_enforcer"})
_COPYING: Final = ("__copy__", "__deepcopy__", "__reduce__", "__reduce_ex__")


class Client(GuardedTransports, EcsClient):
    """The stock ECS client with a guard in front of the wire.

    A call that would change a security group managed by a cloud service raises ``ManagedSecurityGroupError`` before the
    client sends anything but a Describe. Every other call is the stock client's.

    Args:
        config: As for the stock client.
        policy: The rules of the guard; ``GuardPolicy()`` if None.
        cache: Remembers statuses; the cache that all clients of the process share if None.
        observers: Hear of decisions and look-ups, beside the logger ``safe_ecs``.

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

    Twin and original share credentials and connections. Methods that the client's class overrides run in the twin as
    well, in front of the guard. A type checker sees them after ``isinstance(twin, TheirClient)``. Copies and pickles of
    the twin have the twin's guard.

    Args:
        client: An instance of the stock ECS client, of a subclass, or of the generic OpenApi client.
        policy: The rules of the guard; ``GuardPolicy()`` if None.
        cache: Remembers statuses; the cache that all clients of the process share if None.
        observers: Hear of decisions and look-ups, beside the logger ``safe_ecs``.

    Returns:
        A client of a class that derives from the client's own, with ``client.guard``.

    Raises:
        TypeError: ``client`` is no SDK client or is guarded already. It has methods replaced on the instance: they
            would lead past the guard. Its class copies or pickles itself in a way of its own. Or another argument has
            the wrong type.
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
    if own := [name for name in _COPYING if getattr(cls, name, None) is not getattr(object, name, None)]:
        raise TypeError(
            f"{cls.__name__} has a {own[0]} of its own, and might make an unguarded copy of a guarded client: "
            "derive the class from safe_ecs.Client instead"
        )
    if replaced := _replaced_methods(client):
        raise TypeError(
            f"what is set on the instance would lead past the guard: {replaced}; "
            "guard the client first, then set it on the twin"
        )
    twin = copy_client(client, _twin_class(cls))  # type: ignore[arg-type]  # mypy takes a class for unhashable
    vars(twin)["_safe_ecs_enforcer"] = make_enforcer(policy, cache, observers)
    return twin


def _replaced_methods(client: OpenApiClient) -> str:
    """Return the names of the attributes that replace a method of the SDK, or are methods bound to this very client."""
    return ", ".join(
        sorted(
            name
            for name, value in vars(client).items()
            if callable(getattr(EcsClient, name, None)) or getattr(value, "__self__", None) is client
        )
    )


@lru_cache(maxsize=256)
def _twin_class(cls: type[OpenApiClient]) -> type[GuardedTransports]:
    """Return a class with the guard behind the overrides of ``cls``, and in front of the SDK's own classes."""
    if cls is EcsClient:
        return Client
    if cls is OpenApiClient:
        return GuardedTransports
    # The guarded class comes second: an override of ``cls`` runs first, and the guard reviews the call that it makes.
    guarded = Client if issubclass(cls, EcsClient) else GuardedTransports

    def describe(namespace: dict[str, object]) -> None:
        namespace["__module__"] = cls.__module__
        namespace["__doc__"] = cls.__doc__
        namespace["__reduce_ex__"] = lambda twin, _: _reduced(cls, twin)
        if (set_state := getattr(cls, "__setstate__", None)) is not None:
            namespace["__setstate__"] = lambda twin, state: _restored(twin, partial(set_state, twin, state))

    return cast("type[GuardedTransports]", new_class(f"Guarded{cls.__name__}", (cls, guarded), {}, describe))


def _reduced(cls: type[OpenApiClient], twin: GuardedTransports) -> tuple[object, ...]:
    """Return the parts of a twin for ``copy`` and ``pickle``: pickle could not find the twin's class by its name."""
    _, (_, *arguments), *state = cast("Any", object.__reduce_ex__(twin, 2))
    return (_new_twin, (cls, twin._safe_ecs_enforcer, *arguments), *state)  # noqa: SLF001 - the guard is ours


def _new_twin(cls: type[OpenApiClient], enforcer: Enforcer, *arguments: object) -> GuardedTransports:
    """Return a twin that has its guard and awaits its state."""
    guarded = _twin_class(cls)  # type: ignore[arg-type]  # mypy takes a class for unhashable
    twin = guarded.__new__(guarded, *arguments)
    vars(twin)["_safe_ecs_enforcer"] = enforcer
    return twin


def _restored(twin: GuardedTransports, set_state: Callable[[], object]) -> None:
    """Run the ``__setstate__`` of a class, which may replace all attributes but not the guard."""
    enforcer = twin._safe_ecs_enforcer  # noqa: SLF001 - the guard is ours
    set_state()
    vars(twin)["_safe_ecs_enforcer"] = enforcer
