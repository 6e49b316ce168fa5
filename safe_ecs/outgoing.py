"""Turns a call of one of the SDK's transports into plain data for the review.

The order of the layers is that of the transports in ``alibabacloud_tea_openapi.client``. The functions return
None for a call that surely is no guarded operation, which is nearly every call, at the cost of a few
attribute look-ups.
"""
# ruff: noqa: SLF001 - the layers are private attributes of the SDK's client, and it has no getters for them

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from safe_ecs.core.operations import GUARDED_ACTIONS
from safe_ecs.core.request import ACTION_SPELLINGS, Outgoing

if TYPE_CHECKING:
    from alibabacloud_tea_openapi.client import Client as OpenApiClient
    from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
    from darabonba.runtime import RuntimeOptions

_GUARDED: Final = frozenset(GUARDED_ACTIONS)


def of_request(
    client: OpenApiClient, params: Params, request: OpenApiRequest, runtime: RuntimeOptions
) -> Outgoing | None:
    """Return what ``do_request`` is about to merge."""
    if _surely_not_guarded(client, params.action, params.pathname, request, runtime):
        return None
    outgoing = _outgoing(client, params.action, params.version, params.pathname, request, runtime)
    if params.style == "RPC" and client._headers:
        return outgoing._replace(once_headers=client._headers)
    return outgoing


def of_rpcrequest(
    client: OpenApiClient, action: str, version: str, request: OpenApiRequest, runtime: RuntimeOptions
) -> Outgoing | None:
    """Return what ``do_rpcrequest`` is about to merge: here action and version are parameters too."""
    if _surely_not_guarded(client, action, "/", request, runtime):
        return None
    outgoing = _outgoing(client, action, version, "/", request, runtime)
    return outgoing._replace(
        query_layers=({"Action": action, "Version": version}, *outgoing.query_layers),
        once_headers=client._headers,
    )


def of_roarequest(  # noqa: PLR0913, PLR0917 - the arguments of the SDK's transport
    client: OpenApiClient,
    action: str,
    version: str,
    pathname: str,
    request: OpenApiRequest,
    runtime: RuntimeOptions,
) -> Outgoing | None:
    """Return what ``do_roarequest`` and ``do_roarequest_with_form`` are about to merge."""
    if _surely_not_guarded(client, action, pathname, request, runtime):
        return None
    return _outgoing(client, action, version, pathname, request, runtime)


def of_execute(
    client: OpenApiClient, params: Params, request: OpenApiRequest, runtime: RuntimeOptions
) -> Outgoing | None:
    """Return what ``execute`` is about to merge; a gateway plug-in then adds the action itself."""
    if _surely_not_guarded(client, params.action, params.pathname, request, runtime):
        return None
    return _outgoing(client, params.action, params.version, params.pathname, request, runtime)._replace(
        host=request.endpoint_override or client._endpoint,
        once_headers=client._headers,
        plugged_in=True,
    )


def of_sseapi(
    client: OpenApiClient, params: Params, request: OpenApiRequest, runtime: RuntimeOptions
) -> Outgoing | None:
    """Return what ``call_sseapi`` is about to merge: its global headers come after the runtime's."""
    outgoing = of_request(client, params, request, runtime)
    if outgoing is None:
        return None
    *shared, own = outgoing.header_layers
    return outgoing._replace(header_layers=(*reversed(shared), own))


def _surely_not_guarded(
    client: OpenApiClient,
    action: object,
    pathname: object,
    request: OpenApiRequest | None,
    runtime: RuntimeOptions | None,
) -> bool:
    """Return whether no layer can turn the call into a guarded operation, as far as a glance can tell."""
    if request is None or runtime is None:
        return True  # The transport fails on it before it sends anything.
    if type(action) is not str or action.strip().lower() in _GUARDED:
        return False
    query, endpoint = request.query, client._endpoint
    return (
        request.headers is None
        and request.body is None
        and client._headers is None
        and client._global_parameters is None
        and runtime.extends_parameters is None
        and pathname == "/"
        and (query is None or (type(query) is dict and ACTION_SPELLINGS.isdisjoint(query)))
        and (endpoint is None or "?" not in endpoint)
    )


def _outgoing(  # noqa: PLR0913, PLR0917 - the arguments of the SDK's transports
    client: OpenApiClient,
    action: object,
    version: object,
    pathname: object,
    request: OpenApiRequest,
    runtime: RuntimeOptions,
) -> Outgoing:
    for_all, for_this_call = client._global_parameters, runtime.extends_parameters
    headers: tuple[object, ...] = (request.headers,)
    queries: tuple[object, ...] = (request.query,)
    if for_this_call is not None:
        headers, queries = (for_this_call.headers, *headers), (for_this_call.queries, *queries)
    if for_all is not None:
        headers, queries = (for_all.headers, *headers), (for_all.queries, *queries)
    return Outgoing(
        action,
        version,
        headers,
        queries,
        request.body,
        request.stream is not None,
        pathname,
        client._endpoint,
        client._region_id,
        client._retry_options is not None,
    )
