"""A caller that is interrupted, fails or is lost leaves the others their answers."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from threading import Event
from time import sleep
from typing import TYPE_CHECKING, Any

import pytest

from safe_ecs._lookup.engine import ENGINE, BatchEngine
from tests.support.concurrency import Callers
from tests.support.engines import ASKING, asking, held, wait_until, waiting_ids
from tests.support.loaders import PATIENCE, StubLoader, load, soon

if TYPE_CHECKING:
    from collections.abc import Iterator


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
