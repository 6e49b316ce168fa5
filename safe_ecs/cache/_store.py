"""The store of one cache: its tables, and the changes of them. The only module that imports cachetools."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar

# cachetools gives the bounded store alone. The tables keep the times by hand, because one cache serves clients with
# different values of ttl, and because a stale entry has to outlive its ttl.
from cachetools import FIFOCache

from safe_ecs._system.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from safe_ecs._core.decision import Source
    from safe_ecs._core.failure import Failure
    from safe_ecs.cache._principal import Principal

# A change takes microseconds, unless a signal handler or other threads keep its thread from running.
_LONGEST_CHANGE_SECONDS: Final = 1.0
_MOST_FAILURES: Final = 4096
_MOST_TEMPLATES: Final = 4096
_MOST_FORGOTTEN: Final = 4096

EVERYTHING: Final = ""
"""The name under which all groups and endpoints are forgotten."""

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


class _Change(NamedTuple):
    """A change of the tables. To make it twice is to make it once.

    Attributes:
        make: Makes the change.
        forgets: The names that it forgets.
        at: When they are forgotten.
    """

    make: Callable[[Tables], object]
    forgets: Collection[str]
    at: float


class Tables:
    """The contents of a store. Reading a FIFOCache changes nothing in it, so that readers need not wait for a change.

    Args:
        maxsize: The most statuses to keep.

    Attributes:
        statuses: Statuses by key.
        failures: Failures, their times and the times of their last patient look-ups, by host, region, name and holder
            (see ``FailureTable``).
        templates: Groups of launch templates and their times, by read and principal.
        forgotten: When each name was forgotten: groups, endpoints, all of them, and the launch templates. An answer to
            an older question is not remembered.
        changes: The changes that are to be made, in their order. Each stays here until it is made.
        turn: When the thread began that is making them; empty if there is none.
    """

    __slots__ = ("changes", "failures", "forgotten", "maxsize", "statuses", "templates", "turn")

    def __init__(self, maxsize: int) -> None:
        self.maxsize = maxsize
        self.forgotten: dict[str, float] = {}
        self.changes: deque[_Change] = deque()
        self.turn: dict[str, list[float]] = {}
        self.empty()

    def empty(self) -> None:
        """Remove all entries."""
        self.statuses: FIFOCache[StatusKey, Entry] = FIFOCache(self.maxsize)
        self.failures: FIFOCache[tuple[str, str, str, object], tuple[Failure, float, float]] = FIFOCache(
            _MOST_FAILURES
        )
        self.templates: FIFOCache[tuple[Any, ...], tuple[tuple[str, ...], float]] = FIFOCache(_MOST_TEMPLATES)

    def mark_forgotten(self, names: Collection[str], at: float) -> None:
        """Note when names were forgotten."""
        if len(self.forgotten) + len(names) > _MOST_FORGOTTEN:
            # Too many to tell apart: as if all had been forgotten, which costs reads.
            self.forgotten = {EVERYTHING: max([at, *self.forgotten.values()])}
        else:
            self.forgotten.update({name: max(at, self.forgotten.get(name, at)) for name in names})

    def drop(self, is_dropped: Callable[[tuple[Any, ...]], bool]) -> None:
        """Remove the entries of all tables by their keys."""
        tables: tuple[Any, ...] = (self.statuses, self.failures, self.templates)
        for table in tables:
            for key in [key for key in table if is_dropped(key)]:
                del table[key]


class Store:
    """Gives the tables of one cache to all readers, and makes the changes one after the other without a lock.

    A lock would have to be waited for. Its holder may be a thread that a signal handler has interrupted, which in turn
    waits for this thread. So a change is put into a queue, and the first thread to come makes all that are there. A
    reader who meets changes that are not made yet heeds those that forget.

    Args:
        maxsize: The most statuses to keep.

    Attributes:
        maxsize: The same.
        tables: The tables of this moment.
    """

    def __init__(self, maxsize: int) -> None:
        self.maxsize = maxsize
        self.tables = Tables(maxsize)

    def start_afresh(self) -> None:
        """Begin with empty tables, which take no answer to an older question."""
        tables = Tables(self.maxsize)
        # The time is that of the change, when these tables have already replaced the old ones.
        tables.changes.append(
            _Change(lambda new: new.mark_forgotten((EVERYTHING,), Clock.now()), (EVERYTHING,), math.inf)
        )
        self.tables = tables

    def change(
        self, make: Callable[[Tables], object], forgets: Collection[str] = (), at: float = -math.inf
    ) -> None:
        """Change the tables: at once, or as soon as the change is made that is under way.

        Args:
            make: Makes the change, for which it has the tables for itself. It may be called twice.
            forgets: The names that the change forgets.
            at: When they are forgotten.
        """
        change = _Change(make, forgets, at)
        tables = None
        while tables is not self.tables:  # Another thread may have started afresh.
            tables = self.tables
            tables.changes.append(change)
            self._settle()

    def is_behind(self) -> bool:
        """Return whether changes are left that this thread cannot make: readers have to heed those that forget."""
        return bool(self.tables.changes) and not self._settle()

    def _settle(self) -> bool:
        """Make the changes that are to be made, and return whether none is left.

        Changes are left while another thread makes them, or this one further out: then it was interrupted by a signal
        handler or a finaliser.
        """
        while (tables := self.tables).changes:
            turn = [Clock.now()]
            taken = tables.turn.setdefault("", turn)
            if taken is not turn:
                if 0 <= turn[0] - taken[0] < _LONGEST_CHANGE_SECONDS:
                    return False
                self.start_afresh()  # A signal handler has ended that thread's turn between two instructions.
                continue
            try:
                while tables.changes:
                    tables.changes[0].make(tables)
                    tables.changes.popleft()
            except BaseException:
                # The exception of a signal handler, amid a change: a FIFOCache that is changed by half is broken for good.
                self.start_afresh()
                raise
            tables.turn.clear()
        return True

    def forgotten_at(self, names: Iterable[str]) -> float:
        """Return when the last one of these names was forgotten; minus infinity if none ever was."""
        names = (EVERYTHING, *names)
        tables = self.tables
        # First the changes, because a change that is made leaves them.
        waiting = [change.at for change in tuple(tables.changes) if not set(names).isdisjoint(change.forgets)]
        return max(*waiting, *(tables.forgotten.get(name, -math.inf) for name in names), -math.inf)


def peek(table: FIFOCache[Any, _Value], key: object) -> _Value | None:
    """Return the value of a key, None if there is none."""
    # FIFOCache.get looks twice, and another thread may drop the key between the two.
    try:
        return table[key]
    except KeyError:
        return None
