"""Rounds of chaos: a FakeEcs, a Redis and workers for each, and a verdict over all of them."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final

from safe_ecs.testing import FakeEcs
from tests.support.redis_server import RedisServer, redis_server
from tests.tools.chaos.clients import LOOKUP_TIMEOUT
from tests.tools.chaos.faults import FaultPlan
from tests.tools.chaos.leftovers import Open
from tests.tools.chaos.verdict import Verdict
from tests.tools.chaos.worker import MOST_SECONDS, Assignment, Report, work
from tests.tools.chaos.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from safe_ecs.policy import Mode
    from safe_ecs.testing import RecordedRequest

_ROUND_SECONDS: Final = 30.0
_PATIENCE_SECONDS: Final = MOST_SECONDS * 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Chaos:
    """A run of chaos.

    Attributes:
        seconds: The duration of the calls.
        seed: The seed of every choice.
        workers: The number of processes.
        mode: The mode of the guard's policy.
    """

    seconds: float
    seed: int
    workers: int = 3
    mode: Mode = "enforce"

    def run(self) -> Verdict:
        """Make the calls, and return the verdict."""
        verdict, left, number = Verdict(), self.seconds, 0
        while left > 0:
            self._run_round(verdict, number, min(left, _ROUND_SECONDS))
            left -= _ROUND_SECONDS
            number += 1
        return verdict

    def _run_round(self, verdict: Verdict, number: int, seconds: float) -> None:
        # One generator for each purpose, as the machine decides how often each is used.
        of_world, of_faults, of_redis = (
            Random(f"{self.seed} {number} {purpose}")  # noqa: S311 - it is to be repeatable
            for purpose in ("world", "faults", "redis")
        )
        before = Open.now()
        with FakeEcs() as ecs, redis_server() as server:
            world, faults = World(ecs, of_world), FaultPlan(ecs, of_faults)
            assignments = [
                Assignment(
                    name=f"round {number} worker {worker}",
                    seed=self.seed,
                    endpoint=ecs.endpoint,
                    redis_url=server.url,
                    mode=self.mode,
                )
                for worker in range(self.workers)
            ]
            with _workers(assignments) as connections:
                sight = world.turn()
                for connection in connections:
                    assert connection.recv() == "ready"
                    connection.send(sight)
                kills = _make_trouble(seconds, world, faults, server, of_redis, connections)
                faults.clear_up()
                for connection in connections:
                    connection.send(None)
                reports = [_report(connection) for connection in connections]
            record = _settled(ecs)
        verdict.judge([note for report in reports for note in report.notes], record, world)
        for assignment, report in zip(assignments, reports, strict=True):
            verdict.add_left_over(assignment.name, report.left_over)
        verdict.add_left_over("the driver", Counter(before.left_over(lambda: 0, LOOKUP_TIMEOUT)))
        verdict.events.update({
            "processes": self.workers,
            "processes forked": sum(report.forks for report in reports),
            "look-ups, listings and forgetting by callers beside": sum(report.reads for report in reports),
            "groups appeared": world.appeared,
            "groups vanished": world.vanished,
            "Redis killed": kills["killed"],
            "Redis halted": kills["halted"],
        })
        verdict.events.update({f"fault: {kind}": times for kind, times in faults.strikes.items()})


def _make_trouble(
    seconds: float,
    world: World,
    faults: FaultPlan,
    server: RedisServer,
    dice: Random,
    connections: Sequence[Connection],
) -> Counter[str]:
    kills: Counter[str] = Counter()
    end = monotonic() + seconds
    next_faults, next_trouble = monotonic(), monotonic() + min(seconds / 3, 4)
    while (now := monotonic()) < end:
        if now >= next_faults:
            faults.turn()
            next_faults = now + 0.3 + dice.random()
        sight = world.turn()
        for connection in connections:
            connection.send(sight)
        if now >= next_trouble:
            if dice.random() < 0.7:
                server.kill()
                kills["killed"] += 1
                sleep(dice.random())
                server.start()
            else:
                with server.halted():
                    sleep(dice.random())
                kills["halted"] += 1
            next_trouble = now + 4 + 6 * dice.random()
        sleep(0.2)
    return kills


@contextmanager
def _workers(assignments: Sequence[Assignment]) -> Iterator[list[Connection]]:
    spawn = multiprocessing.get_context("spawn")
    pairs = [spawn.Pipe() for _ in assignments]
    processes: list[SpawnProcess] = [
        spawn.Process(target=work, args=(assignment, end))
        for assignment, (_, end) in zip(assignments, pairs, strict=True)
    ]
    try:
        for process, (_, end) in zip(processes, pairs, strict=True):
            process.start()
            end.close()
        yield [connection for connection, _ in pairs]
        for process in processes:
            process.join(_PATIENCE_SECONDS)
    finally:
        for process, (connection, _) in zip(processes, pairs, strict=True):
            process.kill()
            process.join()
            process.close()
            connection.close()


def _report(connection: Connection) -> Report:
    if not connection.poll(_PATIENCE_SECONDS):
        raise TimeoutError("a worker does not report")
    report: Report = connection.recv()
    return report


def _settled(ecs: FakeEcs) -> Sequence[RecordedRequest]:
    """Return the record once no more requests come. Requests of cancelled calls may still be under way."""
    number = -1
    while len(ecs.requests) != number:
        number = len(ecs.requests)
        sleep(0.3)
    return ecs.requests
