"""What processes share has one order in time: no older answer replaces a newer one, or comes back after it was forgotten."""

from __future__ import annotations

import json
from functools import partial
from time import sleep
from typing import TYPE_CHECKING, Any, cast

import pytest

from safe_ecs import Client, GroupStatus, ManagedSecurityGroupError
from safe_ecs._core.review import Read
from safe_ecs._system.clock import Clock
from safe_ecs.cache.redis import RedisStatusCache
from safe_ecs.testing import CannedAnswer
from tests.support.concurrency import Callers
from tests.support.sdk import models
from tests.support.transports import call

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs
    from tests.support.redis_server import RedisServer

DESCRIBE = "DescribeSecurityGroups"
FORMS = ("sync", "async")
READ = Read("host", "cn-hangzhou", ("sg-1",))
UNMANAGED = GroupStatus("sg-1", True, False, None, "cn-hangzhou")  # noqa: FBT003 - fields
MANAGED = UNMANAGED._replace(service_managed=True)


def another(ecs: FakeEcs, server: RedisServer) -> Client:
    """Return a client as in another process: with an empty local cache."""
    return Client(ecs.config(), cache=RedisStatusCache(server.url))


def shared(server: RedisServer, namespace: str = "safe_ecs", group: str = "sg-1") -> str:
    """Return the state of a group that another process gets from the server; "" for none."""
    read = READ._replace(security_group_ids=(group,))
    known = RedisStatusCache(server.url, namespace=namespace).fetch(read, 300)
    return known[group].state if known else ""


def publish(server: RedisServer, status: GroupStatus, asked_at: float, ttl: float = 300) -> None:
    """Publish a status as a process does that knows nothing else."""
    RedisStatusCache(server.url).publish(READ, [status], ttl, asked_at)


def delete(client: Client, form: str = "sync") -> None:
    call(client, "DeleteSecurityGroup", models.DeleteSecurityGroupRequest(security_group_id="sg-1"), form)


def start_slow_listing(ecs: FakeEcs, client: Client, form: str) -> Callers:
    """Send a listing of the caller's own that is answered later, with a state of now: the group is not managed."""
    before = {"SecurityGroups": {"SecurityGroup": [{"SecurityGroupId": "sg-1", "ServiceManaged": False}]}}
    ecs.answer_with(DESCRIBE, CannedAnswer(body=json.dumps(before).encode(), delay=0.8))
    listing = models.DescribeSecurityGroupsRequest(region_id="cn-hangzhou")
    reads = len(ecs.reads)
    asking = Callers([partial(call, client, DESCRIBE, listing, form)])
    while len(ecs.reads) == reads:
        sleep(0.001)
    return asking


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("who", ["the same process", "another process"])
def test_a_listing_that_was_sent_before_a_change_is_not_shared_as_new(
    ecs: FakeEcs, server: RedisServer, form: str, who: str
) -> None:
    """A third process refuses the write: the group is known as managed."""
    client = another(ecs, server)
    asking = start_slow_listing(ecs, client, form)
    ecs.create_security_group(security_group_id="sg-1", service_managed=True)
    (client if who == "the same process" else another(ecs, server)).guard.status("sg-1", refresh=True)
    asking.join(10)
    with pytest.raises(ManagedSecurityGroupError):
        delete(another(ecs, server), form)
    assert not ecs.writes


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("forgotten", [("sg-1",), ()], ids=["by name", "with all"])
def test_a_listing_that_was_sent_before_another_process_forgot_is_not_shared(
    ecs: FakeEcs, server: RedisServer, form: str, forgotten: tuple[str, ...]
) -> None:
    ecs.create_security_group(security_group_id="sg-1", service_managed=True)
    asking = start_slow_listing(ecs, another(ecs, server), form)
    another(ecs, server).guard.forget(*forgotten)
    asking.join(10)
    with pytest.raises(ManagedSecurityGroupError):
        delete(another(ecs, server), form)
    assert not ecs.writes


def test_the_newest_question_wins_whoever_publishes_last(server: RedisServer) -> None:
    now = Clock.now()
    publish(server, MANAGED, now - 10)
    publish(server, UNMANAGED, now - 20)
    assert shared(server) == "managed"
    publish(server, UNMANAGED, now - 5)
    assert shared(server) == "unmanaged"


def test_what_is_published_has_its_age(server: RedisServer) -> None:
    """Also its time to live counts from the question. What has outlived it is not stored."""
    now = Clock.now()
    publish(server, MANAGED, now - 100)
    [status] = RedisStatusCache(server.url).fetch(READ, 300).values()
    assert 100 <= status.age < 110
    with server.client as direct:
        assert 190_000 < cast("int", direct.pttl("safe_ecs:sg-1")) <= 200_000
        direct.flushall()
        publish(server, MANAGED, now - 300)
        publish(server, MANAGED, now - 700, ttl=3600)
        publish(server, MANAGED, now + 60)
        assert direct.keys() == []


def test_what_was_forgotten_here_is_not_published(server: RedisServer) -> None:
    """The group, its endpoint, or everything."""
    for name, arguments in (("forget", [["sg-1"]]), ("forget", []), ("forget_endpoint", ["host"])):
        cache, asked_at = RedisStatusCache(server.url), Clock.now()
        getattr(cache, name)(*arguments)
        cache.publish(READ, [MANAGED], 300, asked_at)
        assert shared(server) == ""
        cache.publish(READ, [MANAGED], 300, Clock.now())
        assert shared(server) == "managed"
        with server.client as direct:
            direct.flushall()


def test_a_command_that_a_hung_server_gets_to_late_is_as_old_as_it_is(server: RedisServer) -> None:
    """The command waits in the server's socket when its sender has given up long since."""
    cache = RedisStatusCache(server.url)
    cache.fetch(READ, 300)
    with server.halted():
        cache.publish(READ, [UNMANAGED], 300, Clock.now())
        sleep(0.3)
    [status] = RedisStatusCache(server.url).fetch(READ, 300).values()
    assert status.age > 0.7
    with server.halted():
        cache._rests_until = -1
        cache._measured_until = Clock.now() + 60
        cache.publish(READ, [UNMANAGED], 0.7, Clock.now())
        sleep(0.4)
    [status] = RedisStatusCache(server.url).fetch(READ, 300).values()
    assert status.age > 1.4


class Overtaken(RedisStatusCache):
    """Another thread learns that a group is managed while this one waits for the server."""

    def fetch(self, read: Read, ttl: float) -> dict[str, GroupStatus]:
        known = super().fetch(read, ttl)
        self.remember(read, cast("Any", None), [MANAGED])
        return known


def test_a_shared_status_that_is_older_than_what_this_process_knows_is_not_used(
    ecs: FakeEcs, server: RedisServer
) -> None:
    ecs.create_security_group(security_group_id="sg-1")
    another(ecs, server).guard.status("sg-1")
    ecs.create_security_group(security_group_id="sg-1", service_managed=True)
    client = Client(ecs.config(), cache=Overtaken(server.url))
    with pytest.raises(ManagedSecurityGroupError):
        delete(client)
    assert (len(ecs.reads), len(ecs.writes)) == (2, 0)


@pytest.mark.parametrize(
    ("namespace", "other", "group"),
    [
        ("safe_ecs", "safe_ecs:blue", "sg-1"),
        ("safe_ecs", "safe_ecs:", "sg-1"),
        ("mine*", "miner", "sg-1"),
        ("[ab]", "a", "sg-1"),
        ("a?", "ab", "sg-1"),
        ("\\*", "x", "sg-1"),
        ("%3A", ":", "sg-1"),
        ("\u00e9", "e\u0301", "sg-1"),
        ("\ud800", "?", "sg-1"),
        ("a b", "a", "sg-1"),
    ],
    ids=range(10),
)
def test_namespaces_that_begin_alike_are_left_alone(
    server: RedisServer, namespace: str, other: str, group: str
) -> None:
    """To forget all of one leaves the other, both ways, and neither reads the other's statuses."""
    for one, two in ((namespace, other), (other, namespace)):
        with server.client as direct:
            direct.flushall()
        for name, status in ((one, UNMANAGED), (two, MANAGED)):
            RedisStatusCache(server.url, namespace=name).publish(READ, [status], 300, Clock.now())
        assert [shared(server, name, group) for name in (one, two)] == ["unmanaged", "managed"]
        RedisStatusCache(server.url, namespace=one).invalidate_elsewhere(())
        assert [shared(server, name, group) for name in (one, two)] == ["", "managed"]
        RedisStatusCache(server.url, namespace=one).invalidate_elsewhere((group,))
        assert shared(server, two, group) == "managed"


def test_an_id_is_no_part_of_a_namespace(server: RedisServer) -> None:
    """With a colon in an id, the key could be that of another namespace."""
    status = MANAGED._replace(security_group_id="blue:sg-1")
    RedisStatusCache(server.url).publish(READ, [status], 300, Clock.now())
    assert shared(server, "safe_ecs:blue") == ""
    assert shared(server, "safe_ecs", "blue:sg-1") == "managed"


def test_no_long_id_is_a_key(server: RedisServer) -> None:
    """The ids are the caller's texts, of any length, and forgetting none of them is not forgetting all."""
    publish(server, MANAGED, Clock.now())
    cache, long = RedisStatusCache(server.url), "sg-" + "1" * 1000
    cache.invalidate_elsewhere((long,))
    cache.publish(READ, [MANAGED._replace(security_group_id=long)], 300, Clock.now())
    assert cache.fetch(READ._replace(security_group_ids=(long,)), 300) == {}
    assert shared(server) == "managed"
    with server.client as direct:
        assert direct.keys() == [b"safe_ecs:sg-1"]


@pytest.mark.parametrize("form", FORMS)
def test_what_a_process_forgot_while_the_server_was_gone_it_does_not_get_again(
    ecs: FakeEcs, server: RedisServer, form: str
) -> None:
    """Not even if an interrupt has made its memory begin afresh meanwhile."""
    ecs.create_security_group(security_group_id="sg-1")
    client = another(ecs, server)
    client.guard.status("sg-1")
    cache: Any = client._safe_ecs_enforcer.cache
    with server.halted():
        client.guard.forget("sg-1")
    cache._store.start_afresh()
    cache._rests_until = -1
    ecs.create_security_group(security_group_id="sg-1", service_managed=True)
    with pytest.raises(ManagedSecurityGroupError):
        delete(client, form)
    assert not ecs.writes
