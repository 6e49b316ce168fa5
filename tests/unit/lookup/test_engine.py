"""Callers share batches, and each gets its own answers in time."""

from __future__ import annotations

import _thread
import asyncio
import threading
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from safe_ecs._system.clock import Clock
from tests.support.concurrency import Callers
from tests.support.engines import ASKING, asking, held, wait_until, waiting_ids
from tests.support.loaders import PATIENCE, StubLoader, load, load_async, soon

if TYPE_CHECKING:
    from safe_ecs._lookup.engine import BatchEngine


@ASKING
def test_a_caller_gets_an_answer_for_each_id_by_one_load(engine: BatchEngine, ask: Any) -> None:
    """One caller can ask again and again."""
    for _ in range(2):
        loader = StubLoader()
        [found] = ask(engine, loader, "abcde").join(PATIENCE)
        assert found == dict(zip("abcde", "ABCDE", strict=True))
        assert loader.asked == ["abcde"]
        assert loader.reads == 2
    assert asking(engine, StubLoader(), "").join(PATIENCE) == [{}]


def test_a_sync_caller_asks_in_its_own_thread(engine: BatchEngine, mocker: Any) -> None:
    """The engine starts no thread for it, and hands its loader its own deadline."""
    started = mocker.spy(_thread, "start_new_thread")
    loader, threads, deadline = StubLoader(), [], soon()
    loader.do = lambda: threads.append(threading.get_ident())
    assert load(engine, loader, ("a",), deadline) == {"a": "A"}
    assert threads == [threading.get_ident()]
    assert loader.deadlines == [deadline]
    assert started.call_count == 0


@ASKING
def test_callers_that_come_meanwhile_share_the_next_batch(engine: BatchEngine, ask: Any) -> None:
    """One of them asks for the ids of all, with its own loader."""
    first = StubLoader()
    go_on = held(first)
    waiting = [ask(engine, first, "a")]
    assert first.begun.wait(PATIENCE)
    loaders = [StubLoader() for _ in "bcd"]
    for number, (loader, each) in enumerate(zip(loaders, "bcd", strict=True), 2):
        waiting.append(ask(engine, loader, each))
        wait_until(lambda number=number: waiting_ids(engine) == number)
    go_on.set()
    assert [each.join(PATIENCE) for each in waiting] == [
        [{"a": "A"}],
        [{"b": "B"}],
        [{"c": "C"}],
        [{"d": "D"}],
    ]
    assert [loader.asked for loader in (first, *loaders)] == [["a"], ["bcd"], [], []]
    assert [loader.reads for loader in (first, *loaders)] == [2, 2, 2, 2]
    assert sum(map(sum, (loader.joined_ids for loader in loaders))) == 0


@ASKING
def test_what_is_asked_for_already_is_not_asked_for_again(engine: BatchEngine, ask: Any) -> None:
    """A batch under way is too old for a caller with a later ``not_before``."""
    first, second, third = StubLoader(), StubLoader(), StubLoader()
    go_on = held(first)
    waiting = [ask(engine, first, "a")]
    assert first.begun.wait(PATIENCE)
    waiting.append(ask(engine, second, "ab"))
    wait_until(lambda: waiting_ids(engine) == 3)
    waiting.append(asking(engine, third, "a", monotonic()))
    wait_until(lambda: waiting_ids(engine) == 4)
    go_on.set()
    assert [each.join(PATIENCE) for each in waiting] == [[{"a": "A"}], [{"a": "A", "b": "B"}], [{"a": "A"}]]
    assert (first.asked, second.asked, third.asked) == (["a"], ["ba"], [])
    assert (first.reads, second.reads, third.reads) == (2, 4, 2)
    assert (second.joined_ids, third.joined_ids) == ([1], [0])


def test_a_batch_is_filled_up_to_whole_requests(engine: BatchEngine) -> None:
    """The leader's own ids come first; the ids of others never make another request necessary."""
    first = StubLoader()
    go_on = held(first)
    waiting = [asking(engine, first, "a")]
    assert first.begun.wait(PATIENCE)
    loaders = [StubLoader() for _ in range(3)]
    for loader, ids, number in zip(loaders, ("bcde", "fgh", "i"), (5, 8, 9), strict=True):
        waiting.append(asking(engine, loader, ids))
        wait_until(lambda number=number: waiting_ids(engine) == number)
    go_on.set()
    for each in waiting:
        each.join(PATIENCE)
    assert [loader.asked for loader in loaders] == [["bcdefg"], ["hi"], []]


@ASKING
def test_other_keys_do_not_wait(engine: BatchEngine, ask: Any) -> None:
    first, second = StubLoader(), StubLoader("other")
    go_on = held(first)
    waiting = ask(engine, first, "a")
    assert first.begun.wait(PATIENCE)
    assert ask(engine, second, "a").join(PATIENCE) == [{"a": "A"}]
    assert second.asked == ["a"]
    go_on.set()
    waiting.join(PATIENCE)


@ASKING
def test_a_caller_that_has_waited_long_enough_is_told_so_for_each_id(engine: BatchEngine, ask: Any) -> None:
    """The failure has the seconds waited and the seconds in flight. Its ids are not asked for any more."""
    loader, hasty = StubLoader(), StubLoader()
    go_on = held(loader)
    waiting = ask(engine, loader, "a")
    assert loader.begun.wait(PATIENCE)

    def in_loop() -> Any:
        return asyncio.run(load_async(engine, hasty, tuple("abc"), monotonic() + 0.1))

    in_thread = partial(load, engine, hasty, tuple("abc"), monotonic() + 0.1)
    [found] = Callers([in_thread if ask is asking else in_loop]).join(PATIENCE)
    assert found == dict.fromkeys("abc", "TimeoutError")
    [(_, waited, in_flight)] = hasty.given
    assert 0.05 < waited < PATIENCE
    assert 0.05 < in_flight < PATIENCE
    go_on.set()
    assert waiting.join(PATIENCE) == [{"a": "A"}]
    assert (hasty.asked, hasty.reads) == ([], 0)


def test_a_caller_without_time_does_not_ask(engine: BatchEngine) -> None:
    loader = StubLoader()
    assert load(engine, loader, ("a",), monotonic() - 1) == {"a": "TimeoutError"}
    assert asyncio.run(load_async(engine, loader, ("a",), monotonic() - 1)) == {"a": "TimeoutError"}


def test_a_caller_keeps_the_answers_that_came_in_time(engine: BatchEngine) -> None:
    first, second, third = StubLoader(), StubLoader(), StubLoader()
    go_on, go_on_too = held(first), held(third)
    waiting = asking(engine, first, "a")
    assert first.begun.wait(PATIENCE)
    hurried = Callers([partial(load, engine, second, ("a", "b"), monotonic() + 1.0)])
    wait_until(lambda: waiting_ids(engine) == 3)
    second.do = third.do
    go_on.set()
    waiting.join(PATIENCE)
    go_on_too.set()
    assert hurried.join(PATIENCE) == [{"a": "A", "b": "B"}]


def test_a_batch_waits_for_threads_as_long_as_more_of_them_come(engine: BatchEngine, mocker: Any) -> None:
    """The next leader yields to other threads with ``sleep(0)``, and waits for no time."""
    first, others = StubLoader(), StubLoader()
    go_on = held(first)
    waiting = [asking(engine, first, "a")]
    assert first.begun.wait(PATIENCE)
    waiting.append(asking(engine, others, "b"))
    wait_until(lambda: waiting_ids(engine) == 2)

    def let_one_in(_: object) -> None:
        if yielding.call_count == 1:
            waiting.append(asking(engine, others, "c"))
            wait_until(lambda: waiting_ids(engine) == 2)

    yielding = mocker.patch("safe_ecs._lookup.engine.time.sleep", side_effect=let_one_in)
    go_on.set()
    waiting[0].join(PATIENCE)
    wait_until(lambda: others.asked)
    mocker.stop(yielding)
    assert [each.join(PATIENCE) for each in waiting] == [[{"a": "A"}], [{"b": "B"}], [{"c": "C"}]]
    assert others.asked == ["bc"]


def test_the_seconds_in_flight_are_those_of_the_batch_under_way(engine: BatchEngine, mocker: Any) -> None:
    clock = mocker.patch.object(Clock, "now", return_value=1000.0)
    loader = StubLoader()
    seen: list[float] = []

    def look() -> None:
        clock.return_value += 2.5
        seen.append(engine._queues["key"].seconds_in_flight())

    loader.do = look
    load(engine, loader, ("a",), 2000.0)
    assert seen == [2.5]
