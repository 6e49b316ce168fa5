"""Every transport of the SDK, overridden once: each call of a client passes the guard here, exactly once.

``call_api`` is not among them, because it only dispatches to the others. In the classes made of this mixin, the mixin
stands between the SDK's base client and every class that derives from it. So the guard reviews a call as the override
of a subclass has made it.
"""

from __future__ import annotations

from contextlib import aclosing, closing
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from alibabacloud_ecs20140526.client import Client as EcsClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient

from safe_ecs._calls.glance import NOT_GUARDED, glance
from safe_ecs._calls.once_headers import HandsOutHeaders
from safe_ecs._calls.read import read_call
from safe_ecs._calls.signatures import signed_like
from safe_ecs._calls.transports import (
    CALL_SSEAPI,
    DO_REQUEST,
    DO_ROAREQUEST,
    DO_ROAREQUEST_WITH_FORM,
    DO_RPCREQUEST,
    EXECUTE,
)
from safe_ecs._enforcer import Enforcer
from safe_ecs._guard import Guard
from safe_ecs._system.threads import begin
from safe_ecs.policy import GuardPolicy

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from alibabacloud_tea_openapi.models import SSEResponse
    from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
    from darabonba.runtime import RuntimeOptions

    from safe_ecs._calls.transports import Transport


def _guarded(transport: Transport) -> Callable[..., Any]:
    """Return the override of a sync transport."""

    @signed_like(getattr(OpenApiClient, transport.name))
    def override(self: GuardedTransports, *positional: object, **named: object) -> object:
        stock = getattr(super(GuardedTransports, self), transport.name)
        arguments = transport.arguments(positional, named)
        if arguments is None:
            return stock(*positional, **named)  # It raises the TypeError of the stock client.
        return self._safe_ecs_enforcer.send(self, read_call(self, transport, *arguments), stock)

    return override


def _guarded_async(transport: Transport) -> Callable[..., Any]:
    """Return the override of the async twin of a transport."""
    name = f"{transport.name}_async"

    @signed_like(getattr(OpenApiClient, name))
    async def override(self: GuardedTransports, *positional: object, **named: object) -> object:
        stock = getattr(super(GuardedTransports, self), name)
        arguments = transport.arguments(positional, named)
        if arguments is None:
            return await stock(*positional, **named)
        return await self._safe_ecs_enforcer.send_async(self, read_call(self, transport, *arguments), stock)

    return override


class GuardedTransports(HandsOutHeaders):
    """A client with transports that review every call before they send it."""

    # A subclass that does not call ``__init__`` is guarded all the same.
    _safe_ecs_enforcer: Enforcer = Enforcer(GuardPolicy(), None)

    def __init_subclass__(cls, **options: object) -> None:
        """Refuse a class with an override of a transport behind the guard.

        Raises:
            TypeError: A base that overrides a transport, or ``get_rpc_headers``, comes after the guarded one.
        """
        super().__init_subclass__(**options)
        for base in cls.__mro__[cls.__mro__.index(GuardedTransports) + 1 :]:
            replaced = sorted(OVERRIDDEN & vars(base).keys())
            if replaced and base not in {HandsOutHeaders, EcsClient, OpenApiClient}:
                raise TypeError(
                    f"in {cls.__name__}, {base.__name__}.{replaced[0]} would change a call after its review: "
                    f"name {base.__name__} before the guarded class"
                )

    @property
    def guard(self) -> Guard:
        """The guard of this client: ask it, and steer it."""
        return Guard(self, self._safe_ecs_enforcer)

    # Nearly every call takes one of these two. They are written out, because passing any arguments through costs time.

    @signed_like(OpenApiClient.do_request)
    def do_request(self, params: Params, request: OpenApiRequest, runtime: RuntimeOptions) -> dict[str, Any]:
        seen = glance(self, params, request, runtime)
        if seen is NOT_GUARDED:
            return super().do_request(params, request, runtime)
        enforcer = self._safe_ecs_enforcer
        if seen is None or not enforcer.allows(*seen):
            call = read_call(self, DO_REQUEST, (params,), request, runtime)
            return enforcer.send(self, call, super().do_request)
        try:
            return super().do_request(params, request, runtime)
        except Exception as error:
            if rest := enforcer.note_refusal(self, params, request, runtime, error):
                rest()
            raise

    @signed_like(OpenApiClient.do_request_async)
    async def do_request_async(
        self, params: Params, request: OpenApiRequest, runtime: RuntimeOptions
    ) -> dict[str, Any]:
        seen = glance(self, params, request, runtime)
        if seen is NOT_GUARDED:
            return await super().do_request_async(params, request, runtime)
        enforcer = self._safe_ecs_enforcer
        if seen is None or not enforcer.allows(*seen):
            call = read_call(self, DO_REQUEST, (params,), request, runtime)
            return await enforcer.send_async(self, call, super().do_request_async)
        try:
            return await super().do_request_async(params, request, runtime)
        except Exception as error:
            begin(enforcer.note_refusal(self, params, request, runtime, error))
            raise

    do_rpcrequest = _guarded(DO_RPCREQUEST)
    do_rpcrequest_async = _guarded_async(DO_RPCREQUEST)
    do_roarequest = _guarded(DO_ROAREQUEST)
    do_roarequest_async = _guarded_async(DO_ROAREQUEST)
    do_roarequest_with_form = _guarded(DO_ROAREQUEST_WITH_FORM)
    do_roarequest_with_form_async = _guarded_async(DO_ROAREQUEST_WITH_FORM)
    execute = _guarded(EXECUTE)
    execute_async = _guarded_async(EXECUTE)

    @signed_like(OpenApiClient.call_sseapi)
    def call_sseapi(
        self, params: Params, request: OpenApiRequest, runtime: RuntimeOptions
    ) -> Generator[SSEResponse, None, None]:
        # A generator like the SDK's: the guard reviews the call at the first step, just before it is sent.
        call = read_call(self, CALL_SSEAPI, (params,), request, runtime)
        call = self._safe_ecs_enforcer.admit(self, call)
        stock: Any = super().call_sseapi
        with closing(stock(*call.leading, call.request, call.runtime)) as events:
            with call.sending:  # The SDK asks for the headers of a call before the first event.
                first = list(islice(events, 1))
            yield from first
            yield from events

    @signed_like(OpenApiClient.call_sseapi_async)
    async def call_sseapi_async(
        self, params: Params, request: OpenApiRequest, runtime: RuntimeOptions
    ) -> AsyncGenerator[SSEResponse, None]:
        call = read_call(self, CALL_SSEAPI, (params,), request, runtime)
        call = await self._safe_ecs_enforcer.admit_async(self, call)
        stock: Any = super().call_sseapi_async
        async with aclosing(stock(*call.leading, call.request, call.runtime)) as events:
            with call.sending:
                event = await anext(events, None)
            while event is not None:
                yield event
                event = await anext(events, None)


OVERRIDDEN: Final = {
    name
    for name in vars(OpenApiClient).keys() & (vars(GuardedTransports) | vars(HandsOutHeaders)).keys()
    if name[0] != "_"
}
"""The names of the SDK's methods that a guarded client overrides."""
