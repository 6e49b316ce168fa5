"""One thread leads for the tasks of event loops, which share their batches with threads."""

from __future__ import annotations

import _thread
import asyncio
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

from safe_ecs._system.threads import in_thread
from tests.support.engines import asking, asking_in_loop, held, wait_until, waiting_ids
from tests.support.loaders import PATIENCE, StubLoader, load_async, soon

if TYPE_CHECKING:
    from safe_ecs._lookup.engine import BatchEngine


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
