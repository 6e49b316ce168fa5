"""A call on its way: the arguments of its transport, and a copy of them if the call has to wait."""

from __future__ import annotations

from copy import copy
from types import MethodType
from typing import TYPE_CHECKING, Any, TypeVar

from alibabacloud_tea_openapi.client import Client as OpenApiClient
from darabonba.core import DaraCore

from safe_ecs._calls.copies import copy_client, copy_containers, copy_layer

if TYPE_CHECKING:
    from collections.abc import Callable

    from alibabacloud_tea_openapi.utils_models import OpenApiRequest
    from darabonba.runtime import RuntimeOptions

    from safe_ecs._core.request import EffectiveRequest

_Result = TypeVar("_Result")


class Call:
    """A call that a transport is about to send.

    Attributes:
        leading: The arguments of the transport before request and runtime; copies since ``hold()``.
        request: The request; a copy since ``hold()``.
        runtime: The runtime options; a copy since ``hold()``.
        effective: The request as ECS will read it, None for a call that the guard need not look at.
        takes_once_headers: Whether the transport takes the headers of ``set_rpc_headers`` from the client.
        once_headers: The headers, since ``take_once_headers()``.
        sender: The client as it was when ``hold()`` was called, None before that.
    """

    __slots__ = (
        "_client",
        "_has_taken",
        "effective",
        "leading",
        "once_headers",
        "request",
        "runtime",
        "sender",
        "takes_once_headers",
    )

    def __init__(
        self,
        client: OpenApiClient,
        leading: tuple[Any, ...],
        request: OpenApiRequest,
        runtime: RuntimeOptions,
        *,
        takes_once_headers: bool,
    ) -> None:
        self.leading = leading
        self.request = request
        self.runtime = runtime
        self.effective: EffectiveRequest | None = None
        self.takes_once_headers = takes_once_headers
        self.once_headers: Any = None
        self.sender: OpenApiClient | None = None
        self._client = client
        # Equivalent mutant `None`: it is only asked whether it is true.
        self._has_taken = False

    def hold(self) -> OpenApiClient:
        """Keep the call and its client as they are now, because the call is not sent at once, or not once only.

        The caller may reuse the call's objects until then, and may give the client other headers or another endpoint.

        Returns:
            The sender.
        """
        if self.sender is not None:
            return self.sender
        self.take_once_headers()
        self.sender = _copy_of_this_moment(self._client)
        if self.takes_once_headers:
            vars(self.sender)["get_rpc_headers"] = self._headers_of_each_try()
        request, runtime = copy(self.request), copy(self.runtime)
        if request.headers is not None:
            request.headers = DaraCore.merge(request.headers)
        if request.query is not None:
            request.query = copy_containers(DaraCore.merge(request.query))
        request.body = copy_containers(request.body)
        if runtime.extends_parameters is not None:
            runtime.extends_parameters = copy_layer(runtime.extends_parameters)
        self.leading, self.request, self.runtime = tuple(map(copy, self.leading)), request, runtime
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

    def send(self, transport: Callable[..., _Result]) -> _Result:
        """Call a transport of the client, or the same transport of the sender if the call is held."""
        if self.sender is not None and (function := getattr(transport, "__func__", None)) is not None:
            transport = MethodType(function, self.sender)
        return transport(*self.leading, self.request, self.runtime)


def has_own_rpc_headers(client: OpenApiClient) -> bool:
    """Return whether a client's class replaces the method that hands out the headers of ``set_rpc_headers``."""
    return type(client).get_rpc_headers is not OpenApiClient.get_rpc_headers


def _copy_of_this_moment(client: OpenApiClient) -> OpenApiClient:
    """Return a client that goes on sending as this one does now, even if this one changes."""
    twin = copy_client(client, type(client))
    if twin._global_parameters is not None:  # noqa: SLF001 - no getter
        twin._global_parameters = copy_layer(twin._global_parameters)  # noqa: SLF001 - no setter
    return twin
