"""Reads a call of one of the SDK's transports into plain data, with its layers merged as that transport merges them.

The SDK's own function merges the layers, in the order of the transports in ``alibabacloud_tea_openapi.client``. So the
guard reviews the same parameters and headers that the transport is about to send.
"""
# ruff: noqa: SLF001 - the layers are private attributes of the SDK's client, and it has no getters for them

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from darabonba.core import DaraCore

from safe_ecs._calls.call import Call, has_own_rpc_headers
from safe_ecs._calls.copies import copy_containers
from safe_ecs._core.effective_request import effective_request
from safe_ecs._core.operations import RELEVANT_ACTIONS
from safe_ecs._core.parameters import may_name_action
from safe_ecs._core.plain import is_plain_address
from safe_ecs._core.request import MergedCall

if TYPE_CHECKING:
    from collections.abc import Callable

    from alibabacloud_tea_openapi.client import Client as OpenApiClient
    from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
    from darabonba.runtime import RuntimeOptions

    from safe_ecs._core.request import EffectiveRequest


_PLAIN: Final = frozenset({dict, type(None)})

# Nearly no call has headers of its own: one empty mapping, which nobody changes, serves them all.
_NOTHING: Final[dict[Any, object]] = {}

_UNKNOWN_HEADERS: Final = (
    "its headers can be known only by making the call: the client has a get_rpc_headers() of its own, "
    "and may need for the call what that returns"
)


class Rules(NamedTuple):
    """The differences between the transports of the SDK.

    Attributes:
        takes_once_headers: Whether the transport takes the headers of ``set_rpc_headers``.
        has_action_in_query: Whether action and version are query parameters and no headers.
        is_plugged_in: Whether a gateway plug-in adds action, version and host after the merge.
        has_global_headers_last: Whether the global headers win over the runtime's.
    """

    takes_once_headers: bool = True
    has_action_in_query: bool = False
    is_plugged_in: bool = False
    has_global_headers_last: bool = False


_DO_REQUEST: Final = Rules()
_CALL_SSEAPI: Final = Rules(has_global_headers_last=True)
_DO_RPCREQUEST: Final = Rules(has_action_in_query=True)
_DO_ROAREQUEST: Final = Rules(takes_once_headers=False)
_EXECUTE: Final = Rules(is_plugged_in=True)


def _reader(rules: Rules) -> Callable[[OpenApiClient, Params, OpenApiRequest, RuntimeOptions], Call | None]:
    """Return the function that reads a call of a transport with these rules, None for one the guard need not look at."""
    # Only execute takes the headers of set_rpc_headers in every style of call.
    in_other_styles = rules if rules.is_plugged_in else rules._replace(takes_once_headers=False)

    def read(
        client: OpenApiClient, params: Params, request: OpenApiRequest, runtime: RuntimeOptions
    ) -> Call | None:
        if _is_irrelevant(client, params.action, (params.protocol, params.pathname), request, runtime):
            return None
        return _merge_params(
            rules if params.style == "RPC" else in_other_styles, client, params, request, runtime
        )

    return read


from_do_request: Final = _reader(_DO_REQUEST)
from_call_sseapi: Final = _reader(_CALL_SSEAPI)
from_execute: Final = _reader(_EXECUTE)


def from_do_rpcrequest(  # noqa: PLR0913, PLR0917 - the arguments of the SDK's transport
    client: OpenApiClient,
    action: str,
    version: str,
    protocol: str,
    method: str,
    auth_type: str,
    body_type: str,
    request: OpenApiRequest,
    runtime: RuntimeOptions,
) -> Call | None:
    """Return the call that ``do_rpcrequest`` is about to send, None if the guard need not look at it."""
    if _is_irrelevant(client, action, (protocol, "/"), request, runtime):
        return None
    leading = action, version, protocol, method, auth_type, body_type
    call = Call(client, leading, request, runtime, takes_once_headers=True)
    return _merge_layers(_DO_RPCREQUEST, client, call, (action, version, protocol, "/"))


def from_do_roarequest(  # noqa: PLR0913, PLR0917 - the arguments of the SDK's transports
    client: OpenApiClient,
    action: str,
    version: str,
    protocol: str,
    method: str,
    auth_type: str,
    pathname: str,
    body_type: str,
    request: OpenApiRequest,
    runtime: RuntimeOptions,
) -> Call | None:
    """Return the call that ``do_roarequest`` or ``do_roarequest_with_form`` is about to send, None as above."""
    if _is_irrelevant(client, action, (protocol, pathname), request, runtime):
        return None
    leading = action, version, protocol, method, auth_type, pathname, body_type
    call = Call(client, leading, request, runtime, takes_once_headers=False)
    return _merge_layers(_DO_ROAREQUEST, client, call, (action, version, protocol, pathname))


def from_intended(
    client: OpenApiClient, params: Params, request: OpenApiRequest, runtime: RuntimeOptions
) -> EffectiveRequest | None:
    """Return the request that ``call_api`` would send for an RPC. The client keeps its headers for its next call."""
    rules = _DO_REQUEST
    if client._signature_version == "v4":
        rules = _EXECUTE
    elif client._signature_algorithm == "v2":
        rules = _DO_RPCREQUEST
    call = _merge_params(rules, client, params, request, runtime, is_intended=True)
    effective = None if call is None else call.effective
    if effective is None or not has_own_rpc_headers(client):
        return effective
    # A header may be another action, region or host.
    return effective._replace(unreadable=_UNKNOWN_HEADERS)


def _is_irrelevant(
    client: OpenApiClient,
    action: object,
    address: tuple[object, object],
    request: OpenApiRequest | None,
    runtime: RuntimeOptions | None,
) -> bool:
    """Return whether, at a glance, no layer can turn the call into one that the guard looks at.

    The address is protocol and path.
    """
    if request is None or runtime is None:
        return True  # The transport fails on it before it sends anything.
    if type(action) is not str or not (action.isascii() and action.isalnum()):
        return False
    if action.lower() in RELEVANT_ACTIONS or client._retry_options is not None:
        # The SDK may send the call again: it is then sent as it was, even if the caller's objects have changed since.
        return False
    protocol, pathname = address
    query, endpoint, protocol = request.query, client._endpoint, client._protocol or protocol
    return (
        request.headers is None
        and request.body is None
        and client._headers is None
        and client._global_parameters is None
        and runtime.extends_parameters is None
        and type(protocol) is type(endpoint) is type(pathname) is str
        and is_plain_address(protocol, endpoint, pathname)
        and (query is None or (type(query) is dict and not may_name_action(tuple(query))))
        and not has_own_rpc_headers(client)
    )


def _merge_params(  # noqa: PLR0913 - the arguments of the SDK's transports, and how they differ
    rules: Rules,
    client: OpenApiClient,
    params: Params,
    request: OpenApiRequest,
    runtime: RuntimeOptions,
    *,
    is_intended: bool = False,
) -> Call | None:
    call = Call(
        client,
        (params,),
        request,
        runtime,
        takes_once_headers=rules.takes_once_headers and not is_intended,
    )
    return _merge_layers(
        rules, client, call, (params.action, params.version, params.protocol, params.pathname)
    )


def _merge_layers(
    rules: Rules, client: OpenApiClient, call: Call, target: tuple[object, object, object, object]
) -> Call | None:
    """Merge the layers as the transport will, and set the effective request of the call.

    The target is action, version, protocol and path. Returns None if the guard need not look at the call after all.
    """
    action, version, protocol, pathname = target
    original = call.request
    once_headers: object = client._headers if rules.takes_once_headers else None
    if (
        client._retry_options is not None
        # A mapping of another type may give other values when it is read again.
        or type(original.query) not in _PLAIN
        # Only a call of get_rpc_headers() shows its result, and the method may be callable only once.
        or (call.takes_once_headers and has_own_rpc_headers(client))
    ):
        client = call.hold()
        if call.takes_once_headers:
            once_headers = call.once_headers
    request = call.request
    headers, queries = request.headers, request.query
    global_layer, runtime_layer = client._global_parameters, call.runtime.extends_parameters
    if global_layer is not None or runtime_layer is not None:
        # Later layers win: global parameters, then the runtime's, then the request's own. Only call_sseapi lets the
        # global headers win over the runtime's.
        layers: list[Any] = [global_layer, runtime_layer]
        queries = DaraCore.merge(*(getattr(layer, "queries", None) for layer in layers), queries)
        if rules.has_global_headers_last:
            layers.reverse()
        headers = DaraCore.merge(*(getattr(layer, "headers", None) for layer in layers), headers)
    host = client._endpoint
    if rules.is_plugged_in:
        host = request.endpoint_override or host
    query = _mapping(queries)
    if rules.has_action_in_query:
        query = DaraCore.merge({"Action": action, "Version": version}, queries)
    call.effective = effective_request(
        MergedCall(
            _mapping(headers),
            None if once_headers is None else _mapping(once_headers),
            client._retry_options is not None,
            query,
            None if request.body is None else copy_containers(request.body),
            getattr(request, "stream", None) is not None,
            pathname,
            host,
            rules.is_plugged_in,
            action,
            version,
            client._region_id,
            client._protocol or protocol,
        )
    )
    return None if call.effective is None and call.request is original else call


def _mapping(layer: Any) -> dict[Any, object]:  # noqa: ANN401 - a caller may hand anything to the SDK
    """Return one layer as the SDK's merge takes it."""
    if layer is None:
        return _NOTHING
    return layer if type(layer) is dict else DaraCore.merge(layer)
