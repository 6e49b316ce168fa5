"""One caller leads at a time, and every caller knows its own answers. No threads or loops take part."""

from __future__ import annotations

from typing import Any

import pytest

from safe_ecs._lookup.batching import BatchRequest, BatchResult
from safe_ecs._lookup.callers import Caller, Queue
from safe_ecs._system.clock import Clock
from tests.support.loaders import StubLoader


@pytest.fixture(autouse=True)
def clock(mocker: Any) -> Any:
    return mocker.patch.object(Clock, "now", return_value=1000.0)


def caller(ids: str = "ab", loader: StubLoader | None = None, outer: Caller | None = None) -> Caller:
    return Caller(BatchRequest(loader or StubLoader(), tuple(ids), 1010.0), outer)


def test_one_caller_leads_until_it_stops() -> None:
    queue, first, second = Queue("key"), caller(), caller()
    assert not queue.is_led
    assert queue.begin_to_lead(first)
    assert queue.is_led
    assert not queue.begin_to_lead(second)
    queue.stop_leading(second)
    assert queue.is_led
    queue.stop_leading(first)
    assert not queue.is_led
    queue.stop_leading(first)
    assert queue.begin_to_lead(second)


def test_a_leader_that_takes_too_long_is_replaced(clock: Any) -> None:
    """The lost leader, if it comes back, does not stop the new one."""
    queue, first, second = Queue("key"), caller(), caller()
    queue.begin_to_lead(first)
    clock.return_value += StubLoader.most_seconds
    assert not queue.begin_to_lead(second)
    clock.return_value += 0.1
    assert queue.begin_to_lead(second)
    queue.stop_leading(first)
    assert queue.is_led
    queue.stop_leading(second)
    assert not queue.is_led


def test_the_first_caller_that_waits_is_the_next_leader() -> None:
    queue, first, second = Queue("key"), caller(), caller()
    assert queue.next_leader() is None
    queue.callers = {first: None, second: None}
    assert queue.next_leader() is first
    first.take(BatchResult({"a": "A", "b": "B"}))
    assert queue.next_leader() is second
    queue.begin_to_lead(second)
    assert queue.next_leader() is None


def test_the_queue_knows_how_many_answers_are_missing_and_for_how_long(clock: Any) -> None:
    queue, first, second = Queue("key"), caller("ab"), caller("bcd")
    queue.callers = {first: None, second: None}
    assert (queue.number_of_ids(), queue.seconds_in_flight()) == (5, 0.0)
    queue.begin_to_lead(first)
    clock.return_value += 2.5
    assert queue.seconds_in_flight() == 2.5


def test_a_caller_that_has_all_its_answers_leaves_the_queue_and_is_woken(mocker: Any) -> None:
    queue, one = Queue("key"), caller()
    queue.callers = {one: None}
    woken = mocker.spy(one, "wake")
    queue.give(one, BatchResult({"a": "A"}, 2))
    assert (list(queue.callers), woken.call_count) == ([one], 0)
    queue.give(one, BatchResult({"b": "B", "c": "C"}, 3))
    assert (list(queue.callers), woken.call_count) == ([], 1)
    assert one.result(0.0) == BatchResult({"a": "A", "b": "B"}, 5)


def test_a_caller_without_an_answer_gets_a_failure_with_its_times(clock: Any) -> None:
    loader = StubLoader()
    one = caller("abc", loader)
    one.take(BatchResult({"b": "B"}, 2))
    clock.return_value += 1.5
    assert one.result(0.7) == BatchResult({"a": "TimeoutError", "b": "B", "c": "TimeoutError"}, 2)
    [(_, waited, in_flight)] = loader.given
    assert (waited, in_flight) == (1.5, 0.7)


def test_a_wait_ends_when_the_caller_is_woken_before_or_after(clock: Any) -> None:
    """It may be woken twice: by its answers, and for its turn to lead."""
    one = caller()
    assert not one.has_waited
    one.wake()
    one.wake()
    one.wait()
    assert one.has_waited
    clock.return_value = 1010.0
    one.wait()  # The deadline has passed.


def test_a_caller_is_inside_the_ones_that_are_not_over() -> None:
    first = caller()
    second = caller(outer=first)
    third = caller(outer=second)
    assert first.enclosing() == []
    assert third.enclosing() == [second, first]
    second.is_over = True
    assert third.enclosing() == [first]


def test_a_leader_asks_for_the_ids_of_its_batch() -> None:
    one, other = caller("a"), StubLoader("other")
    request = BatchRequest(StubLoader(), ("a", "b"), 1010.0)
    assert not one.is_asking_for(request)
    one.batch = {"b": one}
    assert one.is_asking_for(request)
    assert not one.is_asking_for(request._replace(ids=("a",)))
    assert not one.is_asking_for(request._replace(loader=other))
