"""A memory that several processes share, on a Redis or Valkey server. Needs the extra ``redis``.

It lies under the memory of each process: a status remembered there costs no round trip. A status is one key. Missing
groups are not shared: a group may belong to another account.

Only the server's clock counts. A value holds the time at which ECS was asked, by that clock, and scripts on the server let
no value replace one that is newer. A forgotten group leaves a mark with a time: an answer to an older question is not
stored. All groups of a namespace are forgotten by one mark.

The server is a help and never a need. When it is slow, gone or holds something else, calls go on from memory and ECS.
"""

from __future__ import annotations

import json
import math
import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

try:
    import redis

    from safe_ecs.cache._redis_connections import Connections
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(f"{error}: pip install 'safe-ecs[redis]'", name=error.name) from error

from safe_ecs._core.decision import GroupStatus
from safe_ecs._system.clock import Clock
from safe_ecs.cache._status_cache import StatusCache
from safe_ecs.observe._log import LOGGER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from safe_ecs._core.review import Read

_VERSION: Final = 2
_MOST_BYTES: Final = 512
_LONGEST_ID: Final = 128
_MICROSECONDS: Final = 1_000_000
# An answer that took longer is not shared. So the mark of a group need not stay longer.
_LONGEST_ANSWER_SECONDS: Final = 600
# The mark of all groups has to outlive their values.
_LONGEST_TTL_SECONDS: Final = 30 * 86_400

# For one round trip in all, with a connection if there is none yet, also if the answer comes byte by byte.
_PATIENCE_SECONDS: Final = 0.5
_REST_SECONDS: Final = 5.0
_WARNING_SECONDS: Final = 60.0
_MEASURED_SECONDS: Final = 10.0

_ASKED_AT: Final = re.compile(r'"asked_at": ([0-9]{1,16})}\Z')

_PUBLISH: Final = f"""
local time = redis.call('TIME')
local now, asked_at = time[1] * {_MICROSECONDS} + time[2], tonumber(ARGV[1])
local left = ARGV[2] - (now - asked_at)
local function newest(key)
  local value = redis.pcall('GETRANGE', key, 0, {_MOST_BYTES})
  local at = type(value) == 'string' and tonumber(string.match(value, '"asked_at": (%d+)}}$'))
  return at and at <= now and at or 0
end
if asked_at <= now and now - asked_at < {_LONGEST_ANSWER_SECONDS * _MICROSECONDS} and left >= 1000
    and newest(KEYS[1]) < asked_at then
  for i = 2, #KEYS do
    if newest(KEYS[i]) < asked_at then
      redis.call('SET', KEYS[i], ARGV[i + 1], 'PX', math.floor(left / 1000))
    end
  end
end
return time
"""
"""Stores values: the mark of the namespace and the keys, the time of the question, the time to live, the values."""

_FORGET: Final = """
local time = redis.call('TIME')
local mark = string.format('{"asked_at": %s%06d}', time[1], time[2])
for _, key in ipairs(KEYS) do
  redis.call('SET', key, mark, 'EX', ARGV[1])
end
return time
"""
"""Marks keys as forgotten: the keys, and the time to live of the marks."""


class RedisStatusCache(StatusCache):
    """A ``StatusCache`` that shares its found statuses with other processes.

    A round trip to the server takes half a second at most. After a failure the server is left alone for five seconds.

    Args:
        url_or_client: The URL of a server (``redis://``, ``rediss://`` or ``unix://``), or a ``redis.Redis``. Of the
            latter the settings are taken alone, for connections of the cache's own. It stays behind when a client is
            pickled.
        namespace: The beginning of the keys. Processes with the same namespace share statuses.
        maxsize: As for ``StatusCache``: the most groups to remember in this process.

    Raises:
        TypeError: ``url_or_client`` is neither; an asyncio client is none either, nor is it needed. Or the client has a
            connection pool of another class than redis's own, as one for Sentinel has.
        ValueError: The URL or ``maxsize`` is impossible, or ``namespace`` is empty.
    """

    is_shared = True

    def __init__(
        self, url_or_client: str | redis.Redis, *, namespace: str = "safe_ecs", maxsize: int = 65536
    ) -> None:
        super().__init__(maxsize)
        if not isinstance(url_or_client, (str, redis.Redis)):
            raise TypeError(
                f"url_or_client must be a URL or a redis.Redis, not {type(url_or_client).__name__}; "
                "async methods work with either"
            )
        if not isinstance(namespace, str):
            raise TypeError(f"namespace must be a string, not {namespace!r}")
        if not namespace:
            raise ValueError("namespace must not be empty")
        self._made_of = url_or_client, namespace, maxsize
        self._namespace = namespace
        # No other namespace, with an id behind it, gives the same key: the first colon ends the namespace.
        self._prefix = quote(namespace, safe="", errors="surrogatepass") + ":"
        self._connections = Connections(url_or_client)
        self._server_ahead = 0.0
        self._measured_until = -math.inf
        self._rests_until = self._silent_until = -1.0

    def fetch(self, read: Read, ttl: float) -> dict[str, GroupStatus]:
        """Return the shared statuses of a read's groups that are younger than ``ttl`` seconds."""
        ids = [i for i in read.security_group_ids if len(i) <= _LONGEST_ID]
        # One byte more than a value of ours can have: a foreign one may be of any size.
        commands = [("GETRANGE", self._prefix + i.lower(), 0, _MOST_BYTES) for i in ("", *ids)]
        replies = self._ask(*commands, ("TIME",)) if ids else None
        if replies is None:
            return {}
        now = _microseconds(replies[-1])
        forgotten_at = _asked_at(replies[0])
        known = {}
        for security_group_id, value in zip(ids, replies[1:-1], strict=True):
            status = _decoded(read, security_group_id.lower(), value, now)
            if status is not None and status.age < ttl and not _asked_at(value) <= forgotten_at <= now:
                known[security_group_id] = status
        return known

    def publish(self, read: Read, statuses: Iterable[GroupStatus], ttl: float, asked_at: float) -> None:
        """Share statuses that ``remember`` has kept, until ``ttl`` seconds after ECS was asked.

        Args:
            read: The endpoint and the region that gave them.
            statuses: The statuses; those of missing groups are left out.
            ttl: The time to live.
            asked_at: When ECS was asked, by ``Clock.now()``.
        """
        if Clock.now() >= self._measured_until and self._ask(("TIME",)) is None:
            return
        asked = int((asked_at + self._server_ahead) * _MICROSECONDS)
        values = {
            self._prefix + status.security_group_id: _encoded(read, status, asked)
            for status in statuses
            if status.exists
            and len(status.security_group_id) <= _LONGEST_ID
            and self.forgotten_at((status.security_group_id, read.host)) < asked_at
        }
        if values:
            keys = self._prefix, *values
            self._ask(("EVAL", _PUBLISH, len(keys), *keys, asked, int(ttl * _MICROSECONDS), *values.values()))

    def invalidate_elsewhere(self, security_group_ids: Collection[str]) -> None:
        """Make other processes forget these groups, or all of the namespace if none is named.

        Statuses in their own memory stay there for their ``ttl``.
        """
        keys = [self._prefix + i for i in security_group_ids or ("",) if len(i) <= _LONGEST_ID]
        ttl = _LONGEST_ANSWER_SECONDS if security_group_ids else _LONGEST_TTL_SECONDS
        if keys:
            self._ask(("EVAL", _FORGET, len(keys), *keys, ttl))

    def _ask(self, *commands: tuple[Any, ...]) -> list[Any] | None:
        """Send commands in one round trip and return the replies, the last of which is the server's time.

        None means that calls have to go on without the server, which is then left alone for a while.
        """
        now = Clock.now()
        if now < self._rests_until:
            return None
        try:
            replies = self._connections.round_trip(commands, now + _PATIENCE_SECONDS)
            self._note_time(_microseconds(replies[-1]) / _MICROSECONDS)
        except (redis.RedisError, OSError, ValueError, TypeError, LookupError, AttributeError) as error:
            # No call is to fail for the cache. An exception of another class is that of a signal handler: it is meant
            # for the program, whose thread this is.
            self._rests_until = now + _REST_SECONDS
            self._measured_until = -math.inf  # It may be another server, with another clock, that comes back.
            if now >= self._silent_until:
                self._silent_until = now + _WARNING_SECONDS
                # Without the error's text: there may be a password in it.
                LOGGER.warning(
                    "The shared cache %r cannot be used (%s): going on from memory and ECS.",
                    self._namespace,
                    type(error).__name__,
                )
            return None
        return replies

    def _note_time(self, server_seconds: float) -> None:
        """Note by how much the server's clock is ahead: the most that was measured lately.

        Each measurement is too low by the time that the reply took. So a question counts as older than it is, if anything.
        """
        now = Clock.now()
        if server_seconds - now > self._server_ahead or now >= self._measured_until:
            self._server_ahead = server_seconds - now
            self._measured_until = now + _MEASURED_SECONDS

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process as a cache with an empty memory, for the same server if that was given as a URL.

        A ``redis.Redis`` cannot travel: without it, it is the cache of one process.
        """
        url_or_client, namespace, maxsize = self._made_of
        if not isinstance(url_or_client, str):
            LOGGER.warning(
                "The shared cache %r does not travel with its client, because it was made with a redis.Redis: "
                "give it a URL.",
                namespace,
            )
            return StatusCache, (maxsize,)
        return partial(type(self), url_or_client, namespace=namespace, maxsize=maxsize), ()


def _microseconds(reply: object) -> int:
    """Return the server's time.

    Raises:
        redis.RedisError: The reply is an error.
        TypeError: The reply is no time.
    """
    if isinstance(reply, redis.RedisError):
        raise reply
    if not isinstance(reply, list):
        raise TypeError
    seconds, microseconds = reply
    return int(seconds) * _MICROSECONDS + int(microseconds)


def _asked_at(value: object) -> int:
    """Return the time in a value or a mark, 0 if there is none."""
    found = _ASKED_AT.search(value.decode("latin-1")) if isinstance(value, bytes) else None
    return int(found[1]) if found else 0


def _encoded(read: Read, status: GroupStatus, asked_at: int) -> str:
    return json.dumps({
        "version": _VERSION,
        "host": read.host,
        "region_id": read.region_id,
        "security_group_id": status.security_group_id,
        "service_managed": status.service_managed,
        "service_id": status.service_id,
        "asked_at": asked_at,
    })


def _decoded(read: Read, security_group_id: str, value: object, now: int) -> GroupStatus | None:
    """Return the status of a value, None for a value that ``_encoded`` would not make."""
    if not isinstance(value, bytes) or not value or len(value) > _MOST_BYTES:
        return None
    try:
        fields = json.loads(value)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    asked_at, service_id = fields.get("asked_at"), fields.get("service_id")
    if type(asked_at) is not int or not 0 < asked_at <= now:
        return None
    status = GroupStatus(
        security_group_id=security_group_id,
        exists=True,
        service_managed=fields.get("service_managed") is True,
        service_id=service_id if type(service_id) is int else None,
        region_id=read.region_id,
        source="shared",
        age=(now - asked_at) / _MICROSECONDS,
    )
    # Names that stand there twice, another order, 1 for true: safe_ecs did not write it.
    return status if value == _encoded(read, status, asked_at).encode() else None
