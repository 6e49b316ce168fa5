"""The enforcer stops a call or lets it through, by the policy and the statuses of the targets."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException

from safe_ecs import (
    Client,
    GuardError,
    GuardPolicy,
    ManagedSecurityGroupError,
    StatusCache,
    StatusUnavailableError,
    _enforcer,
)
from safe_ecs._enforcer import Enforcer, make_enforcer
from safe_ecs.cache._status_cache import SHARED
from safe_ecs.testing import CannedAnswer
from tests.conftest import SERVICE_ID
from tests.support.observers import RecordingObserver
from tests.support.sdk import OpenApiRequest, models
from tests.support.transports import DELETE, TRANSPORTS, call

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("form", ["sync", "async"])
def test_the_headers_of_a_refused_call_are_not_for_the_next_one(
    client: Client, managed: str, form: str, *, known: bool
) -> None:
    """The refused call used the headers up, as the stock client would have sent them with it."""
    if known:
        client.guard.status(managed)
    client.set_rpc_headers({"x-mine": "delete"})
    request = models.DeleteSecurityGroupRequest(security_group_id=managed)
    with pytest.raises(ManagedSecurityGroupError):
        call(client, DELETE, request, form)
    assert client.get_rpc_headers() is None


def test_what_is_let_through_unchecked_is_in_the_log(
    ecs: FakeEcs, managed: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Audit mode logs "would be refused". It would be of no use in silence."""
    client = Client(ecs.config(), policy=GuardPolicy(mode="audit"))
    with pytest.raises(ClientException):
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
    [record] = [record for record in caplog.records if record.name == "safe_ecs"]
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("DeleteSecurityGroup would be refused: a cloud service manages ")


def test_a_missing_group_is_left_to_ecs(ecs: FakeEcs, client: Client) -> None:
    """ECS gives its own NotFound."""
    with pytest.raises(ClientException) as error:
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id="sg-none"))
    assert error.value.code == "InvalidSecurityGroupId.NotFound"
    assert not isinstance(error.value, GuardError)
    assert len(ecs.writes) == 1


def test_a_group_that_is_named_by_no_one_is_left_to_ecs(ecs: FakeEcs, client: Client) -> None:
    """Without a target there is nothing to look up."""
    with pytest.raises(ClientException) as error:
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=" "))
    assert error.value.code == "MissingSecurityGroupId"
    assert not ecs.reads


def test_several_managed_groups_are_all_named(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str
) -> None:
    """One look-up covers all groups of a call, and the error names each managed one."""
    other = ecs.create_security_group(service_managed=True, service_id=7, product="alb")
    request = models.ModifyInstanceAttributeRequest(
        instance_id="i-1", security_group_ids=[managed, ordinary, other]
    )
    with pytest.raises(ManagedSecurityGroupError) as error:
        client.modify_instance_attribute(request)
    assert (
        f'The specified SecurityGroup "{managed}" has been managed by serviceID "{SERVICE_ID}".'
        in error.value.message
    )
    assert f'The specified SecurityGroup "{other}" has been managed by serviceID "7".' in error.value.message
    assert ordinary not in error.value.message
    assert len(ecs.requests) == 1


def test_a_service_may_change_its_own_groups_only(ecs: FakeEcs, managed: str) -> None:
    """allowed_service_ids is for programs of a service, and ECS agrees."""
    other = ecs.create_security_group(service_managed=True, service_id=7, product="alb")
    policy = GuardPolicy(allowed_service_ids=frozenset({SERVICE_ID}))
    client = Client(ecs.config(service_id=SERVICE_ID), policy=policy)
    with pytest.raises(ManagedSecurityGroupError):
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=other))
    assert not ecs.writes
    client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
    assert [write.status for write in ecs.writes] == [200]


def test_audit_mode_lets_through_and_off_does_not_even_look(ecs: FakeEcs, managed: str) -> None:
    """In both modes ECS itself refuses the call."""
    for mode, reads in (("audit", 1), ("off", 1)):
        client = Client(ecs.config(), policy=GuardPolicy(mode=mode))  # type: ignore[arg-type]  # both are modes
        with pytest.raises(ClientException) as error:
            client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
        assert not isinstance(error.value, GuardError)
        assert len(ecs.reads) == reads
    assert len(ecs.writes) == 2


def test_on_unavailable_allow_lets_through_what_cannot_be_determined(ecs: FakeEcs, ordinary: str) -> None:
    """The default refuses the call."""
    refusal = CannedAnswer(status=403, body=b'{"Code": "Forbidden.RAM", "Message": "no", "RequestId": "R"}')
    request = models.DeleteSecurityGroupRequest(security_group_id=ordinary)
    ecs.answer_with("DescribeSecurityGroups", refusal, refusal)
    with pytest.raises(StatusUnavailableError, match="ecs:DescribeSecurityGroups"):
        Client(ecs.config()).delete_security_group(request)
    assert not ecs.writes
    Client(ecs.config(), policy=GuardPolicy(on_unavailable="allow")).delete_security_group(request)
    assert [write.status for write in ecs.writes] == [200]


FORMS = ("sync", "async")


def _delete(client: Client, security_group_id: str, form: str) -> None:
    call(client, DELETE, models.DeleteSecurityGroupRequest(security_group_id=security_group_id), form)


def _modify(client: Client, security_group_id: str, form: str) -> None:
    request = models.ModifySecurityGroupAttributeRequest(
        security_group_id=security_group_id, description="mine"
    )
    call(client, "ModifySecurityGroupAttribute", request, form)


@pytest.mark.parametrize("transport", ["do_request", "do_request_async", "call_sseapi", "call_sseapi_async"])
def test_a_call_that_waits_for_a_look_up_is_sent_as_it_was_reviewed(
    ecs: FakeEcs, managed: str, ordinary: str, transport: str
) -> None:
    """The caller's request may change in the meantime."""
    request = OpenApiRequest(query={"RegionId": "cn-hangzhou", "SecurityGroupId": ordinary})

    class Changing(RecordingObserver):
        """Changes the request as soon as the status is known."""

        def looked_up(self, look_up: Any) -> None:
            super().looked_up(look_up)
            request.query["SecurityGroupId"] = managed

    observer = Changing()
    client = Client(ecs.config(), cache=StatusCache(), observers=[observer])
    TRANSPORTS[transport](client, DELETE, request)
    assert len(observer.look_ups) == 1
    assert [write.parameters["SecurityGroupId"] for write in ecs.writes] == [ordinary]


@pytest.mark.parametrize("form", FORMS)
def test_a_bypass_does_not_change_the_outcome_of_a_call_that_is_allowed_anyway(
    ecs: FakeEcs, ordinary: str, form: str
) -> None:
    """Records of bypasses name the calls that needed one."""
    observer = RecordingObserver()
    client = Client(ecs.config(), cache=StatusCache(), observers=[observer])
    with client.guard.bypass(reason="ticket 7"):
        _modify(client, ordinary, form)
    assert [record.outcome for record in observer.decisions] == ["allowed"]
    assert client.guard.stats.bypasses == 0


@pytest.mark.parametrize("form", FORMS)
def test_no_review_is_made_of_a_call_on_a_remembered_group(
    client: Client, managed: str, ordinary: str, form: str, mocker: Any
) -> None:
    """A review takes twice the time of a refusal from memory. An allowed call makes not even a decision."""
    client.guard.status(managed, ordinary)
    reviews, settled = mocker.spy(_enforcer, "review"), mocker.spy(Enforcer, "_settle")
    _modify(client, ordinary, form)
    assert (reviews.call_count, settled.call_count) == (0, 0)
    with pytest.raises(ManagedSecurityGroupError):
        _delete(client, managed, form)
    assert (reviews.call_count, settled.call_count) == (0, 1)


@pytest.mark.parametrize("form", FORMS)
def test_one_remembered_group_of_two_does_not_decide_for_the_other(
    ecs: FakeEcs, client: Client, ordinary: str, managed: str, form: str
) -> None:
    """The group that is not remembered is looked up."""
    client.guard.status(ordinary)
    request = models.ModifyInstanceAttributeRequest(instance_id="i-1", security_group_ids=[ordinary, managed])
    with pytest.raises(ManagedSecurityGroupError):
        call(client, "ModifyInstanceAttribute", request, form)
    assert not ecs.writes


@pytest.mark.parametrize("transport", ["call_sseapi", "call_sseapi_async", "execute", "execute_async"])
@pytest.mark.parametrize("known", [False, True])
def test_a_stream_is_admitted_as_an_answer_is(
    ecs: FakeEcs, client: Client, managed: str, transport: str, *, known: bool
) -> None:
    """A stream is no way past the guard."""
    if known:
        client.guard.status(managed)
    with pytest.raises(ManagedSecurityGroupError):
        TRANSPORTS[transport](client, DELETE, OpenApiRequest(query={"SecurityGroupId": managed}))
    assert not ecs.writes
    assert client.guard.stats.refusals == 1


def test_a_copied_enforcer_is_the_same_one() -> None:
    """A copied client asks the same cache, and counts together with its original."""
    enforcer = Enforcer(GuardPolicy(), StatusCache())
    assert copy.copy(enforcer) is enforcer
    assert copy.deepcopy(enforcer) is enforcer


def test_a_pickled_enforcer_keeps_its_policy_and_the_kind_of_its_cache() -> None:
    """The cache of the process is the cache of the other process there."""
    policy = GuardPolicy(ttl=7)
    own = StatusCache()
    _, (_, shared, observers) = Enforcer(policy, None).__reduce__()
    assert (shared, observers) == (None, ())
    assert Enforcer(policy, own).__reduce__()[1][1] is own
    restored = pickle.loads(pickle.dumps(Enforcer(policy, None)))  # noqa: S301 - our own
    assert restored.policy == policy
    assert restored.cache is SHARED
    assert type(restored) is Enforcer


@pytest.mark.parametrize(
    ("policy", "cache", "message"),
    [
        ("audit", None, "policy must be a GuardPolicy, not str"),
        (None, {}, "cache must be a StatusCache, not dict"),
    ],
    ids=["policy", "cache"],
)
def test_an_argument_of_the_wrong_type_is_named_with_its_type(policy: Any, cache: Any, message: str) -> None:
    """The message names the right type."""
    with pytest.raises(TypeError) as error:
        make_enforcer(policy, cache, ())
    assert str(error.value) == message


def test_a_new_enforcer_has_what_it_was_given_and_defaults_otherwise() -> None:
    """An empty cache of the caller's own is not mistaken for none."""
    policy, cache, observer = GuardPolicy(ttl=7), StatusCache(), RecordingObserver()
    given = make_enforcer(policy, cache, [observer])
    assert given.policy is policy
    assert given.cache is cache
    assert given.dispatcher.observers == (observer,)
    default = make_enforcer(None, None, ())
    assert default.policy == GuardPolicy()
    assert default.cache is SHARED
