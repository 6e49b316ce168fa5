"""The way to ECS for the guard's own reads: the caller's, less all that was meant for the caller's request.

Credentials, protocol, proxy, TLS settings, time-outs and signature are the caller's. Global parameters, the
runtime's extra queries and headers and those of ``set_rpc_headers`` are left out, because a filter among them
would make a group look missing. The SDK's retry options are left out too: tenacity tries again.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Final

from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
from darabonba.runtime import ExtendsParameters, RuntimeOptions

from safe_ecs.core.request import ECS_VERSION, bare_host

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOT_INHERITED: Final = ("_global_parameters", "_headers", "_retry_options")
_CONNECT_TIMEOUT_MS: Final = 5_000
_READ_TIMEOUT_MS: Final = 10_000


class Connection:
    """Sends reads beside a client, leaving no trace on it.

    Args:
        client: The client whose call is being reviewed.
        runtime: The options of that call; None for the client's own.
        host: Where the call goes, which a header may have changed.
    """

    def __init__(self, client: OpenApiClient, runtime: RuntimeOptions | None, host: str) -> None:
        # A stock client of its own: neither the guard nor a method of somebody's subclass runs for a read.
        self._client = OpenApiClient.__new__(OpenApiClient)
        for name in OpenApiClient.__annotations__:
            setattr(self._client, name, None if name in _NOT_INHERITED else getattr(client, name))
        if bare_host(str(client._endpoint)) != host:  # noqa: SLF001 - no getter
            self._client._endpoint = host  # noqa: SLF001 - no setter
        self._runtime = RuntimeOptions() if runtime is None else copy(runtime)
        self._runtime.extends_parameters = ExtendsParameters()

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
        connect = runtime.connect_timeout or client._connect_timeout or _CONNECT_TIMEOUT_MS  # noqa: SLF001
        read = runtime.read_timeout or client._read_timeout or _READ_TIMEOUT_MS  # noqa: SLF001
        runtime.connect_timeout = min(int(connect), most)
        runtime.read_timeout = min(int(read), most)
        return runtime


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
