"""Threads share batches, each caller gets its own answers in time, and nobody waits in vain."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from functools import partial
from threading import Event
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import pytest

from safe_ecs._lookup.thread_batches import THREADS, ThreadBatching, _Result
from tests.support.concurrency import Callers
from tests.support.loaders import PATIENCE, StubLoader, load, soon

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def batches() -> Iterator[ThreadBatching]:
    """Batches that must leave no queue behind."""
    batches = ThreadBatching()
    yield batches
    wait_until(lambda: not batches._queues)


def wait_until(is_so: Any) -> None:
    deadline = soon()
    while not is_so():
        assert monotonic() < deadline
        sleep(0.001)


def asking(batches: ThreadBatching, loader: StubLoader, ids: str) -> Callers:
    """Ask in another thread."""
    return Callers([partial(load, batches, loader, tuple(ids), soon())])


def held(loader: StubLoader) -> Event:
    """Make a loader wait for an event, with a limit, and return the event."""
    event = Event()
    loader.do = partial(event.wait, 2 * PATIENCE)
    return event


def test_a_result_is_there_for_those_who_wait_and_those_who_come_later() -> None:
    result = _Result()
    assert not result.done()
    with pytest.raises(TimeoutError):
        result.result(0.0)
    waiting = Callers([partial(result.result, PATIENCE)] * 3)
    wait_until(lambda: len(result._latches) == 4)
    result.set_result("x")
    assert result.done()
    assert waiting.join(2 * PATIENCE) == ["x"] * 3
    assert result.result(0.0) == "x"


def test_ids_are_asked_for_in_batches_and_their_reads_are_counted(batches: ThreadBatching) -> None:
    """One thread can ask again and again."""
    for _ in range(2):
        loader = StubLoader()
        assert load(batches, loader, tuple("abcde"), soon()) == dict(zip("abcde", "ABCDE", strict=True))
        assert loader.asked == ["abc", "de"]
        assert loader.reads == 4


def test_what_is_asked_for_already_is_not_asked_for_again(batches: ThreadBatching) -> None:
    """A batch under way is too old for a caller with a later ``not_before``."""
    first, second, third = StubLoader(), StubLoader(), StubLoader()
    go_on = held(first)
    waiting = [asking(batches, first, "a")]
    assert first.begun.wait(PATIENCE)
    waiting.append(asking(batches, second, "ab"))
    wait_until(lambda: batches._queues["key"].number_of_partial_batch == 1)
    waiting.append(Callers([lambda: load(batches, third, ("a",), soon(), monotonic())]))
    wait_until(lambda: batches._queues["key"].number_of_partial_batch == 2)
    go_on.set()
    assert [each.join(PATIENCE) for each in waiting] == [[{"a": "A"}], [{"a": "A", "b": "B"}], [{"a": "A"}]]
    assert (first.asked, second.asked, third.asked) == (["a"], ["ba"], [])
    assert (first.reads, second.reads, third.reads) == (2, 4, 2)


def test_other_keys_do_not_wait(batches: ThreadBatching) -> None:
    """The end of another key's batch does not end the one under way."""
    first, second = StubLoader(), StubLoader("other")
    go_on = held(first)
    waiting = asking(batches, first, "a")
    assert first.begun.wait(PATIENCE)
    assert load(batches, second, ("a",), soon()) == {"a": "A"}
    assert second.asked == ["a"]
    wait_until(lambda: "other" not in batches._queues)
    assert "key" in batches._queues
    go_on.set()
    waiting.join(PATIENCE)


def test_one_who_has_waited_long_enough_is_told_so_for_each_id(batches: ThreadBatching) -> None:
    """The failure has the seconds waited and the seconds in flight. Of the abandoned batches only the last is sent."""
    loader, hasty = StubLoader(), StubLoader()
    go_on = held(loader)
    waiting = asking(batches, loader, "a")
    assert loader.begun.wait(PATIENCE)
    found = load(batches, hasty, tuple("bcdefgh"), monotonic() + 0.1)
    assert found == dict.fromkeys("bcdefgh", "TimeoutError")
    assert len(hasty.given) == 3
    for _, waited, in_flight in hasty.given:
        assert 0.05 < waited < PATIENCE
        assert 0.05 < in_flight < PATIENCE
    assert hasty.reads == 0
    go_on.set()
    assert waiting.join(PATIENCE) == [{"a": "A"}]
    wait_until(lambda: not batches._queues)
    assert hasty.asked == ["h"]


def test_one_whose_time_is_over_does_not_wait(batches: ThreadBatching) -> None:
    """The caller keeps the answers that came in time, and counts the reads sent."""
    loader = StubLoader()
    loader.do = partial(sleep, 0.5)
    assert load(batches, loader, ("a",), monotonic() - 1) == {"a": "TimeoutError"}
    loader = StubLoader("other")
    loader.do = lambda: sleep(0.5) if len(loader.asked) > 1 else None
    found = load(batches, loader, tuple("abcd"), monotonic() + 0.2)
    assert found == {"a": "A", "b": "B", "c": "C", "d": "TimeoutError"}
    assert loader.reads == 2


class Interrupt(BaseException):
    pass


def test_an_interrupted_caller_leaves_all_its_batches(batches: ThreadBatching) -> None:
    """The caller leaves the batch it waits for and all later ones. They are skipped if another batch follows."""
    loader, interrupted, last = StubLoader(), StubLoader(), StubLoader()
    go_on = held(loader)
    waiting = [asking(batches, loader, "a")]
    assert loader.begun.wait(PATIENCE)

    def interrupt(*_: object) -> None:
        raise Interrupt

    def interrupt_main() -> None:
        queue = batches._queues["key"]
        wait_until(lambda: queue.waiting and queue.waiting[0].future._latches)
        sleep(0.05)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        interrupting = Callers([interrupt_main])
        with pytest.raises(Interrupt):
            load(batches, interrupted, tuple("bcdefghij"), soon())
        interrupting.join(PATIENCE)
    finally:
        signal.signal(signal.SIGUSR1, before)
    waiting.append(asking(batches, last, "k"))
    wait_until(lambda: len(batches._queues["key"].waiting) == 4)
    go_on.set()
    assert [each.join(PATIENCE) for each in waiting] == [[{"a": "A"}], [{"k": "K"}]]
    assert (interrupted.asked, last.asked) == ([], ["k"])


def test_what_asks_breaks_down_for_everybody(batches: ThreadBatching) -> None:
    loader, error = StubLoader(), SystemExit("no")

    def fail() -> None:
        raise error

    loader.do = fail
    assert load(batches, loader, ("a", "b"), soon()) == {"a": "SystemExit", "b": "SystemExit"}
    assert loader.given == [(error, 0.0, 0.0)]


def test_an_answer_that_holds_for_all_is_everybodys(batches: ThreadBatching) -> None:
    loader = StubLoader(answer_for_all="no")
    found = load(batches, loader, tuple("abcdef"), soon())
    assert found == dict(zip("abcdef", ["A", "B", "C", "no", "no", "no"], strict=True))
    assert (loader.asked, loader.judged) == (["abc"], [{"a": "A", "b": "B", "c": "C"}])


def test_a_batch_waits_for_threads_as_long_as_more_of_them_come(batches: ThreadBatching, mocker: Any) -> None:
    """The batch yields to other threads with ``sleep(0)``, and waits for no time."""
    first, others = StubLoader(), StubLoader()
    go_on = held(first)
    waiting = [asking(batches, first, "a")]
    assert first.begun.wait(PATIENCE)
    queue = batches._queues["key"]
    waiting.append(asking(batches, others, "b"))
    wait_until(lambda: queue.number_of_partial_batch == 1)

    def let_one_in(_: object) -> None:
        if yielding.call_count == 1:
            waiting.append(asking(batches, others, "c"))
            wait_until(lambda: queue.number_of_partial_batch == 2)

    yielding = mocker.patch("safe_ecs._lookup.thread_batches.sleep", side_effect=let_one_in)
    go_on.set()
    waiting[0].join(PATIENCE)
    wait_until(lambda: others.asked)
    assert [each.join(PATIENCE) for each in waiting] == [[{"a": "A"}], [{"b": "B"}], [{"c": "C"}]]
    assert others.asked == ["bc"]
    assert yielding.call_args_list == [mocker.call(0)] * 2


def test_a_lookup_from_inside_another_asks_at_once(batches: ThreadBatching) -> None:
    """The inner look-up does not wait for the batch around it, and keeps its own deadline."""
    outer, inner, slow = StubLoader(), StubLoader(), StubLoader()
    go_on = held(slow)
    found: list[dict[str, str]] = []

    def load_inside() -> None:
        found.append(load(batches, inner, tuple("abcd"), soon()))
        found.append(load(batches, slow, ("a", "b"), monotonic() + 0.05))

    outer.do = load_inside
    assert load(batches, outer, ("a",), soon()) == {"a": "A"}
    go_on.set()
    assert found == [dict(zip("abcd", "ABCD", strict=True)), {"a": "TimeoutError", "b": "TimeoutError"}]
    assert (inner.asked, inner.reads) == (["abcd"], 2)
    assert slow.asked == ["ab"]
    assert len(slow.given) == 1


def test_a_signal_handler_in_the_middle_of_joining_asks_for_itself(batches: ThreadBatching) -> None:
    """The interrupted thread holds the lock, and goes on only after the handler."""
    loader, handler = StubLoader(), StubLoader()
    found: list[dict[str, str]] = []
    loader.on_joined = lambda: found.append(load(batches, handler, tuple("abcd"), soon()))
    assert asking(batches, loader, "a").join(PATIENCE) == [{"a": "A"}]
    assert found == [dict(zip("abcd", "ABCD", strict=True))]
    assert (handler.asked, handler.reads) == (["abcd"], 2)


def test_without_threads_the_caller_asks_and_is_not_asking_afterwards(
    batches: ThreadBatching, mocker: Any
) -> None:
    mocker.patch("safe_ecs.cache._background.Thread").return_value.start.side_effect = RuntimeError(
        "can't start"
    )
    for _ in range(2):
        loader = StubLoader()
        assert load(batches, loader, tuple("abcd"), soon()) == dict(zip("abcd", "ABCD", strict=True))
        assert loader.asked == ["abc", "d"]


def test_a_process_that_is_forked_while_a_thread_asks_asks_for_itself() -> None:
    """The child has no thread to answer the batch that it inherits."""
    loader = StubLoader("of a fork")
    go_on = held(loader)
    waiting = asking(THREADS, loader, "a")
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
    assert load(THREADS, loader, ("a",), soon()) == {"a": "A"}
    assert loader.asked == ["a"]


def test_a_batch_that_outlives_a_fresh_start_ends_only_its_own_queue(batches: ThreadBatching) -> None:
    """A process forked within ``ask`` starts afresh while its old batch still runs."""
    old, new = StubLoader(), StubLoader()
    fresh, go_on, go_on_too = Event(), held(new), Event()

    def start_afresh() -> None:
        batches.start_afresh()
        fresh.set()
        go_on_too.wait(PATIENCE)

    old.do = start_afresh
    others = set(threading.enumerate())
    waiting = [asking(batches, old, "a")]
    assert fresh.wait(PATIENCE)
    [runner] = [t for t in set(threading.enumerate()) - others if t.name.startswith("safe_ecs")]
    waiting.append(asking(batches, new, "b"))
    assert new.begun.wait(PATIENCE)
    queue = batches._queues["key"]
    go_on_too.set()
    waiting[0].join(PATIENCE)
    runner.join(PATIENCE)
    assert not runner.is_alive()
    assert batches._queues == {"key": queue}
    go_on.set()
    assert [each.join(PATIENCE) for each in waiting] == [[{"a": "A"}], [{"b": "B"}]]
