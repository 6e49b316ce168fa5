"""The guard learns statuses from the caller's own calls, and forgotten statuses stay forgotten."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException

from safe_ecs import Client, GuardPolicy, ManagedSecurityGroupError, StatusCache
from safe_ecs.testing import CannedAnswer, FakeEcs, Fault
from tests.conftest import SERVICE_ID
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


@pytest.mark.parametrize("form", FORMS)
def test_refresh_and_forget_go_to_ecs_and_write_through(ecs: FakeEcs, client: Client, form: str) -> None:
    """Later calls see the new statuses."""
    status = client.guard.status if form == "sync" else partial(_run, client.guard.status_async)
    forget = client.guard.forget if form == "sync" else partial(_run, client.guard.forget_async)
    group = ecs.create_security_group(security_group_id="sg-1")
    assert not status(group)[group].service_managed
    ecs.create_security_group(security_group_id="sg-1", service_managed=True)
    assert not status(group)[group].service_managed
    assert status(group, refresh=True)[group].service_managed
    assert (status(group)[group].service_managed, status(group)[group].source) == (True, "cache")
    ecs.create_security_group(security_group_id="sg-1", service_managed=False)
    forget("SG-1")
    assert not status(group)[group].service_managed
    assert len(ecs.reads) == 3


def _run(function: Any, *arguments: Any, **keywords: Any) -> Any:
    async def run() -> Any:
        return await function(*arguments, **keywords)

    return asyncio.run(run())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("how", ["forget", "forget all", "refresh"])
def test_an_answer_on_its_way_is_none_to_a_question_that_came_after_forgetting(
    ecs: FakeEcs, client: Client, form: str, how: str
) -> None:
    """The answer may be older than the change behind the ``forget``. It is not cached either."""
    ecs.create_security_group(security_group_id="sg-1")
    ecs.latency = 0.5

    async def tasks() -> tuple[Any, Any]:
        early = asyncio.create_task(client.guard.status_async("sg-1"))
        await asyncio.sleep(0.2)
        late = asyncio.create_task(client.guard.status_async("sg-1", refresh=_change(ecs, client, how)))
        return await early, await late

    def threads() -> tuple[Any, Any]:
        early = Callers([partial(client.guard.status, "sg-1")])
        while not ecs.reads:
            pass
        late = client.guard.status("sg-1", refresh=_change(ecs, client, how))
        return early.join(10)[0], late

    early, late = threads() if form == "sync" else asyncio.run(tasks())
    assert not early["sg-1"].service_managed
    assert late["sg-1"].service_managed
    assert client.guard.status("sg-1")["sg-1"].service_managed
    assert len(ecs.reads) == 2


def _change(ecs: FakeEcs, client: Client, how: str) -> bool:
    """Let a cloud service take over the group, and return whether to ask with ``refresh``."""
    ecs.create_security_group(security_group_id="sg-1", service_managed=True)
    if how != "refresh":
        client.guard.forget(*(["sg-1"] if how == "forget" else []))
    return how == "refresh"


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


def test_clients_of_other_keys_do_not_share_what_is_missing(ecs: FakeEcs) -> None:
    """New clients with the same keys share it for missing_ttl."""
    cache, policy = StatusCache(), GuardPolicy(missing_ttl=60)
    for _ in range(3):
        Client(ecs.config(), cache=cache, policy=policy).guard.status("sg-none")
    assert len(ecs.reads) == 1
    Client(ecs.config(service_id=7), cache=cache, policy=policy).guard.status("sg-none")
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


class Slotted:
    """Credentials without support for weak references."""

    __slots__ = ("_credential",)

    def __init__(self, credential: Any) -> None:
        self._credential = credential

    def get_credential(self) -> Any:
        return self._credential.get_credential()

    async def get_credential_async(self) -> Any:
        return await self._credential.get_credential_async()


@pytest.mark.parametrize("form", FORMS)
def test_any_credentials_will_do(ecs: FakeEcs, client: Client, ordinary: str, form: str) -> None:
    vars(client)["_credential"] = Slotted(client._credential)
    call(client, DESCRIBE, models.DescribeSecurityGroupsRequest(region_id="cn-hangzhou"), form)
    client.guard.status("sg-none")
    delete(client, ordinary, form)
    assert len(ecs.writes) == 1


def test_the_case_of_a_region_does_not_matter(ecs: FakeEcs, managed: str) -> None:
    client = Client(ecs.config(region_id="CN-Hangzhou"), cache=StatusCache())
    assert client.guard.status(managed, region_id=" CN-HANGZHOU ")[managed].service_managed
    assert client.guard.warm() == 1


class SharedInMemory(StatusCache):
    """Records everything that would reach other processes."""

    is_shared = True

    def __init__(self) -> None:
        super().__init__()
        self.published: list[str] = []
        self.withdrawn: list[Any] = []

    def publish(self, read: Any, statuses: Any, ttl: float) -> None:
        self.published += [status.security_group_id for status in statuses]

    def invalidate_elsewhere(self, security_group_ids: Any) -> None:
        self.withdrawn.append(security_group_ids)


@pytest.mark.parametrize("form", FORMS)
def test_what_was_forgotten_on_its_way_reaches_no_other_process(ecs: FakeEcs, form: str) -> None:
    cache = SharedInMemory()
    client = Client(ecs.config(), cache=cache)
    for group in ("sg-1", "sg-2"):
        ecs.create_security_group(security_group_id=group)
    ecs.latency = 0.4
    status = client.guard.status if form == "sync" else partial(_run, client.guard.status_async)
    asking = Callers([partial(status, "sg-1", "sg-2")])
    while not ecs.reads:
        pass
    client.guard.forget("sg-1")
    asking.join(10)
    assert cache.published == ["sg-2"]


def test_a_delete_whose_group_cannot_be_read_forgets_nothing(ecs: FakeEcs) -> None:
    """An empty list of groups would make a whole fleet forget everything."""
    cache = SharedInMemory()
    client = Client(ecs.config(), cache=cache, policy=GuardPolicy(mode="audit"))
    ecs.answer_with(DELETE, CannedAnswer(body=b"{}"))
    client.delete_security_group(models.DeleteSecurityGroupRequest())
    assert cache.withdrawn == []
