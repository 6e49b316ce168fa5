"""The store of one cache: its tables, their lock, and when each name was forgotten. The only module that imports cachetools."""

from __future__ import annotations

import math
from contextlib import contextmanager
from threading import Lock, local
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar

# cachetools gives the bounded store alone. The tables keep the times by hand, because one cache serves clients with
# different values of ttl, and because a stale entry has to outlive its ttl.
from cachetools import FIFOCache

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from safe_ecs._core.decision import Source
    from safe_ecs._core.failure import Failure
    from safe_ecs.cache._principal import Principal

# The longest wait for another thread's write. A write takes microseconds, unless a signal handler has interrupted that
# thread and in turn waits for this one.
_LOCK_TIMEOUT_SECONDS: Final = 0.5
_MOST_FAILURES: Final = 4096
_MOST_TEMPLATES: Final = 4096
_MOST_FORGOTTEN: Final = 4096

_Value = TypeVar("_Value")

# Host, region, group and principal. The principal is None for a group that exists, because that is a fact for
# everybody. A plain tuple, because the hit path makes one for every group.
StatusKey: TypeAlias = "tuple[str, str, str, Principal | None]"


class Entry(NamedTuple):
    """A remembered status.

    Attributes:
        service_managed: As in ``GroupStatus``.
        service_id: As in ``GroupStatus``.
        learned_at: The time at which ECS was asked, on the clock ``Clock``.
        source: The ``source`` of the statuses made of this entry.
    """

    service_managed: bool
    service_id: int | None
    learned_at: float
    source: Source


class Tables:
    """The contents of a store. Reading a FIFOCache changes nothing in it, so that only writers need the lock.

    Attributes:
        lock: The lock of the writers.
        statuses: Statuses by key.
        failures: Failures and their times, by host, region, name and holder (see ``FailureTable``).
        templates: Groups of launch templates and their times, by read and principal.
        forgotten: When each group and each endpoint was forgotten; all of them under "". An answer to an older question
            is not remembered.
        templates_forgotten_at: When the launch templates were forgotten.
    """

    __slots__ = ("failures", "forgotten", "lock", "statuses", "templates", "templates_forgotten_at")

    def __init__(self, maxsize: int) -> None:
        self.lock = Lock()
        self.statuses: FIFOCache[StatusKey, Entry] = FIFOCache(maxsize)
        self.failures: FIFOCache[tuple[str, str, str, object], tuple[Failure, float]] = FIFOCache(
            _MOST_FAILURES
        )
        self.templates: FIFOCache[tuple[Any, ...], tuple[tuple[str, ...], float]] = FIFOCache(_MOST_TEMPLATES)
        self.forgotten: dict[str, float] = {}
        self.templates_forgotten_at = -math.inf

    def mark_forgotten(self, names: Collection[str], now: float) -> None:
        """Note when groups or endpoints were forgotten. The caller holds the lock."""
        if len(self.forgotten) + len(names) > _MOST_FORGOTTEN:
            # Too many to tell apart: as if all had been forgotten, which costs reads.
            self.forgotten = {"": now}
        else:
            self.forgotten.update(dict.fromkeys(names, now))

    def drop(self, is_dropped: Callable[[tuple[Any, ...]], bool]) -> None:
        """Remove the entries of all tables by their keys. The caller holds the lock."""
        tables: tuple[Any, ...] = (self.statuses, self.failures, self.templates)
        for table in tables:
            for key in [key for key in table if is_dropped(key)]:
                del table[key]


class Store:
    """Gives the tables of one cache to readers, and to one writer at a time.

    Args:
        maxsize: The most statuses to keep.

    Attributes:
        maxsize: The same.
        tables: The tables of this moment.
    """

    def __init__(self, maxsize: int) -> None:
        self.maxsize = maxsize
        self._thread = local()
        self.start_afresh()

    def start_afresh(self) -> None:
        """Begin with empty tables and a free lock."""
        self.tables = Tables(self.maxsize)

    @contextmanager
    def writing(self) -> Iterator[Tables]:
        """Give the tables to one writer at a time.

        A signal handler may interrupt a write of its own thread and must not wait for it. Then the store forgets
        everything. That costs reads; waiting could cost the program.
        """
        interrupted = getattr(self._thread, "writes", False)
        try:
            self._thread.writes = True
            tables = self.tables
            if interrupted or not tables.lock.acquire(timeout=_LOCK_TIMEOUT_SECONDS):
                self.start_afresh()
                tables = self.tables
                tables.lock.acquire()
            try:
                yield tables
            finally:
                tables.lock.release()
        finally:
            self._thread.writes = interrupted

    def forgotten_at(self, names: Iterable[str]) -> float:
        """Return when the last one of these groups and endpoints was forgotten; minus infinity if none ever was."""
        forgotten = self.tables.forgotten
        return max(forgotten.get(each, -math.inf) for each in ("", *names))


def peek(table: FIFOCache[Any, _Value], key: object) -> _Value | None:
    """Return the value of a key, None if there is none."""
    # FIFOCache.get looks twice, and another thread may drop the key between the two.
    try:
        return table[key]
    except KeyError:
        return None
