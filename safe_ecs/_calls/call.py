"""A call of one of the SDK's transports, as the guard keeps it between its reading and its sending."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from alibabacloud_tea_openapi.utils_models import OpenApiRequest
    from darabonba.runtime import RuntimeOptions

    from safe_ecs._calls.once_headers import OnceHeaders
    from safe_ecs._calls.settings import Settings
    from safe_ecs._calls.transports import Transport
    from safe_ecs._core.request import EffectiveRequest

_NO_HEADERS: Final = nullcontext()


class Target(NamedTuple):
    """The operation that a call names in its first arguments.

    Attributes:
        action: The action.
        version: The API version.
        protocol: The protocol, unless the client has one.
        pathname: The path of the URL.
        is_rpc: Whether the call has the style RPC.
    """

    action: Any
    version: Any
    protocol: Any
    pathname: Any
    is_rpc: bool


class Layers(NamedTuple):
    """The layers of a call that its transport merges, all of them plain data of the guard's own.

    Attributes:
        transport: The transport.
        target: The operation.
        request: A copy of the request.
        runtime: A copy of the runtime options.
        settings: The settings of the client.
    """

    transport: Transport
    target: Target
    request: OpenApiRequest
    runtime: RuntimeOptions
    settings: Settings


class Call(NamedTuple):
    """A call as the SDK will send it.

    Attributes:
        leading: The arguments of the transport before request and runtime.
        request: The request; a copy if the call is guarded.
        runtime: The runtime options; likewise.
        once_headers: The headers of ``set_rpc_headers``, if the guard has taken them for this call.
        effective: The request as ECS will read it; None for a call that the guard need not look at.
        layers: The layers of a guarded call.
    """

    leading: tuple[Any, ...]
    request: OpenApiRequest | None
    runtime: RuntimeOptions | None
    once_headers: OnceHeaders | None = None
    effective: EffectiveRequest | None = None
    layers: Layers | None = None

    @property
    def sending(self) -> AbstractContextManager[None]:
        """The context in which the SDK sends the call: it gives the SDK the headers of this call."""
        return self.once_headers or _NO_HEADERS

    @property
    def is_guarded(self) -> bool:
        """Whether the guard reviews the call before the SDK sends it."""
        return self.effective is not None and self.effective.is_guarded
