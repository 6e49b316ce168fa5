"""The headers of ``set_rpc_headers``, meant for one call: the guard takes them when the call is made.

The call may have to wait. Headers that are set meanwhile are for the next call, and stay on the client. The SDK asks the
client for the headers when it sends the call. So the client's ``get_rpc_headers`` gives a call that the guard has read the
headers of that call, and asks the stock method for any other call.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, cast

from alibabacloud_tea_openapi.client import Client as OpenApiClient
from darabonba.core import DaraCore

from safe_ecs._calls.signatures import signed_like

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Token

_SENDING: Final[ContextVar[OnceHeaders | None]] = ContextVar("safe_ecs_once_headers", default=None)


class OnceHeaders:
    """The headers of one call, taken from its client. As a context manager, they are for the call sent inside.

    Args:
        client: The client that makes the call.

    Attributes:
        headers: The headers, None if there are none.
        error: The exception of a ``get_rpc_headers`` that a subclass of the client defines, or None.
    """

    def __init__(self, client: OpenApiClient) -> None:
        self._client = client
        # Why each try: a subclass that defines the method makes headers for every request, and not for one call.
        self._is_for_each_try = hands_out_its_own(client)
        self._token: Token[OnceHeaders | None] | None = None
        self.headers: dict[str, str] | None = None
        self.error: Exception | None = None
        # A credentials provider may make this call while the same client sends another one.
        token = _SENDING.set(None)
        try:
            taken: Any = client.get_rpc_headers()
            self.headers = None if taken is None else DaraCore.merge(taken)
        except Exception as error:  # noqa: BLE001 - a method of the caller's may raise anything
            self.error = error
        finally:
            _SENDING.reset(token)
        self._left = self.headers

    def __enter__(self) -> None:
        self._token = _SENDING.set(self)

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _SENDING.reset(self._token)

    def are_for(self, client: OpenApiClient) -> bool:
        """Return whether a client has made the call."""
        return self._client is client

    def next(self) -> dict[str, str] | None:
        """Return the headers for the next try of the call.

        Raises:
            Exception: The exception of the subclass's method, where the stock client's call would have met it.
        """
        if self.error is not None:
            raise self.error
        left = self._left
        if not self._is_for_each_try:
            self._left = None
        return left


class HandsOutHeaders(OpenApiClient):
    """A client that gives each call its own headers of ``set_rpc_headers``."""

    def __init_subclass__(cls, **options: object) -> None:
        """Put the lookup of a call's own headers in front of a ``get_rpc_headers`` that a subclass defines."""
        super().__init_subclass__(**options)
        if hands_out_its_own(cls) and not hasattr(cls.get_rpc_headers, "_safe_ecs_front"):
            setattr(cls, "get_rpc_headers", _in_front_of(cls))  # noqa: B010 - for the type checkers a method is constant

    @signed_like(OpenApiClient.get_rpc_headers)
    def get_rpc_headers(self) -> dict[str, str]:
        """Return the headers for the next request of this client, and clear them."""
        sending = _SENDING.get()
        if sending is not None and sending.are_for(self):
            # The stock method returns None for no headers too, and its annotation leaves that out.
            return cast("dict[str, str]", sending.next())
        return super().get_rpc_headers()


def _in_front_of(cls: type[HandsOutHeaders]) -> Callable[[HandsOutHeaders], object]:
    own: Any = vars(cls).get("get_rpc_headers")

    @signed_like(cls.get_rpc_headers)
    def get_rpc_headers(self: HandsOutHeaders) -> object:
        sending = _SENDING.get()
        if sending is not None and sending.are_for(self):
            return sending.next()
        return super(cls, self).get_rpc_headers() if own is None else own.__get__(self, type(self))()

    vars(get_rpc_headers)["_safe_ecs_front"] = True
    return get_rpc_headers


def hands_out_its_own(client: OpenApiClient | type[OpenApiClient]) -> bool:
    """Return whether the stock method is replaced, so that only a call of the method shows its result."""
    # Of a class a function, of a client a method, unless somebody has set anything else on the client.
    method: Any = client.get_rpc_headers
    function = getattr(method, "__func__", method)
    return function is not HandsOutHeaders.get_rpc_headers and function is not OpenApiClient.get_rpc_headers
