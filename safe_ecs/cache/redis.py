"""A memory that several processes share, on a Redis or Valkey server. Needs the extra ``redis``.

It lies under the memory of each process: a status remembered there costs no round trip. A status is one key. Its time
to live is set on the server, so that only the server's clock counts. Missing groups are not shared: a group may belong
to another account.

The server is a help and never a need. When it is slow, gone or holds something else, calls go on from memory and ECS.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(f"{error}: pip install 'safe-ecs[redis]'", name=error.name) from error

from safe_ecs._clock import Clock
from safe_ecs._core.decision import GroupStatus
from safe_ecs.cache._background import within
from safe_ecs.cache._status_cache import StatusCache
from safe_ecs.observe._log import LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from safe_ecs._core.review import Read

_Result = TypeVar("_Result")

_VERSION: Final = 1
_MOST_BYTES: Final = 512
_MOST_MILLISECONDS: Final = 2**63 - 1
_LONGEST_ID: Final = 128
_SCAN_SIZE: Final = 1000

_SOCKET_TIMEOUT_SECONDS: Final = 0.25
# For one round trip in all, also with a client whose own time-outs are longer.
_PATIENCE_SECONDS: Final = 0.5
_PATIENCE_FOR_ALL_SECONDS: Final = 5.0
_REST_SECONDS: Final = 5.0
_WARNING_SECONDS: Final = 60.0


class RedisStatusCache(StatusCache):
    """A ``StatusCache`` that shares its found statuses with other processes.

    Args:
        url_or_client: The URL of a server (``redis://``, ``rediss://`` or ``unix://``), or a ``redis.Redis``. The
            latter stays behind when a client is pickled.
        namespace: The beginning of the keys. Processes with the same namespace share statuses.
        maxsize: As for ``StatusCache``: the most groups to remember in this process.

    Raises:
        TypeError: ``url_or_client`` is neither; an asyncio client is none either, nor is it needed.
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
        self._client = _client(url_or_client) if isinstance(url_or_client, str) else url_or_client
        self._rests_until = self._silent_until = -1.0

    def fetch(self, read: Read, ttl: float) -> dict[str, GroupStatus]:
        """Return the shared statuses of a read's groups that are younger than ``ttl`` seconds."""
        ids = [i for i in read.security_group_ids if len(i) <= _LONGEST_ID]
        replies = self._try(partial(self._get, [i.lower() for i in ids]), _PATIENCE_SECONDS) if ids else None
        if replies is None:
            return {}
        known = {}
        for security_group_id, value, milliseconds in zip(ids, replies[::2], replies[1::2], strict=True):
            status = _decoded(read, security_group_id.lower(), value, milliseconds)
            if status is not None and status.age < ttl:
                known[security_group_id] = status
        return known

    def publish(self, read: Read, statuses: Iterable[GroupStatus], ttl: float) -> None:
        """Share new statuses of groups that exist for ``ttl`` seconds."""
        milliseconds = int(ttl * 1000)
        values = {
            self._key(status.security_group_id): _encoded(read, status, milliseconds)
            for status in statuses
            if status.exists and len(status.security_group_id) <= _LONGEST_ID
        }
        if values and milliseconds:
            self._try(partial(self._set, values, milliseconds), _PATIENCE_SECONDS)

    def invalidate_elsewhere(self, security_group_ids: Collection[str]) -> None:
        """Make other processes forget these groups, or all of the namespace if none is named.

        Statuses in their own memory stay there for their ``ttl``.
        """
        if security_group_ids:
            self._try(partial(self._delete, list(map(self._key, security_group_ids))), _PATIENCE_SECONDS)
        else:
            self._try(self._delete_all, _PATIENCE_FOR_ALL_SECONDS)

    def _key(self, security_group_id: str) -> str:
        return f"{self._namespace}:{security_group_id}"

    def _get(self, security_group_ids: Sequence[str]) -> list[Any]:
        with self._client.pipeline(transaction=False) as pipeline:
            for key in map(self._key, security_group_ids):
                # One byte more than a value of ours can have: a foreign one may be of any size.
                pipeline.getrange(key, 0, _MOST_BYTES)
                pipeline.pttl(key)
            replies: list[Any] = pipeline.execute(raise_on_error=False)
        if all(isinstance(reply, Exception) for reply in replies):
            raise replies[0]  # The server's state, and no single value, is the matter.
        return replies

    def _set(self, values: dict[str, str], milliseconds: int) -> None:
        with self._client.pipeline(transaction=False) as pipeline:
            for key, value in values.items():
                pipeline.set(key, value, px=milliseconds)
            pipeline.execute()

    def _delete(self, keys: list[str]) -> None:
        self._client.delete(*keys)

    def _delete_all(self) -> None:
        pattern = re.sub(r"([\\*?\[\]^])", r"\\\1", self._namespace) + ":*"
        keys: list[Any] = []
        for key in self._client.scan_iter(match=pattern, count=_SCAN_SIZE):
            keys.append(key)
            if len(keys) == _SCAN_SIZE:
                self._client.delete(*keys)
                keys.clear()
        if keys:
            self._client.delete(*keys)

    def _try(self, command: Callable[[], _Result], seconds: float) -> _Result | None:
        """Do something with the server, or go on without: then it is left alone for a while."""
        now = Clock.now()
        if now < self._rests_until:
            return None
        try:
            return within(seconds, command)
        except Exception as error:  # noqa: BLE001 - no call is to fail for the cache
            self._rests_until = now + _REST_SECONDS
            if now >= self._silent_until:
                self._silent_until = now + _WARNING_SECONDS
                # Without the error's text: there may be a password in it.
                LOGGER.warning(
                    "The shared cache %r cannot be used (%s): going on from memory and ECS.",
                    self._namespace,
                    type(error).__name__,
                )
            return None

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


def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(
        url,
        socket_timeout=_SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=_SOCKET_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def _encoded(read: Read, status: GroupStatus, milliseconds: int) -> str:
    return json.dumps({
        "version": _VERSION,
        "host": read.host,
        "region_id": read.region_id,
        "security_group_id": status.security_group_id,
        "service_managed": status.service_managed,
        "service_id": status.service_id,
        "milliseconds": milliseconds,
    })


def _decoded(read: Read, security_group_id: str, value: object, left: object) -> GroupStatus | None:
    """Return the status of a value, None for a value that ``_encoded`` would not make."""
    if not isinstance(value, (str, bytes)) or not value or len(value) > _MOST_BYTES or type(left) is not int:
        return None
    try:
        fields = json.loads(value)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    milliseconds, service_id = fields.get("milliseconds"), fields.get("service_id")
    if type(milliseconds) is not int or not 0 < left <= milliseconds <= _MOST_MILLISECONDS:
        return None
    status = GroupStatus(
        security_group_id=security_group_id,
        exists=True,
        service_managed=fields.get("service_managed") is True,
        service_id=service_id if type(service_id) is int else None,
        region_id=read.region_id,
        source="shared",
        age=(milliseconds - left) / 1000,
    )
    text = value if isinstance(value, str) else value.decode("utf-8", "replace")
    # Names that stand there twice, another order, 1 for true: safe_ecs did not write it.
    return status if text == _encoded(read, status, milliseconds) else None
