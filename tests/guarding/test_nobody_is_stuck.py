"""A caller that is interrupted or cancelled, or fails, in a look-up leaves the others their answers, and nobody hangs.

Each test would hang without the code under test, and each has a time limit of its own.
"""

from __future__ import annotations

import _thread
import asyncio
import socket
from functools import partial
from threading import Event, Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import pytest

from safe_ecs import Client, GuardPolicy, StatusCache, StatusUnavailableError, guard
from safe_ecs.testing import CannedAnswer, FakeEcs
from tests.support.concurrency import Callers, run_script, wait_for_read
from tests.support.sdk import models

if TYPE_CHECKING:
    from collections.abc import Iterator


DESCRIBE = "DescribeSecurityGroups"


FORMS = ("sync", "async")


NOTHING = b'{"RequestId": "R", "TotalCount": 0, "SecurityGroups": {"SecurityGroup": []}}'


def status(client: Client, group: str, form: str = "sync") -> Any:
    if form == "sync":
        return client.guard.status(group)
    return asyncio.run(client.guard.status_async(group))


@pytest.fixture
def dribble() -> Iterator[str]:
    """A server that sends a byte now and then, so that no time-out of the socket expires."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = Event()

        def serve() -> None:
            while not stop.is_set():
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                Thread(target=trickle, args=(connection,), daemon=True).start()

        def trickle(connection: socket.socket) -> None:
            with connection:
                connection.recv(65536)
                try:
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
                    while not stop.wait(0.05):
                        connection.sendall(b" ")
                except OSError:
                    return

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


@pytest.mark.parametrize("form", FORMS)
def test_a_server_that_dribbles_holds_nobody_but_the_leader(ecs: FakeEcs, dribble: str, form: str) -> None:
    """The SDK waits for such a server as long as bytes come: so does the thread that asks, and so does a stock client."""
    config = ecs.config()
    config.endpoint = config.http_proxy = dribble
    client = Client(config, policy=GuardPolicy(lookup_timeout=0.5), cache=StatusCache())
    Callers([partial(status, client, "sg-1", "sync")])
    sleep(0.1)
    [error] = Callers([partial(status, client, "sg-2", form)]).join(30)
    assert isinstance(error, StatusUnavailableError)
    assert "gave no answer within lookup_timeout (0.5 s)" in error.message


@pytest.mark.parametrize("form", FORMS)
def test_several_reads_of_one_call_together_end_with_lookup_timeout(
    ecs: FakeEcs, ordinary: str, form: str
) -> None:
    """The guard asks every region that the call may be about, all within one lookup_timeout."""
    ecs.answer_with(DESCRIBE, CannedAnswer(delay=0.1, body=NOTHING), CannedAnswer(delay=20))
    client = Client(ecs.config(region_id="cn-beijing"), policy=GuardPolicy(lookup_timeout=1))
    request = models.DeleteSecurityGroupRequest(security_group_id=ordinary, region_id="cn-shanghai")
    check = client.guard.check if form == "sync" else lambda r: asyncio.run(client.guard.check_async(r))
    start = monotonic()
    [decision] = Callers([partial(check, request)]).join(30)
    assert decision.outcome == "unavailable"
    assert len(ecs.reads) == 2
    assert monotonic() - start < 10


def test_one_who_waits_behind_a_batch_waits_for_his_own_time_only(ecs: FakeEcs) -> None:
    """A caller queued behind a batch waits for its own lookup_timeout, without that batch's."""
    ecs.answer_always(DESCRIBE, CannedAnswer(delay=20))
    client = Client(ecs.config(), policy=GuardPolicy(lookup_timeout=5), cache=StatusCache())
    first = Callers([partial(client.guard.status, "sg-1")])
    wait_for_read(ecs)
    start = monotonic()
    [error] = Callers([partial(client.guard.status, "sg-2")]).join(30)
    assert isinstance(error, StatusUnavailableError)
    # Both time-outs together would be 10 seconds.
    assert monotonic() - start < 9
    first.join(10)


def test_an_interrupt_of_the_first_caller_leaves_the_others_their_answer(ecs: FakeEcs, managed: str) -> None:
    """The follower asks for itself. KeyboardInterrupt reaches the main thread, so this needs a process of its own."""
    ecs.latency = 1.0
    printed = run_script(
        """
        import _thread, signal, sys, threading, time
        from alibabacloud_tea_openapi.utils_models import Config
        from safe_ecs import Client
        signal.signal(signal.SIGINT, signal.default_int_handler)  # A job in the background ignores it.
        client = Client(Config(access_key_id="k", access_key_secret="s", protocol="HTTP",
                               endpoint=sys.argv[1], region_id="cn-hangzhou"))
        answers = []
        def follow():
            time.sleep(0.3)
            answers.append(client.guard.status(sys.argv[2]))
        def interrupt():
            time.sleep(0.6)
            _thread.interrupt_main()
        threads = [threading.Thread(target=follow), threading.Thread(target=interrupt)]
        for thread in threads: thread.start()
        try:
            client.guard.status(sys.argv[2])
        except KeyboardInterrupt:
            print("interrupted")
        for thread in threads: thread.join(20)
        print(answers[0][sys.argv[2]].service_managed, client.guard.stats.lookups, threading.active_count())
        """,
        ecs.endpoint,
        managed,
    )
    assert printed.split("\n")[:2] == ["interrupted", "True 2 1"]


def test_an_interrupted_lookup_of_many_groups_is_not_asked_to_its_end(ecs: FakeEcs) -> None:
    """Of ten requests for a thousand groups, the guard sends the one under way."""
    ecs.latency = 2.0
    printed = run_script(
        """
        import os, signal, sys, threading, time
        from alibabacloud_tea_openapi.utils_models import Config
        from safe_ecs import Client
        signal.signal(signal.SIGINT, signal.default_int_handler)  # A job in the background ignores it.
        client = Client(Config(access_key_id="k", access_key_secret="s", protocol="HTTP",
                               endpoint=sys.argv[1], region_id="cn-hangzhou"))
        def interrupt():
            time.sleep(1.0)
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt).start()
        try:
            client.guard.status(*(f"sg-{number}" for number in range(1000)))
        except KeyboardInterrupt:
            print("interrupted")
        for thread in threading.enumerate():
            if thread is not threading.main_thread():
                thread.join(20)
        """,
        ecs.endpoint,
    )
    assert printed == "interrupted\n"
    assert len(ecs.reads) == 1


def test_a_call_at_the_end_of_the_program_is_looked_up_as_well(ecs: FakeEcs, managed: str) -> None:
    """The caller's own thread does the look-up when Python can start no thread any more."""
    printed = run_script(
        """
        import atexit, sys
        from alibabacloud_tea_openapi.utils_models import Config
        from safe_ecs import Client
        client = Client(Config(access_key_id="k", access_key_secret="s", protocol="HTTP",
                               endpoint=sys.argv[1], region_id="cn-hangzhou"))
        atexit.register(lambda: print(client.guard.status(sys.argv[2])[sys.argv[2]].service_managed))
        """,
        ecs.endpoint,
        managed,
    )
    assert printed == "True\n"


def test_without_threads_there_are_still_lookups(
    ecs: FakeEcs, client: Client, managed: str, mocker: Any
) -> None:
    """Python starts no thread at the end of a program from 3.12 on, or at a limit of the system."""
    mocker.patch.object(_thread, "start_new_thread", side_effect=RuntimeError("can't start new thread"))
    assert client.guard.status(managed)[managed].service_managed
    assert client.guard.warm() == 1
    mocker.stopall()
    ecs.latency = 0.3
    results = Callers([partial(client.guard.status, "sg-new")] * 5).join(10)
    assert all(not result["sg-new"].exists for result in results)
    assert len(ecs.reads) == 3


def test_a_sync_lookup_starts_no_thread_and_an_async_one_leaves_none(
    ecs: FakeEcs, client: Client, mocker: Any
) -> None:
    """Neither answers nor failures."""
    started = mocker.spy(_thread, "start_new_thread")
    for _ in range(5):
        client.guard.status(ecs.create_security_group())
    assert started.call_count == 0
    before = _thread._count()
    asyncio.run(client.guard.status_async(ecs.create_security_group()))
    assert started.call_count == 1
    ecs.answer_always(DESCRIBE, CannedAnswer(status=403, body=b'{"Code": "Forbidden.RAM"}'))
    Callers([partial(status, client, f"sg-{number}", "async") for number in range(20)]).join(10)
    deadline = monotonic() + 5
    while _thread._count() > before:
        assert monotonic() < deadline
        sleep(0.01)


def test_a_guarded_client_asks_in_the_same_batch_as_another_client(
    ecs: FakeEcs, stock: Any, managed: str
) -> None:
    """Other clients with the same keys and endpoint share the batch, if they share the cache."""
    ecs.latency = 0.3
    cache = StatusCache()
    clients = [guard(stock, cache=cache), Client(ecs.config(), cache=cache)]
    results = Callers([partial(each.guard.status, managed) for each in clients]).join(10)
    assert all(result[managed].service_managed for result in results)
    assert len(ecs.reads) == 1
