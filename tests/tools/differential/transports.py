"""Every other way to send than by an operation's method, in every set-up of the signature."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any, Final, cast

from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.utils_models import GlobalParameters
from darabonba.runtime import ExtendsParameters, RuntimeOptions

from safe_ecs import Client, StatusCache, guard
from tests.support.sdk import OpenApiRequest
from tests.support.transports import ECS, WAYS_TO_SEND, EcsGateway
from tests.tools.differential.answers import ANSWERS
from tests.tools.differential.operations import config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.tools.differential.comparison import Comparison
    from tests.tools.differential.recorder import Recorder

_SETUPS: Final[dict[str, dict[str, Any]]] = {
    "as it is": {},
    "signature v2": {"signature_algorithm": "v2"},
    "signature v4": {"signature_version": "v4"},
    "signature v4 by a plug-in": {"signature_version": "v4"},
    "with a token": {"security_token": "the-token", "type": "sts"},
    "with global parameters": {
        "global_parameters": GlobalParameters(queries={"Global": "1"}, headers={"x-global": "2"})
    },
}
_ACTIONS: Final = (
    ("DeleteSecurityGroup", ECS),
    ("DescribeInstances", ECS),
    ("DescribeSecurityGroups", ECS),
    # Edge Node Service has an operation of this name, too.
    ("DeleteSecurityGroup", "2017-11-10"),
)
_REQUESTS: Final[dict[str, Callable[[], Any]]] = {
    "query": lambda: OpenApiRequest(query={"SecurityGroupId": "sg-1", "Name": "a b~/+"}),
    "form": lambda: OpenApiRequest(body={"SecurityGroupId": "sg-1", "Name": "a b~/+"}),
    "query, form and headers": lambda: OpenApiRequest(
        query={"SecurityGroupId": "sg-1"}, body={"Other": "x"}, headers={"x-mine": "1"}
    ),
    "nothing": OpenApiRequest,
}
_RUNTIMES: Final[dict[str, Callable[[], Any]]] = {
    "plain": lambda: RuntimeOptions(),  # noqa: PLW0108 - pyright minds the SDK's defaults of None
    "extended": lambda: RuntimeOptions(
        read_timeout=9000,
        extends_parameters=ExtendsParameters(queries={"Extra": "1"}, headers={"x-extra": "2"}),
    ),
}


SETUPS: Final = tuple(_SETUPS)


def compare_transport(comparison: Comparison, transport: str, setups: Iterable[str] = SETUPS) -> None:
    """Compare one transport: with every action, channel and answer, for both kinds of client.

    Args:
        comparison: The comparison that counts.
        transport: The transport.
        setups: The set-ups of the clients.
    """
    for setup in setups:
        for stock, guarded in _pairs(comparison.recorder, setup):
            _compare(comparison, transport, setup, stock, guarded)


def _pairs(recorder: Recorder, setup: str) -> list[tuple[Any, Any]]:
    settings = config(recorder, **_SETUPS[setup])
    pairs = [
        (StockClient(settings), Client(settings, cache=StatusCache())),
        (OpenApiClient(settings), guard(OpenApiClient(settings), cache=StatusCache())),
    ]
    for client in (client for pair in pairs for client in pair if setup.endswith("plug-in")):
        client.set_gateway_client(cast("Any", EcsGateway()))
    return pairs


def _compare(comparison: Comparison, transport: str, setup: str, stock: Any, guarded: Any) -> None:
    for (action, version), channel, runtime in product(_ACTIONS, _REQUESTS, _RUNTIMES):
        form = f"{transport}, {setup}, {channel}, {runtime}, {version}"
        # One channel gets every answer, as the channel makes no difference to the handling of an answer.
        for answer in ANSWERS if (channel, runtime) == ("query", "plain") else ANSWERS[:1]:
            comparison.recorder.answer = answer

            sent = _REQUESTS[channel], _RUNTIMES[runtime]
            calls = [partial(_call, client, transport, action, version, *sent) for client in (stock, guarded)]
            comparison.of_sync(action, form, *calls)


def _call(
    client: Any,
    transport: str,
    action: str,
    version: str,
    request: Callable[[], Any],
    runtime: Callable[[], Any],
) -> Any:
    client.set_rpc_headers({"x-once": "3"})
    return WAYS_TO_SEND[transport](client, action, request(), runtime(), version=version)
