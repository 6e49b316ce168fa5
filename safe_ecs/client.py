"""The public clients: a drop-in for ``alibabacloud_ecs20140526.client``, and ``guard()`` for existing clients."""

from __future__ import annotations

from functools import lru_cache, partial
from types import MethodType, new_class
from typing import TYPE_CHECKING, Any, Final, cast, overload

from alibabacloud_ecs20140526.client import Client as EcsClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient

from safe_ecs._enforcer import make_enforcer
from safe_ecs._transports import OVERRIDDEN, GuardedTransports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from alibabacloud_tea_openapi.utils_models import Config

    from safe_ecs._enforcer import Enforcer
    from safe_ecs.cache._status_cache import StatusCache
    from safe_ecs.observe._observer import Observer
    from safe_ecs.policy import GuardPolicy

# The class of the client may have a ``__setattr__`` or a ``__class__`` of its own.
_CLASS: Final[Any] = vars(object)["__class__"]
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
        # A program may call the constructor again, to give a client another configuration.
        if policy is not None or cache is not None or observers or "_safe_ecs_enforcer" not in vars(self):
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
    """Guard a client in place, and return this very object.

    Helpers, tables, callbacks and caches that refer to the client refer to a guarded one from now on, and so do methods
    taken off it before. A transport of the SDK taken off it before (``send = client.do_request``) stays unguarded.

    The object's class becomes one that derives from its own. Methods that its own class overrides run as before, in front
    of the guard. A type checker sees them after ``isinstance(client, TheirClient)``. Copies and pickles of the client have
    its guard.

    Args:
        client: An instance of the stock ECS client, of a subclass, or of the generic OpenApi client.
        policy: The rules of the guard; ``GuardPolicy()`` if None.
        cache: Remembers statuses; the cache that all clients of the process share if None.
        observers: Hear of decisions and look-ups, beside the logger ``safe_ecs``.

    Returns:
        The client, with ``client.guard``.

    Raises:
        TypeError: ``client`` is no SDK client, is guarded already, has an attribute named ``guard``, or keeps a transport
            as an attribute, which would lead past the guard. Its class copies or pickles itself in a way of its own, or
            cannot be changed. Or another argument has the wrong type. The client stays as it was.
    """
    cls: type[object] = type(client)
    if not issubclass(cls, OpenApiClient) or not issubclass(client.__class__, cls):
        raise TypeError(f"guard() takes an instance of an Alibaba Cloud SDK client, not {cls.__name__}")
    if issubclass(cls, GuardedTransports):
        raise TypeError(f"this {cls.__name__} is guarded already")
    if any("guard" in vars(place) for place in (client, *cls.__mro__)):
        raise TypeError(f"{cls.__name__} has an attribute of its own where the guard goes: guard")
    if own := [name for name in _COPYING if getattr(cls, name, None) is not getattr(object, name, None)]:
        raise TypeError(
            f"{cls.__name__} has a {own[0]} of its own, and might make an unguarded copy of a guarded client: "
            "derive the class from safe_ecs.Client instead"
        )
    if kept := _kept_transports(client):
        raise TypeError(
            f"attributes of this {cls.__name__} would lead past the guard: {kept}; guard the client first, then set them"
        )
    enforcer = make_enforcer(policy, cache, observers)
    # Of two threads that guard one client at once, the one with its enforcer in this place guards it.
    if vars(client).setdefault("_safe_ecs_enforcer", enforcer) is not enforcer:
        raise TypeError(f"this {cls.__name__} is guarded already")
    try:
        _CLASS.__set__(client, _guarded_class(cls))  # type: ignore[arg-type]  # mypy takes a class for unhashable
    except Exception as error:
        raise TypeError(f"the class of this {cls.__name__} cannot be changed: {error}") from error
    finally:
        if type(client) is cls:
            del vars(client)["_safe_ecs_enforcer"]
    return cast("GuardedTransports", client)


def _kept_transports(client: OpenApiClient) -> str:
    """Return the names of the attributes that replace a transport, or are transports bound to this very client."""
    state: Any = object.__getstate__(client)
    attributes, slots = state if isinstance(state, tuple) else (state or {}, {})
    return ", ".join(
        sorted(
            name
            for name, value in {**attributes, **slots}.items()
            if name in OVERRIDDEN
            or (type(value) is MethodType and value.__self__ is client and value.__name__ in OVERRIDDEN)
        )
    )


@lru_cache(maxsize=256)
def _guarded_class(cls: type[OpenApiClient]) -> type[GuardedTransports]:
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
        namespace["__reduce_ex__"] = lambda client, _: _reduced(cls, client)
        if (set_state := getattr(cls, "__setstate__", None)) is not None:
            namespace["__setstate__"] = lambda client, state: _restored(
                client, partial(set_state, client, state)
            )

    return cast("type[GuardedTransports]", new_class(f"Guarded{cls.__name__}", (cls, guarded), {}, describe))


def _reduced(cls: type[OpenApiClient], client: GuardedTransports) -> tuple[object, ...]:
    """Return the parts of a client for ``copy`` and ``pickle``: pickle could not find its class by its name."""
    _, (_, *arguments), *state = cast("Any", object.__reduce_ex__(client, 2))
    return (_new_client, (cls, client._safe_ecs_enforcer, *arguments), *state)  # noqa: SLF001 - the guard is ours


def _new_client(cls: type[OpenApiClient], enforcer: Enforcer, *arguments: object) -> GuardedTransports:
    """Return a client that has its guard and awaits its state."""
    guarded = _guarded_class(cls)  # type: ignore[arg-type]  # mypy takes a class for unhashable
    client = guarded.__new__(guarded, *arguments)
    vars(client)["_safe_ecs_enforcer"] = enforcer
    return client


def _restored(client: GuardedTransports, set_state: Callable[[], object]) -> None:
    """Run the ``__setstate__`` of a class, which may replace all attributes but not the guard."""
    enforcer = client._safe_ecs_enforcer  # noqa: SLF001 - the guard is ours
    set_state()
    vars(client)["_safe_ecs_enforcer"] = enforcer
