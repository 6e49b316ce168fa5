"""Blocking work does not block an event loop."""

from __future__ import annotations

import _thread
import asyncio
from contextvars import ContextVar
from threading import Event, get_ident
from typing import Any

import pytest

from safe_ecs._system.threads import in_thread, start

NAME: ContextVar[str] = ContextVar("name", default="")


async def test_the_loop_goes_on_while_the_work_blocks() -> None:
    """The work runs in another thread, with the context variables of the task."""
    NAME.set("mine")
    go_on = Event()

    def work() -> tuple[str, int]:
        assert go_on.wait(10)
        return NAME.get(), get_ident()

    task = asyncio.create_task(in_thread(work))
    await asyncio.sleep(0)
    go_on.set()
    name, thread = await task
    assert name == "mine"
    assert thread != get_ident()


async def test_the_task_gets_the_exception_of_the_work() -> None:
    def work() -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await in_thread(work)


async def test_a_cancelled_task_leaves_the_work_alone() -> None:
    """The result comes too late for the task, and harms nobody."""
    go_on, ended = Event(), Event()

    def work() -> None:
        go_on.wait(10)
        ended.set()

    task = asyncio.create_task(in_thread(work))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    assert await in_thread(lambda: ended.wait(10))
    await asyncio.sleep(0)


def test_work_may_outlive_its_loop() -> None:
    """Nobody waits for it any more."""
    go_on, ended = Event(), Event()

    def work() -> None:
        go_on.wait(10)
        ended.set()

    async def begin() -> None:
        asyncio.create_task(in_thread(work))  # noqa: RUF006 - the loop cancels it
        await asyncio.sleep(0)

    asyncio.run(begin())
    go_on.set()
    assert ended.wait(10)


async def test_where_no_thread_can_be_started_the_work_runs_here(mocker: Any) -> None:
    """As at the end of a program."""
    mocker.patch.object(_thread, "start_new_thread", side_effect=RuntimeError)
    assert await in_thread(get_ident) == get_ident()
    with pytest.raises(RuntimeError):
        start(get_ident)
