"""Connections to a Redis server of which each round trip has one deadline, however slowly its bytes come."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import redis
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.retry import Retry

from safe_ecs._system.clock import Clock

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

_SHORTEST_WAIT_SECONDS: Final = 0.001
_MOST_IDLE: Final = 8


class Connections:
    """The connections of one cache.

    Args:
        url_or_client: The URL of the server, or a client: its settings alone are taken.

    Raises:
        TypeError: The client has a connection pool of another class than redis's own, as one for Sentinel has.
        ValueError: The URL is impossible.

    Attributes:
        idle: The connections that wait for their next round trip, each with the process that made it.
    """

    def __init__(self, url_or_client: str | redis.Redis) -> None:
        self.idle: list[tuple[int, Any]] = []
        self._connect = _connector(url_or_client)

    def round_trip(self, commands: Iterable[tuple[Any, ...]], deadline: float) -> list[Any]:
        """Send commands over an idle connection, or a new one, and return the replies or the errors of the server.

        Args:
            commands: The commands.
            deadline: The end of the round trip, by ``Clock.now()``.

        Raises:
            redis.RedisError: There is no server, or it has not answered in time.
            OSError: Likewise.
        """
        connection: Any
        try:
            process, connection = self.idle.pop()
        except IndexError:
            process, connection = -1, None
        if process != os.getpid():  # The sockets before a fork are the parent's.
            connection = self._connect()
        replies: list[Any] = []
        commands = tuple(commands)
        try:
            connection.deadline.at = deadline
            connection.connect()
            if _is_stale(connection):
                connection.disconnect()
                connection.connect()
            connection.send_packed_command(connection.pack_commands(commands))
            for _ in commands:
                try:
                    replies.append(connection.read_response())
                except redis.ResponseError as error:
                    replies.append(error)
        except BaseException:
            connection.disconnect()
            raise
        if len(self.idle) < _MOST_IDLE:
            self.idle.append((os.getpid(), connection))
        else:
            connection.disconnect()
        return replies


class _Deadline:
    """The end of a round trip, for all that a connection does with its socket.

    Attributes:
        at: When it ends, by ``Clock.now()``.
    """

    at = 0.0

    def left(self) -> float:
        return max(self.at - Clock.now(), _SHORTEST_WAIT_SECONDS)


class _Socket:
    """The socket of a connection, with one deadline for all that it receives.

    The time-out of a socket begins anew with each byte.
    """

    def __init__(self, wrapped: socket.socket, deadline: _Deadline) -> None:
        self._wrapped, self._deadline = wrapped, deadline

    def __getattr__(self, name: str) -> object:
        return getattr(self._wrapped, name)

    def recv(self, number: int, flags: int = 0) -> bytes:
        self._limit()
        return self._wrapped.recv(number, flags) if flags else self._wrapped.recv(number)

    def recv_into(self, buffer: bytearray, number: int = 0) -> int:
        self._limit()
        return self._wrapped.recv_into(buffer, number)

    def _limit(self) -> None:
        if self._wrapped.gettimeout() == 0:
            return  # It is asked whether there is anything at all.
        if Clock.now() >= self._deadline.at:
            raise TimeoutError
        self._wrapped.settimeout(self._deadline.left())


class _Credentials(CredentialProvider):
    """A provider with exceptions of its own, told as exceptions of redis."""

    def __init__(self, provider: CredentialProvider) -> None:
        self._provider = provider

    def get_credentials(self) -> Any:  # noqa: ANN401 - the provider's: a password, or a name and a password
        try:
            return self._provider.get_credentials()
        except Exception as error:
            raise redis.AuthenticationError from error


def _connector(url_or_client: str | redis.Redis) -> partial[Any]:
    """Return a maker of connections to the server of a URL or a client."""
    if isinstance(url_or_client, str):
        pool = redis.ConnectionPool.from_url(url_or_client)
    else:
        pool = url_or_client.connection_pool
    if type(pool) not in {redis.ConnectionPool, redis.BlockingConnectionPool}:
        raise TypeError(
            f"the client must have a ConnectionPool, not a {type(pool).__name__}, whose connections may wait for anything"
        )
    settings: dict[str, Any] = {
        # Some settings are about other connections of the pool.
        **{
            k: v for k, v in pool.connection_kwargs.items() if not k.startswith(("maint_", "orig_", "retry_"))
        },
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
        "encoding": "utf-8",
        "encoding_errors": "surrogatepass",
        "decode_responses": False,
    }
    if settings.get("credential_provider") is not None:
        settings["credential_provider"] = _Credentials(settings["credential_provider"])
    return partial(_bounded(pool.connection_class), **settings)


def _bounded(connection_class: Any) -> type:  # noqa: ANN401 - redis has several classes, and no common base in each version
    """Return a class of connections that keep the deadline of a round trip."""

    class Bounded(connection_class):  # type: ignore[misc]  # a base that is known only here
        def __init__(self, **settings: object) -> None:
            self.deadline = _Deadline()
            super().__init__(**settings)

        def _connect(self) -> _Socket:
            return _Socket(super()._connect(), self.deadline)

        def _get_left(self) -> float:
            return self.deadline.left()

        def _ignore(self, value: object) -> None:
            """Take no other time-out."""

        # For each address of a host anew, and for each thing that is sent.
        socket_timeout = socket_connect_timeout = property(_get_left, _ignore)

    return Bounded


def _is_stale(connection: redis.Connection) -> bool:
    """Return whether a connection was closed, or left amid a reply, since it was used."""
    try:
        return bool(connection.can_read())
    except (redis.RedisError, OSError):
        return True
