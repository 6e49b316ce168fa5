"""The memory of one process. The only module that imports cachetools."""

from __future__ import annotations

import os
import weakref
from contextlib import contextmanager
from threading import Lock, local
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from cachetools import FIFOCache

from safe_ecs.core.decision import GroupStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from safe_ecs.core.review import Read
    from safe_ecs.policy import GuardPolicy

# How long to wait for another thread's write, which takes microseconds, unless that thread has been interrupted by
# a signal handler that in turn waits for this one.
_PATIENCE_SECONDS: Final = 0.5


class _Remembered(NamedTuple):
    service_managed: bool
    service_id: int | None
    learned_at: float


class _Asker:
    """Who did not find a group: credentials, told apart by identity, and on whose behalf they asked."""

    __slots__ = ("_identity", "_is_alive")

    def __init__(self, credential: object, owner: tuple[tuple[str, str], ...]) -> None:
        self._identity = id(credential), owner
        # The memory must not keep the keys of clients that are gone, nor take others for them at the same address.
        self._is_alive = weakref.ref(credential) if credential is not None else bool

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Asker):
            return NotImplemented
        return self._identity == other._identity and self._is_alive() is other._is_alive()

    def __hash__(self) -> int:
        return hash(self._identity)


# Where a status holds: host, region, group, and who asked, which is None for a group that exists: that is a
# fact for everybody. A plain tuple, as the hit path makes one for every group.
_Key: TypeAlias = "tuple[str, str, str, _Asker | None]"


class StatusCache:
    """Remembers the statuses of security groups, for as many clients and threads as share it.

    Clients of one process share one by default, so that a new client for every call costs no read of a group
    that exists. A group that was not found is remembered for the asking credentials only, because another
    account may see it.

    Args:
        maxsize: The most groups to remember; the one learned first is forgotten first.

    Raises:
        TypeError: ``maxsize`` is not an int.
        ValueError: ``maxsize`` is less than 1.
    """

    def __init__(self, maxsize: int = 65536) -> None:
        if isinstance(maxsize, bool) or not isinstance(maxsize, int):
            raise TypeError(f"maxsize must be an int, not {maxsize!r}")
        if maxsize < 1:
            raise ValueError(f"maxsize must be at least 1, not {maxsize}")
        self._maxsize = maxsize
        self._thread = local()
        self._start_afresh()
        _ALL.add(self)

    def _start_afresh(self) -> None:
        # Reading a FIFOCache changes nothing in it, unlike an LRUCache, so that only writers need the lock.
        self._entries: FIFOCache[_Key, _Remembered] = FIFOCache(self._maxsize)
        self._lock = Lock()

    def recall(self, read: Read, credential: object, policy: GuardPolicy) -> dict[str, GroupStatus]:
        """Return what is known, and by the policy still trusted, of the groups a read asks for.

        Args:
            read: The groups, with the endpoint and the region.
            credential: Whose missing groups to recall.
            policy: Says how long a status is trusted.
        """
        host, region_id, security_group_ids, owner = read
        entries, now = self._entries, monotonic()
        known: dict[str, GroupStatus] = {}
        for security_group_id in security_group_ids:
            try:
                entry, exists, ttl = entries[host, region_id, security_group_id, None], True, policy.ttl
            except KeyError:
                missing = entries.get((host, region_id, security_group_id, _Asker(credential, owner)))
                if missing is None:
                    continue
                entry, exists, ttl = missing, False, policy.missing_ttl
            age = now - entry.learned_at
            if age < ttl:
                known[security_group_id] = GroupStatus(
                    security_group_id,
                    exists,
                    entry.service_managed,
                    entry.service_id,
                    region_id,
                    "cache",
                    age,
                )
        return known

    def remember(self, read: Read, credential: object, statuses: Iterable[GroupStatus]) -> None:
        """Keep what ECS has just said of groups that a read asked for."""
        host, region_id, _, owner = read
        asker, now = _Asker(credential, owner), monotonic()
        with self._writing() as entries:
            for status in statuses:
                found = (host, region_id, status.security_group_id, None)
                missing = (host, region_id, status.security_group_id, asker)
                entries.pop(missing, None)
                entries.pop(found, None)
                entry = _Remembered(status.service_managed, status.service_id, now)
                entries[found if status.exists else missing] = entry

    def forget(self, security_group_ids: Collection[str] = ()) -> None:
        """Drop what is known of these groups, or everything if none is named."""
        self._drop(lambda key: not security_group_ids or key[2] in security_group_ids)

    def forget_endpoint(self, host: str) -> None:
        """Drop everything that one endpoint said, because it is gone or now stands for another ECS."""
        self._drop(lambda key: key[0] == host)

    def _drop(self, is_dropped: Callable[[_Key], bool]) -> None:
        with self._writing() as entries:
            for key in [key for key in entries if is_dropped(key)]:
                del entries[key]

    @contextmanager
    def _writing(self) -> Iterator[FIFOCache[_Key, _Remembered]]:
        """Give the entries to one writer at a time.

        A signal handler may interrupt a write of its own thread and must not wait for it. Then everything is
        forgotten, which costs reads; to wait could cost the program.
        """
        interrupted = getattr(self._thread, "writes", False)
        self._thread.writes = True
        entries, lock = self._entries, self._lock
        if interrupted or not lock.acquire(timeout=_PATIENCE_SECONDS):
            self._start_afresh()
            entries, lock = self._entries, self._lock
            lock.acquire()
        try:
            yield entries
        finally:
            lock.release()
            self._thread.writes = interrupted

    def __len__(self) -> int:
        """Return how many statuses are remembered."""
        return len(self._entries)

    def __reduce__(self) -> tuple[type[StatusCache], tuple[int]]:
        """Travel to another process as an empty cache of the same size."""
        return type(self), (self._maxsize,)


_ALL: Final[weakref.WeakSet[StatusCache]] = weakref.WeakSet()


def _start_all_afresh() -> None:
    """In a forked child: another thread of the parent may have been writing at that moment."""
    for cache in _ALL:
        cache._start_afresh()  # noqa: SLF001 - of this module


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_start_all_afresh)

SHARED: Final = StatusCache()
"""The cache of every client that was given none."""
