"""The guard learns from the answers to the caller's own calls."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException

from safe_ecs import Client, GuardPolicy, ManagedSecurityGroupError, StatusCache
from safe_ecs.testing import CannedAnswer, FakeEcs, Fault
from tests.conftest import SERVICE_ID
from tests.support.caches import SharedInMemory
from tests.support.concurrency import Callers
from tests.support.sdk import TWICE, OpenApiRequest, models
from tests.support.transports import TRANSPORTS, call

DESCRIBE = "DescribeSecurityGroups"


DELETE = "DeleteSecurityGroup"


FORMS = ("sync", "async")


def delete(client: Client, group: str, form: str = "sync") -> None:
    call(client, DELETE, models.DeleteSecurityGroupRequest(security_group_id=group), form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "filters", [{}, {"service_managed": True}, {"max_results": 1}, {"security_group_name": "nat"}], ids=str
)
def test_a_listing_of_the_callers_own_is_learned_from(
    ecs: FakeEcs, client: Client, form: str, filters: dict[str, Any]
) -> None:
    """A filtered listing and a page of one teach as well, as each entry is complete."""
    nat = ecs.create_security_group(service_managed=True, service_id=SERVICE_ID, name="nat")
    call(client, DESCRIBE, models.DescribeSecurityGroupsRequest(region_id="cn-hangzhou", **filters), form)
    with pytest.raises(ManagedSecurityGroupError) as refused:
        delete(client, nat, form)
    [group] = refused.value.decision.groups
    assert (group.source, group.service_id) == ("learned", SERVICE_ID)
    assert [request.action for request in ecs.requests] == [DESCRIBE]


@pytest.mark.parametrize("transport", sorted(TRANSPORTS))
def test_every_transport_teaches(client: Client, managed: str, transport: str) -> None:
    """Every transport teaches except server-sent events: they are no listing."""
    request = OpenApiRequest(query={"RegionId": "cn-hangzhou", "MaxResults": "100"})
    TRANSPORTS[transport](client, DESCRIBE, request)
    assert client.guard.stats.learned == (0 if transport.startswith("call_sseapi") else 1)


@pytest.mark.parametrize(
    "body",
    [
        {"SecurityGroups": {"SecurityGroup": [{"SecurityGroupId": "sg-1"}]}},
        {"SecurityGroups": {"SecurityGroup": [{"SecurityGroupId": "sg-1", "ServiceManaged": "false"}]}},
        {"SecurityGroups": {"SecurityGroup": [{"ServiceManaged": False}]}},
        {"SecurityGroups": {"SecurityGroup": []}, "TotalCount": 0},
        {"SecurityGroups": None},
        {},
    ],
)
def test_nothing_is_learned_from_an_answer_that_does_not_say_it(
    ecs: FakeEcs, client: Client, body: dict[str, Any]
) -> None:
    """A listing never makes a group missing, as it may have had a filter."""
    ecs.answer_with(DESCRIBE, CannedAnswer(body=json.dumps(body).encode()))
    client.describe_security_groups(models.DescribeSecurityGroupsRequest(region_id="cn-hangzhou"))
    assert client.guard.stats.learned == 0
    assert not client.guard.status("sg-1")["sg-1"].exists
    assert len(ecs.reads) == 2


@pytest.mark.parametrize("form", FORMS)
def test_a_refusal_of_ecs_is_learned_from(ecs: FakeEcs, client: Client, ordinary: str, form: str) -> None:
    """The group became managed while it was cached as ordinary."""
    client.guard.status(ordinary)
    refusal = {
        "Code": "InvalidOperation.ResourceManagedByCloudProduct",
        "Message": f'The specified SecurityGroup "{ordinary}" has been managed by serviceID "77"; product "alb".',
        "RequestId": "R",
    }
    ecs.answer_with(DELETE, CannedAnswer(status=403, body=json.dumps(refusal).encode()))
    with pytest.raises(ClientException) as from_ecs:
        delete(client, ordinary, form)
    assert not isinstance(from_ecs.value, ManagedSecurityGroupError)
    with pytest.raises(ManagedSecurityGroupError) as refused:
        delete(client, ordinary, form)
    [group] = refused.value.decision.groups
    assert (group.source, group.service_id) == ("learned", 77)
    assert (len(ecs.reads), len(ecs.writes)) == (1, 1)


@pytest.mark.parametrize(
    "message",
    [
        'The specified NetworkInterface "eni-1" has been managed by serviceID "77".',
        'The specified SecurityGroup "sg-another" has been managed by serviceID "77".',
        "The operation is not permitted.",
        "",
    ],
)
def test_a_refusal_that_is_not_about_the_target_teaches_nothing(
    ecs: FakeEcs, client: Client, ordinary: str, message: str
) -> None:
    """Network interfaces and snapshots get the same code."""
    refusal = {"Code": "InvalidOperation.ResourceManagedByCloudProduct", "Message": message, "RequestId": "R"}
    ecs.answer_with(DELETE, CannedAnswer(status=403, body=json.dumps(refusal).encode()))
    with pytest.raises(ClientException):
        delete(client, ordinary)
    delete(client, ordinary)
    assert client.guard.stats.learned == 0


@pytest.mark.parametrize("form", FORMS)
def test_a_call_ends_as_it_ended_even_if_nothing_can_be_learned_from_it(
    ecs: FakeEcs, client: Client, ordinary: str, form: str, mocker: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The call has been sent, and its result belongs to the caller."""
    client.guard.status(ordinary)
    mocker.patch.object(StatusCache, "discard", side_effect=ZeroDivisionError)
    mocker.patch.object(StatusCache, "remember", side_effect=ZeroDivisionError)
    refusal = {
        "Code": "InvalidOperation.ResourceManagedByCloudProduct",
        "Message": f'The specified SecurityGroup "{ordinary}" has been managed by serviceID "77".',
        "RequestId": "R",
    }
    ecs.answer_with(DELETE, CannedAnswer(status=403, body=json.dumps(refusal).encode()))
    with pytest.raises(ClientException, match="has been managed by"):
        delete(client, ordinary, form)
    delete(client, ordinary, form)
    assert len(ecs.writes) == 2
    assert caplog.messages == ["What ECS said could not be learned from: ZeroDivisionError."] * 2


@pytest.mark.parametrize("form", FORMS)
def test_a_deleted_group_is_forgotten(ecs: FakeEcs, client: Client, ordinary: str, form: str) -> None:
    """A failed delete forgets nothing."""
    instance = ecs.create_instance(ordinary, ecs.create_security_group())
    with pytest.raises(ClientException, match="DependencyViolation"):
        delete(client, ordinary, form)
    request = models.LeaveSecurityGroupRequest(security_group_id=ordinary, instance_id=instance)
    call(client, "LeaveSecurityGroup", request, form)
    assert len(ecs.reads) == 1
    delete(client, ordinary, form)
    assert not client.guard.status(ordinary)[ordinary].exists
    assert len(ecs.reads) == 2


def test_a_listing_that_was_asked_for_before_forgetting_is_not_remembered(
    ecs: FakeEcs, client: Client
) -> None:
    """The listing may be older than the change behind the ``forget``."""
    ecs.create_security_group(security_group_id="sg-1")
    ecs.latency = 0.4
    request = models.DescribeSecurityGroupsRequest(region_id="cn-hangzhou")
    listing = Callers([partial(client.describe_security_groups, request)])
    while not ecs.reads:
        pass
    client.guard.forget("sg-1")
    listing.join(10)
    client.guard.status("sg-1")
    assert len(ecs.reads) == 2


@pytest.mark.parametrize("news", ["refresh", "refusal"])
def test_a_slow_answer_does_not_undo_what_was_learned_since_it_was_asked(
    ecs: FakeEcs, client: Client, news: str
) -> None:
    """The slow answer shows an older state."""
    ecs.create_security_group(security_group_id="sg-1")
    before = {"SecurityGroups": {"SecurityGroup": [{"SecurityGroupId": "sg-1", "ServiceManaged": False}]}}
    ecs.answer_with(DESCRIBE, CannedAnswer(body=json.dumps(before).encode(), delay=0.6))
    request = models.DescribeSecurityGroupsRequest(region_id="cn-hangzhou")
    listing = Callers([partial(client.describe_security_groups, request)])
    while not ecs.reads:
        pass
    if news == "refresh":
        ecs.create_security_group(security_group_id="sg-1", service_managed=True, service_id=7)
        client.guard.status("sg-1", refresh=True)
    else:
        client.guard.status("sg-1")
        ecs.create_security_group(security_group_id="sg-1", service_managed=True, service_id=7)
        with pytest.raises(ClientException, match="has been managed by"):
            delete(client, "sg-1")
    listing.join(10)
    writes = len(ecs.writes)
    with pytest.raises(ManagedSecurityGroupError):
        delete(client, "sg-1")
    assert len(ecs.writes) == writes


def test_an_answer_of_who_knows_which_ecs_teaches_nothing(ecs: FakeEcs) -> None:
    """Headers for one call reach its first try only. The second try goes to the client's own endpoint."""
    ecs.create_security_group(security_group_id="sg-1")
    cache = StatusCache()
    twice, once = (Client(ecs.config(), cache=cache) for _ in range(2))
    twice._retry_options = TWICE
    with FakeEcs(check_signatures=False) as other:
        other.create_security_group(security_group_id="sg-1", service_managed=True)
        other.fail(DESCRIBE, Fault("unavailable"), times=1)
        for client in (twice, once):
            client._http_proxy = ""  # It would be asked for either host.
            client.set_rpc_headers({"host": other.endpoint})
        listing = models.DescribeSecurityGroupsRequest(region_id="cn-hangzhou")
        assert twice.describe_security_groups(listing).body.total_count == 1
        with pytest.raises(ManagedSecurityGroupError):
            delete(once, "sg-1")
        assert not other.writes


def test_a_refusal_that_names_no_owner_does_not_hide_a_known_one(ecs: FakeEcs, managed: str) -> None:
    """The service's own client shares the cache and needs the owner."""
    cache = StatusCache()
    audit = Client(ecs.config(), cache=cache, policy=GuardPolicy(mode="audit"))
    audit.guard.status(managed)
    message = f'The specified SecurityGroup "{managed}" has been managed by a cloud product.'
    refusal = {"Code": "InvalidOperation.ResourceManagedByCloudProduct", "Message": message, "RequestId": "R"}
    ecs.answer_with(DELETE, CannedAnswer(status=403, body=json.dumps(refusal).encode()))
    with pytest.raises(ClientException):
        delete(audit, managed)
    own = GuardPolicy(allowed_service_ids=frozenset({SERVICE_ID}))
    delete(Client(ecs.config(service_id=SERVICE_ID), cache=cache, policy=own), managed)
    assert [write.status for write in ecs.writes] == [403, 200]


def test_a_delete_whose_group_cannot_be_read_forgets_nothing(ecs: FakeEcs) -> None:
    """An empty list of groups would make a whole fleet forget everything."""
    cache = SharedInMemory()
    client = Client(ecs.config(), cache=cache, policy=GuardPolicy(mode="audit"))
    ecs.answer_with(DELETE, CannedAnswer(body=b"{}"))
    client.delete_security_group(models.DeleteSecurityGroupRequest())
    assert cache.withdrawn == []


CREATE = "CreateSecurityGroup"


def create(client: Client, form: str = "sync", **fields: Any) -> str:
    request = models.CreateSecurityGroupRequest(region_id="cn-hangzhou", **fields)
    created: str = call(client, CREATE, request, form).body.security_group_id
    return created


def authorize(client: Client, group: str, form: str = "sync") -> None:
    request = models.AuthorizeSecurityGroupRequest(
        region_id="cn-hangzhou",
        security_group_id=group,
        ip_protocol="tcp",
        port_range="22/22",
        source_cidr_ip="10.0.0.0/8",
    )
    call(client, "AuthorizeSecurityGroup", request, form)


@pytest.mark.parametrize("form", FORMS)
def test_a_group_that_the_caller_creates_costs_no_read(ecs: FakeEcs, client: Client, form: str) -> None:
    """It is the account's own, until it is deleted."""
    group = create(client, form)
    authorize(client, group, form)
    assert [request.action for request in ecs.requests] == [CREATE, "AuthorizeSecurityGroup"]
    delete(client, group, form)
    assert not client.guard.status(group)[group].exists
    assert len(ecs.reads) == 1


@pytest.mark.parametrize("flag", [False, "false", "False", " FALSE ", ""], ids=range(5))
def test_a_creation_that_plainly_asks_for_no_managed_group_teaches(
    ecs: FakeEcs, client: Client, flag: Any
) -> None:
    request = OpenApiRequest(query={"RegionId": "cn-hangzhou"}, body={"ServiceManaged": flag})
    TRANSPORTS["do_request"](client, CREATE, request)
    assert (len(ecs.requests), client.guard.stats.learned) == (1, 1)


@pytest.mark.parametrize(
    "parameters",
    [
        *({"ServiceManaged": flag} for flag in (True, "true", "TRUE", "1", 0, "no", ["false", "true"], "x")),
        {"servicemanaged": "true"},
        {"ServiceManaged.1": "true"},
        {"OwnerId": "1"},
        {"ResourceOwnerAccount": "x"},
        {"RegionId": "cn-beijing"},
        {"Own\u00e9rId": "1", "S\u0435rviceManaged": "true", "RegionId\u200b": "cn-hangzhou"},
    ],
    ids=range(14),
)
def test_a_creation_that_may_be_of_a_managed_group_teaches_nothing(
    ecs: FakeEcs, client: Client, parameters: dict[str, Any]
) -> None:
    """The caller may be a cloud service, or ask on behalf of another account."""
    ecs.answer_with(CREATE, CannedAnswer(body=b'{"SecurityGroupId": "sg-1"}'))
    request = OpenApiRequest(query={"RegionId": "cn-hangzhou"}, body=parameters)
    TRANSPORTS["do_request"](client, CREATE, request)
    assert (len(ecs.requests), client.guard.stats.learned) == (1, 0)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{}", 200),
        (b"[]", 200),
        (b'{"SecurityGroupId": null}', 200),
        (b'{"SecurityGroupId": 7}', 200),
        (b'{"SecurityGroupId": ""}', 200),
        (b'{"SecurityGroupId": ["sg-1"]}', 200),
        (b'{"SecurityGroupId": "sg-1\\u200b"}', 200),
        (b'{"SecurityGroupId": "sg-1", "Code": "DryRun"}', 200),
        (b'{"SecurityGroupId": "sg-1"}', 202),
    ],
    ids=range(9),
)
def test_a_creation_without_a_plain_success_teaches_nothing(
    ecs: FakeEcs, client: Client, body: bytes, status: int
) -> None:
    ecs.answer_with(CREATE, CannedAnswer(body=body, status=status))
    TRANSPORTS["do_request"](client, CREATE, OpenApiRequest(query={"RegionId": "cn-hangzhou"}))
    assert (len(ecs.requests), client.guard.stats.learned) == (1, 0)


def test_a_group_that_a_service_creates_as_managed_is_asked_for(ecs: FakeEcs) -> None:
    """Another account, on a client that shares the memory, is refused."""
    cache = StatusCache()
    service = Client(ecs.config(service_id=SERVICE_ID), cache=cache)
    group = create(service, service_managed=True)
    with pytest.raises(ManagedSecurityGroupError):
        delete(Client(ecs.config(), cache=cache), group)
    assert len(ecs.reads) == 1


def test_a_group_that_another_process_creates_costs_no_read_either(ecs: FakeEcs) -> None:
    cache = SharedInMemory()
    client = Client(ecs.config(), cache=cache)
    assert [create(client)] == cache.published
