"""``python -m tests.tools.chaos`` finds nothing in a short run, and each of its counts can be more than 0."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from random import Random
from threading import Event, Thread
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException
from darabonba.exceptions import UnretryableException
from darabonba.policy.retry import RetryPolicyContext

from safe_ecs._lookup.callers import Queue
from safe_ecs._lookup.engine import ENGINE
from safe_ecs.testing import FakeEcs, RecordedRequest
from tests.tools.chaos.calls import ACTIONS, THREAD_WAYS, Note, outcome_of, plan
from tests.tools.chaos.driver import Chaos
from tests.tools.chaos.leftovers import Open
from tests.tools.chaos.verdict import Verdict
from tests.tools.chaos.worker import MOST_SECONDS
from tests.tools.chaos.world import World

if TYPE_CHECKING:
    from tests.tools.chaos.calls import Outcome


def test_nothing_goes_wrong_in_seconds_of_chaos() -> None:
    """Two processes make calls for about three seconds."""
    verdict = Chaos(seconds=3, seed=7, workers=2).run()
    assert verdict.is_good, verdict.examples[:5]
    assert verdict.outcomes["denied"] > 0
    assert verdict.outcomes["returned"] > 0
    assert verdict.writes > 0
    assert {action for action, _ in verdict.ways} <= set(ACTIONS)
    assert verdict.events["processes forked"] > 0
    assert sum(times for event, times in verdict.events.items() if event.startswith("fault")) > 0


def test_without_the_guard_the_same_chaos_finds_writes_to_managed_groups() -> None:
    """The check can fail: here the policy turns the guard off."""
    verdict = Chaos(seconds=1, seed=7, workers=1, mode="off").run()
    assert verdict.on_managed > 0
    assert not verdict.is_good
    assert verdict.lost_doubled_altered == verdict.outlived == verdict.left_over.total() == 0


def _note(outcome: Outcome, seconds: float = 0.1) -> Note:
    parameters = {"SecurityGroupId": "sg-1", "OwnerAccount": "mark"}
    return Note("mark", "DeleteSecurityGroup", "sync", "shared", parameters, outcome, seconds)


def _request(group: str = "sg-1", mark: str = "mark", **changes: Any) -> RecordedRequest:
    values: dict[str, Any] = {
        "action": "DeleteSecurityGroup",
        "version": "2014-05-26",
        "parameters": {"SecurityGroupId": group, "OwnerAccount": mark},
        "headers": {},
        "method": "POST",
        "path": "/",
        "access_key_id": "",
        "status": 200,
    }
    return RecordedRequest(**(values | changes))


_WORLD: Any = SimpleNamespace(is_on_managed_group=lambda *_: False)


@pytest.mark.parametrize(
    ("outcome", "record", "wrong"),
    [
        ("returned", [_request()], 0),
        ("returned", [], 1),
        ("returned", [_request()] * 2, 1),
        ("returned", [_request("sg-2")], 1),
        ("returned", [_request(action="RevokeSecurityGroup")], 1),
        ("returned", [_request(), _request(mark="another")], 1),
        ("refused by ECS", [_request()], 0),
        ("refused by ECS", [], 1),
        ("denied", [], 0),
        ("denied", [_request()], 1),
        ("unavailable", [], 0),
        ("unavailable", [_request()], 1),
        ("cut off", [], 0),
        ("cut off", [_request()], 0),
        ("cut off", [_request()] * 2, 1),
        ("cancelled", [], 0),
        ("cancelled", [_request()] * 2, 1),
        ("cancelled", [_request("sg-2")], 1),
        ("broken", [], 1),
        ("broken", [_request()], 1),
    ],
)
def test_a_write_that_is_lost_doubled_or_altered_counts(
    outcome: Outcome, record: list[RecordedRequest], wrong: int
) -> None:
    """A write that was refused and still sent counts as well."""
    verdict = Verdict()
    verdict.judge([_note(outcome)], record, _WORLD)
    assert verdict.lost_doubled_altered == wrong
    assert verdict.is_good == (wrong == 0)


@pytest.mark.parametrize("note", [_note("never ended"), _note("cut off", MOST_SECONDS + 1)])
def test_a_call_that_does_not_end_in_time_counts(note: Note) -> None:
    verdict = Verdict()
    verdict.judge([note], [], _WORLD)
    assert (verdict.outlived, verdict.is_good) == (1, False)


def _wrapped(error: Exception) -> Exception:
    context: Any = RetryPolicyContext
    return UnretryableException(context(exception=error))


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (KeyError(), "broken"),
        (_wrapped(KeyError()), "broken"),
        (_wrapped(OSError()), "cut off"),
        (ClientException(code="Throttling"), "refused by ECS"),
        (asyncio.CancelledError(), "cancelled"),
    ],
)
def test_a_mistake_is_told_from_trouble(error: BaseException, outcome: Outcome) -> None:
    """A call that ends by a mistake is "broken", and not cut off."""
    assert outcome_of(error) == outcome


def test_the_same_seed_makes_the_same_choices_whatever_groups_there_are(ecs: FakeEcs) -> None:
    """The seed fixes operation and way, and every later choice but the group."""
    world = World(ecs, Random(7))  # noqa: S311 - it is to be repeatable
    few = world.turn()
    for _ in range(20):
        world.turn()
    many = world.turn()
    for number in range(200):
        dice = [Random(number), Random(number)]  # noqa: S311 - it is to be repeatable
        first, second = (plan(*each) for each in zip(dice, "ab", [THREAD_WAYS] * 2, [few, many], strict=True))
        assert (first.action, first.way) == (second.action, second.way)
        assert dice[0].random() == dice[1].random()


def test_what_is_left_over_counts() -> None:
    """A thread, a task, a socket and a queue of the guard's count."""
    before, stop = Open.now(), Event()
    thread = Thread(target=stop.wait)
    thread.start()
    ENGINE._queues["key"] = Queue("key")
    with socket.create_server(("127.0.0.1", 0)):
        left_over = before.left_over(lambda: 1, 0.1)
    del ENGINE._queues["key"]
    assert left_over == {"threads": 1, "tasks": 1, "sockets": 1, "queues": 1}
    stop.set()
    thread.join()
    assert not any(before.left_over(lambda: 0, 5).values())
    verdict = Verdict()
    verdict.add_left_over("somebody", Counter(left_over))
    assert not verdict.is_good


def test_a_write_to_a_managed_group_is_told_from_one_to_a_group_that_is_gone(ecs: FakeEcs) -> None:
    """The write's place in the record, or ECS's answer, makes the difference."""
    world = World(ecs, Random(7))  # noqa: S311 - it is to be repeatable
    for _ in range(50):
        world.turn()
    sight = world.turn()
    for target in sight.ordinary:
        assert not world.is_on_managed_group(0, _request(target.security_group_id))
    gone = [t.security_group_id for t in sight.managed if not ecs.has_security_group(t.security_group_id)]
    there = [t.security_group_id for t in sight.managed if ecs.has_security_group(t.security_group_id)]
    assert gone
    for group in there:
        assert world.is_on_managed_group(10**6, _request(group))
    for group in gone:
        assert not world.is_on_managed_group(0, _request(group))
        refused = _request(group, code="InvalidOperation.ResourceManagedByCloudProduct")
        assert world.is_on_managed_group(0, refused)
    template = next(each for each in sight.templates if each.is_managed)
    by_name = _request(parameters={"LaunchTemplateName": template.name})
    several = _request(parameters={"SecurityGroupIds": f'["sg-1", "{there[0]}"]'})
    nested = _request(parameters={"NetworkInterface.1.SecurityGroupIds.2": there[0]})
    reference = _request(parameters={"SecurityGroupId": "sg-1", "SourceGroupId": there[0]})
    sent = [world.is_on_managed_group(0, each) for each in (by_name, several, nested, reference)]
    assert sent == [True, True, True, False]
