"""A value on the server counts only if it is written exactly as safe_ecs writes it."""

from __future__ import annotations

import asyncio
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from safe_ecs import Client, GuardPolicy
from safe_ecs.cache.redis import RedisStatusCache

if TYPE_CHECKING:
    import redis

    from safe_ecs.testing import FakeEcs
    from tests.support.redis_server import RedisServer


def another(ecs: FakeEcs, server: RedisServer, **policy: Any) -> Client:
    """Return a client as in another process: with an empty local cache."""
    return Client(ecs.config(), cache=RedisStatusCache(server.url), policy=GuardPolicy(**policy))


def status(client: Client, *groups: str, form: str = "sync", **options: Any) -> Any:
    if form == "sync":
        return client.guard.status(*groups, **options)
    return asyncio.run(client.guard.status_async(*groups, **options))


VALUE = {
    "version": 2,
    "host": "HOST",
    "region_id": "cn-hangzhou",
    "security_group_id": "sg-1",
    "service_managed": False,
    "service_id": None,
    "asked_at": 1_600_000_000_000_000,  # stands for now
}


def microseconds(direct: redis.Redis) -> int:
    seconds, rest = direct.time()
    return seconds * 1_000_000 + rest


def ours(ecs: FakeEcs, asked_at: int, **fields: Any) -> str:
    """Return a value as a process stores it that has asked ECS at a time of the server."""
    return json.dumps(VALUE | {"host": ecs.endpoint, "asked_at": asked_at} | fields)


ODD_FIELDS: list[tuple[str, Any]] = [
    *[("version", odd) for odd in (0, 1, 3, "2", True, 2.5, None)],
    *[("service_managed", None), ("service_managed", [])],
    *[("service_managed", odd) for odd in (0, 1, "false", "")],
    *[("service_id", odd) for odd in ("7", True, 1.5)],
    *[("asked_at", odd) for odd in (None, "60000", 0, -1, 60000.5, True, 10**16, 10**320)],
    ("host", "another"),
    ("region_id", "cn-beijing"),
    ("security_group_id", "sg-2"),
    ("more", "than we know"),
    ("host", "x" * 1_000_000),
]


FOREIGN: list[Any] = [
    b"",
    b"null",
    b"[]",
    b"no json",
    b"\xff\xfe",
    b"[" * 500,
    pickle.dumps(VALUE),
    json.dumps(VALUE).encode("utf-16"),
    json.dumps(VALUE).replace(", ", ",").encode(),
    json.dumps(VALUE).replace('"service_id"', '"service_managed": false, "service_id"').encode(),
    *(VALUE | {name: odd} for name, odd in ODD_FIELDS),
    *({name: value for name, value in VALUE.items() if name != missing} for missing in VALUE),
]


@pytest.mark.parametrize("number", range(len(FOREIGN)))
def test_a_value_that_is_not_wholly_ours_is_a_miss(ecs: FakeEcs, server: RedisServer, number: int) -> None:
    """The guard asks ECS after an unreadable, oversized or foreign value, or one of another version, and replaces it."""
    foreign = FOREIGN[number]
    ecs.create_security_group(security_group_id="sg-1", service_managed=True)
    if isinstance(foreign, dict):
        foreign = json.dumps(foreign).encode()
    foreign = foreign.replace(b"HOST", ecs.endpoint.encode())
    with server.client as direct:
        a_second_ago = microseconds(direct) - 1_000_000
        foreign = foreign.replace(b"1600000000000000", str(a_second_ago).encode())
        direct.set("safe_ecs:sg-1", foreign, px=50_000)
        found = status(another(ecs, server), "sg-1")["sg-1"]
        assert (found.service_managed, found.source) == (True, "lookup")
        assert len(ecs.reads) == 1
        assert direct.get("safe_ecs:sg-1") != foreign


def test_a_value_that_is_wholly_ours_is_a_hit(ecs: FakeEcs, server: RedisServer) -> None:
    """A correct value is a hit, so the misses above have the stated reason."""
    with server.client as direct:
        direct.set("safe_ecs:sg-1", ours(ecs, microseconds(direct)))
    assert status(another(ecs, server), "sg-1")["sg-1"].source == "shared"


def test_a_key_of_another_type_is_a_miss_for_that_group_alone(
    ecs: FakeEcs, server: RedisServer, ordinary: str
) -> None:
    status(another(ecs, server), ordinary)
    with server.client as direct:
        direct.lpush("safe_ecs:sg-1", "x")
    client = another(ecs, server)
    known = status(client, ordinary, "sg-1")
    assert (known[ordinary].source, known["sg-1"].source) == ("shared", "lookup")
