"""One function for each way to send a call with the SDK."""

from __future__ import annotations

import asyncio
import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions

from safe_ecs.testing._samples import method_name
from tests.support.sdk import Utils

if TYPE_CHECKING:
    from collections.abc import Callable

    from alibabacloud_tea_openapi.client import Client as OpenApiClient

ECS = "2014-05-26"
DELETE = "DeleteSecurityGroup"


class EcsGateway:
    """A minimal gateway plug-in: it sends the action of the context, signed."""

    def modify_configuration(self, context: Any, _: Any) -> None:
        """Leave the endpoint as it is."""

    def modify_request(self, context: Any, _: Any) -> None:
        request = context.request
        nothing = sha256(b"").hexdigest()
        request.headers = {
            **request.headers,
            "host": context.configuration.endpoint,
            "x-acs-action": request.action,
            "x-acs-version": request.version,
            "x-acs-date": Utils.get_timestamp(),
            "x-acs-signature-nonce": Utils.get_nonce(),
            "x-acs-content-sha256": nothing,
        }
        key = request.credential.get_credential()
        request.headers["Authorization"] = Utils.get_authorization(
            request, "ACS3-HMAC-SHA256", nothing, key.access_key_id, key.access_key_secret
        )

    def modify_response(self, context: Any, _: Any) -> None:
        context.response.deserialized_body = json.loads(context.response.body)

    async def modify_configuration_async(self, context: Any, _: Any) -> None:
        self.modify_configuration(context, _)

    async def modify_request_async(self, context: Any, _: Any) -> None:
        self.modify_request(context, _)

    async def modify_response_async(self, context: Any, _: Any) -> None:
        self.modify_response(context, _)


def params(action: str, **changes: Any) -> Params:
    values: dict[str, Any] = {
        "action": action,
        "version": ECS,
        "protocol": "HTTP",
        "pathname": "/",
        "method": "POST",
        "auth_type": "AK",
        "style": "RPC",
        "req_body_type": "formData",
        "body_type": "json",
    }
    return Params(**(values | changes))


def _by_params(name: str) -> Callable[..., Any]:
    def send(
        client: OpenApiClient, action: str, request: OpenApiRequest, runtime: Any = None, version: str = ECS
    ) -> Any:
        return getattr(client, name)(params(action, version=version), request, runtime or RuntimeOptions())

    return send


def _by_arguments(name: str, *path: str) -> Callable[..., Any]:
    def send(
        client: OpenApiClient, action: str, request: OpenApiRequest, runtime: Any = None, version: str = ECS
    ) -> Any:
        called = (action, version, "HTTP", "POST", "AK", *path, "json")
        return getattr(client, name)(*called, request, runtime or RuntimeOptions())

    return send


def _by_execute(name: str) -> Callable[..., Any]:
    by_params = _by_params(name)

    def send(client: OpenApiClient, *arguments: Any, **version: str) -> Any:
        client.set_gateway_client(cast("Any", EcsGateway()))
        return by_params(client, *arguments, **version)

    return send


def _as_list(send: Callable[..., Any]) -> Callable[..., Any]:
    def drain(*arguments: Any, **version: str) -> Any:
        return list(send(*arguments, **version))

    return drain


def _drained(send: Callable[..., Any]) -> Callable[..., Any]:
    async def drain(*arguments: Any, **version: str) -> Any:
        return [event async for event in send(*arguments, **version)]

    return drain


def _awaited(send: Callable[..., Any]) -> Callable[..., Any]:
    def run(*arguments: Any, **version: str) -> Any:
        async def wait() -> Any:
            return await send(*arguments, **version)

        return asyncio.run(wait())

    return run


ASYNC_TRANSPORTS: dict[str, Callable[..., Any]] = {
    "do_request_async": _by_params("do_request_async"),
    "do_rpcrequest_async": _by_arguments("do_rpcrequest_async"),
    "do_roarequest_async": _by_arguments("do_roarequest_async", "/"),
    "do_roarequest_with_form_async": _by_arguments("do_roarequest_with_form_async", "/"),
    "execute_async": _by_execute("execute_async"),
    "call_sseapi_async": _drained(_by_params("call_sseapi_async")),
}
"""The async transports, for tests of tasks. Each returns an awaitable."""

TRANSPORTS: dict[str, Callable[..., Any]] = {
    "do_request": _by_params("do_request"),
    "do_rpcrequest": _by_arguments("do_rpcrequest"),
    "do_roarequest": _by_arguments("do_roarequest", "/"),
    "do_roarequest_with_form": _by_arguments("do_roarequest_with_form", "/"),
    "execute": _by_execute("execute"),
    "call_sseapi": _as_list(_by_params("call_sseapi")),
    **{name: _awaited(send) for name, send in ASYNC_TRANSPORTS.items()},
}
"""The transports of the SDK. ``call_api`` is none: it only chooses among them."""

WAYS_TO_SEND: dict[str, Callable[..., Any]] = TRANSPORTS | {
    "call_api": _by_params("call_api"),
    "call_api_async": _awaited(_by_params("call_api_async")),
}

FORMS = ("sync", "sync with options", "async", "async with options")


def call(client: Any, action: str, request: Any, form: str = "sync") -> Any:
    """Call an operation's method in one of its four forms."""
    name = method_name(action)
    if form == "sync":
        return getattr(client, name)(request)
    if form == "sync with options":
        return getattr(client, f"{name}_with_options")(request, RuntimeOptions())

    async def wait() -> Any:
        if form == "async":
            return await getattr(client, f"{name}_async")(request)
        return await getattr(client, f"{name}_with_options_async")(request, RuntimeOptions())

    return asyncio.run(wait())


def query(security_group_id: str) -> Any:
    return OpenApiRequest(query={"RegionId": "cn-hangzhou", "SecurityGroupId": security_group_id})
