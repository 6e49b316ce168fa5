"""Reads a call once: into plain objects that the SDK sends, and into the facts that the guard reviews."""
# ruff: noqa: SLF001 - the SDK's client has no getters for its settings

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from alibabacloud_tea_openapi.utils_models import OpenApiRequest
from darabonba.runtime import RuntimeOptions

from safe_ecs._calls.call import Call, Layers, Target
from safe_ecs._calls.copies import copy_params, copy_request, copy_runtime, is_steady_call
from safe_ecs._calls.merge import merge
from safe_ecs._calls.once_headers import OnceHeaders, hands_out_its_own
from safe_ecs._calls.settings import settings_of
from safe_ecs._calls.transports import DO_REQUEST, DO_RPCREQUEST, EXECUTE
from safe_ecs._core.effective_request import effective_request

if TYPE_CHECKING:
    from alibabacloud_tea_openapi.client import Client as OpenApiClient
    from alibabacloud_tea_openapi.utils_models import Params

    from safe_ecs._calls.transports import Transport
    from safe_ecs._core.request import EffectiveRequest

_UNSTEADY_LAYER: Final = (
    "the global parameters of its client are of a type that may say something else when they are sent"
)
_UNKNOWN_HEADERS: Final = (
    "its headers can be known only by making the call: the client has a get_rpc_headers() of its own, "
    "and may need for the call what that returns"
)


def read_call(
    client: OpenApiClient,
    transport: Transport,
    leading: tuple[Any, ...],
    request: OpenApiRequest | None,
    runtime: RuntimeOptions | None,
) -> Call:
    """Return a call as the guard reviews it and the SDK sends it.

    A call that is certainly not guarded keeps the objects of the caller. The stock transport then raises its own
    exception for an object that cannot be read.
    """
    if request is None or runtime is None:
        return Call(leading, request, runtime)  # The transport fails on it before it sends anything.
    objects = leading if transport.takes_params else ()
    try:
        copies = tuple(map(copy_params, objects)) or leading
        layers = Layers(
            transport,
            _target_of(transport, copies),
            copy_request(request),
            copy_runtime(runtime),
            settings_of(client),
        )
        once_headers, effective = _review_data(client, layers)
        may_stay = effective is None or not effective.is_guarded
        may_stay = may_stay and is_steady_call(objects, request, runtime)
    except Exception as error:  # noqa: BLE001 - an object of the caller's may raise anything
        return Call(leading, request, runtime, None, _unread(client, transport, leading, error))
    if may_stay:
        return Call(leading, request, runtime, once_headers, effective)
    return Call(copies, layers.request, layers.runtime, once_headers, effective, layers)


def has_changed(client: OpenApiClient, call: Call) -> bool:
    """Return whether the client's settings have changed since a guarded call was read."""
    return call.layers is not None and settings_of(client) != call.layers.settings


def read_again(client: OpenApiClient, call: Call) -> Call:
    """Return a guarded call with the settings that its client has now."""
    if call.layers is None:
        return call
    layers = call.layers._replace(settings=settings_of(client))
    once_headers = call.once_headers
    effective = _effective(layers, None if once_headers is None else once_headers.headers, once_headers)
    return call._replace(effective=effective, layers=layers)


def read_intended(
    client: OpenApiClient, params: Params, request: OpenApiRequest, runtime: RuntimeOptions
) -> EffectiveRequest | None:
    """Return the request that ``call_api`` would send for an RPC. The client keeps its headers for its next call."""
    transport = DO_REQUEST
    if client._signature_version == "v4":
        transport = EXECUTE
    elif client._signature_algorithm == "v2":
        transport = DO_RPCREQUEST
    target = _target_of(DO_REQUEST, (params,))
    layers = Layers(transport, target, request, runtime, settings_of(client))
    effective = _effective(layers, client._headers)  # get_rpc_headers() clears them
    if effective is not None and hands_out_its_own(client):
        return effective._replace(unreadable=_UNKNOWN_HEADERS)
    return effective


def _target_of(transport: Transport, leading: tuple[Any, ...]) -> Target:
    if transport.takes_params:
        [params] = leading
        return Target(
            params.action, params.version, params.protocol, params.pathname, is_rpc=params.style == "RPC"
        )
    named = dict(zip(transport.leading, leading, strict=True))
    pathname = named.get("pathname", "/")
    return Target(named["action"], named["version"], named["protocol"], pathname, is_rpc=True)


def _review_data(client: OpenApiClient, layers: Layers) -> tuple[OnceHeaders | None, EffectiveRequest | None]:
    """Return the effective request of a call, and its headers of ``set_rpc_headers`` if the guard has taken them."""
    transport = layers.transport
    if not transport.takes_once_headers or not (layers.target.is_rpc or transport.takes_them_in_any_style):
        return None, _effective(layers, None)
    if hands_out_its_own(client):
        taken = OnceHeaders(client)
        return taken, _effective(layers, taken.headers, taken)
    headers: Any = client._headers  # get_rpc_headers() clears them
    effective = _effective(layers, headers)
    if effective is None or not effective.is_guarded:
        return None, effective  # The stock transport takes the headers of this call itself.
    taken = OnceHeaders(client)
    if taken.headers != headers:  # Another thread has set or used the headers in between.
        effective = _effective(layers, taken.headers)
    return taken, effective


def _effective(
    layers: Layers,
    headers: object,
    taken: OnceHeaders | None = None,
) -> EffectiveRequest | None:
    """Return the effective request of a call with these headers of ``set_rpc_headers``."""
    effective = effective_request(merge(layers, headers))
    if effective is None:
        return None
    if taken is not None and taken.error is not None:
        return effective._replace(unreadable=f"its get_rpc_headers() raised {type(taken.error).__name__}")
    return effective if layers.settings.is_steady else effective._replace(unreadable=_UNSTEADY_LAYER)


def _unread(
    client: OpenApiClient, transport: Transport, leading: tuple[Any, ...], error: Exception
) -> EffectiveRequest | None:
    """Return the request of a call that cannot be read, as far as its first arguments tell."""
    try:
        target = _target_of(transport, leading)
    except Exception:  # noqa: BLE001 - an object of the caller's may raise anything
        return None  # The transport cannot read them either.
    settings = settings_of(client, has_layer=False)
    layers = Layers(transport, target, OpenApiRequest(), RuntimeOptions(), settings)
    effective = _effective(layers, None)
    return effective and effective._replace(unreadable=f"reading it raised {type(error).__name__}")
