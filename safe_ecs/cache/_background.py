"""Work that a caller can stop waiting for."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from threading import Thread, current_thread
from time import sleep
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")

_ending: Final[deque[Thread]] = deque(maxlen=64)
"""The threads that have done their work since the last fork."""
_MOST_SECONDS_FOR_AN_END: Final = 0.1
_SECONDS_BEYOND_PYTHON: Final = 0.002


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
            try:
                result = context.run(work)
            finally:
                _ending.append(current_thread())
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


def _let_threads_end() -> None:
    """Before a fork: wait, for a moment, for the end of the threads whose work is done.

    A thread that has made a TLS context, as the SDK does for each new host, takes a lock of OpenSSL when it ends. A child
    that is forked at that moment would find it locked for good, and could make no connection of its own.
    """
    if not _ending:
        return
    with suppress(IndexError):  # As soon as there is none left; another thread may be about to fork too.
        while True:
            _ending.popleft().join(_MOST_SECONDS_FOR_AN_END)
    # Before Python 3.13 a thread that can be joined has left Python, and not yet OpenSSL.
    sleep(_SECONDS_BEYOND_PYTHON)


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(before=_let_threads_end)
