"""The store is changed by one thread at a time and without a lock: an interrupt at any instruction leaves it usable."""

from __future__ import annotations

import gc
import sys
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from safe_ecs import GroupStatus, GuardPolicy, StatusCache
from safe_ecs._core.request import LaunchTemplate
from safe_ecs._core.review import Read, TemplateRead
from safe_ecs._system.clock import Clock
from safe_ecs.cache._principal import Principal

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

ME = object()
MYSELF = Principal(ME, ())
POLICY = GuardPolicy()
READ = Read("host", "cn-hangzhou", ("sg-1",))
TEMPLATE = TemplateRead("host", "cn-hangzhou", LaunchTemplate("lt-1", "", "1"))


def unmanaged(number: int) -> GroupStatus:
    return GroupStatus(f"sg-{number}", True, False, None, "cn-hangzhou")  # noqa: FBT003 - fields


FULL = [unmanaged(number) for number in range(4)]


class Interrupts:
    """Does something before one instruction of the cache, as the interpreter does for signals and finalisers.

    Args:
        number: The number of the instruction.
        do: Done once.
    """

    def __init__(self, number: int, do: Callable[[], object]) -> None:
        self._left = number
        self._do = do
        self.is_done = False

    def __enter__(self) -> Self:
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _trace(self, frame: Any, event: str, argument: object) -> Any:
        file = frame.f_code.co_filename
        if "/safe_ecs/cache/" not in file and "/cachetools/" not in file:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            self._left -= 1
            if self._left == 0:
                self.is_done = True
                sys.settrace(None)
                self._do()
        return self._trace


def stop() -> None:
    raise KeyboardInterrupt


def interrupted(use: Callable[[], object], number: int) -> bool:
    """Use the cache with an exception before one instruction, and return whether there were so many."""
    with Interrupts(number, stop) as interrupts, suppress(KeyboardInterrupt):
        use()
    return interrupts.is_done


USES: dict[str, Callable[[StatusCache], object]] = {
    "remember": lambda cache: cache.remember(READ, MYSELF, [unmanaged(number) for number in range(3, 7)]),
    "forget": lambda cache: cache.forget(["sg-2"]),
    "forget all": lambda cache: cache.forget(),
    "discard": lambda cache: cache.discard(READ._replace(security_group_ids=("sg-2",)), MYSELF),
}


@pytest.mark.parametrize("use", USES)
def test_an_exception_before_any_instruction_leaves_a_usable_cache_that_takes_no_older_answer(
    mocker: Any, use: str
) -> None:
    """A signal handler may raise anywhere. A group that was forgotten before stays so for answers that are under way."""
    clock = mocker.patch.object(Clock, "now", return_value=1000.0)
    # Python 3.12 traces the instructions of no code that runs for the first time.
    interrupted(partial(USES[use], StatusCache(maxsize=4)), sys.maxsize)
    number, was_there = 0, True
    while was_there:
        number += 1
        clock.return_value = 1000.0
        cache = StatusCache(maxsize=4)
        cache.remember(READ, MYSELF, FULL)
        clock.return_value = 1001.0
        cache.forget(["sg-1"])
        clock.return_value = 1002.0
        was_there = interrupted(partial(USES[use], cache), number)
        clock.return_value = 1003.0  # A turn that was lost is over by now.
        cache.remember(READ, MYSELF, [unmanaged(1)], asked_at=1000.5)
        assert not cache.recall(READ, ME, POLICY)
        clock.return_value = 1004.0
        for group in range(20, 40):
            cache.remember(READ, MYSELF, [unmanaged(group)])
        assert len(cache) == 4
        assert not cache._store.is_behind()
        assert cache.recall(READ._replace(security_group_ids=("sg-39",)), ME, POLICY)
    assert number > 100


@pytest.mark.parametrize("number", range(1, 400, 7))
def test_a_thread_that_an_interrupted_change_waits_for_ends(number: int) -> None:
    """What it forgets is forgotten from then on, and what it remembers is remembered at the latest after the change."""
    cache = StatusCache(maxsize=8)
    cache.remember(READ, MYSELF, FULL)
    cache.templates.remember(TEMPLATE, MYSELF, ("sg-1",), Clock.now())
    recalled: list[Any] = []

    def work() -> None:
        cache.forget(["sg-1"])
        cache.templates.forget()
        cache.remember(READ, MYSELF, [unmanaged(9)])
        recalled.append(cache.recall(READ, ME, POLICY))
        recalled.append(cache.holds_unmanaged("host", "cn-hangzhou", ("sg-1",), 300))
        recalled.append(cache.templates.recall(TEMPLATE, MYSELF, POLICY))
        recalled.append(cache.forgotten_at(("sg-1",)) > 0)

    def interrupt() -> None:
        thread = Thread(target=work)
        thread.start()
        thread.join(10)
        assert not thread.is_alive()

    with Interrupts(number, interrupt) as interrupts:
        cache.remember(READ, MYSELF, [unmanaged(number) for number in range(3, 7)])
    if not interrupts.is_done:
        work()
    assert recalled == [{}, False, None, True]
    assert cache.recall(READ._replace(security_group_ids=("sg-9",)), ME, POLICY)
    assert not cache._store.is_behind()
    assert len(cache) == 7


def test_a_finaliser_that_uses_the_cache_amid_a_change_does_not_hang() -> None:
    """The garbage collector may run anywhere."""
    cache = StatusCache(maxsize=4)

    class Last:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            cache.forget(["sg-1"])
            cache.remember(READ, MYSELF, [unmanaged(9)])

    for number in range(1, 300, 7):
        cache.remember(READ, MYSELF, FULL)
        Last()
        with Interrupts(number, gc.collect):
            cache.remember(READ, MYSELF, [unmanaged(number) for number in range(3, 7)])
        gc.collect()
        assert not cache.recall(READ, ME, POLICY)
        assert len(cache) <= 4


def test_more_marks_than_there_is_room_for_are_as_if_all_had_been_forgotten() -> None:
    cache = StatusCache()
    asked_at = Clock.now()
    cache.forget([f"sg-{number}" for number in range(5000)])
    assert cache.remember(READ, MYSELF, [unmanaged(9999)], asked_at=asked_at) == []
    assert cache.remember(READ, MYSELF, [unmanaged(9999)])
    cache.forget([f"sg-{number}" for number in range(4090)])
    assert cache.forgotten_at(("sg-1",)) > cache.forgotten_at(("sg-9999",))
    cache.forget([f"sg-{number}" for number in range(5000, 5010)])
    assert cache.forgotten_at(("sg-1",)) == cache.forgotten_at(("sg-9999",))


def test_a_mark_is_not_replaced_by_an_older_one(mocker: Any) -> None:
    """Two threads may forget a group, and the one that looked at the clock first may come second."""
    clock = mocker.patch.object(Clock, "now", return_value=1001.0)
    cache = StatusCache()
    cache.forget(["sg-1"])
    clock.return_value = 1000.0
    cache.forget(["sg-1"])
    assert cache.forgotten_at(["sg-1"]) == 1001.0


def test_what_memory_refuses_does_not_hold(mocker: Any) -> None:
    """A status holds if it is the newest of its group, or says the same as the newest."""
    mocker.patch.object(Clock, "now", return_value=1000.0)
    cache, managed = StatusCache(), unmanaged(1)._replace(service_managed=True)
    assert cache.remember(READ, MYSELF, [managed], asked_at=900.0) == [managed]
    assert cache.remember(READ, MYSELF, [unmanaged(1)], asked_at=800.0) == []
    assert cache.remember(READ, MYSELF, [managed._replace(age=100.0)], asked_at=900.0)
    assert cache.remember(READ, MYSELF, [unmanaged(1)._replace(age=100.0)], asked_at=900.0) == []
    cache.forget(["sg-2"])
    assert cache.remember(READ, MYSELF, [unmanaged(2)], asked_at=1000.0) == []
    assert cache.recall(READ, ME, POLICY)["sg-1"].service_managed
