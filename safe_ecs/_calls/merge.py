"""Merges the layers of a call as its transport merges them, in the order of ``alibabacloud_tea_openapi.client``.

So the guard reviews the same parameters and headers that the transport is about to send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from darabonba.core import DaraCore

from safe_ecs._core.request import MergedCall

if TYPE_CHECKING:
    from safe_ecs._calls.call import Layers

# Nearly no call has headers of its own: one empty mapping, which nobody changes, serves them all.
_NOTHING: Final[dict[Any, object]] = {}


def merge(layers: Layers, once_headers: object) -> MergedCall:
    """Return the call that has these layers.

    Args:
        layers: The layers.
        once_headers: The headers of ``set_rpc_headers``, None for none.
    """
    transport, target, request, runtime, settings = layers
    extra: Any = runtime.extends_parameters
    headers, queries = request.headers, request.query
    if extra is not None or settings.headers is not None or settings.queries is not None:
        # Later layers win: global parameters, then the runtime's, then the request's own. Only call_sseapi lets the
        # global headers win over the runtime's.
        queries = DaraCore.merge(settings.queries, extra and extra.queries, queries)
        below = [settings.headers, extra and extra.headers]
        if transport.has_global_headers_last:
            below.reverse()
        headers = DaraCore.merge(*below, headers)
    if transport.has_action_in_query:
        queries = DaraCore.merge({"Action": target.action, "Version": target.version}, queries)
    endpoint = settings.endpoint
    if transport.is_plugged_in:
        endpoint = request.endpoint_override or endpoint
    return MergedCall(
        headers or _NOTHING,
        None if once_headers is None else DaraCore.merge(once_headers),
        settings.tries_again,
        queries or _NOTHING,
        request.body,
        getattr(request, "stream", None) is not None,
        target.pathname,
        endpoint,
        transport.is_plugged_in,
        target.action,
        target.version,
        settings.region_id,
        settings.protocol or target.protocol,
    )
