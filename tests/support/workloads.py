"""The worst uses of the guard by a program, each with the most reads that it may cost.

A workload makes its own client, checks the statuses it gets, and returns a count from the server's record. The tests
assert the counts, and the benchmarks print them.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tracemalloc
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, Final

from safe_ecs import Client, GroupStatus, ManagedSecurityGroupError, StatusCache
from safe_ecs._core.review import Read
from safe_ecs.cache._principal import Principal
from safe_ecs.testing import CannedAnswer, FakeEcs
from tests.support.concurrency import Callers
from tests.support.redis_server import redis_server
from tests.support.sdk import models

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DESCRIBE: Final = "DescribeSecurityGroups"
LATENCY: Final = 0.05


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One row of the table.

    Attributes:
        name: A description of the workload.
        most: The most reads to ECS that it may cost.
        run: Runs the workload and returns the number of reads.
    """

    name: str
    most: int
    run: Callable[[FakeEcs], int]


def new_client(ecs: FakeEcs) -> Client:
    return Client(ecs.config(), cache=StatusCache())


def make_groups(ecs: FakeEcs, number: int) -> list[str]:
    return [ecs.create_security_group() for _ in range(number)]


def at_once(ecs: FakeEcs, calls: Iterable[Callable[[], Any]]) -> list[Any]:
    """Make each call in a thread of its own. The first read lasts until all threads run, however slow the machine is."""
    ecs.latency = 2.0
    callers = Callers(calls)
    ecs.latency = LATENCY
    return callers.join(30)


def check_each(groups: list[str], results: list[Any]) -> None:
    for group, result in zip(groups, results, strict=True):
        assert list(result) == [group]
        assert result[group].exists


def threads_with_one_group(ecs: FakeEcs) -> int:
    group, client = ecs.create_security_group(), new_client(ecs)
    check_each([group] * 200, at_once(ecs, [partial(client.guard.status, group)] * 200))
    return len(ecs.reads)


def clients_with_one_group(ecs: FakeEcs) -> int:
    """A program that makes a client for every call makes one in every thread."""
    group, cache = ecs.create_security_group(), StatusCache()

    def status() -> Any:
        return Client(ecs.config(), cache=cache).guard.status(group)

    check_each([group] * 200, at_once(ecs, [status] * 200))
    return len(ecs.reads)


def threads_with_a_group_each(ecs: FakeEcs, *, again: bool = False) -> int:
    groups, client = make_groups(ecs, 1000), new_client(ecs)
    check_each(groups, at_once(ecs, [partial(client.guard.status, group) for group in groups]))
    first = len(ecs.reads)
    if not again:
        return first
    check_each(groups, Callers(partial(client.guard.status, group) for group in groups).join(30))
    return len(ecs.reads) - first


def tasks_with_a_group_each(ecs: FakeEcs, *, again: bool = False) -> int:
    groups, client = make_groups(ecs, 1000), new_client(ecs)
    ecs.latency = LATENCY

    async def ask() -> list[Any]:
        return await asyncio.gather(*map(client.guard.status_async, groups))

    check_each(groups, asyncio.run(ask()))
    first = len(ecs.reads)
    if not again:
        return first
    check_each(groups, asyncio.run(ask()))
    return len(ecs.reads) - first


def threads_and_tasks_with_a_group_each(ecs: FakeEcs) -> int:
    """500 threads, and a loop with 500 tasks, share their batches."""
    groups, client = make_groups(ecs, 1000), new_client(ecs)

    async def ask() -> list[Any]:
        return await asyncio.gather(*map(client.guard.status_async, groups[500:]))

    calls = [partial(client.guard.status, group) for group in groups[:500]]
    *results, of_tasks = at_once(ecs, [*calls, lambda: asyncio.run(ask())])
    check_each(groups, [*results, *of_tasks])
    return len(ecs.reads)


def threads_while_ecs_fails(ecs: FakeEcs) -> int:
    """Return the number of reads beyond a single caller's."""
    ecs.answer_always(DESCRIBE, CannedAnswer(status=503, body=b'{"Code": "ServiceUnavailable"}'))
    Callers([partial(new_client(ecs).guard.status, "sg-1")]).join(30)
    reads_of_one, client = len(ecs.reads), new_client(ecs)
    errors = at_once(ecs, [partial(client.guard.status, "sg-1")] * 200)
    assert len({id(error) for error in errors}) == 200
    assert {error.code for error in errors} == {"SafeEcs.StatusUnavailable"}
    assert all(error.__cause__ is not None for error in errors)
    return len(ecs.reads) - 2 * reads_of_one


def threads_with_malformed_ids(ecs: FakeEcs) -> int:
    groups, client = make_groups(ecs, 1000), new_client(ecs)
    for number, malformed in ((77, "malformed!"), (333, "sg_3"), (334, "no id")):
        groups[number] = malformed
    results = at_once(ecs, [partial(client.guard.status, group) for group in groups])
    for group, result in zip(groups, results, strict=True):
        if group.startswith("sg-"):
            assert result[group].exists
        else:
            [undetermined] = result.decision.undetermined
            assert undetermined.security_group_id == group
            assert undetermined.code == "InvalidSecurityGroupId.Malformed"
    return len(ecs.reads)


def calls_on_new_clients(ecs: FakeEcs) -> int:
    groups = [ecs.create_security_group(service_managed=True) for _ in range(48)] + make_groups(ecs, 2)
    cache, refused = StatusCache(), 0
    for group in islice(cycle(groups), 10_000):
        request = models.ModifySecurityGroupAttributeRequest(security_group_id=group, description="mine")
        try:
            Client(ecs.config(), cache=cache).modify_security_group_attribute(request)
        except ManagedSecurityGroupError:
            refused += 1
    assert (refused, len(ecs.writes)) == (9600, 400)
    return len(ecs.reads)


def changes_after_a_listing(ecs: FakeEcs, *, in_loop: bool = False) -> int:
    """Return the number of reads beyond the listing, as the caller sends the listing itself."""
    groups, client = make_groups(ecs, 1000), new_client(ecs)
    listed: list[str] = []
    request = models.DescribeSecurityGroupsRequest(region_id="cn-hangzhou", max_results=100)
    while True:
        body: Any
        if in_loop:
            body = asyncio.run(client.describe_security_groups_async(request)).body
        else:
            body = client.describe_security_groups(request).body
        listed += [group.security_group_id for group in body.security_groups.security_group]
        if not body.next_token:
            break
        request.next_token = body.next_token
    assert listed == groups
    for group in groups:
        modify = models.ModifySecurityGroupAttributeRequest(security_group_id=group, description="mine")
        client.modify_security_group_attribute(modify)
    assert len(ecs.writes) == 1000
    stats = client.guard.stats
    assert (stats.learned, stats.hits, stats.calls, stats.lookups) == (1000, 1000, 1000, 0)
    return len(ecs.reads) - 10


_MEMBER_OF_FLEET: Final = """
import sys
from alibabacloud_tea_openapi.utils_models import Config
from safe_ecs import Client
from safe_ecs.cache.redis import RedisStatusCache
endpoint, url, *groups = sys.argv[1:]
config = Config(access_key_id="fake-account", access_key_secret="fake-secret", protocol="HTTP", endpoint=endpoint, region_id="cn-hangzhou")
client = Client(config, cache=RedisStatusCache(url))
print("ready", flush=True)
sys.stdin.readline()
known = client.guard.status(*groups)
print(sum(status.exists for status in known.values()), flush=True)
"""


def processes_over_one_redis(ecs: FakeEcs, *, ninth: bool = False) -> int:
    groups = make_groups(ecs, 500)
    ecs.latency = LATENCY
    with redis_server() as server:
        command = [sys.executable, "-c", _MEMBER_OF_FLEET, ecs.endpoint, server.url, *groups]
        _ask_in_processes(command, 8)
        first = len(ecs.reads)
        if not ninth:
            return first
        _ask_in_processes(command, 1)
        return len(ecs.reads) - first


def _ask_in_processes(command: list[str], number: int) -> None:
    """Start the processes, and let them ask all at once when the last one is ready."""
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(number)]  # noqa: S603 - ours
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[0] for process in processes] == ["500\n"] * number


WORKLOADS: Final = (
    Workload(name="200 threads, one group", most=1, run=threads_with_one_group),
    Workload(name="200 threads with a client each, one group", most=1, run=clients_with_one_group),
    Workload(name="1,000 threads, each its own group", most=12, run=threads_with_a_group_each),
    Workload(name="1,000 tasks, each its own group", most=12, run=tasks_with_a_group_each),
    Workload(name="500 threads and 500 tasks together", most=12, run=threads_and_tasks_with_a_group_each),
    Workload(
        name="the same 1,000 threads again within ttl",
        most=0,
        run=partial(threads_with_a_group_each, again=True),
    ),
    Workload(
        name="the same 1,000 tasks again within ttl", most=0, run=partial(tasks_with_a_group_each, again=True)
    ),
    Workload(
        name="200 threads, one group, ECS failing: beyond those of one caller",
        most=0,
        run=threads_while_ecs_fails,
    ),
    Workload(
        name="1,000 threads, each its own group, 3 ids malformed", most=55, run=threads_with_malformed_ids
    ),
    Workload(name="10,000 calls, each on a new client, 50 groups", most=50, run=calls_on_new_clients),
    Workload(
        name="1,000 groups listed by the caller, then each changed: beyond the listing",
        most=0,
        run=changes_after_a_listing,
    ),
    Workload(
        name="the same with an async listing", most=0, run=partial(changes_after_a_listing, in_loop=True)
    ),
    Workload(name="8 processes x 500 groups over one Redis, all cold", most=40, run=processes_over_one_redis),
    Workload(name="a ninth process later", most=0, run=partial(processes_over_one_redis, ninth=True)),
)


MOST_BYTES_FOR_A_GROUP: Final = 600


def bytes_for_each_group() -> int:
    """Return the bytes of memory per group in a full cache of 100,000 groups. The cache has been given still more."""
    most, principal = 100_000, Principal(None, ())
    cache = StatusCache(maxsize=most)
    tracemalloc.start()
    for number in range(most + 1000):
        # As in calls: the host is the only shared string.
        group, region_id, owner = f"sg-bp1{number:017}", "CN-HANGZHOU".lower(), 1679259531804325 + number
        status = GroupStatus(group, True, True, owner, region_id)  # noqa: FBT003 - fields
        cache.remember(Read("ecs.cn-hangzhou.aliyuncs.com", region_id, ()), principal, [status])
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(cache) == most
    return size // most
