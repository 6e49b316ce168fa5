"""Callers share batches, each gets its own answers in time, and nobody waits in vain."""

from __future__ import annotations

import _thread
import asyncio
import multiprocessing
import signal
import threading
from contextvars import ContextVar
from functools import partial
from threading import Event
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import pytest

from safe_ecs._lookup.engine import ENGINE, BatchEngine
from safe_ecs._system.clock import Clock
from safe_ecs._system.threads import in_thread
from tests.support.concurrency import Callers
from tests.support.loaders import PATIENCE, StubLoader, load, load_async, soon

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def engine() -> Iterator[BatchEngine]:
    """An engine that must leave no queue behind."""
    engine = BatchEngine()
    yield engine
    wait_until(lambda: not engine._queues)


def wait_until(is_so: Any) -> None:
    deadline = soon()
    while not is_so():
        assert monotonic() < deadline
        sleep(0.001)


def asking(engine: BatchEngine, loader: StubLoader, ids: str, not_before: Any = None) -> Callers:
    """Ask in another thread, or in a loop of another thread if the test says so."""
    more = () if not_before is None else (not_before,)
    return Callers([partial(load, engine, loader, tuple(ids), soon(), *more)])


def asking_in_loop(engine: BatchEngine, loader: StubLoader, ids: str) -> Callers:
    """Ask in an event loop of another thread."""
    return Callers([lambda: asyncio.run(load_async(engine, loader, tuple(ids), soon()))])


ASKING = pytest.mark.parametrize("ask", [asking, asking_in_loop], ids=["thread", "loop"])


def held(loader: StubLoader) -> Event:
    """Make a loader wait for an event, with a limit, and return the event."""
    event = Event()
    loader.do = partial(event.wait, 2 * PATIENCE)
    return event


def waiting_ids(engine: BatchEngine, key: str = "key") -> int:
    queue = engine._queues.get(key)
    return 0 if queue is None else queue.number_of_ids()


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


class Interrupt(BaseException):
    """Raised by a signal handler, or to kill a greenlet."""


def _interrupt(*_: object) -> None:
    raise Interrupt


@pytest.fixture
def interrupting() -> Iterator[Any]:
    """A function that interrupts the main thread."""
    before = signal.signal(signal.SIGUSR1, _interrupt)
    yield lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)


def test_an_interrupted_leader_hands_over(engine: BatchEngine, interrupting: Any) -> None:
    """The callers behind it get their answers from the next leader."""
    leader, follower = StubLoader(), StubLoader()
    held(leader)
    waiting: list[Callers] = []

    def interrupt_leader() -> None:
        assert leader.begun.wait(PATIENCE)
        waiting.append(asking(engine, follower, "ab"))
        wait_until(lambda: waiting_ids(engine) == 3)
        interrupting()

    helper = Callers([interrupt_leader])
    with pytest.raises(Interrupt):
        load(engine, leader, ("a",), soon())
    helper.join(PATIENCE)
    assert waiting[0].join(PATIENCE) == [{"a": "A", "b": "B"}]
    assert follower.asked == ["ab"]


def test_an_interrupted_follower_leaves(engine: BatchEngine, interrupting: Any) -> None:
    """Nobody asks for its ids any more."""
    leader, follower, last = StubLoader(), StubLoader(), StubLoader()
    go_on = held(leader)
    waiting = [asking(engine, leader, "a")]
    assert leader.begun.wait(PATIENCE)

    def interrupt_follower() -> None:
        wait_until(lambda: waiting_ids(engine) == 3)
        sleep(0.05)
        interrupting()

    helper = Callers([interrupt_follower])
    with pytest.raises(Interrupt):
        load(engine, follower, ("b", "c"), soon())
    helper.join(PATIENCE)
    waiting.append(asking(engine, last, "d"))
    wait_until(lambda: waiting_ids(engine) == 2)
    go_on.set()
    assert [each.join(PATIENCE) for each in waiting] == [[{"a": "A"}], [{"d": "D"}]]
    assert last.asked == ["d"]


@ASKING
def test_an_exception_of_the_loader_is_the_leaders_own(engine: BatchEngine, ask: Any) -> None:
    """The callers behind it ask for themselves."""
    first, second = StubLoader(), StubLoader()
    go_on = Event()

    def fail() -> None:
        go_on.wait(PATIENCE)
        raise LookupError("mine")

    first.do = fail
    waiting = [ask(engine, first, "a")]
    assert first.begun.wait(PATIENCE)
    waiting.append(ask(engine, second, "a"))
    wait_until(lambda: waiting_ids(engine) == 2)
    go_on.set()
    assert [each.join(PATIENCE) for each in waiting] == [[{"a": "LookupError"}], [{"a": "A"}]]
    assert [type(error) for error, _, _ in first.given] == [LookupError]


@ASKING
def test_an_answer_for_the_leader_alone_is_not_shared(engine: BatchEngine, ask: Any) -> None:
    """The others ask for themselves."""
    first, second = StubLoader(answer_for_all="no"), StubLoader()
    first.own = ("A",)
    go_on = held(first)
    waiting = [ask(engine, first, "a")]
    assert first.begun.wait(PATIENCE)
    waiting.append(ask(engine, second, "a"))
    wait_until(lambda: waiting_ids(engine) == 2)
    go_on.set()
    assert [each.join(PATIENCE) for each in waiting] == [[{"a": "A"}], [{"a": "A"}]]
    assert second.asked == ["a"]


@ASKING
def test_a_failure_that_every_id_would_meet_is_shared_with_all(engine: BatchEngine, ask: Any) -> None:
    first, second = StubLoader(answer_for_all="no"), StubLoader()
    go_on = held(first)
    waiting = [ask(engine, first, "a")]
    assert first.begun.wait(PATIENCE)
    waiting.append(ask(engine, second, "ab"))
    wait_until(lambda: waiting_ids(engine) == 3)
    go_on.set()
    assert [each.join(PATIENCE) for each in waiting] == [[{"a": "A"}], [{"a": "A", "b": "no"}]]
    assert (second.asked, second.reads) == ([], 2)


def test_a_leader_that_is_lost_is_replaced(engine: BatchEngine, mocker: Any) -> None:
    """A thread that the operating system has killed wakes nobody."""
    lost, next_one = StubLoader(), StubLoader()
    go_on = held(lost)
    waiting = asking(engine, lost, "a")
    assert lost.begun.wait(PATIENCE)
    next_one.most_seconds = 0.0
    assert load(engine, next_one, ("a",), soon()) == {"a": "A"}
    assert next_one.asked == ["a"]
    go_on.set()
    assert waiting.join(PATIENCE) == [{"a": "A"}]


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


@ASKING
def test_a_look_up_inside_another_asks_at_once_and_waits_for_nobody(engine: BatchEngine, ask: Any) -> None:
    """It would wait for its own thread otherwise."""
    outer, inner = StubLoader(), StubLoader()
    found: list[dict[str, str]] = []

    def load_inside() -> None:
        found.append(load(engine, inner, tuple("bcde"), soon()))
        found.append(asyncio.run(load_async(engine, inner, tuple("fg"), soon())))

    outer.do = load_inside
    assert ask(engine, outer, "a").join(PATIENCE) == [{"a": "A"}]
    assert found == [dict(zip("bcde", "BCDE", strict=True)), {"f": "F", "g": "G"}]
    assert inner.asked == ["bcde", "fg"]


@ASKING
def test_a_look_up_inside_another_for_the_same_id_fails_at_once(engine: BatchEngine, ask: Any) -> None:
    """It would never end otherwise. With another key, the same id is another question."""
    outer, inner, other = StubLoader(), StubLoader(), StubLoader("other")
    found: list[dict[str, str]] = []

    def load_inside() -> None:
        found.append(load(engine, inner, ("a", "b"), soon()))
        found.append(load(engine, other, ("a",), soon()))

    outer.do = load_inside
    assert ask(engine, outer, "a").join(PATIENCE) == [{"a": "A"}]
    assert found == [{"a": "RecursionError", "b": "RecursionError"}, {"a": "A"}]
    assert (inner.asked, other.asked) == ([], ["a"])


def test_look_ups_inside_one_another_end(engine: BatchEngine) -> None:
    """A credentials provider that asks for another group each time would go on for ever."""
    loader = StubLoader()
    found: list[dict[str, str]] = []
    names = iter("abcdefghij")
    loader.do = lambda: found.append(load(engine, loader, (next(names),), soon()))
    assert load(engine, loader, (next(names),), soon()) == {"a": "A"}
    assert found == [{"d": "RecursionError"}, {"c": "C"}, {"b": "B"}]


def test_an_exception_inside_another_look_up_is_an_answer(engine: BatchEngine) -> None:
    outer, inner = StubLoader(), StubLoader()
    found: list[dict[str, str]] = []

    def fail() -> None:
        raise LookupError

    inner.do = fail
    outer.do = lambda: found.append(load(engine, inner, ("b",), soon()))
    assert load(engine, outer, ("a",), soon()) == {"a": "A"}
    assert found == [{"b": "LookupError"}]


async def test_a_task_that_outlives_the_look_up_it_was_started_in_asks_like_any_other(
    engine: BatchEngine,
) -> None:
    """Its context is that of the look-up, which is over."""
    outer, inner = StubLoader(), StubLoader()
    started: list[asyncio.Task[dict[str, str]]] = []

    async def later() -> dict[str, str]:
        await asyncio.sleep(0.05)
        return await load_async(engine, inner, ("a",), soon())

    outer.do = lambda: started.append(asyncio.get_running_loop().create_task(later()))
    assert load(engine, outer, ("a",), soon()) == {"a": "A"}
    assert await started[0] == {"a": "A"}


async def test_a_cancelled_task_leaves_the_others_their_answers(engine: BatchEngine) -> None:
    """The thread that leads for it goes on."""
    first, second = StubLoader(), StubLoader()
    go_on = held(first)
    tasks = [asyncio.create_task(load_async(engine, first, ("a",), soon()))]
    assert await in_thread(partial(first.begun.wait, PATIENCE))
    tasks += [
        asyncio.create_task(load_async(engine, second, ids, soon())) for ids in (("a",), ("b",), ("c",))
    ]
    await asyncio.sleep(0.01)
    tasks[0].cancel()
    tasks[2].cancel()
    await asyncio.sleep(0.01)
    go_on.set()
    assert (await tasks[1], await tasks[3]) == ({"a": "A"}, {"c": "C"})
    assert all(task.cancelled() for task in (tasks[0], tasks[2]))
    assert second.asked == ["c"]


async def test_many_tasks_need_one_thread(engine: BatchEngine, mocker: Any) -> None:
    """The thread leads as long as tasks wait."""
    started = mocker.spy(_thread, "start_new_thread")
    loader = StubLoader()
    ids = [chr(ord("a") + number) for number in range(25)]
    found = await asyncio.gather(*(load_async(engine, loader, (each,), soon()) for each in ids))
    assert found == [{each: each.upper()} for each in ids]
    assert started.call_count == 1
    assert len(loader.asked) <= 10


NAME: ContextVar[str] = ContextVar("name", default="")


async def test_a_task_is_asked_for_in_its_own_context(engine: BatchEngine) -> None:
    """Credentials may depend on context variables."""
    seen: list[str] = []

    async def ask(name: str) -> None:
        NAME.set(name)
        loader = StubLoader(name)
        loader.do = lambda: seen.append(NAME.get())
        await load_async(engine, loader, ("a",), soon())

    await asyncio.gather(ask("one"), ask("two"))
    assert sorted(seen) == ["one", "two"]


def test_a_loop_that_is_closed_meanwhile_hinders_nobody(engine: BatchEngine) -> None:
    """The thread goes on for callers that still wait."""
    first, second = StubLoader(), StubLoader()
    go_on = held(first)
    loop = asyncio.new_event_loop()
    task = loop.create_task(load_async(engine, first, ("a",), soon()))
    loop.run_until_complete(asyncio.sleep(0))
    assert first.begun.wait(PATIENCE)
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    waiting = asking(engine, second, "b")
    wait_until(lambda: waiting_ids(engine) >= 1)
    go_on.set()
    assert waiting.join(PATIENCE) == [{"b": "B"}]


async def test_a_task_without_a_thread_to_lead_for_it_is_told_so(engine: BatchEngine, mocker: Any) -> None:
    """As at the end of a program."""
    mocker.patch.object(_thread, "start_new_thread", side_effect=RuntimeError("can't start new thread"))
    assert await load_async(engine, StubLoader(), ("a", "b"), soon()) == dict.fromkeys("ab", "RuntimeError")


def test_threads_and_tasks_share_batches(engine: BatchEngine) -> None:
    """A thread may lead for tasks, and a thread of the engine for threads."""
    first, second = StubLoader(), StubLoader()
    go_on = held(first)
    waiting = [asking_in_loop(engine, first, "a")]
    assert first.begun.wait(PATIENCE)
    waiting += [asking(engine, second, "b"), asking_in_loop(engine, second, "c"), asking(engine, second, "a")]
    wait_until(lambda: waiting_ids(engine) == 4)
    go_on.set()
    assert [each.join(PATIENCE)[0] for each in waiting] == [{"a": "A"}, {"b": "B"}, {"c": "C"}, {"a": "A"}]
    assert len(second.asked) == 1


def test_a_process_that_is_forked_while_a_thread_asks_asks_for_itself() -> None:
    """The child has no thread to answer the batch that it inherits."""
    loader = StubLoader("of a fork")
    go_on = held(loader)
    waiting = asking(ENGINE, loader, "a")
    assert loader.begun.wait(PATIENCE)
    child = multiprocessing.get_context("fork").Process(target=_ask_afresh)
    child.start()
    child.join(3 * PATIENCE)
    exit_code = child.exitcode
    child.kill()
    child.join()
    go_on.set()
    assert waiting.join(PATIENCE) == [{"a": "A"}]
    assert exit_code == 0


def _ask_afresh() -> None:
    loader = StubLoader("of a fork")
    assert load(ENGINE, loader, ("a",), soon()) == {"a": "A"}
    assert loader.asked == ["a"]


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
