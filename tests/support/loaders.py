"""Inquiries that ask nobody: they answer, fail or wait as a test wants."""

from __future__ import annotations

import asyncio
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PATIENCE = 6.0
"""Seconds: far more than an answer takes, and as long as a test waits for one that does not come."""


def soon() -> float:
    """Return a deadline that only those miss whose answer does not come."""
    return monotonic() + PATIENCE


class StubLoader:
    """A loader of three ids at most, whose answer for an id is the id in upper case.

    Attributes:
        asked: The ids of each time it was asked.
        given: Each time it gave up: the error, the seconds waited and those in flight.
        judged: The answers for which it was asked whether they hold for all.
        begun: Is set when it is asked.
        begun_async: Is set when it is asked in an event loop.
        sent: How many requests it has sent: two each time.
        reads: How many were sent for what was asked of it.
        do: What it does when it is asked, in place of nothing.
        do_async: The same in an event loop.
        on_joined: What it does when its ids have been joined.
    """

    most_ids = 3

    def __init__(self, key: str = "key", *, answer_for_all: str | None = None) -> None:
        self.key = key
        self.sent = 0
        self.reads = 0
        self.asked: list[str] = []
        self.given: list[tuple[BaseException, float, float]] = []
        self.judged: list[dict[str, str]] = []
        self.begun = Event()
        self.begun_async = asyncio.Event()
        self.do: Callable[[], object] = lambda: None
        self.do_async: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)
        self.on_joined: Callable[[], object] = lambda: None
        self._answer_for_all = answer_for_all

    def ask(self, ids: tuple[str, ...]) -> dict[str, str]:
        self._begin(ids)
        self.do()
        return {each: each.upper() for each in ids}

    async def ask_async(self, ids: tuple[str, ...]) -> dict[str, str]:
        self._begin(ids)
        self.begun_async.set()
        await self.do_async()
        return {each: each.upper() for each in ids}

    def _begin(self, ids: tuple[str, ...]) -> None:
        self.sent += 2
        self.asked.append("".join(ids))
        self.begun.set()

    def joined(self, ids: int) -> None:
        self.on_joined()

    def failure_for(self, error: BaseException, *, waited: float = 0.0, in_flight: float = 0.0) -> str:
        self.given.append((error, waited, in_flight))
        return type(error).__name__

    def common_failure(self, answers: dict[str, str]) -> str | None:
        self.judged.append(answers)
        return self._answer_for_all
