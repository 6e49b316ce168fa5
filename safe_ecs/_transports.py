"""Every transport of the SDK, overridden once: each call of a client passes the guard here, exactly once.

``call_api`` is not among them, because it only dispatches to the others. In the classes made of this mixin, the mixin
stands between the SDK's base client and every class that derives from it. So the guard reviews a call as the override
of a subclass has made it.
"""

from __future__ import annotations

from contextlib import aclosing
from functools import wraps
from typing import TYPE_CHECKING, TypeVar, cast

from alibabacloud_tea_openapi.client import Client as OpenApiClient

from safe_ecs._calls.merge import (
    from_call_sseapi,
    from_do_request,
    from_do_roarequest,
    from_do_rpcrequest,
    from_execute,
)
from safe_ecs._enforcer import Enforcer
from safe_ecs._guard import Guard
from safe_ecs.policy import GuardPolicy

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from typing import Any

    from alibabacloud_tea_openapi.models import SSEResponse
    from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
    from darabonba.runtime import RuntimeOptions

    from safe_ecs._calls.call import Call


_F = TypeVar("_F", bound="Callable[..., Any]")


def _signed_like(stock: Callable[..., Any]) -> Callable[[_F], _F]:
    """Give an override the signature, name and documentation of the method it overrides."""

    def sign(override: _F) -> _F:
        return cast("_F", wraps(stock)(override))

    return sign


def _guarded(name: str, read: Callable[..., Call | None]) -> Callable[..., Any]:
    """Return the override of a sync transport.

    Args:
        name: The transport.
        read: Reads a call of it, with the same arguments.
    """

    @_signed_like(getattr(OpenApiClient, name))
    def transport(self: GuardedTransports, *arguments: object, **named: object) -> object:
        send = getattr(super(GuardedTransports, self), name)
        call = read(self, *arguments, **named)
        if call is None:
            return send(*arguments, **named)
        return self._safe_ecs_enforcer.send(self, call, send)

    return transport


def _guarded_async(name: str, read: Callable[..., Call | None]) -> Callable[..., Any]:
    """Return the override of an async transport, with the arguments of ``_guarded``."""

    @_signed_like(getattr(OpenApiClient, name))
    async def transport(self: GuardedTransports, *arguments: object, **named: object) -> object:
        send = getattr(super(GuardedTransports, self), name)
        call = read(self, *arguments, **named)
        if call is None:
            return await send(*arguments, **named)
        return await self._safe_ecs_enforcer.send_async(self, call, send)

    return transport


class GuardedTransports(OpenApiClient):
    """A client with transports that review every call before they send it."""

    # A subclass that does not call ``__init__`` is guarded all the same.
    _safe_ecs_enforcer: Enforcer = Enforcer(GuardPolicy(), None)

    def __init_subclass__(cls, **options: object) -> None:
        """Refuse a class with an override of a transport behind the guard.

        Raises:
            TypeError: A base that overrides a transport comes after the guarded one.
        """
        super().__init_subclass__(**options)
        transports = {name for name in vars(OpenApiClient).keys() & vars(GuardedTransports) if name[0] != "_"}
        for base in cls.__mro__[cls.__mro__.index(GuardedTransports) + 1 :]:
            replaced = sorted(transports & vars(base).keys())
            if replaced and not base.__module__.startswith("alibabacloud_"):
                raise TypeError(
                    f"in {cls.__name__}, {base.__name__}.{replaced[0]} would change a call after its review: "
                    f"name {base.__name__} before the guarded class"
                )

    @property
    def guard(self) -> Guard:
        """The guard of this client: ask it, and steer it."""
        return Guard(self, self._safe_ecs_enforcer)

    # Nearly every call takes one of these two. They are written out, because passing any arguments through costs time.

    @_signed_like(OpenApiClient.do_request)
    def do_request(self, params: Params, request: OpenApiRequest, runtime: RuntimeOptions) -> dict[str, Any]:
        call = from_do_request(self, params, request, runtime)
        if call is None:
            return super().do_request(params, request, runtime)
        return self._safe_ecs_enforcer.send(self, call, super().do_request)

    @_signed_like(OpenApiClient.do_request_async)
    async def do_request_async(
        self, params: Params, request: OpenApiRequest, runtime: RuntimeOptions
    ) -> dict[str, Any]:
        call = from_do_request(self, params, request, runtime)
        if call is None:
            return await super().do_request_async(params, request, runtime)
        return await self._safe_ecs_enforcer.send_async(self, call, super().do_request_async)

    do_rpcrequest = _guarded("do_rpcrequest", from_do_rpcrequest)
    do_rpcrequest_async = _guarded_async("do_rpcrequest_async", from_do_rpcrequest)
    do_roarequest = _guarded("do_roarequest", from_do_roarequest)
    do_roarequest_async = _guarded_async("do_roarequest_async", from_do_roarequest)
    do_roarequest_with_form = _guarded("do_roarequest_with_form", from_do_roarequest)
    do_roarequest_with_form_async = _guarded_async("do_roarequest_with_form_async", from_do_roarequest)
    execute = _guarded("execute", from_execute)
    execute_async = _guarded_async("execute_async", from_execute)

    @_signed_like(OpenApiClient.call_sseapi)
    def call_sseapi(
        self, params: Params, request: OpenApiRequest, runtime: RuntimeOptions
    ) -> Generator[SSEResponse, None, None]:
        # A generator like the SDK's: the guard reviews the call at the first step, just before it is sent.
        call, send = from_call_sseapi(self, params, request, runtime), super().call_sseapi
        if call is None:
            yield from send(params, request, runtime)
        else:
            self._safe_ecs_enforcer.admit(self, call)
            yield from call.send(send)

    @_signed_like(OpenApiClient.call_sseapi_async)
    async def call_sseapi_async(
        self, params: Params, request: OpenApiRequest, runtime: RuntimeOptions
    ) -> AsyncGenerator[SSEResponse, None]:
        call, send = from_call_sseapi(self, params, request, runtime), super().call_sseapi_async
        if call is not None:
            await self._safe_ecs_enforcer.admit_async(self, call)
        async with aclosing(send(params, request, runtime) if call is None else call.send(send)) as events:
            async for event in events:
                yield event
