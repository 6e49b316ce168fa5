"""The cache of several processes on a real Redis server: it saves reads, and calls also work without the server."""

from __future__ import annotations

import asyncio
import pickle
import threading
from contextlib import suppress
from copy import copy
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, cast

import pytest
import redis
import redis.asyncio

from safe_ecs import Client, GuardPolicy, ManagedSecurityGroupError, StatusCache
from safe_ecs._core.review import Read
from safe_ecs._system.clock import Clock
from safe_ecs.cache.redis import RedisStatusCache
from safe_ecs.testing import CannedAnswer
from tests.conftest import SERVICE_ID
from tests.support.redis_server import RedisServer, redis_server
from tests.support.sdk import models
from tests.support.transports import call

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


FORMS = ("sync", "async")


def another(ecs: FakeEcs, server: RedisServer, **policy: Any) -> Client:
    """Return a client as in another process: with an empty local cache."""
    return Client(ecs.config(), cache=RedisStatusCache(server.url), policy=GuardPolicy(**policy))


def status(client: Client, *groups: str, form: str = "sync", **options: Any) -> Any:
    if form == "sync":
        return client.guard.status(*groups, **options)
    return asyncio.run(client.guard.status_async(*groups, **options))


@pytest.mark.parametrize("form", FORMS)
def test_what_one_process_has_read_no_other_has_to(
    ecs: FakeEcs, server: RedisServer, managed: str, ordinary: str, form: str
) -> None:
    """A status from the server has its owner, its age and the source "shared"."""
    status(another(ecs, server), managed, ordinary, form=form)
    client = another(ecs, server)
    for _ in range(2):
        known = status(client, managed, ordinary, form=form)
        assert [known[group].source for group in (managed, ordinary)] == ["shared", "shared"]
        assert (known[managed].service_managed, known[managed].service_id) == (True, SERVICE_ID)
        assert (known[ordinary].service_managed, known[ordinary].service_id) == (False, None)
    with pytest.raises(ManagedSecurityGroupError):
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
    assert len(ecs.requests) == 1
    assert (client.guard.stats.shared_hits, client.guard.stats.lookups) == (2, 0)


def test_what_is_known_by_half_is_asked_for_by_half(
    ecs: FakeEcs, server: RedisServer, managed: str, ordinary: str
) -> None:
    status(another(ecs, server), managed)
    status(another(ecs, server), managed, ordinary)
    assert [read.parameters["SecurityGroupIds"] for read in ecs.reads] == [
        f'["{managed}"]',
        f'["{ordinary}"]',
    ]


def test_many_ids_are_one_round_trip(ecs: FakeEcs, server: RedisServer) -> None:
    groups = [ecs.create_security_group() for _ in range(100)]
    status(another(ecs, server), *groups)
    client = another(ecs, server)
    with server.client as direct:
        direct.config_resetstat()
        reads_before = direct.info("stats")["total_reads_processed"]
        status(client, *groups)
        assert direct.info("commandstats")["cmdstat_getrange"]["calls"] == 101  # one is for the mark of all
        # The info commands are two of the reads. The greeting of a connection is a few more.
        assert direct.info("stats")["total_reads_processed"] - reads_before < 10
    assert len(ecs.reads) == 1


def test_time_to_live_is_set_on_the_server_and_counts_from_the_answer_of_ecs(
    ecs: FakeEcs, server: RedisServer, ordinary: str
) -> None:
    """A local cache on top of the server's does not double a status's time to live."""
    status(another(ecs, server, ttl=1.2), ordinary)
    with server.client as direct:
        assert 0 < direct.pttl(f"safe_ecs:{ordinary}") <= 1200
    sleep(0.7)
    client = another(ecs, server, ttl=1.2)
    age = status(client, ordinary)[ordinary].age
    assert 0.6 < age < 1.2
    sleep(0.6)
    assert status(client, ordinary)[ordinary].source == "lookup"
    sleep(1.3)
    with server.client as direct:
        assert direct.keys() == []


def test_a_reader_trusts_what_is_young_enough_for_his_own_policy(
    ecs: FakeEcs, server: RedisServer, ordinary: str
) -> None:
    status(another(ecs, server, ttl=60), ordinary)
    sleep(0.3)
    assert status(another(ecs, server, ttl=0.2), ordinary)[ordinary].source == "lookup"
    assert len(ecs.reads) == 2


def test_what_is_missing_or_has_failed_is_not_shared(ecs: FakeEcs, server: RedisServer) -> None:
    """Another account may see the group."""
    status(another(ecs, server), "sg-none")
    ecs.answer_with("DescribeSecurityGroups", CannedAnswer(status=403, body=b'{"Code": "Forbidden.RAM"}'))
    another(ecs, server).guard.check("DeleteSecurityGroup", {"SecurityGroupId": "sg-1"})
    with server.client as direct:
        assert direct.keys() == []


def test_what_holds_at_one_endpoint_or_region_is_not_recalled_at_another(
    ecs: FakeEcs, server: RedisServer
) -> None:
    ecs.create_security_group(security_group_id="sg-1")
    status(another(ecs, server), "sg-1")
    assert not status(another(ecs, server), "sg-1", region_id="cn-beijing")["sg-1"].exists
    assert len(ecs.reads) == 2


def test_refresh_writes_through_and_forget_reaches_the_others(ecs: FakeEcs, server: RedisServer) -> None:
    one = another(ecs, server)
    for group in ("sg-1", "sg-2", "sg-3"):
        ecs.create_security_group(security_group_id=group)
    status(one, "sg-1", "sg-2", "sg-3")
    ecs.create_security_group(security_group_id="sg-1", service_managed=True)
    assert status(one, "sg-1", refresh=True)["sg-1"].service_managed
    assert status(another(ecs, server), "sg-1")["sg-1"].service_managed
    one.guard.forget("sg-1")
    assert status(another(ecs, server), "sg-1")["sg-1"].source == "lookup"
    with server.client as direct:
        direct.set("safe_ecs_of_others", "1")
        for group in ("sg-2", "sg-3"):
            assert status(another(ecs, server), group)[group].source == "shared"
        asyncio.run(one.guard.forget_async())
        assert direct.get("safe_ecs_of_others") == b"1"
    for group in ("sg-2", "sg-3"):
        assert status(another(ecs, server), group)[group].source == "lookup"
        assert status(another(ecs, server), group)[group].source == "shared"


@pytest.mark.parametrize("form", FORMS)
def test_what_is_forgotten_while_the_server_rests_is_asked_of_ecs(
    ecs: FakeEcs, server: RedisServer, ordinary: str, form: str
) -> None:
    """The server missed the deletion, and still holds the old status."""
    client = another(ecs, server)
    status(client, ordinary, form=form)
    with server.halted():
        status(client, "sg-none", form=form)
        client.guard.forget(ordinary)
    cast("Any", client._safe_ecs_enforcer.cache)._rests_until = -1
    assert status(client, ordinary, form=form)[ordinary].source == "lookup"
    assert [read.parameters["SecurityGroupIds"].count(ordinary) for read in ecs.reads] == [1, 0, 1]


@pytest.mark.parametrize("form", FORMS)
def test_what_is_learned_is_shared(ecs: FakeEcs, server: RedisServer, ordinary: str, form: str) -> None:
    """A deleted group is removed from the server too. No task waits for the server."""
    client = another(ecs, server)
    listing = models.DescribeSecurityGroupsRequest(region_id="cn-hangzhou")
    call(client, "DescribeSecurityGroups", listing, form)
    _wait_until_stored(server, ordinary, is_status=True)
    assert status(another(ecs, server), ordinary)[ordinary].source == "shared"
    deletion = models.DeleteSecurityGroupRequest(security_group_id=ordinary)
    call(client, "DeleteSecurityGroup", deletion, form)
    _wait_until_stored(server, ordinary, is_status=False)
    assert not status(another(ecs, server), ordinary)[ordinary].exists


def _wait_until_stored(server: RedisServer, group: str, *, is_status: bool) -> None:
    """Wait until the server holds a status of a group, or the mark of a forgotten one."""
    deadline = monotonic() + 10
    with server.client as direct:
        while ("service_managed" in str(direct.get(f"safe_ecs:{group}"))) != is_status:
            assert monotonic() < deadline
            sleep(0.01)


@pytest.mark.parametrize("form", FORMS)
def test_warm_fills_the_memory_of_all(ecs: FakeEcs, server: RedisServer, ordinary: str, form: str) -> None:
    client = another(ecs, server)
    assert (client.guard.warm() if form == "sync" else asyncio.run(client.guard.warm_async())) == 1
    assert status(another(ecs, server), ordinary, form=form)[ordinary].source == "shared"


@pytest.mark.parametrize("form", FORMS)
def test_a_server_that_dies_and_comes_back_costs_a_warning(
    ecs: FakeEcs, caplog: pytest.LogCaptureFixture, mocker: Any, form: str
) -> None:
    """The cache warns once a minute, no call fails, and the cache uses the server again."""
    groups = [ecs.create_security_group() for _ in range(4)]
    with redis_server() as server:
        client = another(ecs, server)
        status(client, groups[0], form=form)
        server.kill()
        for group in groups[1:3]:
            assert status(client, group, form=form)[group].source == "lookup"
        server.start()
        clock = mocker.patch.object(Clock, "now", return_value=monotonic() + 6)
        status(client, groups[3], form=form)
        with server.client as direct:
            assert direct.keys() == [f"safe_ecs:{groups[3]}".encode()]
        server.kill()
        client.guard.forget()
        for seconds in (6, 30, 61):
            clock.return_value = monotonic() + seconds
            status(client, groups[0], form=form, refresh=True)
    warnings = [record for record in caplog.records if record.name == "safe_ecs"]
    assert [record.levelname for record in warnings] == ["WARNING", "WARNING"]
    assert warnings[0].getMessage() == (
        "The shared cache 'safe_ecs' cannot be used (ConnectionError): going on from memory and ECS."
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_server_that_is_slow_holds_a_call_for_half_a_second_at_most(
    ecs: FakeEcs, server: RedisServer, ordinary: str, form: str
) -> None:
    """Only the first call waits: the cache then rests. A client with its own time-outs makes no difference."""
    for cache in (RedisStatusCache(server.url), RedisStatusCache(server.client)):
        client = Client(ecs.config(), cache=cache)
        with server.halted():
            began = monotonic()
            for group in (ordinary, "sg-none"):
                assert status(client, group, form=form)[group].source == "lookup"
            assert 0.4 < monotonic() - began < 5


def test_a_hung_server_piles_up_nothing(server: RedisServer) -> None:
    """Neither threads nor sockets, and no time-out of the caller's own client counts."""
    cache = RedisStatusCache(redis.Redis.from_url(server.url, socket_timeout=60))
    read = Read("host", "cn-hangzhou", ("sg-1",))
    threads, sockets = threading.active_count(), open_sockets()
    with server.halted():
        for _ in range(3):
            began = monotonic()
            assert cache.fetch(read, 300) == {}
            assert 0.4 < monotonic() - began < 3
            assert (threading.active_count(), open_sockets()) == (threads, sockets)
            cache._rests_until = -1


def open_sockets() -> int:
    links = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # The descriptor of the listing itself is gone by now.
            links.append(str(descriptor.readlink()))
    return sum(link.startswith("socket:") for link in links)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "redis://:secret@127.0.0.1:1/0"])
def test_a_password_is_never_said(
    ecs: FakeEcs, caplog: pytest.LogCaptureFixture, ordinary: str, url: str
) -> None:
    cache = RedisStatusCache(url)
    status(Client(ecs.config(), cache=cache), ordinary)
    assert "cannot be used" in caplog.text
    assert "secret" not in caplog.text + repr(cache)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((7,), TypeError),
        ((redis.asyncio.Redis(),), TypeError),
        (("http://127.0.0.1",), ValueError),
        (("redis://127.0.0.1", 7), TypeError),
        (("redis://127.0.0.1", ""), ValueError),
        (("redis://127.0.0.1", "x", 0), ValueError),
    ],
    ids=["no client", "asyncio", "no redis URL", "no text", "empty", "no room"],
)
def test_impossible_arguments_are_refused(arguments: tuple[Any, ...], error: type[Exception]) -> None:
    keywords = dict(zip(("namespace", "maxsize"), arguments[1:], strict=False))
    with pytest.raises(error):
        RedisStatusCache(arguments[0], **keywords)


def test_one_with_a_client_of_its_own_travels_as_the_cache_of_one_process(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A Redis client cannot be pickled, but a guarded client must be, as the stock one can."""
    with server.client as direct:
        twin = pickle.loads(pickle.dumps(RedisStatusCache(direct, maxsize=7)))  # noqa: S301 - our own
    assert type(twin) is StatusCache
    assert twin._store.maxsize == 7
    assert "give it a URL" in caplog.text


def test_it_travels_to_another_process_as_the_same_one(
    ecs: FakeEcs, server: RedisServer, ordinary: str
) -> None:
    """The pickle keeps the namespace and loses the local statuses. A copy of a client shares the cache itself."""
    cache = RedisStatusCache(server.url, namespace="mine*")
    client = Client(ecs.config(), cache=cache)
    status(client, ordinary)
    twin = pickle.loads(pickle.dumps(cache))  # noqa: S301 - our own
    assert len(twin) == 0
    assert status(Client(ecs.config(), cache=twin), ordinary)[ordinary].source == "shared"
    assert status(copy(client), ordinary)[ordinary].source == "cache"
