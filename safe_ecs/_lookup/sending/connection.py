"""A private SDK client for Describe calls, beside the caller's client.

It has the caller's credentials, protocol, proxy, TLS settings, time-outs and signature. It has none of the global
parameters, of the runtime's extra queries and headers, and of the headers of ``set_rpc_headers``: a filter among them
would make a group look missing. It has no retry options of the SDK either, because tenacity tries again.
"""

from __future__ import annotations

import os
from copy import copy
from typing import TYPE_CHECKING, Final

from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
from darabonba.core import DEFAULT_POOL_MAXSIZE
from darabonba.runtime import ExtendsParameters, RuntimeOptions

from safe_ecs._core.endpoints import bare_host
from safe_ecs._core.request import ECS_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOT_INHERITED: Final = ("_global_parameters", "_headers", "_retry_options")
_INHERITED: Final = tuple(name for name in OpenApiClient.__annotations__ if name not in _NOT_INHERITED)
# The map of endpoints has served its purpose when the client has its endpoint.
_NO_SETTINGS: Final[dict[str, object]] = {
    "_credential": None,
    "_endpoint_map": None,
    "extends_parameters": None,
}
_COMPARABLE: Final = frozenset({str, int, bool, type(None)})
_forks = 0  # how many lie between the first process and this one
_CONNECT_TIMEOUT_MS: Final = 5_000
_READ_TIMEOUT_MS: Final = 10_000


class Connection:
    """Sends reads beside a client, leaving no trace on it.

    Args:
        client: The client whose call is being reviewed.
        runtime: The options of that call; None for the client's own.
        host: Where the call goes, which a header may have changed.

    Attributes:
        host: The same.
        settings: What tells it apart from the connections of other clients, but for the credentials.
    """

    def __init__(self, client: OpenApiClient, runtime: RuntimeOptions | None, host: str) -> None:
        # A stock client of its own: neither the guard nor a method of somebody's subclass runs for a read.
        self._client = OpenApiClient.__new__(OpenApiClient)
        vars(self._client).update({name: getattr(client, name) for name in _INHERITED})
        endpoint = str(client._endpoint)  # noqa: SLF001 - no getter
        if bare_host(endpoint) != host or not {"?", "#"}.isdisjoint(endpoint):
            # A query in the endpoint is meant for the call: a filter there would make a group look missing.
            self._client._endpoint = host  # noqa: SLF001 - no setter
        if self._client._spi is None:  # noqa: SLF001 - no getter
            # Without a plug-in the SDK has nothing that signs for "v4", but its transports still work.
            self._client._signature_version = None  # noqa: SLF001 - no setter
        self.host = host
        self._runtime = RuntimeOptions() if runtime is None else copy(runtime)
        self._runtime.extends_parameters = ExtendsParameters()
        if _forks:
            # The SDK keeps its connections by host and by the size of the pool. Those that a forked process inherits
            # are still its parent's, and so may be the lock of their pool.
            size: object = self._runtime.max_idle_conns or self._client._max_idle_conns  # noqa: SLF001 - no getter
            if not isinstance(size, int) or size < 1:
                size = DEFAULT_POOL_MAXSIZE
            self._runtime.max_idle_conns = size + _forks
        settings = {**vars(self._client), **vars(self._runtime), **_NO_SETTINGS}
        # Their hash alone: a proxy may have a password, and a key is a key, but what failed is remembered by them.
        self.settings = hash(
            tuple([value if type(value) in _COMPARABLE else id(value) for value in settings.values()])
        )

    def describe(self, action: str, query: Mapping[str, str], seconds_left: float) -> object:
        """Send one read and return the parsed body of the answer.

        Raises:
            Exception: What the stock client raises when ECS refuses or does not answer.
        """
        answer = self._client.call_api(*_request(action, query), self._bounded(seconds_left))
        return answer.get("body")

    async def describe_async(self, action: str, query: Mapping[str, str], seconds_left: float) -> object:
        """Do what ``describe`` does, in an event loop."""
        answer = await self._client.call_api_async(*_request(action, query), self._bounded(seconds_left))
        return answer.get("body")

    def _bounded(self, seconds_left: float) -> RuntimeOptions:
        """Return the runtime options with time-outs that end no later than the look-up does."""
        most = max(1, int(seconds_left * 1000))
        runtime = copy(self._runtime)
        client = self._client
        connect = runtime.connect_timeout or client._connect_timeout or _CONNECT_TIMEOUT_MS  # noqa: SLF001 - no getter
        read = runtime.read_timeout or client._read_timeout or _READ_TIMEOUT_MS  # noqa: SLF001 - no getter
        runtime.connect_timeout = min(int(connect), most)
        runtime.read_timeout = min(int(read), most)
        return runtime


def _count_fork() -> None:
    global _forks  # noqa: PLW0603 - a process has one such number
    _forks += 1


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_count_fork)


def _request(action: str, query: Mapping[str, str]) -> tuple[Params, OpenApiRequest]:
    params = Params(
        action=action,
        version=ECS_VERSION,
        protocol="HTTPS",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    return params, OpenApiRequest(query=dict(query))
