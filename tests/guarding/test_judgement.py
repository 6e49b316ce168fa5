"""The guard denies exactly the calls that ECS refuses as managed: all operations, groups, spellings and channels."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.utils_models import GlobalParameters
from darabonba.runtime import ExtendsParameters, RuntimeOptions
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from Tea.exceptions import TeaException

from safe_ecs import OPERATIONS, GuardPolicy, ManagedSecurityGroupError, StatusCache, guard
from safe_ecs.errors import MANAGED_CODE
from tests.support.sdk import OpenApiRequest
from tests.support.transports import WAYS_TO_SEND

if TYPE_CHECKING:
    from collections.abc import Callable

    from safe_ecs.testing import FakeEcs

OUR_SERVICE: Final = 4711
GUARDED: Final = [action for action, operation in OPERATIONS.items() if operation.guarded]
KINDS: Final = ("managed", "ordinary", "missing", "ours")
Parameters = dict[str, str]


def one(_: FakeEcs, ids: list[str]) -> Parameters:
    return {"SecurityGroupId": ids[0]}


def numbered(_: FakeEcs, ids: list[str]) -> Parameters:
    return {f"SecurityGroupIds.{number}": each for number, each in enumerate(ids, 1)}


def numbered_in_the_singular(_: FakeEcs, ids: list[str]) -> Parameters:
    return {f"SecurityGroupId.{number}": each for number, each in enumerate(ids, 1)}


def of_interfaces(_: FakeEcs, ids: list[str]) -> Parameters:
    return {f"NetworkInterface.{number}.SecurityGroupIds.1": each for number, each in enumerate(ids, 1)}


def as_json(_: FakeEcs, ids: list[str]) -> Parameters:
    return {"SecurityGroupIds": json.dumps(ids)}


def of_a_launch_template(ecs: FakeEcs, ids: list[str]) -> Parameters:
    return {"LaunchTemplateId": ecs.create_launch_template(*(each.strip().lower() for each in ids))}


SHAPES: Final = (one, numbered, numbered_in_the_singular, of_interfaces, as_json, of_a_launch_template)


def in_the_query(_: OpenApiClient, parameters: Parameters) -> Any:
    return OpenApiRequest(query=parameters), RuntimeOptions()


def in_the_form(_: OpenApiClient, parameters: Parameters) -> Any:
    return OpenApiRequest(body=parameters), RuntimeOptions()


def in_the_runtime(_: OpenApiClient, parameters: Parameters) -> Any:
    return OpenApiRequest(query={}), RuntimeOptions(extends_parameters=ExtendsParameters(queries=parameters))


def in_global_parameters(client: OpenApiClient, parameters: Parameters) -> Any:
    client._global_parameters = GlobalParameters(queries=parameters)
    return OpenApiRequest(query={}), RuntimeOptions()


CHANNELS: Final = (in_the_query, in_the_form, in_the_runtime, in_global_parameters)
# The other transports take no form, or repeat one of these for an event loop.
WAYS: Final = ("call_api", "do_request", "do_rpcrequest", "do_request_async")


@st.composite
def spelled(draw: st.DrawFn, text: str, blanks: str = "") -> str:
    """Draw a text in any case, between any blanks."""
    capitals = draw(st.integers(0, 2 ** len(text) - 1))
    letters = [each.upper() if capitals >> place & 1 else each.lower() for place, each in enumerate(text)]
    around = st.sampled_from(("", *blanks))
    return "".join((draw(around), *letters, draw(around)))


def make_group(ecs: FakeEcs, kind: str) -> str:
    if kind == "missing":
        return "sg-none"
    service_id = {"managed": 1679259531804325, "ours": OUR_SERVICE}.get(kind)
    return ecs.create_security_group(
        service_managed=service_id is not None, service_id=service_id, product="p"
    )


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_the_guard_denies_exactly_what_ecs_refuses_as_managed(ecs: FakeEcs, data: st.DataObject) -> None:
    """Any guarded operation, any mix of groups, any spelling and any channel of parameters."""
    draw = data.draw
    action = draw(st.sampled_from(GUARDED), label="action")
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4), label="groups")
    shape: Callable[[FakeEcs, list[str]], Parameters] = draw(st.sampled_from(SHAPES), label="shape")
    channel: Callable[..., Any] = draw(st.sampled_from(CHANNELS), label="channel")
    way = draw(st.sampled_from(WAYS), label="way")
    ids = [draw(spelled(make_group(ecs, kind), " \t")) for kind in kinds]
    targets = {draw(spelled(name)): value for name, value in shape(ecs, ids).items()}
    parameters = {"RegionId": "cn-hangzhou", "InstanceId": "i-1", "NetworkInterfaceId": "eni-1", **targets}
    config = ecs.config(service_id=OUR_SERVICE)
    policy = GuardPolicy(allowed_service_ids=frozenset({OUR_SERVICE}))

    def outcome(client: OpenApiClient) -> Any:
        request, runtime = channel(client, parameters)
        try:
            WAYS_TO_SEND[way](client, action, request, runtime)
        except TeaException as error:
            return error
        return None

    before = len(ecs.writes)
    decided = outcome(guard(OpenApiClient(config), policy=policy, cache=StatusCache()))
    sent = len(ecs.writes) - before
    answered = outcome(OpenApiClient(config))
    is_denied = isinstance(decided, ManagedSecurityGroupError)
    is_refused = answered is not None and answered.code == MANAGED_CODE
    event(f"refused: {is_refused}")
    assert is_denied == is_refused
    assert sent == (not is_denied)
    if not is_denied and decided is not None:
        assert decided.code != MANAGED_CODE
