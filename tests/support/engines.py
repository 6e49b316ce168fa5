"""Callers of a look-up engine: in a thread, or in an event loop of another thread."""

from __future__ import annotations

import asyncio
from functools import partial
from threading import Event
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.concurrency import Callers
from tests.support.loaders import PATIENCE, StubLoader, load, load_async, soon

if TYPE_CHECKING:
    from safe_ecs._lookup.engine import BatchEngine


def wait_until(is_so: Any) -> None:
    """Wait until a function says yes."""
    deadline = soon()
    while not is_so():
        assert monotonic() < deadline
        sleep(0.001)


def asking(engine: BatchEngine, loader: StubLoader, ids: str, not_before: Any = None) -> Callers:
    """Ask in another thread."""
    more = () if not_before is None else (not_before,)
    return Callers([partial(load, engine, loader, tuple(ids), soon(), *more)])


def asking_in_loop(engine: BatchEngine, loader: StubLoader, ids: str) -> Callers:
    """Ask in an event loop of another thread."""
    return Callers([lambda: asyncio.run(load_async(engine, loader, tuple(ids), soon()))])


ASKING = pytest.mark.parametrize("ask", [asking, asking_in_loop], ids=["thread", "loop"])


def held(loader: StubLoader) -> Event:
    """Make a loader wait for an event, with a limit, and return the event."""
    event = Event()
    loader.do = partial(event.wait, 2 * PATIENCE)
    return event


def waiting_ids(engine: BatchEngine, key: str = "key") -> int:
    """Return how many answers are missing for a key."""
    queue = engine._queues.get(key)
    return 0 if queue is None else queue.number_of_ids()
