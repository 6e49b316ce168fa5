"""A call on its way, which can be kept as it is."""

from __future__ import annotations

from copy import copy
from types import MethodType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.utils_models import GlobalParameters
from darabonba.core import DaraCore
from darabonba.model import DaraModel
from darabonba.runtime import ExtendsParameters

from safe_ecs._calls.copies import like
from safe_ecs._core.parameters import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable

    from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
    from darabonba.runtime import RuntimeOptions

    from safe_ecs._core.request import EffectiveRequest

_Result = TypeVar("_Result")
_Layer = TypeVar("_Layer", GlobalParameters, ExtendsParameters)


class Call:
    """A call that a transport is about to send.

    Attributes:
        params: What the transport was given, None for those that take no Params.
        request: Likewise, or a copy since ``hold()``.
        runtime: Likewise.
        effective: What it comes to, None for a call that the guard has no use for.
        takes_once_headers: Whether the transport takes the headers of ``set_rpc_headers`` from the client.
        once_headers: Those headers, since ``take_once_headers()``.
        sender: The client as it was when ``hold()`` was called, None before that.
    """

    __slots__ = (
        "_client",
        "_has_taken",
        "effective",
        "once_headers",
        "params",
        "request",
        "runtime",
        "sender",
        "takes_once_headers",
    )

    def __init__(
        self,
        client: OpenApiClient,
        request: OpenApiRequest,
        runtime: RuntimeOptions,
        params: Params | None,
        *,
        takes_once_headers: bool,
    ) -> None:
        self.params: Any = params
        self.request = request
        self.runtime = runtime
        self.effective: EffectiveRequest | None = None
        self.takes_once_headers = takes_once_headers
        self.once_headers: Any = None
        self.sender: OpenApiClient | None = None
        self._client = client
        self._has_taken = False

    def hold(self) -> OpenApiClient:
        """Keep the call and its client as they are now, because the call is not sent at once, or not once only.

        Its objects may be reused until then, and another call may give the client headers of its own, or change its
        endpoint.

        Returns:
            The sender.
        """
        if self.sender is not None:
            return self.sender
        self.take_once_headers()
        self.sender = _as_it_is(self._client)
        if self.takes_once_headers:
            vars(self.sender)["get_rpc_headers"] = self._headers_of_each_try()
        request, runtime = copy(self.request), copy(self.runtime)
        if request.headers is not None:
            request.headers = DaraCore.merge(request.headers)
        if request.query is not None:
            request.query = copied(DaraCore.merge(request.query))
        request.body = copied(request.body)
        if runtime.extends_parameters is not None:
            runtime.extends_parameters = _copied_layer(runtime.extends_parameters)
        self.params, self.request, self.runtime = copy(self.params), request, runtime
        return self.sender

    def take_once_headers(self) -> None:
        """Take from the client the headers that are meant for this call alone, so that no other gets them."""
        if self.takes_once_headers and not self._has_taken:
            self._has_taken = True
            self.once_headers = self._client.get_rpc_headers()

    def _headers_of_each_try(self) -> Callable[[], Any]:
        if has_own_rpc_headers(self._client):
            return lambda: self.once_headers
        tries = iter((self.once_headers,))
        return lambda: next(tries, None)

    def through(self, transport: Callable[..., _Result]) -> Callable[..., _Result]:
        """Return a transport of the client, as one of the sender if the call is held."""
        if self.sender is None:
            return transport
        function = getattr(transport, "__func__", None)
        return transport if function is None else MethodType(function, self.sender)


def has_own_rpc_headers(client: OpenApiClient) -> bool:
    """Return whether a client's class replaces the method that hands out the headers of ``set_rpc_headers``."""
    return type(client).get_rpc_headers is not OpenApiClient.get_rpc_headers


def _as_it_is(client: OpenApiClient) -> OpenApiClient:
    """Return a client that sends as another does at this moment, whatever becomes of that one."""
    twin = like(client, type(client))
    if twin._global_parameters is not None:  # noqa: SLF001 - no getter
        twin._global_parameters = _copied_layer(twin._global_parameters)  # noqa: SLF001 - no setter
    return twin


def _copied_layer(layer: _Layer) -> _Layer:
    layer = copy(layer)
    layer.headers, layer.queries = copied(layer.headers), copied(layer.queries)
    return layer


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
    elif isinstance(value, bytearray):
        duplicate = bytearray(value)
    elif isinstance(value, DaraModel):
        duplicate = copied(cast("Any", value).to_map(), depth + 1, copies)
    copies[id(value)] = duplicate
    return duplicate
