"""The guard sends no write to a managed group, and every other call works as with the stock client."""

from __future__ import annotations

import copy
import inspect
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.utils_models import GlobalParameters
from darabonba.runtime import ExtendsParameters, RuntimeOptions

from safe_ecs import Client, GuardPolicy, ManagedSecurityGroupError
from safe_ecs._transports import GuardedTransports
from safe_ecs.testing._samples import SAMPLES, make_target
from tests.support.sdk import models
from tests.support.transports import DELETE, ECS, FORMS, TRANSPORTS, WAYS_TO_SEND, call, params, query

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("action", SAMPLES)
def test_a_guarded_operation_on_a_managed_group_is_refused_as_ecs_refuses_it(
    ecs: FakeEcs, stock: Any, client: Client, action: str, form: str
) -> None:
    """The error equals the stock client's for the same call, and no write is sent."""
    request = SAMPLES[action](make_target(ecs, service_managed=True))
    with pytest.raises(ClientException) as remote:
        call(stock, action, request, form)
    assert len(ecs.writes) == 1
    with pytest.raises(ManagedSecurityGroupError) as local:
        call(client, action, request, form)
    assert len(ecs.writes) == 1
    assert [read.action for read in ecs.reads] == ["DescribeSecurityGroups"]
    assert local.value.code == remote.value.code
    assert local.value.status_code == remote.value.status_code
    named = remote.value.message.partition("; product")[0]
    assert local.value.message.startswith(named)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("action", SAMPLES)
def test_a_guarded_operation_on_an_ordinary_group_is_done(
    ecs: FakeEcs, stock: Any, client: Client, action: str, form: str
) -> None:
    """The stock client gets the same answer for a group in the same state."""
    outcomes = []
    for each in (stock, client):
        target = make_target(ecs, service_managed=False, with_member=action != DELETE)
        outcomes.append(call(each, action, SAMPLES[action](target), form))
    assert type(outcomes[0]) is type(outcomes[1])
    assert sorted(outcomes[0].body.to_map()) == sorted(outcomes[1].body.to_map())
    assert [write.action for write in ecs.writes] == [action, action]
    assert {write.status for write in ecs.writes} == {200}


@pytest.mark.parametrize("transport", WAYS_TO_SEND)
def test_no_transport_lets_a_managed_group_through(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str, transport: str
) -> None:
    """Every public transport refuses the managed group and sends for the ordinary one."""
    with pytest.raises(ManagedSecurityGroupError):
        WAYS_TO_SEND[transport](client, DELETE, query(managed))
    assert not ecs.writes
    WAYS_TO_SEND[transport](client, DELETE, query(ordinary))
    assert [(write.action, write.status) for write in ecs.writes] == [(DELETE, 200)]


@pytest.mark.parametrize("transport", WAYS_TO_SEND)
def test_every_transport_reviews_a_call_exactly_once(
    ecs: FakeEcs, client: Client, ordinary: str, transport: str, mocker: Any
) -> None:
    """A call that one transport hands to another is reviewed once."""
    name = "admit_async" if transport.endswith("_async") else "admit"
    review = mocker.spy(client._safe_ecs_enforcer, name)
    WAYS_TO_SEND[transport](client, DELETE, query(ordinary))
    assert review.call_count == 1


def test_the_guard_stands_at_every_public_method_that_sends() -> None:
    """A transport of a new SDK fails here until it is guarded."""
    sends = {
        name
        for name, method in vars(OpenApiClient).items()
        if inspect.isfunction(method) and "_action(" in inspect.getsource(method)
    }
    assert sends == set(TRANSPORTS)
    assert sends <= vars(GuardedTransports).keys()


def test_every_public_method_has_the_signature_of_the_stock_client() -> None:
    """Tools that inspect a client see the stock client's methods."""
    names = [name for name in dir(StockClient) if not name.startswith("_")]
    assert len(names) > 4 * 300
    for name in names:
        stock, ours = getattr(StockClient, name), getattr(Client, name)
        assert inspect.signature(ours) == inspect.signature(stock), name


@pytest.mark.parametrize("signature_algorithm", [None, "v2"])
@pytest.mark.parametrize("form", FORMS)
def test_both_signature_versions_are_guarded(
    ecs: FakeEcs, managed: str, ordinary: str, signature_algorithm: str | None, form: str
) -> None:
    """The older signature sends the action as a parameter. The guard's read uses the call's signature."""
    config = ecs.config()
    config.signature_algorithm = signature_algorithm  # type: ignore[assignment]  # the SDK leaves out None
    client = Client(config)
    with pytest.raises(ManagedSecurityGroupError):
        call(client, DELETE, models.DeleteSecurityGroupRequest(security_group_id=managed), form)
    call(client, DELETE, models.DeleteSecurityGroupRequest(security_group_id=ordinary), form)
    assert [write.status for write in ecs.writes] == [200]
    assert all(("Signature" in r.parameters) == (signature_algorithm == "v2") for r in ecs.requests)


def test_references_and_rule_ids_are_no_targets(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str
) -> None:
    """ECS does not refuse a rule that refers to a managed group."""
    client.authorize_security_group(
        models.AuthorizeSecurityGroupRequest(
            region_id="cn-hangzhou",
            security_group_id=ordinary,
            permissions=[
                models.AuthorizeSecurityGroupRequestPermissions(
                    ip_protocol="TCP", port_range="1/1", source_group_id=managed
                )
            ],
        )
    )
    assert [write.status for write in ecs.writes] == [200]


def test_operations_of_other_products_are_not_guarded(ecs: FakeEcs, client: Client, managed: str) -> None:
    """ENS, too, has a DeleteSecurityGroup."""
    with pytest.raises(ClientException):
        client.do_request(params(DELETE, version="2017-11-10"), query(managed), RuntimeOptions())
    assert [request.version for request in ecs.requests] == ["2017-11-10"]


def test_the_users_objects_are_not_changed(ecs: FakeEcs, managed: str) -> None:
    """Config, request and runtime belong to the user."""
    config = ecs.config()
    config.global_parameters = GlobalParameters(queries={"A": "1"}, headers={"b": "2"})
    stock = StockClient(config)
    client = Client(config)
    request = query(managed)
    runtime = RuntimeOptions(extends_parameters=ExtendsParameters(queries={"C": "3"}), read_timeout=7000)
    before = copy.deepcopy([vars(config), vars(request), vars(runtime)])
    with pytest.raises(ManagedSecurityGroupError):
        client.do_request(params(DELETE), request, runtime)
    after = [vars(config), vars(request), vars(runtime)]
    assert repr([sorted(each) for each in before]) == repr([sorted(each) for each in after])
    assert request.query == {"RegionId": "cn-hangzhou", "SecurityGroupId": managed}
    assert runtime.extends_parameters.queries == {"C": "3"}
    assert [runtime.read_timeout, runtime.connect_timeout] == [7000, None]
    stock.get_rpc_headers()  # Every call of the stock client does this.
    assert vars(client).keys() - vars(stock).keys() == {"_safe_ecs_enforcer"}


def test_a_client_that_skips_the_constructor_is_guarded_all_the_same(ecs: FakeEcs, managed: str) -> None:
    """A subclass may forget to call our constructor."""

    class Careless(Client):
        def __init__(self) -> None:
            StockClient.__init__(self, ecs.config())

    with pytest.raises(ManagedSecurityGroupError):
        Careless().delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))


def test_what_an_override_makes_of_a_call_is_what_is_reviewed(
    ecs: FakeEcs, managed: str, ordinary: str
) -> None:
    """The guard stands behind the overrides of subclasses, next to the wire."""

    class Redirecting(Client):
        def do_request(self, params: Any, request: Any, runtime: Any) -> Any:
            request.query["SecurityGroupId"] = managed
            return super().do_request(params, request, runtime)

    with pytest.raises(ManagedSecurityGroupError):
        Redirecting(ecs.config()).delete_security_group(
            models.DeleteSecurityGroupRequest(security_group_id=ordinary)
        )
    assert not ecs.writes


def test_a_copied_client_is_guarded_and_shares_the_memory(ecs: FakeEcs, client: Client, managed: str) -> None:
    """copy and deepcopy work as for the stock client."""
    request = models.DeleteSecurityGroupRequest(security_group_id=managed)
    for each in (client, copy.copy(client), copy.deepcopy(client)):
        with pytest.raises(ManagedSecurityGroupError):
            each.delete_security_group(request)
    assert len(ecs.requests) == 1


def test_pickling_does_what_it_does_for_the_stock_client(ecs: FakeEcs, managed: str) -> None:
    """The pickle keeps the policy and drops the cached statuses."""
    config = ecs.config()
    assert type(pickle.loads(pickle.dumps(StockClient(config)))) is StockClient  # noqa: S301 - our own
    policy = GuardPolicy(ttl=7)
    client = pickle.loads(pickle.dumps(Client(config, policy=policy)))  # noqa: S301 - our own
    assert client.guard.policy == policy
    with pytest.raises(ManagedSecurityGroupError):
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))


def test_ecs_is_the_version_the_sdk_is_for() -> None:
    """The guard looks at the version that the installed SDK sends."""
    assert ECS in inspect.getsource(StockClient.delete_security_group_with_options)
