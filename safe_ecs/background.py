"""Work that a caller can stop waiting for."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from contextvars import copy_context
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")


def in_background(work: Callable[[], _Result]) -> Future[_Result] | None:
    """Do something in a thread of its own, with the caller's context variables, and return its future.

    The thread is a daemon and ends with its work: it keeps no program alive, and nothing of it is left over.

    Returns:
        The future, or None where no thread can be started, as at the end of a program.
    """
    future: Future[_Result] = Future()
    context = copy_context()

    def run() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            result = context.run(work)
        except BaseException as error:  # noqa: BLE001 - it is the waiting caller's to judge
            future.set_exception(error)
        else:
            future.set_result(result)

    try:
        Thread(target=run, name="safe_ecs background", daemon=True).start()
    except RuntimeError:
        return None
    return future


async def in_background_async(work: Callable[[], _Result]) -> _Result:
    """Do something that blocks without blocking the event loop, and return its result.

    Raises:
        Exception: What the work raised.
    """
    future = in_background(work)
    return work() if future is None else await asyncio.wrap_future(future)


def within(seconds: float, work: Callable[[], _Result]) -> _Result:
    """Do something and return its result, or stop waiting for it.

    Where no thread can be started it is done in this one, and takes as long as it takes.

    Raises:
        TimeoutError: It took longer; it may still be going on.
        Exception: What the work raised.
    """
    future = in_background(work)
    return work() if future is None else future.result(max(seconds, 0.0))
