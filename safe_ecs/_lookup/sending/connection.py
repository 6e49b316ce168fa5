"""A private SDK client for Describe calls, beside the caller's client.

It has the caller's credentials, protocol, proxy, TLS settings, time-outs and signature. It has none of the global
parameters, of the runtime's extra queries and headers, and of the headers of ``set_rpc_headers``: a filter among them
would make a group look missing. It has no retry options of the SDK either, because tenacity tries again. It has
connections of its own.
"""
# ruff: noqa: SLF001 - the SDK's client has no getters and no setters for its settings

from __future__ import annotations

import os
from copy import copy
from itertools import count
from typing import TYPE_CHECKING, Final

from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions

from safe_ecs._core.endpoints import bare_host
from safe_ecs._core.request import ECS_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOT_INHERITED: Final = ("_global_parameters", "_headers", "_max_idle_conns", "_retry_options")
_INHERITED: Final = tuple(name for name in OpenApiClient.__annotations__ if name not in _NOT_INHERITED)
# The options that the SDK's transports read, but for the size of the pool and the parameters of the one call.
_OPTIONS: Final = (
    "ignore_ssl",
    "key",
    "cert",
    "ca",
    "read_timeout",
    "connect_timeout",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "socks_5proxy",
    "socks_5net_work",
)
# The map of endpoints has served its purpose when the client has its endpoint.
_NO_SETTINGS: Final[dict[str, object]] = {"_credential": None, "_endpoint_map": None}
_COMPARABLE: Final = frozenset({str, int, bool, type(None)})
_CONNECT_TIMEOUT_MS: Final = 5_000
_READ_TIMEOUT_MS: Final = 10_000

# The SDK keeps its connections by host and by the size of the pool. The TLS settings of the first call stay with them
# for the life of the process: then no other call there can turn verification off, and each trusts the CA of any other.
# So reads have pools of sizes that no program chooses, one for each combination of TLS settings.
_sizes: Final = count(601, 2)
_pools: Final[dict[int, int]] = {}  # the sizes, by the hash of the settings
_MOST_POOLS: Final = 32  # The SDK never drops a pool, and a program may use a new certificate for each call.


class Connection:
    """Sends reads beside a client, leaving no trace on it.

    Args:
        client: The client whose call is being reviewed.
        runtime: The options of that call; None for the client's own.
        host: Where the call goes, which a header may have changed.
        protocol: The protocol of that call, used if the client has none.

    Attributes:
        host: The same.
        settings: What tells it apart from the connections of other clients, but for the credentials.
    """

    def __init__(
        self, client: OpenApiClient, runtime: RuntimeOptions | None, host: str, protocol: str = "HTTPS"
    ) -> None:
        # A stock client of its own: neither the guard nor a method of somebody's subclass runs for a read.
        self._client = OpenApiClient.__new__(OpenApiClient)
        vars(self._client).update({name: getattr(client, name) for name in _INHERITED})
        self._client._protocol = client._protocol or protocol
        endpoint = str(client._endpoint)
        if bare_host(endpoint) != host or not {"?", "#"}.isdisjoint(endpoint):
            # A query in the endpoint is meant for the call: a filter there would make a group look missing.
            self._client._endpoint = host
        if self._client._spi is None:
            # Without a plug-in the SDK has nothing that signs for "v4", but its transports still work.
            self._client._signature_version = None
        self.host = host
        given = RuntimeOptions() if runtime is None else runtime
        options = {name: getattr(given, name) for name in _OPTIONS}
        self._runtime = RuntimeOptions(**options)
        settings = {**vars(self._client), **options, **_NO_SETTINGS}
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

    def _bounded(self, seconds_left: float) -> RuntimeOptions:
        """Return the runtime options with a pool for reads, and with time-outs that end no later than the look-up does."""
        most = max(1, int(seconds_left * 1000))
        runtime = copy(self._runtime)
        client = self._client
        connect = runtime.connect_timeout or client._connect_timeout or _CONNECT_TIMEOUT_MS
        read = runtime.read_timeout or client._read_timeout or _READ_TIMEOUT_MS
        runtime.connect_timeout = min(int(connect), most)
        runtime.read_timeout = min(int(read), most)
        runtime.max_idle_conns = self._pool_size()
        return runtime

    def _pool_size(self) -> int:
        """Return the size of the pool for the TLS settings of the reads, which is the same for equal settings."""
        runtime, client = self._runtime, self._client
        verification = (runtime.ignore_ssl, client._tls_min_version)
        trust = (runtime.ca or client._ca, runtime.cert or client._cert, runtime.key or client._key)
        settings = _hash_of((*verification, *trust))
        if settings not in _pools and len(_pools) >= _MOST_POOLS:
            settings = _hash_of(verification)
        return _pools.get(settings) or _pools.setdefault(settings, next(_sizes))


def _hash_of(settings: tuple[object, ...]) -> int:
    # A key is a key, so it is not kept here.
    return hash(tuple(map(repr, settings)))


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    # The connections that a forked process inherits are still its parent's, and so may be the lock of their pool.
    os.register_at_fork(after_in_child=_pools.clear)


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
