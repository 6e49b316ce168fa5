"""Threads, tasks, sockets and locks of a process: a comparison of before and after."""

from __future__ import annotations

import gc
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from safe_ecs._lookup.loop_batches import LOOPS
from safe_ecs._lookup.thread_batches import THREADS
from safe_ecs.cache import _status_cache

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Open:
    """The open threads and sockets of this process."""

    threads: frozenset[threading.Thread]
    sockets: frozenset[str]

    @classmethod
    def now(cls) -> Open:
        return cls(frozenset(threading.enumerate()), frozenset(_sockets()))

    def left_over(self, tasks: Callable[[], int], seconds: float) -> dict[str, int]:
        """Return how many more of each kind are open than before, after at most ``seconds`` to end."""
        deadline = monotonic() + seconds
        while True:
            gc.collect()
            now = Open.now()
            found = {
                "threads": len(now.threads - self.threads),
                "tasks": tasks(),
                "sockets": len(now.sockets - self.sockets),
                "locks": _locks() + len(THREADS._queues) + len(LOOPS._queues),
            }
            if not any(found.values()) or monotonic() > deadline:
                return found
            sleep(0.05)


def _sockets() -> list[str]:
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # The descriptor of the listing itself is gone by now.
            found.append(str(descriptor.readlink()))
    return [link for link in found if link.startswith("socket:")]


def _locks() -> int:
    """Return the number of shared locks that cannot be taken at once."""
    locks: list[Any] = [THREADS._lock, *(cache._store.tables.lock for cache in _status_cache._all_caches())]
    held = 0
    for lock in locks:
        if lock.acquire(blocking=False):
            lock.release()
        else:
            held += 1
    return held
