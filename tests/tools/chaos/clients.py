"""The clients of the calls: of every kind, some shared by all callers of a process, some new for a call."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import redis
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.core import DaraCore

from safe_ecs import Client, GuardPolicy, StatusCache, guard
from safe_ecs.cache.redis import RedisStatusCache
from tests.support.transports import FORMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from safe_ecs.policy import Mode

LOOKUP_TIMEOUT: Final = 2.0
CONNECT_TIMEOUT: Final = 4.0
READ_TIMEOUT: Final = 4.0
_V2: Final = "a client with signature v2"
# With signature v2 the SDK fails in these transports before it sends anything.
_SIGNING_BY_V3: Final = ("do_request", "call_sseapi")
# Statuses are cached for a short time, so that the guard asks often.
_POLICY: Final = GuardPolicy(
    ttl=1.0, missing_ttl=0.3, failure_ttl=0.2, stale_ttl=5.0, lookup_timeout=LOOKUP_TIMEOUT
)


class Subclass(StockClient):
    """A user's own client."""

    def call_api(self, params: Any, request: Any, runtime: Any) -> Any:
        return super().call_api(params, request, runtime)


class Clients:
    """Makes clients and keeps the shared ones.

    Args:
        endpoint: The endpoint of FakeEcs.
        redis_url: The URL of a Redis server.
        mode: The mode of the policy.
    """

    def __init__(self, endpoint: str, redis_url: str, mode: Mode) -> None:
        self._endpoint = endpoint
        self._policy = replace(_POLICY, mode=mode)
        hasty = replace(self._policy, ttl=0.2, stale_ttl=0, lookup_attempts=2)
        self._fleet = RedisStatusCache(redis_url, namespace="chaos")
        self._hasty_fleet = RedisStatusCache(redis.Redis.from_url(redis_url), namespace="chaos")
        self._makers: dict[str, Callable[[], Any]] = {
            "a client": lambda: Client(self._config(), policy=self._policy),
            "a client with a memory of its own": lambda: Client(
                self._config(), policy=hasty, cache=StatusCache(64)
            ),
            _V2: lambda: Client(self._config(signature_algorithm="v2"), policy=self._policy),
            "a client over Redis": lambda: Client(self._config(), policy=self._policy, cache=self._fleet),
            "a hasty client over Redis": lambda: Client(
                self._config(), policy=hasty, cache=self._hasty_fleet
            ),
            "a guarded stock client": lambda: guard(StockClient(self._config()), policy=self._policy),
            "a guarded client of a subclass over Redis": lambda: guard(
                Subclass(self._config()), policy=self._policy, cache=self._fleet
            ),
            "a guarded generic client": lambda: guard(OpenApiClient(self._config()), policy=hasty),
        }
        self._shared = {name: make() for name, make in self._makers.items()}
        self._with_methods = tuple(
            name for name, client in self._shared.items() if isinstance(client, StockClient)
        )

    def pick(self, dice: Any, way: str) -> tuple[str, Any]:
        """Return a client that has this way to send, and its name."""
        names, is_new = tuple(self._makers), dice.random() < 0.4
        if way in FORMS:
            names = self._with_methods
        elif way.startswith(_SIGNING_BY_V3):
            names = tuple(name for name in names if name != _V2)
        name = dice.choice(names)
        if is_new or way.startswith("execute"):
            # The plug-in that execute needs would change a shared client under the other callers.
            return f"new, {name}", self._makers[name]()
        return f"shared, {name}", self._shared[name]

    @property
    def shared(self) -> tuple[Any, ...]:
        """The shared clients."""
        return tuple(self._shared.values())

    def close(self) -> None:
        """Close the connections that the SDK and the caches keep open for another time."""
        for cache in (self._fleet, self._hasty_fleet):
            while cache._connections.idle:
                cache._connections.idle.pop()[1].disconnect()
        for session in DaraCore._sessions.values():
            session.close()
        DaraCore._sessions.clear()

    def _config(self, **more: Any) -> Config:
        return Config(
            access_key_id="fake-account",
            access_key_secret="fake-secret",
            endpoint=self._endpoint,
            protocol="HTTP",
            region_id="cn-hangzhou",
            connect_timeout=int(CONNECT_TIMEOUT * 1000),
            read_timeout=int(READ_TIMEOUT * 1000),
            **more,
        )


_LEFT: Final[list[object]] = []


def leave_connections_to_parent() -> None:
    """Have the SDK open new connections in a forked process, as any program that forks must.

    Nothing is closed, since a thread left in the parent may hold a lock.
    """
    _LEFT.append(DaraCore._sessions)
    DaraCore._sessions = {}
