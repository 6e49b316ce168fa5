"""How many reads the guard costs, counted by the server, which takes 50 ms for each answer."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import pytest

from safe_ecs import Client, GroupStatus, GuardPolicy, ManagedSecurityGroupError, StatusCache
from safe_ecs.testing import CannedAnswer
from tests.callers import Callers
from tests.conftest import SERVICE_ID
from tests.sdk import models

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from safe_ecs.testing import FakeEcs

DESCRIBE = "DescribeSecurityGroups"
DOWN = CannedAnswer(status=503, body=b'{"Code": "ServiceUnavailable"}')


@pytest.fixture(autouse=True)
def latency(ecs: FakeEcs) -> None:
    ecs.latency = 0.05


def make_groups(ecs: FakeEcs, number: int) -> list[str]:
    return [ecs.create_security_group() for _ in range(number)]


def at_once(ecs: FakeEcs, calls: Iterable[Callable[[], Any]]) -> list[Any]:
    """Make the calls in a thread each; the first read takes until all threads run, however slow that is here."""
    ecs.latency = 2.0
    callers = Callers(calls)
    ecs.latency = 0.05
    return callers.join(30)


def test_200_threads_and_one_group_are_1_read(ecs: FakeEcs, client: Client, managed: str) -> None:
    results = at_once(ecs, [partial(client.guard.status, managed)] * 200)
    assert all(result[managed].service_managed for result in results)
    assert len(ecs.reads) == 1


def test_200_clients_and_one_group_are_1_read(ecs: FakeEcs, managed: str) -> None:
    """A program that makes a client for every call makes one for every thread."""
    cache = StatusCache()
    results = at_once(
        ecs, [lambda: Client(ecs.config(), cache=cache).guard.status(managed) for _ in range(200)]
    )
    assert all(result[managed].service_managed for result in results)
    assert len(ecs.reads) == 1


def test_1000_threads_with_a_group_each_are_at_most_12_reads(ecs: FakeEcs, client: Client) -> None:
    groups = make_groups(ecs, 1000)
    results = at_once(ecs, [partial(client.guard.status, group) for group in groups])
    assert [list(result) for result in results] == [[group] for group in groups]
    assert len(ecs.reads) <= 12
    Callers(partial(client.guard.status, group) for group in groups).join(30)
    assert len(ecs.reads) <= 12


async def test_1000_tasks_with_a_group_each_are_at_most_12_reads(ecs: FakeEcs, client: Client) -> None:
    groups = make_groups(ecs, 1000)
    for _ in range(2):
        results = await asyncio.gather(*map(client.guard.status_async, groups))
        assert [list(result) for result in results] == [[group] for group in groups]
        assert len(ecs.reads) <= 12


@pytest.mark.parametrize("answer", [DOWN, CannedAnswer(status=0)], ids=["503", "reset"])
def test_200_threads_cost_a_failing_ecs_no_more_than_one(ecs: FakeEcs, answer: CannedAnswer) -> None:
    ecs.answer_always(DESCRIBE, answer)
    alone = Client(ecs.config(), cache=StatusCache())
    Callers([partial(alone.guard.status, "sg-1")]).join(30)
    reads_of_one = len(ecs.reads)
    client = Client(ecs.config(), cache=StatusCache())
    errors = at_once(ecs, [partial(client.guard.status, "sg-1")] * 200)
    assert len(ecs.reads) - reads_of_one == reads_of_one == 4
    assert len({id(error) for error in errors}) == 200
    assert {error.code for error in errors} == {"SafeEcs.StatusUnavailable"}
    assert all(error.__cause__ is not None for error in errors)


def test_3_malformed_ids_among_1000_are_at_most_55_reads(ecs: FakeEcs, client: Client) -> None:
    groups = make_groups(ecs, 1000)
    for number, malformed in ((77, "malformed!"), (333, "sg_3"), (334, "no id")):
        groups[number] = malformed
    results = at_once(ecs, [partial(client.guard.status, group) for group in groups])
    assert len(ecs.reads) <= 55
    for group, result in zip(groups, results, strict=True):
        if group.startswith("sg-"):
            assert result[group].exists
        else:
            assert [u.security_group_id for u in result.decision.undetermined] == [group]
            assert result.decision.undetermined[0].code == "InvalidSecurityGroupId.Malformed"


def test_10000_calls_on_a_new_client_each_are_a_read_for_each_group(ecs: FakeEcs) -> None:
    ecs.latency = 0.0
    groups = [ecs.create_security_group(service_managed=True, service_id=SERVICE_ID) for _ in range(48)]
    groups += make_groups(ecs, 2)
    cache, refused = StatusCache(), 0
    for group in islice(cycle(groups), 10_000):
        client = Client(ecs.config(), cache=cache)
        request = models.ModifySecurityGroupAttributeRequest(security_group_id=group, description="mine")
        try:
            client.modify_security_group_attribute(request)
        except ManagedSecurityGroupError:
            refused += 1
    assert (refused, len(ecs.writes)) == (9600, 400)
    assert len(ecs.reads) == 50


@pytest.mark.parametrize("form", ["sync", "async"])
def test_groups_of_a_listing_need_no_read_before_they_are_changed(
    ecs: FakeEcs, client: Client, form: str
) -> None:
    """The listing is the caller's own, paged, and tells of each group whether it is managed."""
    ecs.latency = 0.0
    groups = make_groups(ecs, 1000)
    listed: list[str] = []
    request = models.DescribeSecurityGroupsRequest(region_id="cn-hangzhou", max_results=100)
    while True:
        describe = (
            client.describe_security_groups_async if form == "async" else client.describe_security_groups
        )
        answer: Any = describe(request)
        body = (asyncio.run(answer) if form == "async" else answer).body
        listed += [group.security_group_id for group in body.security_groups.security_group]
        if not body.next_token:
            break
        request.next_token = body.next_token
    assert listed == groups
    assert len(ecs.reads) == 10
    for group in groups:
        modify = models.ModifySecurityGroupAttributeRequest(security_group_id=group, description="mine")
        client.modify_security_group_attribute(modify)
    assert len(ecs.writes) == 1000
    assert len(ecs.reads) == 10
    stats = client.guard.stats
    assert (stats.learned, stats.hits, stats.calls, stats.lookups) == (1000, 1000, 1000, 0)


@pytest.mark.parametrize("number", [1, 2, 3, 7, 99, 100, 101])
def test_an_id_that_is_refused_costs_few_reads_and_spoils_no_other(
    ecs: FakeEcs, client: Client, number: int
) -> None:
    """Wherever it stands."""
    ecs.latency = 0.0
    groups = make_groups(ecs, number)
    for place in {0, number // 2, number}:
        asked = [*groups[:place], "malformed!", *groups[place:]]
        decision = client.guard.check("RunInstances", {"SecurityGroupIds": asked})
        assert [u.security_group_id for u in decision.undetermined] == ["malformed!"]
        assert {group.security_group_id for group in decision.groups} == set(groups)
        client.guard.forget()
        before = len(ecs.reads)
        client.guard.check("RunInstances", {"SecurityGroupIds": asked})
        assert len(ecs.reads) - before <= 2 + 2 * number.bit_length()
        client.guard.forget()


def test_a_permission_that_is_not_there_costs_three_reads_for_many_groups(
    ecs: FakeEcs, client: Client
) -> None:
    """What is refused whatever is asked for is not looked for in every single id."""
    ecs.answer_always(DESCRIBE, CannedAnswer(status=403, body=b'{"Code": "Forbidden.RAM"}'))
    decision = client.guard.check("RunInstances", {"SecurityGroupIds": [f"sg-{n}" for n in range(64)]})
    assert len(decision.undetermined) == 64
    assert {undetermined.code for undetermined in decision.undetermined} == {"Forbidden.RAM"}
    assert len(ecs.reads) == 3


def test_stats_count_what_was_done(ecs: FakeEcs, client: Client, managed: str) -> None:
    """Each in its place."""
    ecs.latency = 0.0
    delete = models.DeleteSecurityGroupRequest(security_group_id=managed)
    for _ in range(3):
        with pytest.raises(ManagedSecurityGroupError):
            client.delete_security_group(delete)
    ecs.answer_with(DESCRIBE, DOWN)
    client.guard.status("sg-other")
    stats = client.guard.stats
    assert stats == stats._replace(
        calls=3, refusals=3, hits=2, lookups=3, retries=1, groups_asked=3, failed=0, joined=0, learned=0
    )
    ecs.answer_always(DESCRIBE, DOWN)
    strict = Client(ecs.config(), cache=StatusCache(), policy=GuardPolicy(lookup_attempts=1))
    for _ in range(2):
        assert strict.guard.check(delete).outcome == "unavailable"
    assert (strict.guard.stats.failed, strict.guard.stats.not_repeated, strict.guard.stats.lookups) == (
        2,
        1,
        1,
    )
    assert client.guard.stats == stats
    assert isinstance(client.guard.status(managed)[managed], GroupStatus)
