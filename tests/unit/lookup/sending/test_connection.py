"""The guard's reads use the caller's credentials, endpoint and proxy, but nothing meant for the call itself."""

from __future__ import annotations

import multiprocessing
import sys
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.utils_models import GlobalParameters
from darabonba.core import DEFAULT_POOL_MAXSIZE
from darabonba.policy.retry import RetryOptions
from darabonba.runtime import ExtendsParameters, RuntimeOptions

from safe_ecs import Client, GuardPolicy, StatusCache, StatusUnavailableError
from safe_ecs._lookup.sending import connection as module
from safe_ecs._lookup.sending.connection import Connection
from tests.support.sdk import models
from tests.support.transports import call

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


DESCRIBE = "DescribeSecurityGroups"


FORMS = ("sync", "async")


DEFAULT = DEFAULT_POOL_MAXSIZE + 2  # two processes lie between


@pytest.fixture
def caller(ecs: FakeEcs) -> OpenApiClient:
    return OpenApiClient(ecs.config())


async def describe(connection: Connection, form: str) -> object:
    query = {"RegionId": "cn-hangzhou", "SecurityGroupIds": '["sg-none"]'}
    if form == "sync":
        return connection.describe(DESCRIBE, query, 10)
    return await connection.describe_async(DESCRIBE, query, 10)


@pytest.mark.parametrize("form", FORMS)
async def test_a_read_is_a_signed_call_of_ecs_and_returns_the_body(
    ecs: FakeEcs, caller: OpenApiClient, form: str
) -> None:
    """A read changes nothing on the caller's client."""
    caller._headers = {"x-trace": "mine"}
    caller._global_parameters = GlobalParameters(queries={"Filter": "mine"}, headers={"filter": "mine"})
    before = dict(vars(caller))
    runtime = RuntimeOptions(extends_parameters=ExtendsParameters(queries={"Extra": "1"}))
    body: Any = await describe(Connection(caller, runtime, ecs.endpoint), form)
    assert body["SecurityGroups"] == {"SecurityGroup": []}
    [read] = ecs.requests
    assert (read.action, read.version, read.method) == (DESCRIBE, "2014-05-26", "POST")
    assert dict(read.parameters) == {"RegionId": "cn-hangzhou", "SecurityGroupIds": '["sg-none"]'}
    assert not {"x-trace", "filter"} & read.headers.keys()
    assert vars(caller) == before
    assert runtime.extends_parameters.queries == {"Extra": "1"}


@pytest.mark.parametrize("form", FORMS)
async def test_the_sdk_itself_tries_a_read_once(ecs: FakeEcs, caller: OpenApiClient, form: str) -> None:
    """The retry options of the caller's client are for its calls, not for the guard's reads."""
    caller._retry_options = RetryOptions({"retryable": True})
    connection = Connection(caller, None, ecs.endpoint)
    assert getattr(connection._client, "_retry_options", None) is None


def test_the_way_is_that_of_the_caller(ecs: FakeEcs, caller: OpenApiClient) -> None:
    """A host in a header replaces the endpoint. Otherwise the endpoint keeps its spelling."""
    caller._endpoint = f"HTTP://{ecs.endpoint}/"
    connection = Connection(caller, None, ecs.endpoint)
    assert connection.host == ecs.endpoint
    assert connection._client._endpoint == f"HTTP://{ecs.endpoint}/"
    assert connection._client._credential is caller._credential
    assert connection._client._protocol == caller._protocol
    other = Connection(caller, None, "other:80")
    assert (other.host, other._client._endpoint) == ("other:80", "other:80")
    assert caller._endpoint == f"HTTP://{ecs.endpoint}/"


def test_a_client_without_a_plug_in_signs_as_the_sdk_does(caller: OpenApiClient) -> None:
    """The SDK has no signature of its own for "v4"."""
    caller._signature_version = "v4"
    assert Connection(caller, None, "h")._client._signature_version is None
    vars(caller)["_spi"] = object()
    assert Connection(caller, None, "h")._client._signature_version == "v4"


@pytest.mark.parametrize(
    ("of_call", "of_client", "seconds", "bounds"),
    [
        ((None, None), (None, None), 60, (5_000, 10_000)),
        ((None, None), (3_000, 4_000), 60, (3_000, 4_000)),
        ((1_000, 2_000), (3_000, 4_000), 60, (1_000, 2_000)),
        ((1_000, None), (3_000, None), 60, (1_000, 10_000)),
        ((None, None), (None, None), 2.5, (2_500, 2_500)),
        ((1_000, 2_000), (None, None), 1.5, (1_000, 1_500)),
        (("1000", "2000"), (None, None), 60, (1_000, 2_000)),
        ((None, None), (None, None), 0.0001, (1, 1)),
        ((None, None), (None, None), -1, (1, 1)),
    ],
)
def test_time_outs_are_the_callers_but_end_with_the_lookup(
    caller: OpenApiClient, of_call: Any, of_client: Any, seconds: float, bounds: tuple[int, int]
) -> None:
    """The bounds are in milliseconds, with the SDK's defaults. The options of the call stay unchanged."""
    caller._connect_timeout, caller._read_timeout = of_client
    runtime = RuntimeOptions(connect_timeout=of_call[0], read_timeout=of_call[1])
    connection = Connection(caller, runtime, "h")
    bounded = connection._bounded(seconds)
    assert (bounded.connect_timeout, bounded.read_timeout) == bounds
    assert (runtime.connect_timeout, runtime.read_timeout) == of_call
    assert connection._bounded(60) is not bounded


def test_connections_of_equal_settings_are_told_apart_by_credentials_alone(ecs: FakeEcs) -> None:
    """The endpoint map and extra parameters make no difference. Every other setting does."""

    def settings(runtime: RuntimeOptions | None = None, **changes: Any) -> object:
        client = OpenApiClient(ecs.config())
        vars(client).update(changes)
        return Connection(client, runtime, ecs.endpoint).settings

    plain = settings()
    assert settings() == plain
    assert settings(_endpoint_map={"a": "b"}) == plain
    assert settings(_credential=object()) == plain
    assert settings(RuntimeOptions(extends_parameters=ExtendsParameters(queries={"A": "b"}))) == plain
    assert settings(_read_timeout=7) != plain
    assert settings(_http_proxy="http://proxy") != plain
    assert settings(RuntimeOptions(read_timeout=7)) != plain
    one, another = ["a"], ["a"]
    assert settings(_key=one) == settings(_key=one) != settings(_key=another)


def test_every_fork_is_counted() -> None:
    before = module._forks
    child = multiprocessing.get_context("fork").Process(target=lambda: sys.exit(6 + module._forks - before))
    child.start()
    child.join(20)
    exit_code = child.exitcode
    child.kill()
    assert exit_code == 7
    assert module._forks == before


@pytest.mark.parametrize(
    ("of_call", "of_client", "size"),
    [
        (None, None, DEFAULT),
        (7, None, 9),
        (None, 8, 10),
        (7, 8, 9),
        (None, "8", DEFAULT),
        (None, -1, DEFAULT),
        (0, 0, DEFAULT),
        (1, None, 3),
        (None, 1, 3),
    ],
)
def test_a_forked_process_takes_no_connection_of_its_parents(
    caller: OpenApiClient, mocker: Any, of_call: Any, of_client: Any, size: int
) -> None:
    """The SDK keys its connections by the size of the pool. Each fork in between changes the size."""
    caller._max_idle_conns = of_client
    runtime = RuntimeOptions(max_idle_conns=of_call)
    assert Connection(caller, runtime, "h")._runtime.max_idle_conns == of_call
    mocker.patch.object(module, "_forks", 1)
    module._count_fork()
    assert Connection(caller, runtime, "h")._runtime.max_idle_conns == size
    assert runtime.max_idle_conns == of_call


@pytest.mark.parametrize("form", FORMS)
def test_a_server_that_is_not_there_is_no_reason_to_let_go(ecs: FakeEcs, form: str) -> None:
    """The guard refuses if ECS cannot be reached or the client has no credentials."""
    config = ecs.config()
    config.endpoint = "127.0.0.1:1"
    request = models.DeleteSecurityGroupRequest(security_group_id="sg-1")
    client = Client(config, policy=GuardPolicy(lookup_attempts=2))
    with pytest.raises(StatusUnavailableError, match="could not reach ECS"):
        call(client, "DeleteSecurityGroup", request, form)
    client = Client(ecs.config())
    vars(client)["_credential"] = None
    with pytest.raises(StatusUnavailableError):
        call(client, "DeleteSecurityGroup", request, form)
    assert not ecs.requests


def test_the_runtime_of_the_call_counts_for_the_read(ecs: FakeEcs, ordinary: str) -> None:
    """The guard's read uses the proxy of the call: without it ECS cannot be reached."""
    config = ecs.config()
    config.endpoint = "ecs.cn-hangzhou.aliyuncs.com"
    runtime = RuntimeOptions(http_proxy=f"http://{ecs.endpoint}", connect_timeout=2000, read_timeout=2000)
    request = models.DeleteSecurityGroupRequest(security_group_id=ordinary)
    Client(config, cache=StatusCache()).delete_security_group_with_options(request, runtime)
    assert [each.action for each in ecs.requests] == [DESCRIBE, "DeleteSecurityGroup"]
