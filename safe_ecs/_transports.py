"""The guard, at every transport of the SDK: whatever a client sends passes here exactly once.

``call_api`` is not among them, because it only dispatches to the others. In the classes made of this mixin it
stands between the SDK's base client and everything that derives from it, so that what an override in a
subclass makes of a call is what is reviewed.
"""

from __future__ import annotations

from contextlib import aclosing
from functools import wraps
from typing import TYPE_CHECKING, TypeVar, cast

from alibabacloud_tea_openapi.client import Client as OpenApiClient

from safe_ecs._calls import merge
from safe_ecs._enforcer import Enforcer
from safe_ecs._guard import Guard
from safe_ecs.policy import GuardPolicy

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator
    from typing import Any

    from alibabacloud_tea_openapi.models import SSEResponse
    from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
    from darabonba.runtime import RuntimeOptions


_F = TypeVar("_F", bound="Callable[..., Any]")


def _signed_like(stock: Callable[..., Any]) -> Callable[[_F], _F]:
    """Give an override the signature, name and documentation of the method it overrides."""

    def sign(override: _F) -> _F:
        return cast("_F", wraps(stock)(override))

    return sign


class GuardedTransports(OpenApiClient):
    """A client whose every transport reviews a call before sending it."""

    # A subclass that does not call ``__init__`` is guarded all the same.
    _safe_ecs_enforcer: Enforcer = Enforcer(GuardPolicy(), None)

    def __init_subclass__(cls, **options: object) -> None:
        """Refuse a class in which somebody's override of a transport stands behind the guard.

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

    @_signed_like(OpenApiClient.do_request)
    def do_request(self, params: Params, request: OpenApiRequest, runtime: RuntimeOptions) -> dict[str, Any]:
        call = merge.from_do_request(self, params, request, runtime)
        if call is None:
            return super().do_request(params, request, runtime)
        return self._safe_ecs_enforcer.send(self, call, super().do_request)

    @_signed_like(OpenApiClient.do_request_async)
    async def do_request_async(
        self, params: Params, request: OpenApiRequest, runtime: RuntimeOptions
    ) -> dict[str, Any]:
        call = merge.from_do_request(self, params, request, runtime)
        if call is None:
            return await super().do_request_async(params, request, runtime)
        return await self._safe_ecs_enforcer.send_async(self, call, super().do_request_async)

    @_signed_like(OpenApiClient.do_rpcrequest)
    def do_rpcrequest(  # noqa: PLR0913, PLR0917 - as the SDK has it
        self,
        action: str,
        version: str,
        protocol: str,
        method: str,
        auth_type: str,
        body_type: str,
        request: OpenApiRequest,
        runtime: RuntimeOptions,
    ) -> dict[str, Any]:
        call = merge.from_do_rpcrequest(self, action, version, protocol, request, runtime)
        send, arguments = super().do_rpcrequest, (action, version, protocol, method, auth_type, body_type)
        if call is None:
            return send(*arguments, request, runtime)
        return self._safe_ecs_enforcer.send(self, call, send, *arguments)

    @_signed_like(OpenApiClient.do_rpcrequest_async)
    async def do_rpcrequest_async(  # noqa: PLR0913, PLR0917 - as the SDK has it
        self,
        action: str,
        version: str,
        protocol: str,
        method: str,
        auth_type: str,
        body_type: str,
        request: OpenApiRequest,
        runtime: RuntimeOptions,
    ) -> dict[str, Any]:
        call = merge.from_do_rpcrequest(self, action, version, protocol, request, runtime)
        send, arguments = (
            super().do_rpcrequest_async,
            (action, version, protocol, method, auth_type, body_type),
        )
        if call is None:
            return await send(*arguments, request, runtime)
        return await self._safe_ecs_enforcer.send_async(self, call, send, *arguments)

    @_signed_like(OpenApiClient.do_roarequest)
    def do_roarequest(  # noqa: PLR0913, PLR0917 - as the SDK has it
        self,
        action: str,
        version: str,
        protocol: str,
        method: str,
        auth_type: str,
        pathname: str,
        body_type: str,
        request: OpenApiRequest,
        runtime: RuntimeOptions,
    ) -> dict[str, Any]:
        call = merge.from_do_roarequest(self, action, version, protocol, pathname, request, runtime)
        send, arguments = (
            super().do_roarequest,
            (action, version, protocol, method, auth_type, pathname, body_type),
        )
        if call is None:
            return send(*arguments, request, runtime)
        return self._safe_ecs_enforcer.send(self, call, send, *arguments)

    @_signed_like(OpenApiClient.do_roarequest_async)
    async def do_roarequest_async(  # noqa: PLR0913, PLR0917 - as the SDK has it
        self,
        action: str,
        version: str,
        protocol: str,
        method: str,
        auth_type: str,
        pathname: str,
        body_type: str,
        request: OpenApiRequest,
        runtime: RuntimeOptions,
    ) -> dict[str, Any]:
        call = merge.from_do_roarequest(self, action, version, protocol, pathname, request, runtime)
        send, arguments = (
            super().do_roarequest_async,
            (action, version, protocol, method, auth_type, pathname, body_type),
        )
        if call is None:
            return await send(*arguments, request, runtime)
        return await self._safe_ecs_enforcer.send_async(self, call, send, *arguments)

    @_signed_like(OpenApiClient.do_roarequest_with_form)
    def do_roarequest_with_form(  # noqa: PLR0913, PLR0917 - as the SDK has it
        self,
        action: str,
        version: str,
        protocol: str,
        method: str,
        auth_type: str,
        pathname: str,
        body_type: str,
        request: OpenApiRequest,
        runtime: RuntimeOptions,
    ) -> dict[str, Any]:
        call = merge.from_do_roarequest(self, action, version, protocol, pathname, request, runtime)
        send, arguments = (
            super().do_roarequest_with_form,
            (action, version, protocol, method, auth_type, pathname, body_type),
        )
        if call is None:
            return send(*arguments, request, runtime)
        return self._safe_ecs_enforcer.send(self, call, send, *arguments)

    @_signed_like(OpenApiClient.do_roarequest_with_form_async)
    async def do_roarequest_with_form_async(  # noqa: PLR0913, PLR0917 - as the SDK has it
        self,
        action: str,
        version: str,
        protocol: str,
        method: str,
        auth_type: str,
        pathname: str,
        body_type: str,
        request: OpenApiRequest,
        runtime: RuntimeOptions,
    ) -> dict[str, Any]:
        call = merge.from_do_roarequest(self, action, version, protocol, pathname, request, runtime)
        send, arguments = (
            super().do_roarequest_with_form_async,
            (action, version, protocol, method, auth_type, pathname, body_type),
        )
        if call is None:
            return await send(*arguments, request, runtime)
        return await self._safe_ecs_enforcer.send_async(self, call, send, *arguments)

    @_signed_like(OpenApiClient.execute)
    def execute(self, params: Params, request: OpenApiRequest, runtime: RuntimeOptions) -> dict[str, Any]:
        call = merge.from_execute(self, params, request, runtime)
        if call is None:
            return super().execute(params, request, runtime)
        return self._safe_ecs_enforcer.send(self, call, super().execute)

    @_signed_like(OpenApiClient.execute_async)
    async def execute_async(
        self, params: Params, request: OpenApiRequest, runtime: RuntimeOptions
    ) -> dict[str, Any]:
        call = merge.from_execute(self, params, request, runtime)
        if call is None:
            return await super().execute_async(params, request, runtime)
        return await self._safe_ecs_enforcer.send_async(self, call, super().execute_async)

    @_signed_like(OpenApiClient.call_sseapi)
    def call_sseapi(
        self, params: Params, request: OpenApiRequest, runtime: RuntimeOptions
    ) -> Generator[SSEResponse, None, None]:
        # A generator like the SDK's: what is reviewed is what the first step is about to send.
        call = merge.from_do_request(self, params, request, runtime, global_headers_last=True)
        send = super().call_sseapi
        if call is not None:
            self._safe_ecs_enforcer.admit(self, call)
            params, request, runtime = call.params, call.request, call.runtime
            send = call.through(send)
        yield from send(params, request, runtime)

    @_signed_like(OpenApiClient.call_sseapi_async)
    async def call_sseapi_async(
        self, params: Params, request: OpenApiRequest, runtime: RuntimeOptions
    ) -> AsyncGenerator[SSEResponse, None]:
        call = merge.from_do_request(self, params, request, runtime, global_headers_last=True)
        send = super().call_sseapi_async
        if call is not None:
            await self._safe_ecs_enforcer.admit_async(self, call)
            params, request, runtime = call.params, call.request, call.runtime
            send = call.through(send)
        async with aclosing(send(params, request, runtime)) as events:
            async for event in events:
                yield event
