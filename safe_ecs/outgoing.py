"""Turns a call of one of the SDK's transports into plain data for the review.

The layers are merged by the SDK's own function and in the order of the transports in
``alibabacloud_tea_openapi.client``, so that what is reviewed is what the transport is about to make of them.
"""
# ruff: noqa: SLF001 - the layers are private attributes of the SDK's client, and it has no getters for them

from __future__ import annotations

from copy import copy
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from alibabacloud_tea_openapi.client import Client as OpenApiClient
from darabonba.core import DaraCore
from darabonba.model import DaraModel

from safe_ecs.core.effective import PROTOCOLS, effective_request
from safe_ecs.core.operations import NOTICED_ACTIONS
from safe_ecs.core.parameters import ACTION_SPELLINGS, MAX_DEPTH
from safe_ecs.core.request import Outgoing

if TYPE_CHECKING:
    from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
    from darabonba.runtime import RuntimeOptions

    from safe_ecs.core.request import EffectiveRequest


_PLAIN: Final = frozenset({dict, type(None)})

# A call has no headers of its own nearly always: one empty mapping, which nobody changes, serves them all.
_NOTHING: Final[dict[Any, object]] = {}


class Call:
    """A call that a transport is about to send.

    Attributes:
        params: What the transport was given, None for those that take no Params.
        request: Likewise, or a copy since ``keep()``.
        runtime: Likewise.
        effective: What it comes to, None for a call that the guard has no use for.
    """

    __slots__ = (
        "_client",
        "_is_held",
        "_is_kept",
        "_takes_once_headers",
        "effective",
        "params",
        "request",
        "runtime",
    )

    def __init__(
        self, client: OpenApiClient, request: OpenApiRequest, runtime: RuntimeOptions, params: Params | None
    ) -> None:
        self.params: Any = params
        self.request = request
        self.runtime = runtime
        self.effective: EffectiveRequest | None = None
        self._client = client
        self._is_kept = self._is_held = False
        self._takes_once_headers = params is None or params.style == "RPC"

    def hold(self) -> None:
        """Keep the call as it is now, because the guard waits for ECS.

        The headers of ``set_rpc_headers`` are taken as well, so that no other call gets them meanwhile.
        """
        self.keep()
        if not self._is_held and self._takes_once_headers:
            once_headers = self._client.get_rpc_headers()
            if once_headers is not None:
                self.request.headers = DaraCore.merge(self.request.headers, once_headers)
        self._is_held = True

    def keep(self) -> None:
        """Keep the call as it is now: the caller may reuse his objects before it is sent, or before it is sent again."""
        if self._is_kept:
            return
        self._is_kept = True
        request, runtime = copy(self.request), copy(self.runtime)
        if request.headers is not None:
            request.headers = DaraCore.merge(request.headers)
        if request.query is not None:
            request.query = _copied(DaraCore.merge(request.query))
        request.body = _copied(request.body)
        if runtime.extends_parameters is not None:
            runtime.extends_parameters = copy(runtime.extends_parameters)
            runtime.extends_parameters.headers = _copied(runtime.extends_parameters.headers)
            runtime.extends_parameters.queries = _copied(runtime.extends_parameters.queries)
        self.params, self.request, self.runtime = copy(self.params), request, runtime


def of_request(
    client: OpenApiClient,
    params: Params,
    request: OpenApiRequest,
    runtime: RuntimeOptions,
    *,
    global_headers_last: bool = False,
) -> Call | None:
    """Return what ``do_request`` is about to send, None if the guard surely has no use for it.

    ``call_sseapi`` differs in that its global headers come after the runtime's.
    """
    if _surely_of_no_use(client, params.action, params.protocol, params.pathname, request, runtime):
        return None
    return _merged(
        Call(client, request, runtime, params),
        params.action,
        params.version,
        params.protocol,
        params.pathname,
        once_headers=client._headers if params.style == "RPC" else None,
        global_headers_last=global_headers_last,
    )


def of_rpcrequest(  # noqa: PLR0913, PLR0917 - the arguments of the SDK's transport
    client: OpenApiClient,
    action: str,
    version: str,
    protocol: str,
    request: OpenApiRequest,
    runtime: RuntimeOptions,
) -> Call | None:
    """Return what ``do_rpcrequest`` is about to send: here action and version are parameters too."""
    if _surely_of_no_use(client, action, protocol, "/", request, runtime):
        return None
    return _merged(
        Call(client, request, runtime, None),
        action,
        version,
        protocol,
        "/",
        once_headers=client._headers,
        query={"Action": action, "Version": version},
    )


def of_roarequest(  # noqa: PLR0913, PLR0917 - the arguments of the SDK's transport
    client: OpenApiClient,
    action: str,
    version: str,
    protocol: str,
    pathname: str,
    request: OpenApiRequest,
    runtime: RuntimeOptions,
) -> Call | None:
    """Return what ``do_roarequest`` and ``do_roarequest_with_form`` are about to send."""
    if _surely_of_no_use(client, action, protocol, pathname, request, runtime):
        return None
    call = Call(client, request, runtime, None)
    call._takes_once_headers = False
    return _merged(call, action, version, protocol, pathname)


def of_execute(
    client: OpenApiClient, params: Params, request: OpenApiRequest, runtime: RuntimeOptions
) -> Call | None:
    """Return what ``execute`` is about to send; a gateway plug-in then adds action, version and host."""
    if _surely_of_no_use(client, params.action, params.protocol, params.pathname, request, runtime):
        return None
    call = Call(client, request, runtime, params)
    call._takes_once_headers = True
    return _merged(
        call,
        params.action,
        params.version,
        params.protocol,
        params.pathname,
        once_headers=client._headers,
        plugged_in_host=request.endpoint_override or client._endpoint,
    )


def of_call_api(
    client: OpenApiClient, params: Params, request: OpenApiRequest, runtime: RuntimeOptions
) -> Call | None:
    """Return what ``call_api`` is about to send by the transport it would choose for an RPC."""
    if client._signature_version == "v4":
        return of_execute(client, params, request, runtime)
    if client._signature_algorithm == "v2":
        return of_rpcrequest(
            client, params.action or "", params.version or "", params.protocol or "", request, runtime
        )
    return of_request(client, params, request, runtime)


def _surely_of_no_use(  # noqa: PLR0913, PLR0917 - a value for each layer
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
    if action.lower() in NOTICED_ACTIONS or client._retry_options is not None:
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
        and not _has_own_rpc_headers(type(client))
    )


@lru_cache(maxsize=256)
def _has_own_rpc_headers(cls: type[OpenApiClient]) -> bool:
    return cls.get_rpc_headers is not OpenApiClient.get_rpc_headers


def _merged(  # noqa: PLR0913 - each is something in which the transports differ
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
    client, original = call._client, call.request
    if client._retry_options is not None or type(original.query) not in _PLAIN:
        # A mapping of somebody's own may say something else when it is read again.
        call.keep()
    if call._takes_once_headers and _has_own_rpc_headers(type(client)):  # type: ignore[arg-type]  # likewise
        # What somebody's method returns can be known only by calling it, and that may be possible only once.
        call.hold()
        once_headers = None
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
        Outgoing(
            _mapping(headers),
            None if once_headers is None else _mapping(once_headers),
            client._retry_options is not None,
            _mapping(queries) if query is None else DaraCore.merge(query, queries),
            None if request.body is None else _copied(request.body),
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


def _copied(value: Any, depth: int = 0, copies: dict[int, Any] | None = None) -> Any:  # noqa: ANN401 - whatever a caller hands to the SDK
    """Return a copy that shares no container with the original; models become mappings, as on the wire.

    A container that is there several times is copied once: lists that hold one another may be without number.
    """
    if depth > MAX_DEPTH:
        return value
    copies = {} if copies is None else copies
    if id(value) in copies:
        return copies[id(value)]
    copied = value
    if isinstance(value, dict):
        copied = copies[id(value)] = {}
        copied.update((key, _copied(member, depth + 1, copies)) for key, member in value.items())
    elif type(value) in {list, tuple}:
        copied = type(value)([_copied(member, depth + 1, copies) for member in value])
    elif isinstance(value, DaraModel):
        copied = _copied(cast("Any", value).to_map(), depth + 1, copies)
    copies[id(value)] = copied
    return copied
