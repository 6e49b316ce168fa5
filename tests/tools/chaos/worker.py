"""A process of callers: threads, the tasks of an event loop, and forked processes.

The choices of a caller depend only on the seed, the caller and the number of its call. The choice of a group also
depends on the groups of that moment. The machine decides how the calls interleave.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import ssl
import warnings
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from alibabacloud_tea_openapi.utils_models import OpenApiRequest
from darabonba.runtime import RuntimeOptions

from safe_ecs.testing._samples import method_name
from tests.support.sdk import models
from tests.support.transports import ASYNC_TRANSPORTS, FORMS, WAYS_TO_SEND, call
from tests.tools.chaos.calls import TASK_WAYS, THREAD_WAYS, Note, Planned, outcome_of, plan
from tests.tools.chaos.clients import (
    CONNECT_TIMEOUT,
    LOOKUP_TIMEOUT,
    READ_TIMEOUT,
    Clients,
    leave_connections_to_parent,
)
from tests.tools.chaos.leftovers import Open

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from safe_ecs.policy import Mode
    from tests.tools.chaos.calls import Outcome
    from tests.tools.chaos.world import Sight

MOST_SECONDS: Final = LOOKUP_TIMEOUT + CONNECT_TIMEOUT + READ_TIMEOUT + 10
"""The most seconds of a call: the guard, then the stock client, and a reserve for a busy machine."""

_THREADS: Final = 3
_TASKS: Final = 4
_CALLS_OF_A_FORK: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """The task of a worker.

    Attributes:
        name: A name that no other worker of any round has.
        seed: The seed of its choices.
        endpoint: The endpoint of FakeEcs.
        redis_url: The URL of the Redis server.
        mode: The mode of the guard's policy.
    """

    name: str
    seed: int
    endpoint: str
    redis_url: str
    mode: Mode


@dataclass(slots=True)
class Report:
    """The result of a worker.

    Attributes:
        notes: One for each call.
        forks: The number of processes it forked.
        reads: The number of calls by its callers that change nothing.
        left_over: The numbers of threads, tasks, sockets and queues it leaves.
    """

    notes: list[Note] = field(default_factory=list)
    forks: int = 0
    reads: int = 0
    left_over: Counter[str] = field(default_factory=Counter)


def work(assignment: Assignment, connection: Connection) -> None:
    """Make calls until the driver ends them, and report.

    The driver sends a ``Sight`` now and then, and None at the end.
    """
    for noisy in ("safe_ecs", "asyncio", "darabonba-core", "alibabacloud-tea"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    warnings.simplefilter("ignore")
    connection.send("ready")
    worker = Worker(assignment, connection.recv())
    before = Open.now()
    worker.start()
    while (sight := connection.recv()) is not None:
        worker.sight = sight
    worker.stop(before)
    connection.send(worker.report)


class Worker:
    """The callers of one process."""

    def __init__(self, assignment: Assignment, sight: Sight) -> None:
        self.sight = sight
        self.report = Report()
        self._assignment = assignment
        self._clients: Clients
        self._enough = Event()
        self._under_way: dict[str, tuple[Planned, str, float]] = {}
        self._loop = asyncio.new_event_loop()
        self._callers = [
            *(
                Thread(target=self._call_in_thread, args=(f"thread {number}",), daemon=True)
                for number in range(_THREADS)
            ),
            Thread(target=self._call_in_tasks, daemon=True),
            Thread(target=self._fork_now_and_then, daemon=True),
        ]

    def start(self) -> None:
        assignment = self._assignment
        self._clients = Clients(assignment.endpoint, assignment.redis_url, assignment.mode)
        # The SDK makes TLS contexts for plain HTTP too. A child forked while another thread makes one, or while such a
        # thread ends, may find OpenSSL locked: see "What it does not do" in the README.
        patch("ssl.create_default_context", return_value=ssl.create_default_context()).start()
        for caller in self._callers:
            caller.start()

    def stop(self, before: Open) -> None:
        """Let every caller end its call, and report the leftovers."""
        self._enough.set()
        deadline = monotonic() + MOST_SECONDS + 5
        for caller in self._callers:
            caller.join(max(0.0, deadline - monotonic()))
        for planned, client, began in list(self._under_way.values()):
            self._note(planned, client, "never ended", began)
        self._clients.close()
        left_over = before.left_over(lambda: len(asyncio.all_tasks(self._loop)), LOOKUP_TIMEOUT)
        self.report.left_over.update(left_over)

    def _dice(self, caller: str) -> Iterator[tuple[str, Random]]:
        """Yield a mark and a random generator for each call of a caller."""
        number = 0
        while not self._enough.is_set():
            mark = f"{self._assignment.name} {caller} {number}"
            yield mark.replace(" ", "-"), Random(f"{self._assignment.seed} {mark}")  # noqa: S311 - it is to be repeatable
            number += 1

    @contextmanager
    def _noted(self, planned: Planned, client: str) -> Iterator[None]:
        """Note the end of the call inside the block. An exception becomes part of the note."""
        began = monotonic()
        self._under_way[planned.mark] = planned, client, began
        outcome: Outcome = "returned"
        try:
            yield
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - to be noted
            outcome = outcome_of(error)
        del self._under_way[planned.mark]
        self._note(planned, client, outcome, began)

    def _note(self, planned: Planned, client: str, outcome: Outcome, began: float) -> None:
        seconds = monotonic() - began
        self.report.notes.append(
            Note(planned.mark, planned.action, planned.way, client, planned.parameters, outcome, seconds)
        )

    def _call_in_thread(self, caller: str) -> None:
        for mark, dice in self._dice(caller):
            self._call(mark, dice)
            if dice.random() < 0.1:
                self._read(dice)

    def _call(self, mark: str, dice: Random) -> None:
        planned = plan(dice, mark, THREAD_WAYS, self.sight)
        name, client = self._clients.pick(dice, planned.way)
        with self._noted(planned, name):
            if planned.way in FORMS:
                call(client, planned.action, planned.request, planned.way)
            else:
                WAYS_TO_SEND[planned.way](client, planned.action, OpenApiRequest(query=planned.parameters))

    def _read(self, dice: Random) -> None:
        """Call without a check of the result: the learning and forgetting must harm no other call."""
        client = self._clients.pick(dice, "sync")[1]
        group = dice.choice(self.sight.managed).security_group_id
        others = [target.security_group_id for target in self.sight.ordinary]
        describe = models.DescribeSecurityGroupsRequest(region_id="cn-hangzhou", max_results=100)
        deed = dice.choice((
            lambda: client.describe_security_groups(describe),
            lambda: asyncio.run(client.describe_security_groups_async(describe)),
            lambda: client.guard.status(group, *others),
            lambda: asyncio.run(client.guard.status_async(group, *others, refresh=True)),
            client.guard.warm,
            lambda: client.guard.forget(group),
            client.guard.forget,
        ))
        self.report.reads += 1
        try:
            deed()
        except Exception:  # noqa: BLE001 - ECS is failing
            return

    def _call_in_tasks(self) -> None:
        async def gather() -> None:
            await asyncio.gather(*(self._call_in_task(f"task {number}") for number in range(_TASKS)))
            # Tasks started by the calls have to end by themselves.
            deadline = monotonic() + LOOKUP_TIMEOUT
            while len(asyncio.all_tasks()) > 1 and monotonic() < deadline:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)

        self._loop.run_until_complete(gather())

    async def _call_in_task(self, caller: str) -> None:
        for mark, dice in self._dice(caller):
            planned = plan(dice, mark, TASK_WAYS, self.sight)
            name, client = self._clients.pick(dice, planned.way)
            is_cancelled, after = dice.random() < 0.25, dice.random() ** 2 * 0.3
            with self._noted(planned, name):
                task = asyncio.create_task(_send(client, planned))
                if is_cancelled:
                    await asyncio.wait((task,), timeout=after)
                    task.cancel()
                await task

    def _fork_now_and_then(self) -> None:
        fork = multiprocessing.get_context("fork")
        for mark, dice in self._dice("fork"):
            if self._enough.wait(0.3 + dice.random()):
                return
            receiver, sender = fork.Pipe(duplex=False)
            child = fork.Process(target=self._call_in_child, args=(mark, sender), daemon=True)
            child.start()
            sender.close()
            self.report.forks += 1
            began = monotonic()
            if receiver.poll(MOST_SECONDS * _CALLS_OF_A_FORK):
                with suppress(EOFError):
                    self.report.notes += receiver.recv()
            child.join(MOST_SECONDS)
            if child.exitcode != 0:
                planned = plan(dice, mark, THREAD_WAYS, self.sight)
                self._note(planned, "forked process", "never ended", began)
            child.kill()
            child.join()
            child.close()
            receiver.close()

    def _call_in_child(self, name: str, sender: Connection) -> None:
        """Make calls in a forked process, with the parent's clients and its unfinished work."""
        leave_connections_to_parent()
        self.report.notes.clear()
        self._under_way.clear()
        for (mark, dice), _ in zip(self._dice(name), range(_CALLS_OF_A_FORK), strict=False):
            self._call(mark, dice)
        sender.send(self.report.notes)


async def _send(client: Any, planned: Planned) -> Any:
    if planned.way not in FORMS:
        request = OpenApiRequest(query=planned.parameters)
        return await ASYNC_TRANSPORTS[planned.way](client, planned.action, request)
    name = method_name(planned.action)
    if planned.way == "async":
        return await getattr(client, f"{name}_async")(planned.request)
    return await getattr(client, f"{name}_with_options_async")(planned.request, RuntimeOptions())
