"""The transports of the SDK: their arguments, and the differences in how they merge the layers of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Transport(NamedTuple):
    """A transport of the SDK; its async twin takes the same arguments.

    Attributes:
        name: The name of the method.
        leading: The names of the arguments before request and runtime.
        takes_once_headers: Whether it takes the headers of ``set_rpc_headers`` for a call of the style RPC.
        takes_them_in_any_style: Whether it takes these headers for a call of another style as well.
        has_action_in_query: Whether action and version are query parameters and no headers.
        is_plugged_in: Whether a gateway plug-in adds action, version and host after the merge.
        has_global_headers_last: Whether the global headers win over the runtime's.
    """

    name: str
    leading: tuple[str, ...] = ("params",)
    takes_once_headers: bool = True
    takes_them_in_any_style: bool = False
    has_action_in_query: bool = False
    is_plugged_in: bool = False
    has_global_headers_last: bool = False

    @property
    def takes_params(self) -> bool:
        """Whether an object describes the operation, and not single arguments."""
        return self.leading == ("params",)

    def arguments(
        self, positional: Sequence[object], named: Mapping[str, object]
    ) -> tuple[tuple[Any, ...], Any, Any] | None:
        """Return the leading arguments, the request and the runtime of a call; None if these are not the arguments."""
        names = (*self.leading, "request", "runtime")
        missing = names[len(positional) :]
        if len(positional) > len(names) or named.keys() != set(missing):
            return None
        *leading, request, runtime = (*positional, *map(named.__getitem__, missing))
        return tuple(leading), request, runtime


_RPC: Final = ("action", "version", "protocol", "method", "auth_type", "body_type")
_ROA: Final = ("action", "version", "protocol", "method", "auth_type", "pathname", "body_type")

DO_REQUEST: Final = Transport("do_request")
DO_RPCREQUEST: Final = Transport(
    "do_rpcrequest", _RPC, takes_them_in_any_style=True, has_action_in_query=True
)
DO_ROAREQUEST: Final = Transport("do_roarequest", _ROA, takes_once_headers=False)
DO_ROAREQUEST_WITH_FORM: Final = Transport("do_roarequest_with_form", _ROA, takes_once_headers=False)
EXECUTE: Final = Transport("execute", takes_them_in_any_style=True, is_plugged_in=True)
CALL_SSEAPI: Final = Transport("call_sseapi", has_global_headers_last=True)
