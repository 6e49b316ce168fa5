"""The cache has connections of its own: bounded in time and number, whatever the server or the caller's client is like."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import contextmanager, suppress
from threading import Event, Thread, active_count
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, cast

import pytest
import redis
import redis.sentinel
from redis.backoff import ConstantBackoff
from redis.credentials import CredentialProvider
from redis.retry import Retry

from safe_ecs import GroupStatus
from safe_ecs._core.review import Read
from safe_ecs._system.clock import Clock
from safe_ecs.cache.redis import RedisStatusCache
from tests.support.redis_server import RedisServer, redis_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

READ = Read("host", "cn-hangzhou", ("sg-1",))
MANAGED = GroupStatus("sg-1", True, True, 7, "cn-hangzhou")  # noqa: FBT003 - fields


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


def publish(cache: RedisStatusCache) -> None:
    cache.publish(READ, [MANAGED], 300, Clock.now())


def is_shared(cache: RedisStatusCache) -> bool:
    return bool(cache.fetch(READ, 300))


def drip(peer: socket.socket, over: Event) -> None:
    """Answer byte by byte, and never to the end."""
    peer.recv(4096)
    peer.sendall(b"$100000\r\n")
    while not over.wait(0.05):
        peer.sendall(b"x")


def flood(peer: socket.socket, over: Event) -> None:
    """Answer at once, and never to the end."""
    peer.recv(4096)
    peer.sendall(b"$1000000000\r\n")
    while not over.is_set():
        peer.sendall(b"x" * 100)
        sleep(0.0001)


def greet(peer: socket.socket, over: Event) -> None:
    """Answer the commands of a greeting, and nothing else."""
    while not over.is_set() and (sent := peer.recv(4096)):
        if b"GETRANGE" not in sent and b"TIME" not in sent:
            peer.sendall(b"+OK\r\n" * sent.count(b"*"))


@contextmanager
def odd_server(answer: Callable[[socket.socket, Event], None]) -> Iterator[str]:
    over = Event()

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                peer, _ = listener.accept()
                Thread(target=talk, args=(peer,), daemon=True).start()

    def talk(peer: socket.socket) -> None:
        with peer, suppress(OSError):
            answer(peer, over)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = Thread(target=serve, args=(listener,), daemon=True)
        accepting.start()
        try:
            yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join(10)


@pytest.mark.parametrize("answer", [drip, flood, greet])
@pytest.mark.parametrize("protocol", [2, 3])
def test_half_a_second_is_for_the_whole_answer(
    answer: Callable[[socket.socket, Event], None], protocol: int
) -> None:
    """A time-out of the socket alone would begin anew with each byte."""
    with odd_server(answer) as url:
        cache = RedisStatusCache(redis.Redis.from_url(url, protocol=protocol, socket_timeout=None))
        for use in (is_shared, publish, lambda cache: cache.invalidate_elsewhere(())):
            began = monotonic()
            assert not use(cache)
            assert monotonic() - began < 4
            cache._rests_until = -1


def test_all_addresses_of_a_host_together_have_half_a_second(mocker: Any) -> None:
    """Nobody answers at any of them."""
    with socket.socket() as full, socket.socket() as first:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        first.connect(full.getsockname())
        family = socket.AF_INET, socket.SOCK_STREAM, 6, "", full.getsockname()
        with suppress(TimeoutError), socket.socket() as second:
            second.settimeout(0.2)
            second.connect(full.getsockname())
        mocker.patch("socket.getaddrinfo", return_value=[family] * 20)
        cache = RedisStatusCache("redis://many")
        began = monotonic()
        assert not is_shared(cache)
        assert monotonic() - began < 3


@pytest.mark.parametrize(
    "options",
    [
        {"decode_responses": True, "encoding": "utf-16"},
        {"protocol": 2},
        {"protocol": 3},
        {"retry": Retry(ConstantBackoff(1), 60), "socket_timeout": 60},
        {"health_check_interval": 1},
        {"single_connection_client": True},
        {"db": 3},
    ],
    ids=range(7),
)
def test_a_client_of_the_callers_gives_its_settings_and_stays_as_it_is(
    server: RedisServer, options: dict[str, Any]
) -> None:
    with redis.Redis(host="127.0.0.1", port=server.port, **options) as given:
        before = dict(given.connection_pool.connection_kwargs)
        one, two = RedisStatusCache(given), RedisStatusCache(given)
        publish(one)
        assert is_shared(two)
        assert given.connection_pool.connection_kwargs == before
        assert given.connection_pool.connection_class is redis.Connection
        one.invalidate_elsewhere(("sg-1",))
        assert not is_shared(two)


def test_a_pool_that_may_wait_gives_its_settings_too(server: RedisServer) -> None:
    pool: Any = cast("Any", redis.BlockingConnectionPool)(
        host="127.0.0.1", port=server.port, max_connections=1, timeout=60
    )
    given = redis.Redis(connection_pool=pool)
    taken = pool.get_connection()
    cache = RedisStatusCache(given)
    publish(cache)
    assert is_shared(cache)
    pool.release(taken)
    pool.disconnect()


def test_a_pool_of_another_class_is_refused() -> None:
    """Nothing bounds its waiting for a sentinel."""
    sentinel: Any = redis.sentinel
    given = sentinel.Sentinel([("127.0.0.1", 1)]).master_for("mymaster")
    with pytest.raises(TypeError, match="must have a ConnectionPool, not a SentinelConnectionPool"):
        RedisStatusCache(given)


def test_a_connection_that_was_closed_meanwhile_is_replaced(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    cache = RedisStatusCache(server.url)
    publish(cache)
    with server.client as direct:
        for client in direct.client_list():
            with suppress(redis.ResponseError):
                direct.client_kill_filter(_id=client["id"], skipme=True)
    assert is_shared(cache)
    assert caplog.messages == []


def test_a_connection_that_was_interrupted_amid_an_answer_is_not_used_again(server: RedisServer) -> None:
    """The rest of the answer would be taken for that of the next command."""
    cache = RedisStatusCache(server.url)
    publish(cache)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with server.halted():
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(KeyboardInterrupt):
                is_shared(cache)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert cache._connections.idle == []
    assert is_shared(cache)


def test_a_forked_process_has_connections_of_its_own(server: RedisServer) -> None:
    """The parent goes on with its own."""
    cache = RedisStatusCache(server.url)
    publish(cache)
    for _ in range(3):
        child = os.fork()
        if child == 0:
            os._exit(0 if is_shared(cache) and is_shared(cache) else 1)
        assert is_shared(cache)
        assert os.waitpid(child, 0)[1] == 0


def test_many_threads_leave_few_connections(server: RedisServer) -> None:
    cache, before = RedisStatusCache(server.url), active_count()
    publish(cache)
    threads = [Thread(target=is_shared, args=(cache,)) for _ in range(40)]
    with server.halted():
        for thread in threads:
            thread.start()
        sleep(0.1)
    for thread in threads:
        thread.join(10)
    assert len(cache._connections.idle) <= 8
    assert active_count() <= before


def test_a_key_of_another_type_in_the_place_of_ours_is_replaced(server: RedisServer) -> None:
    """Be it the mark of the namespace or a status."""
    cache = RedisStatusCache(server.url)
    with server.client as direct:
        direct.delete("safe_ecs:", "safe_ecs:sg-1")
        for key in ("safe_ecs:", "safe_ecs:sg-1"):
            direct.lpush(key, "x")
        publish(cache)
        assert is_shared(cache)
        cache.invalidate_elsewhere(())
        assert not is_shared(cache)
        assert direct.type("safe_ecs:") == b"string"


def test_marks_of_the_future_are_none(server: RedisServer) -> None:
    """The server's clock was put back: otherwise nothing would be shared until it has caught up."""
    cache = RedisStatusCache(server.url)
    with server.client as direct:
        for key in ("safe_ecs:", "safe_ecs:sg-1"):
            direct.set(key, '{"asked_at": 9000000000000000}')
        publish(cache)
        assert is_shared(cache)


def test_a_server_that_refuses_scripts_costs_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with redis_server() as server, server.client as direct:
        direct.acl_setuser("default", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-eval"])
        cache = RedisStatusCache(server.url)
        publish(cache)
    assert [message.partition(":")[0] for message in caplog.messages] == [
        "The shared cache 'safe_ecs' cannot be used (NoPermissionError)"
    ]


class Alarm(Exception):  # noqa: N818 - that of a program
    """Raised by a signal handler to end a call."""


def test_an_exception_of_a_signal_handler_reaches_the_program(server: RedisServer) -> None:
    """The program's own thread waits for the server. The next round trip has a new connection."""

    def handle(*_: object) -> None:
        raise Alarm

    cache = RedisStatusCache(server.url)
    publish(cache)
    before = signal.signal(signal.SIGALRM, handle)
    try:
        with server.halted():
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(Alarm):
                is_shared(cache)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert is_shared(cache)


def test_an_exception_of_a_credentials_provider_fails_no_call(server: RedisServer) -> None:
    """The cache tells it in a warning, as any other failure of the server."""

    class Failing(CredentialProvider):
        def get_credentials(self) -> Any:
            raise Alarm

    cache = RedisStatusCache(redis.Redis(port=server.port, credential_provider=Failing()))
    publish(cache)
    assert not is_shared(cache)
