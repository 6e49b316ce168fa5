"""client.guard answers questions without making a call."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException
from darabonba.runtime import ExtendsParameters, RuntimeOptions

from safe_ecs import Client, GuardPolicy, ManagedSecurityGroupError, StatusCache, StatusUnavailableError
from safe_ecs.testing import CannedAnswer
from safe_ecs.testing._samples import SAMPLES, make_target
from tests.support.observers import RecordingObserver
from tests.support.sdk import models
from tests.support.transports import call

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


@pytest.mark.parametrize("action", SAMPLES)
@pytest.mark.parametrize("service_managed", [True, False])
async def test_check_gives_the_decision_that_the_call_would_get(
    ecs: FakeEcs,
    client: Client,
    action: str,
    service_managed: bool,  # noqa: FBT001 - parametrized
) -> None:
    """``check`` takes a request model, or an action with wire parameters. Nothing is written."""
    target = make_target(ecs, service_managed=service_managed)
    outcome = "denied" if service_managed else "allowed"
    by_model = client.guard.check(SAMPLES[action](target))
    by_name = client.guard.check(action, {"SecurityGroupIds": [target.security_group_id]})
    assert (by_model.outcome, by_model.action) == (by_name.outcome, by_name.action) == (outcome, action)
    assert [group.security_group_id for group in by_model.groups] == [target.security_group_id]
    assert (await client.guard.check_async(SAMPLES[action](target))).outcome == outcome
    assert not ecs.writes


@pytest.mark.parametrize("form", ["sync", "async"])
def test_check_takes_the_parameters_of_the_runtime_options(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str, form: str
) -> None:
    """They are parameters of the call. A read has none of them, and the options stay unchanged."""
    for group, outcome in ((managed, "denied"), (ordinary, "allowed")):
        extra = ExtendsParameters(queries={"SecurityGroupId": group, "Filter": "1"}, headers={"x-trace": "1"})
        runtime = RuntimeOptions(extends_parameters=extra)
        if form == "async":
            decision = asyncio.run(client.guard.check_async("DeleteSecurityGroup", runtime=runtime))
        else:
            decision = client.guard.check("DeleteSecurityGroup", runtime=runtime)
        assert decision.outcome == outcome
        assert runtime.extends_parameters is extra
        assert (ecs.reads[-1].parameters.get("Filter"), ecs.reads[-1].headers.get("x-trace")) == (None, None)
        with nullcontext() if outcome == "allowed" else pytest.raises(ManagedSecurityGroupError):
            client.delete_security_group_with_options(models.DeleteSecurityGroupRequest(), runtime)
    assert len(ecs.reads) == 2


@pytest.mark.parametrize("form", ["sync", "async"])
@pytest.mark.parametrize("member", ["check", "status", "partition", "warm", "managed_groups"])
def test_what_reads_takes_runtime_options(ecs: FakeEcs, managed: str, member: str, form: str) -> None:
    """Without the proxy, ECS cannot be reached. A parameter among the options would make groups look missing."""
    config = ecs.config()
    config.endpoint = "ecs.cn-hangzhou.aliyuncs.com"
    ecs.create_security_group(region_id="cn-beijing")
    guard: Any = Client(config, cache=StatusCache()).guard
    runtime = RuntimeOptions(
        http_proxy=f"http://{ecs.endpoint}",
        extends_parameters=ExtendsParameters(queries={"SecurityGroupName": "none"}),
    )
    before = dict(vars(runtime))
    arguments: dict[str, tuple[object, ...]] = {
        "check": ("DeleteSecurityGroup", {"SecurityGroupId": managed}),
        "status": (managed,),
        "partition": ([managed],),
    }

    async def ask() -> Any:
        ending = "" if form == "sync" else "_async"
        answer = getattr(guard, f"{member}{ending}")(*arguments.get(member, ()), runtime=runtime)
        if member == "managed_groups":
            return [*answer] if form == "sync" else [each async for each in answer]
        return answer if form == "sync" else await answer

    answer = asyncio.run(ask())
    found = {
        "check": lambda: answer.outcome == "denied",
        "status": lambda: answer[managed].service_managed,
        "partition": lambda: answer.managed,
        "warm": lambda: answer == 1,
        "managed_groups": lambda: answer[0].security_group_id == managed,
    }
    assert found[member]()
    assert [(read.action, read.parameters.get("SecurityGroupName")) for read in ecs.requests] == [
        ("DescribeSecurityGroups", None)
    ]
    assert vars(runtime) == before


def test_a_guard_says_what_it_is_and_has_done(ecs: FakeEcs, client: Client, managed: str) -> None:
    """One line suits a notebook."""
    assert repr(client.guard) == f"<guard of {ecs.endpoint}: mode enforce, 0 calls, 0 refused, 0 look-ups>"
    with pytest.raises(ManagedSecurityGroupError):
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
    assert repr(client.guard).endswith("mode enforce, 1 calls, 1 refused, 1 look-ups>")


@pytest.mark.parametrize("thing", [["sg-1"], None, 7], ids=str)
def test_status_takes_ids(client: Client, thing: Any) -> None:
    with pytest.raises(TypeError, match="security group id"):
        client.guard.status(thing)


async def test_status_says_what_ecs_says(ecs: FakeEcs, client: Client, managed: str, ordinary: str) -> None:
    """Managed, ordinary and missing groups come from ECS first, and then from the cache."""
    for source in ("lookup", "cache"):
        statuses = client.guard.status(managed, ordinary, "sg-none")
        assert [statuses[i].exists for i in (managed, ordinary, "sg-none")] == [True, True, False]
        assert [statuses[i].service_managed for i in (managed, ordinary, "sg-none")] == [True, False, False]
        assert {status.source for status in statuses.values()} == {source}
    assert (await client.guard.status_async(managed))[managed].source == "cache"
    assert len(ecs.requests) == 1
    assert (await client.guard.status_async(managed, refresh=True))[managed].source == "lookup"
    assert client.guard.status(managed, refresh=True)[managed].source == "lookup"
    assert len(ecs.requests) == 3


def test_status_looks_in_the_region_it_is_given(ecs: FakeEcs, client: Client) -> None:
    beijing = ecs.create_security_group(region_id="cn-beijing")
    assert not client.guard.status(beijing)[beijing].exists
    assert client.guard.status(beijing, region_id="cn-beijing")[beijing].exists


async def test_a_status_that_cannot_be_determined_is_an_error(ecs: FakeEcs, client: Client) -> None:
    """The guard never guesses a status."""
    answer = CannedAnswer(status=403, body=b'{"Code": "Forbidden.RAM", "Message": "", "RequestId": ""}')
    ecs.answer_with("DescribeSecurityGroups", answer, answer)
    with pytest.raises(StatusUnavailableError, match=r"Forbidden\.RAM") as error:
        client.guard.status("sg-1")
    assert "refused" not in error.value.message
    assert error.value.decision.reason.startswith("What is managed cannot be determined. sg-1: ")
    with pytest.raises(StatusUnavailableError, match=r"Forbidden\.RAM"):
        await client.guard.status_async("sg-1")


def test_status_without_any_region_says_which_setting_to_give(ecs: FakeEcs) -> None:
    client = Client(ecs.config(region_id=None), cache=StatusCache())
    with pytest.raises(ValueError, match="region_id"):
        client.guard.status("sg-1")


@pytest.mark.parametrize("bypass", [False, True])
@pytest.mark.parametrize("mode", ["enforce", "audit", "off"])
@pytest.mark.parametrize("state", ["managed", "ordinary", "missing", "unknown"])
@pytest.mark.parametrize("form", ["sync", "async"])
def test_the_call_gets_the_decision_that_check_gave(
    ecs: FakeEcs,
    mode: Any,
    state: str,
    bypass: bool,  # noqa: FBT001 - parametrized
    form: str,
) -> None:
    """The decisions agree in every mode, for every status, with and without a bypass."""
    group = "sg-none" if state == "missing" else ecs.create_security_group(service_managed=state == "managed")
    if state == "unknown":
        answer = CannedAnswer(status=403, body=b'{"Code": "Forbidden.RAM", "Message": "", "RequestId": ""}')
        ecs.answer_always("DescribeSecurityGroups", answer)
    notebook = RecordingObserver()
    policy = GuardPolicy(mode=mode, failure_ttl=0)
    client = Client(ecs.config(), policy=policy, cache=StatusCache(), observers=[notebook])
    request = models.DeleteSecurityGroupRequest(region_id="cn-hangzhou", security_group_id=group)
    with client.guard.bypass(reason="ticket 7") if bypass else nullcontext():
        if form == "async":
            decision = asyncio.run(client.guard.check_async(request))
        else:
            decision = client.guard.check(request)
        with suppress(ClientException):
            call(client, "DeleteSecurityGroup", request, form)
    [checked], [decided] = notebook.checks, notebook.decisions
    assert decision.outcome == checked.outcome == decided.outcome
    assert decision.refused == decided.refused == (not ecs.writes)
    assert checked.reason == decided.reason
    assert client.guard.stats.calls == 1


@pytest.mark.parametrize("form", ["sync", "async"])
def test_partition_sorts_groups_by_their_status(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str, form: str
) -> None:
    """Each group occurs once, in the given order. A skipped group has its reason, for a script that cleans up."""
    another = ecs.create_security_group()
    ids = (each for each in [another, managed, "sg-none", ordinary, f" {managed.upper()}"])
    if form == "async":
        partition = asyncio.run(client.guard.partition_async(ids))
    else:
        partition = client.guard.partition(ids)
    assert [group.security_group_id for group in partition.unmanaged] == [another, ordinary]
    assert [group.security_group_id for group in partition.managed] == [managed]
    assert [group.security_group_id for group in partition.missing] == ["sg-none"]
    assert [group.reason for group in (*partition.unmanaged[:1], *partition.managed, *partition.missing)] == [
        f"{another} is not managed.",
        f"A cloud service manages {managed} (serviceID 1679259531804325).",
        "sg-none was not found in cn-hangzhou.",
    ]
    assert len(ecs.requests) == 1


def test_partition_of_nothing_is_nothing(ecs: FakeEcs, client: Client) -> None:
    assert client.guard.partition([]) == ((), (), ())
    assert not ecs.requests


async def test_partition_looks_in_the_region_it_is_given(ecs: FakeEcs, client: Client) -> None:
    beijing = ecs.create_security_group(region_id="cn-beijing")
    assert (await client.guard.partition_async([beijing], region_id="cn-beijing")).unmanaged
    assert client.guard.partition([beijing]).missing
    assert client.guard.partition([beijing], region_id="cn-beijing").unmanaged


def test_partition_never_guesses(ecs: FakeEcs, client: Client, ordinary: str) -> None:
    """One unknown status is an error for the whole partition."""
    answer = CannedAnswer(status=403, body=b'{"Code": "Forbidden.RAM", "Message": "", "RequestId": ""}')
    ecs.answer_with("DescribeSecurityGroups", answer)
    with pytest.raises(StatusUnavailableError):
        client.guard.partition([ordinary])


@pytest.mark.parametrize("thing", ["sg-1", b"sg-1", [None], [["sg-1"]], 7], ids=repr)
def test_partition_takes_several_ids(client: Client, thing: Any) -> None:
    """A single string is no collection of ids."""
    with pytest.raises(TypeError):
        client.guard.partition(thing)


def test_a_region_without_managed_groups_and_one_with_many(ecs: FakeEcs, client: Client) -> None:
    """Listing the managed groups costs one read for every 100 groups, and so does finding the usable ones."""
    assert list(client.guard.managed_groups()) == []
    ids = {ecs.create_security_group(service_managed=True, service_id=7) for _ in range(150)}
    usable = ecs.create_security_group()
    assert {group.security_group_id for group in client.guard.managed_groups()} == ids
    partition = client.guard.partition([*ids, usable])
    assert [group.security_group_id for group in partition.unmanaged] == [usable]
    assert len(ecs.requests) == 1 + 2 + 1


@pytest.mark.parametrize("form", ["sync", "async"])
async def test_a_region_is_listed_in_part_or_as_a_whole(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str, form: str
) -> None:
    """Warming counts all its groups, listing names the managed ones. The region is the client's or another."""
    beijing = ecs.create_security_group(region_id="cn-beijing", service_managed=True)
    for region_id, group, number in ((None, managed, 2), ("cn-beijing", beijing, 1)):
        if form == "async":
            listed = [each async for each in client.guard.managed_groups_async(region_id)]
            warmed = await client.guard.warm_async(region_id)
        else:
            listed, warmed = [*client.guard.managed_groups(region_id)], client.guard.warm(region_id)
        assert [each.security_group_id for each in listed] == [group]
        assert warmed == number
