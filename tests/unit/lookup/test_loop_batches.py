"""The tasks of one event loop share batches, each task gets its own answers, and a closed loop harms no other."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from safe_ecs._lookup.loop_batches import LOOPS, LoopBatching
from tests.support.loaders import PATIENCE, StubLoader, load_async, soon

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def batches() -> AsyncIterator[LoopBatching]:
    """Batches that must leave no queue, no task and no failed task behind."""
    batches = LoopBatching()
    failures: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    before = asyncio.all_tasks()
    yield batches
    async with asyncio.timeout(PATIENCE):
        while runners := asyncio.all_tasks() - before - {asyncio.current_task()}:
            await asyncio.wait(runners)
    gc.collect()
    assert not batches._queues
    assert not failures


def asking(batches: LoopBatching, loader: StubLoader, ids: str) -> asyncio.Task[dict[str, str]]:
    """Ask in another task."""
    return asyncio.create_task(load_async(batches, loader, tuple(ids), soon()))


def held(loader: StubLoader) -> asyncio.Event:
    """Make a loader wait for an event, with a limit, and return the event."""
    event = asyncio.Event()

    async def wait() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * PATIENCE):
                await event.wait()

    loader.do_async = wait
    return event


async def begun(loader: StubLoader) -> None:
    """Wait until a loader's batch begins."""
    async with asyncio.timeout(PATIENCE):
        await loader.begun_async.wait()


async def test_ids_are_asked_for_in_batches_and_their_reads_are_counted(batches: LoopBatching) -> None:
    """The runner of a batch is a task with a name."""
    names: list[str] = []

    async def note() -> None:
        task = asyncio.current_task()
        assert task is not None
        names.append(task.get_name())

    for _ in range(2):
        loader = StubLoader()
        loader.do_async = note
        assert await load_async(batches, loader, tuple("abcde"), soon()) == dict(
            zip("abcde", "ABCDE", strict=True)
        )
        assert (loader.asked, loader.reads) == (["abc", "de"], 4)
    assert names == ["safe_ecs look-up"] * 4


async def test_what_is_asked_for_already_is_not_asked_for_again(batches: LoopBatching) -> None:
    """A batch under way is too old for a caller with a later ``not_before``."""
    first, second, third = StubLoader(), StubLoader(), StubLoader()
    go_on = held(first)
    tasks = [asking(batches, first, "a")]
    await begun(first)
    tasks.append(asking(batches, second, "ab"))
    await asyncio.sleep(0)
    tasks.append(asyncio.create_task(load_async(batches, third, ("a",), soon(), monotonic())))
    await asyncio.sleep(0)
    go_on.set()
    assert await asyncio.gather(*tasks) == [{"a": "A"}, {"a": "A", "b": "B"}, {"a": "A"}]
    assert (first.asked, second.asked, third.asked) == (["a"], ["ba"], [])
    assert (first.reads, second.reads, third.reads) == (2, 4, 2)


async def test_other_keys_do_not_wait(batches: LoopBatching) -> None:
    """The end of another key's batch does not end the one under way."""
    first, second, third = StubLoader(), StubLoader("other"), StubLoader()
    go_on = held(first)
    task = asking(batches, first, "a")
    await begun(first)
    assert await load_async(batches, second, ("a",), soon()) == {"a": "A"}
    assert second.asked == ["a"]
    late = asking(batches, third, "a")
    await asyncio.sleep(0)
    go_on.set()
    assert [await task, await late] == [{"a": "A"}] * 2
    assert third.asked == []


async def test_one_who_has_waited_long_enough_is_told_so_for_each_id(batches: LoopBatching) -> None:
    """The failure has the seconds waited and the seconds in flight. Of the abandoned batches only the last is sent."""
    loader, hasty = StubLoader(), StubLoader()
    go_on = held(loader)
    task = asking(batches, loader, "a")
    await begun(loader)
    found = await load_async(batches, hasty, tuple("bcdefgh"), monotonic() + 0.1)
    assert found == dict.fromkeys("bcdefgh", "TimeoutError")
    assert [type(error) for error, _, _ in hasty.given] == [TimeoutError] * 3
    for _, waited, in_flight in hasty.given:
        assert 0.05 < waited < PATIENCE
        assert 0.05 < in_flight < PATIENCE
    assert hasty.reads == 0
    go_on.set()
    assert await task == {"a": "A"}
    await begun(hasty)
    assert hasty.asked == ["h"]


async def test_one_whose_time_is_over_does_not_wait(batches: LoopBatching) -> None:
    """The caller keeps the answers that came in time, and counts the reads sent."""
    loader = StubLoader()
    loader.do_async = partial(asyncio.sleep, 0.5)
    assert await load_async(batches, loader, ("a",), monotonic() - 1) == {"a": "TimeoutError"}
    loader = StubLoader("other")
    loader.do_async = lambda: asyncio.sleep(0.5 if len(loader.asked) > 1 else 0)
    found = await load_async(batches, loader, tuple("abcd"), monotonic() + 0.2)
    assert found == {"a": "A", "b": "B", "c": "C", "d": "TimeoutError"}
    assert loader.reads == 2


async def test_what_asks_breaks_down_for_everybody(batches: LoopBatching) -> None:
    """The failed batch settles with its error, and the next batch is sent."""
    loader, error = StubLoader(), MemoryError()

    async def fail() -> None:
        if len(loader.asked) == 1:
            raise error

    loader.do_async = fail
    found = await load_async(batches, loader, tuple("abcd"), soon())
    assert found == dict.fromkeys("abc", "MemoryError") | {"d": "D"}
    assert loader.given == [(error, 0.0, 0.0)]


async def test_an_answer_that_holds_for_all_is_everybodys(batches: LoopBatching) -> None:
    loader = StubLoader(answer_for_all="no")
    found = await load_async(batches, loader, tuple("abcdef"), soon())
    assert found == dict(zip("abcdef", ["A", "B", "C", "no", "no", "no"], strict=True))
    assert (loader.asked, loader.judged) == (["abc"], [{"a": "A", "b": "B", "c": "C"}])


async def test_a_lookup_from_inside_another_has_a_queue_of_its_own(batches: LoopBatching) -> None:
    """The inner look-up does not wait for the batch around it."""
    outer, inner = StubLoader(), StubLoader()
    found: list[dict[str, str]] = []

    async def load_inside() -> None:
        found.append(await load_async(batches, inner, ("a",), soon()))

    outer.do_async = load_inside
    assert await load_async(batches, outer, ("a",), soon()) == {"a": "A"}
    assert found == [{"a": "A"}]
    assert inner.asked == ["a"]


async def test_a_runner_that_is_cancelled_tells_everybody(batches: LoopBatching) -> None:
    """``asyncio.run`` cancels the tasks left at its end."""
    loader = StubLoader()
    held(loader)
    tasks = [asking(batches, loader, ids) for ids in ("abc", "d")]
    await begun(loader)
    [runner] = [task for task in asyncio.all_tasks() if task.get_name() == "safe_ecs look-up"]
    runner.cancel()
    assert await asyncio.gather(*tasks) == [dict.fromkeys("abc", "CancelledError"), {"d": "CancelledError"}]


async def test_a_cancelled_task_leaves_its_batch(batches: LoopBatching) -> None:
    """The batch goes on for other callers, and is skipped if there are none."""
    loader, cancelled, last = StubLoader(), StubLoader(), StubLoader()
    go_on = held(loader)
    tasks = [asking(batches, loader, "a")]
    await begun(loader)
    tasks += [asking(batches, cancelled, "abcd"), asking(batches, last, "efg")]
    await asyncio.sleep(0)
    tasks[1].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]
    go_on.set()
    assert await tasks[0] == {"a": "A"}
    assert await tasks[2] == dict(zip("efg", "EFG", strict=True))
    assert (cancelled.asked, last.asked) == ([], ["efg"])


async def test_what_everybody_has_left_is_cancelled_and_in_nobodys_way(batches: LoopBatching) -> None:
    """The new caller may come before the cancelled runner notices."""
    loader, next_one = StubLoader(), StubLoader()
    held(loader)

    async def ask_twice() -> dict[str, str]:
        with suppress(asyncio.CancelledError):
            await load_async(batches, loader, ("a",), soon())
        return await load_async(batches, next_one, ("a",), soon())

    task = asyncio.create_task(ask_twice())
    await begun(loader)
    task.cancel()
    assert await task == {"a": "A"}
    assert next_one.asked == ["a"]


async def test_one_who_was_told_of_the_end_of_his_time_no_longer_counts(batches: LoopBatching) -> None:
    """The batch is cancelled with the last waiting caller."""
    loader = StubLoader()
    held(loader)
    assert await load_async(batches, loader, ("a",), monotonic() + 0.05) == {"a": "TimeoutError"}
    task = asking(batches, loader, "a")
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert loader.asked == ["a"]


def test_a_loop_that_was_closed_in_the_middle_is_forgotten() -> None:
    """A new loop asks for itself."""
    batches = LoopBatching()
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)
    loader, next_one = StubLoader(), StubLoader()
    loader.do_async = lambda: asyncio.sleep(60)
    task = loop.create_task(load_async(batches, loader, ("a",), soon()))
    loop.run_until_complete(begun(loader))
    assert list(batches._queues) == [loop]
    loop.close()

    async def ask_anew() -> None:
        seen: list[asyncio.AbstractEventLoop] = []

        async def note() -> None:
            seen.extend(batches._queues)

        next_one.do_async = note
        assert await load_async(batches, next_one, ("a",), soon()) == {"a": "A"}
        assert seen == [asyncio.get_running_loop()]

    asyncio.run(ask_anew())
    assert not batches._queues
    del task
    gc.collect()


def test_two_threads_may_forget_the_same_loop() -> None:
    """Another thread may remove the loop first."""
    batches = LoopBatching()

    class Closed(asyncio.SelectorEventLoop):
        def is_closed(self) -> bool:
            batches._queues.pop(self, None)
            return super().is_closed()

    loop = Closed()
    loop.close()
    batches._queues[loop] = {}
    assert asyncio.run(load_async(batches, StubLoader(), ("a",), soon())) == {"a": "A"}
    assert not batches._queues


def test_a_process_that_is_forked_in_the_middle_of_a_lookup_asks_for_itself() -> None:
    """The child asks for itself even in the loop of its parent."""
    loop = asyncio.new_event_loop()
    loader = StubLoader("of a fork")

    async def start() -> asyncio.Task[dict[str, str]]:
        held(loader)
        task = asking(LOOPS, loader, "a")
        await begun(loader)
        return task

    task = loop.run_until_complete(start())
    child = multiprocessing.get_context("fork").Process(target=_ask_afresh, args=(loop,))
    child.start()
    child.join(3 * PATIENCE)
    exit_code = child.exitcode
    child.kill()
    child.join()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert exit_code == 0


def _ask_afresh(loop: asyncio.AbstractEventLoop) -> None:
    loader = StubLoader("of a fork")
    assert loop.run_until_complete(load_async(LOOPS, loader, ("a",), soon())) == {"a": "A"}
    assert loader.asked == ["a"]
