"""A call on its way, which can be kept as it is."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any, cast

from darabonba.core import DaraCore
from darabonba.model import DaraModel

from safe_ecs.core.parameters import MAX_DEPTH

if TYPE_CHECKING:
    from alibabacloud_tea_openapi.client import Client as OpenApiClient
    from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
    from darabonba.runtime import RuntimeOptions

    from safe_ecs.core.request import EffectiveRequest


class Call:
    """A call that a transport is about to send.

    Attributes:
        params: What the transport was given, None for those that take no Params.
        request: Likewise, or a copy since ``keep()``.
        runtime: Likewise.
        effective: What it comes to, None for a call that the guard has no use for.
        takes_once_headers: Whether the transport takes the headers of ``set_rpc_headers`` from the client.
    """

    __slots__ = (
        "_client",
        "_is_held",
        "_is_kept",
        "effective",
        "params",
        "request",
        "runtime",
        "takes_once_headers",
    )

    def __init__(
        self,
        client: OpenApiClient,
        request: OpenApiRequest,
        runtime: RuntimeOptions,
        params: Params | None,
        takes_once_headers: bool,  # noqa: FBT001 - by name it takes longer, in front of every guarded call
    ) -> None:
        self.params: Any = params
        self.request = request
        self.runtime = runtime
        self.effective: EffectiveRequest | None = None
        self.takes_once_headers = takes_once_headers
        self._client = client
        self._is_kept = self._is_held = False

    def hold(self) -> None:
        """Keep the call as it is now, because the guard waits for ECS.

        The headers of ``set_rpc_headers`` are taken as well, so that no other call gets them meanwhile.
        """
        self.keep()
        if not self._is_held and self.takes_once_headers:
            once_headers = self._client.get_rpc_headers()
            if once_headers is not None:
                self.request.headers = DaraCore.merge(self.request.headers, once_headers)
        self._is_held = True

    def keep(self) -> None:
        """Keep the call as it is now: its objects may be reused before it is sent, or sent again."""
        if self._is_kept:
            return
        self._is_kept = True
        request, runtime = copy(self.request), copy(self.runtime)
        if request.headers is not None:
            request.headers = DaraCore.merge(request.headers)
        if request.query is not None:
            request.query = copied(DaraCore.merge(request.query))
        request.body = copied(request.body)
        if runtime.extends_parameters is not None:
            runtime.extends_parameters = copy(runtime.extends_parameters)
            runtime.extends_parameters.headers = copied(runtime.extends_parameters.headers)
            runtime.extends_parameters.queries = copied(runtime.extends_parameters.queries)
        self.params, self.request, self.runtime = copy(self.params), request, runtime


def copied(value: Any, depth: int = 0, copies: dict[int, Any] | None = None) -> Any:  # noqa: ANN401 - whatever a caller hands to the SDK
    """Return a copy that shares no container with the original; models become mappings, as on the wire.

    A container that is there several times is copied once: lists that hold one another may be without number.
    """
    if depth > MAX_DEPTH:
        return value
    copies = {} if copies is None else copies
    if id(value) in copies:
        return copies[id(value)]
    duplicate = value
    if isinstance(value, dict):
        duplicate = copies[id(value)] = {}
        duplicate.update((key, copied(member, depth + 1, copies)) for key, member in value.items())
    elif type(value) in {list, tuple}:
        duplicate = type(value)([copied(member, depth + 1, copies) for member in value])
    elif isinstance(value, DaraModel):
        duplicate = copied(cast("Any", value).to_map(), depth + 1, copies)
    copies[id(value)] = duplicate
    return duplicate
