"""Runs blocking work for an event loop, in a thread that ends with its work."""

from __future__ import annotations

import _thread
import asyncio
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")


def start(work: Callable[[], object]) -> None:
    """Run work in a thread of its own, with the context variables of the caller.

    The thread keeps no program alive.

    Raises:
        RuntimeError: No thread can be started, as at the end of a program.
    """
    # threading.Thread.start() waits until the new thread runs. Before Python 3.12, a thread never runs that is started
    # at the end of a program.
    _thread.start_new_thread(copy_context().run, (work,))


def begin(work: Callable[[], object] | None) -> None:
    """Begin work for which nobody waits: a cancelled task must not hide that its call has succeeded."""
    if work is not None:
        with suppress(RuntimeError):  # At the end of a program there is no thread for it.
            start(work)


async def in_thread(work: Callable[[], _Result]) -> _Result:
    """Run blocking work without blocking the event loop, and return its result.

    Where no thread can be started, the work runs in the loop's own thread.

    Raises:
        Exception: The exception of the work.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_Result] = loop.create_future()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - the waiting task is told of any exception
            tell(future.set_exception, error)
        else:
            tell(future.set_result, result)

    def tell(settle: Callable[..., None], outcome: object) -> None:
        with suppress(RuntimeError):  # The loop is closed: nobody waits any more.
            loop.call_soon_threadsafe(lambda: None if future.done() else settle(outcome))

    try:
        start(run)
    except RuntimeError:
        return work()
    return await future
