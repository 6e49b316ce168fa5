"""The guard's reads use the caller's credentials, endpoint and proxy, but nothing meant for the call itself."""

from __future__ import annotations

import multiprocessing
import sys
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.utils_models import Config, GlobalParameters
from darabonba.core import TLSVersion
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


@pytest.fixture
def caller(ecs: FakeEcs) -> OpenApiClient:
    return OpenApiClient(ecs.config())


def describe(connection: Connection) -> object:
    query = {"RegionId": "cn-hangzhou", "SecurityGroupIds": '["sg-none"]'}
    return connection.describe(DESCRIBE, query, 10)


def test_a_read_is_a_signed_call_of_ecs_and_returns_the_body(ecs: FakeEcs, caller: OpenApiClient) -> None:
    """A read changes nothing on the caller's client."""
    caller._headers = {"x-trace": "mine"}
    caller._global_parameters = GlobalParameters(queries={"Filter": "mine"}, headers={"filter": "mine"})
    before = dict(vars(caller))
    runtime = RuntimeOptions(extends_parameters=ExtendsParameters(queries={"Extra": "1"}))
    body: Any = describe(Connection(caller, runtime, ecs.endpoint))
    assert body["SecurityGroups"] == {"SecurityGroup": []}
    [read] = ecs.requests
    assert (read.action, read.version, read.method) == (DESCRIBE, "2014-05-26", "POST")
    assert dict(read.parameters) == {"RegionId": "cn-hangzhou", "SecurityGroupIds": '["sg-none"]'}
    assert not {"x-trace", "filter"} & read.headers.keys()
    assert vars(caller) == before
    assert runtime.extends_parameters.queries == {"Extra": "1"}


def test_a_read_is_sent_as_the_sdk_sends_it(ecs: FakeEcs, stock: Any, mocker: Any) -> None:
    """Its protocol, path, style and authentication are those of the method of the stock client."""
    calls = mocker.spy(OpenApiClient, "call_api")
    stock.describe_security_groups(models.DescribeSecurityGroupsRequest(region_id="cn-hangzhou"))
    Connection(stock, None, ecs.endpoint).describe(DESCRIBE, {"RegionId": "cn-hangzhou"}, 10)
    of_sdk, of_read = [vars(each.args[1]) for each in calls.call_args_list]
    assert of_read == of_sdk


def test_the_sdk_itself_tries_a_read_once(ecs: FakeEcs, caller: OpenApiClient) -> None:
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
    for ending in ("?Filter=mine", "/#mine"):
        caller._endpoint = f"{ecs.endpoint}{ending}"
        assert Connection(caller, None, ecs.endpoint)._client._endpoint == ecs.endpoint


def test_the_protocol_is_that_of_the_call_unless_the_client_has_one(ecs: FakeEcs) -> None:
    """The client's own protocol counts for its calls as well."""
    config = ecs.config()
    config.protocol = cast("str", None)
    client = OpenApiClient(config)
    assert Connection(client, None, ecs.endpoint)._client._protocol == "HTTPS"
    by_call = Connection(client, None, ecs.endpoint, "HTTP")
    assert by_call.settings != Connection(client, None, ecs.endpoint).settings
    by_call.describe(DESCRIBE, {"RegionId": "cn-hangzhou"}, 10)
    assert [each.action for each in ecs.requests] == [DESCRIBE]
    client._protocol = "HTTP"
    assert Connection(client, None, ecs.endpoint, "HTTPS").settings == by_call.settings


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
    """The endpoint map, the size of the pool and extra parameters make no difference. Every other setting does."""

    def settings(runtime: RuntimeOptions | None = None, **changes: Any) -> object:
        client = OpenApiClient(ecs.config())
        vars(client).update(changes)
        return Connection(client, runtime, ecs.endpoint).settings

    plain = settings()
    assert settings() == plain
    assert settings(RuntimeOptions()) == plain
    assert settings(_endpoint_map={"a": "b"}) == plain
    assert settings(_max_idle_conns=7) == plain
    assert settings(RuntimeOptions(max_idle_conns=7)) == plain
    assert settings(_credential=object()) == plain
    assert settings(RuntimeOptions(extends_parameters=ExtendsParameters(queries={"A": "b"}))) == plain
    assert settings(_read_timeout=7) != plain
    assert settings(_http_proxy="http://proxy") != plain
    assert settings(_protocol="HTTPS") != plain
    assert settings(RuntimeOptions(read_timeout=7)) != plain
    assert settings(RuntimeOptions(ignore_ssl=True)) != plain
    one, another = ["a"], ["a"]
    assert settings(_key=one) == settings(_key=one) != settings(_key=another)


@pytest.fixture
def no_pools(mocker: Any) -> None:
    mocker.patch.object(module, "_pools", {})


def pool(runtime: Any = None, **changes: Any) -> Any:
    """Return the size of the pool that a read uses, for a client with these settings."""
    client = OpenApiClient(Config(endpoint="h"))
    vars(client).update(changes)
    return Connection(client, runtime, "h")._bounded(10).max_idle_conns


@pytest.mark.usefixtures("no_pools")
def test_each_combination_of_tls_settings_has_a_pool_of_its_own() -> None:
    """Equal settings have the same pool, whether they are the client's or the runtime's."""
    plain = pool()
    certificates: list[Any] = [("a", "b"), ["a", "b"], Path("a")]
    pools = {
        pool(),
        pool(RuntimeOptions(ignore_ssl=True)),
        *[size for value in ("a", "b") for size in (pool(_ca=value), pool(_cert=value), pool(_key=value))],
        *[pool(_tls_min_version=version) for version in ("TLSv1.2", "TLSv1.3", TLSVersion.TLSv1_2)],
        *[pool(_cert=certificate) for certificate in certificates],
    }
    assert sorted(pools) == [plain + 2 * n for n in range(14)]
    assert plain % 2 == 1
    assert pool() == pool(RuntimeOptions()) == pool(_http_proxy="http://p", _read_timeout=1) == plain
    assert pool(RuntimeOptions(ca="a"), _ca="b") == pool(_ca="a")
    assert pool(RuntimeOptions(cert="a"), _cert="b") == pool(_cert="a")
    assert pool(RuntimeOptions(key="a"), _key="b") == pool(_key="a")
    for certificate in certificates:
        assert pool(_cert=copy(certificate)) in pools


@pytest.mark.usefixtures("no_pools")
def test_reads_share_no_pool_with_calls(caller: OpenApiClient) -> None:
    """The SDK tells pools apart by their size, and no program chooses one of these. The options stay unchanged."""
    sizes: list[Any] = [None, 0, 1, 7, "8", -1, object()]
    for size in sizes:
        caller._max_idle_conns = size
        runtime = RuntimeOptions(max_idle_conns=size)
        read_with: Any = Connection(caller, runtime, "h")._bounded(10).max_idle_conns
        assert read_with == pool()
        assert read_with > 600
        assert runtime.max_idle_conns is size


@pytest.mark.usefixtures("no_pools")
def test_a_new_certificate_for_each_call_fills_no_memory() -> None:
    """Beyond a number of pools, reads that verify in the same way share one, and known settings keep their own."""
    first = pool(_cert="0")
    verified = {pool(_cert=f"{n}") for n in range(100)}
    unverified = {pool(RuntimeOptions(ignore_ssl=True), _cert=f"{n}") for n in range(100)}
    least = {pool(_tls_min_version="TLSv1.3", _cert=f"{n}") for n in range(100)}
    assert (len(verified), len(unverified), len(least)) == (33, 1, 1)
    assert not verified & unverified
    assert not (verified | unverified) & least
    assert pool(_cert="0") == first


@pytest.mark.usefixtures("no_pools")
def test_threads_that_meet_new_settings_together_agree() -> None:
    """Settings keep their pool, and no two have the same one."""
    paths = [f"{n}" for n in range(20)] * 3
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda path: (path, pool(_ca=path)), paths))
    assert len(set(found)) == len({size for _, size in found}) == 20


def test_a_forked_process_takes_no_connection_of_its_parents() -> None:
    """It has pools of its own, for known settings and for new ones."""
    before = {pool(), pool(_ca="a"), pool(_ca="b")}
    child = multiprocessing.get_context("fork").Process(
        target=lambda: sys.exit(7 if before.isdisjoint({pool(), pool(_ca="a"), pool(_ca="c")}) else 8)
    )
    child.start()
    child.join(20)
    exit_code = child.exitcode
    child.kill()
    assert exit_code == 7
    assert {pool(), pool(_ca="a"), pool(_ca="b")} == before


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
