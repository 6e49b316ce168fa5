"""Threads, tasks, sockets and queues of a process: a comparison of before and after."""

from __future__ import annotations

import _thread
import gc
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

from safe_ecs._lookup.engine import ENGINE
from safe_ecs.cache import _status_cache

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Open:
    """The number of threads of this process, and its open sockets."""

    threads: int
    sockets: frozenset[str]

    @classmethod
    def now(cls) -> Open:
        # threading.enumerate() does not list the threads that the guard starts.
        return cls(_thread._count(), frozenset(_sockets()))

    def left_over(self, tasks: Callable[[], int], seconds: float) -> dict[str, int]:
        """Return how many more of each kind are open than before, after at most ``seconds`` to end."""
        deadline = monotonic() + seconds
        while True:
            gc.collect()
            now = Open.now()
            found = {
                "threads": max(0, now.threads - self.threads),
                "tasks": tasks(),
                "sockets": len(now.sockets - self.sockets),
                "queues": len(ENGINE._queues) + _changes(),
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


def _changes() -> int:
    """Return the number of caches with changes that are not made."""
    return sum(cache._store.is_behind() for cache in _status_cache._all_caches())
