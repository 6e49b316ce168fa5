"""Turns a call of one of the SDK's transports into plain data for the review.

The layers are merged by the SDK's own function and in the order of the transports in
``alibabacloud_tea_openapi.client``, so that what is reviewed is what the transport is about to make of them.
"""
# ruff: noqa: SLF001 - the layers are private attributes of the SDK's client, and it has no getters for them

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from darabonba.core import DaraCore

from safe_ecs._calls.call import Call, copied, has_own_rpc_headers
from safe_ecs._core.effective import PROTOCOLS, effective_request
from safe_ecs._core.operations import RELEVANT_ACTIONS
from safe_ecs._core.parameters import ACTION_SPELLINGS
from safe_ecs._core.request import MergedCall

if TYPE_CHECKING:
    from alibabacloud_tea_openapi.client import Client as OpenApiClient
    from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
    from darabonba.runtime import RuntimeOptions

    from safe_ecs._core.request import EffectiveRequest


_PLAIN: Final = frozenset({dict, type(None)})

# A call has no headers of its own nearly always: one empty mapping, which nobody changes, serves them all.
_NOTHING: Final[dict[Any, object]] = {}

_UNKNOWN_HEADERS: Final = (
    "its headers can be known only by making the call: the client has a get_rpc_headers() of its own, "
    "and may need for the call what that returns"
)


def from_do_request(  # noqa: PLR0913 - the arguments of the SDK's transport, and in what others differ from it
    client: OpenApiClient,
    params: Params,
    request: OpenApiRequest,
    runtime: RuntimeOptions,
    *,
    global_headers_last: bool = False,
    is_intended: bool = False,
) -> Call | None:
    """Return what ``do_request`` is about to send, None if the guard surely has no use for it.

    ``call_sseapi`` differs in that its global headers come after the runtime's. From a call that is only intended
    nothing is taken.
    """
    if _is_irrelevant(client, params.action, params.protocol, params.pathname, request, runtime):
        return None
    takes_once_headers = params.style == "RPC"
    return _merge_layers(
        client,
        Call(client, request, runtime, params, takes_once_headers=takes_once_headers and not is_intended),
        params.action,
        params.version,
        params.protocol,
        params.pathname,
        once_headers=client._headers if takes_once_headers else None,
        global_headers_last=global_headers_last,
    )


def from_do_rpcrequest(  # noqa: PLR0913, PLR0917 - the arguments of the SDK's transport
    client: OpenApiClient,
    action: str,
    version: str,
    protocol: str,
    request: OpenApiRequest,
    runtime: RuntimeOptions,
    *,
    is_intended: bool = False,
) -> Call | None:
    """Return what ``do_rpcrequest`` is about to send: here action and version are parameters too."""
    if _is_irrelevant(client, action, protocol, "/", request, runtime):
        return None
    return _merge_layers(
        client,
        Call(client, request, runtime, None, takes_once_headers=not is_intended),
        action,
        version,
        protocol,
        "/",
        once_headers=client._headers,
        query={"Action": action, "Version": version},
    )


def from_do_roarequest(  # noqa: PLR0913, PLR0917 - the arguments of the SDK's transport
    client: OpenApiClient,
    action: str,
    version: str,
    protocol: str,
    pathname: str,
    request: OpenApiRequest,
    runtime: RuntimeOptions,
) -> Call | None:
    """Return what ``do_roarequest`` and ``do_roarequest_with_form`` are about to send."""
    if _is_irrelevant(client, action, protocol, pathname, request, runtime):
        return None
    return _merge_layers(
        client,
        Call(client, request, runtime, None, takes_once_headers=False),
        action,
        version,
        protocol,
        pathname,
    )


def from_execute(
    client: OpenApiClient,
    params: Params,
    request: OpenApiRequest,
    runtime: RuntimeOptions,
    *,
    is_intended: bool = False,
) -> Call | None:
    """Return what ``execute`` is about to send; a gateway plug-in then adds action, version and host."""
    if _is_irrelevant(client, params.action, params.protocol, params.pathname, request, runtime):
        return None
    return _merge_layers(
        client,
        Call(client, request, runtime, params, takes_once_headers=not is_intended),
        params.action,
        params.version,
        params.protocol,
        params.pathname,
        once_headers=client._headers,
        plugged_in_host=request.endpoint_override or client._endpoint,
    )


def from_intended(
    client: OpenApiClient, params: Params, request: OpenApiRequest, runtime: RuntimeOptions
) -> EffectiveRequest | None:
    """Return what ``call_api`` would send by the transport it would choose for an RPC, and take nothing from the client."""
    if client._signature_version == "v4":
        call = from_execute(client, params, request, runtime, is_intended=True)
    elif client._signature_algorithm == "v2":
        call = from_do_rpcrequest(
            client,
            params.action or "",
            params.version or "",
            params.protocol or "",
            request,
            runtime,
            is_intended=True,
        )
    else:
        call = from_do_request(client, params, request, runtime, is_intended=True)
    effective = None if call is None else call.effective
    if effective is None or not has_own_rpc_headers(client):
        return effective
    # A header may be another action, region or host.
    return effective._replace(unreadable=_UNKNOWN_HEADERS)


def _is_irrelevant(  # noqa: PLR0913, PLR0917 - a value for each layer
    client: OpenApiClient,
    action: object,
    protocol: object,
    pathname: object,
    request: OpenApiRequest | None,
    runtime: RuntimeOptions | None,
) -> bool:
    """Return whether no layer can turn the call into one that the guard looks at, as far as a glance can tell."""
    if request is None or runtime is None:
        return True  # The transport fails on it before it sends anything.
    if type(action) is not str or not (action.isascii() and action.isalnum()):
        return False
    if action.lower() in RELEVANT_ACTIONS or client._retry_options is not None:
        # A call that may be sent again is sent as it was, even if the caller's objects have become another call.
        return False
    query, endpoint, protocol = request.query, client._endpoint, client._protocol or protocol
    return (
        request.headers is None
        and request.body is None
        and client._headers is None
        and client._global_parameters is None
        and runtime.extends_parameters is None
        and type(pathname) is str
        and pathname == "/"
        and type(protocol) is str
        and protocol in PROTOCOLS
        and (query is None or (type(query) is dict and ACTION_SPELLINGS.isdisjoint(query)))
        and (type(endpoint) is not str or "?" not in endpoint)
        and not has_own_rpc_headers(client)
    )


def _merge_layers(  # noqa: PLR0913, PLR0917 - each is something in which the transports differ
    client: OpenApiClient,
    call: Call,
    action: object,
    version: object,
    protocol: object,
    pathname: object,
    *,
    once_headers: object = None,
    query: dict[str, str] | None = None,
    plugged_in_host: object = None,
    global_headers_last: bool = False,
) -> Call | None:
    """Merge the layers as the transport will, and say what they come to."""
    original = call.request
    if (
        client._retry_options is not None
        # A mapping of somebody's own may say something else when it is read again.
        or type(original.query) not in _PLAIN
        # What somebody's method returns can be known only by calling it, and that may be possible only once.
        or (call.takes_once_headers and has_own_rpc_headers(client))
    ):
        client = call.hold()
        if call.takes_once_headers:
            once_headers = call.once_headers
    request = call.request
    headers: Any = request.headers
    queries: Any = request.query
    for_all, for_this_call = client._global_parameters, call.runtime.extends_parameters
    if for_all is not None or for_this_call is not None:
        shared = [for_this_call, for_all] if global_headers_last else [for_all, for_this_call]
        headers = DaraCore.merge(*(getattr(layer, "headers", None) for layer in shared), headers)
        shared = [for_all, for_this_call]
        queries = DaraCore.merge(*(getattr(layer, "queries", None) for layer in shared), queries)
    call.effective = effective_request(
        MergedCall(
            _mapping(headers),
            None if once_headers is None else _mapping(once_headers),
            client._retry_options is not None,
            _mapping(queries) if query is None else DaraCore.merge(query, queries),
            None if request.body is None else copied(request.body),
            getattr(request, "stream", None) is not None,
            pathname,
            client._endpoint if plugged_in_host is None else plugged_in_host,
            plugged_in_host is not None,
            action,
            version,
            client._region_id,
            client._protocol or protocol,
        )
    )
    return None if call.effective is None and call.request is original else call


def _mapping(layer: Any) -> dict[Any, object]:  # noqa: ANN401 - whatever a caller hands to the SDK
    """Return one layer as the SDK's merge takes it."""
    if layer is None:
        return _NOTHING
    return layer if type(layer) is dict else DaraCore.merge(layer)
