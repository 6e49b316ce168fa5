"""The memory of one process. The only module that imports cachetools."""

from __future__ import annotations

from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from cachetools import LRUCache

from safe_ecs.core.decision import GroupStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from safe_ecs.core.review import Read
    from safe_ecs.policy import GuardPolicy


class _Asker:
    """Who did not find a group: credentials, told apart by identity, and on whose behalf they asked."""

    __slots__ = ("_credential", "_owner")

    def __init__(self, credential: object, owner: tuple[tuple[str, str], ...]) -> None:
        self._credential = credential
        self._owner = owner

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Asker):
            return NotImplemented
        return self._credential is other._credential and self._owner == other._owner

    def __hash__(self) -> int:
        return hash((id(self._credential), self._owner))


# Where a status holds: host, region, group, and who asked, which is None for a group that exists: that is a
# fact for everybody. A plain tuple, as the hit path makes one for every group.
_Key: TypeAlias = "tuple[str, str, str, _Asker | None]"


class _Remembered(NamedTuple):
    service_managed: bool
    service_id: int | None
    learned_at: float


class StatusCache:
    """Remembers the statuses of security groups, for as many clients and threads as share it.

    Clients of one process share one by default, so that a new client for every call costs no read. Found
    statuses are shared by all who ask the same endpoint. A group that was not found is remembered for the
    asking credentials only, because another account may see it.

    Args:
        maxsize: The most groups to remember; the least recently used is forgotten first.

    Raises:
        TypeError: ``maxsize`` is no int.
        ValueError: ``maxsize`` is less than 1.
    """

    def __init__(self, maxsize: int = 65536) -> None:
        if isinstance(maxsize, bool) or not isinstance(maxsize, int):
            raise TypeError(f"maxsize must be an int, not {maxsize!r}")
        if maxsize < 1:
            raise ValueError(f"maxsize must be at least 1, not {maxsize}")
        self._entries: LRUCache[_Key, _Remembered] = LRUCache(maxsize)
        # An LRUCache reorders itself on every get: without a lock, threads break it for good.
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
        with self._lock:
            for security_group_id in security_group_ids:
                try:
                    entry = entries[host, region_id, security_group_id, None]
                    exists, ttl = True, policy.ttl
                except KeyError:
                    asker = _Asker(credential, owner)
                    if (missing := entries.get((host, region_id, security_group_id, asker))) is None:
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
        with self._lock:
            for status in statuses:
                found = (host, region_id, status.security_group_id, None)
                missing = (host, region_id, status.security_group_id, asker)
                self._entries.pop(missing if status.exists else found, None)
                entry = _Remembered(status.service_managed, status.service_id, now)
                self._entries[found if status.exists else missing] = entry

    def forget(self, security_group_ids: Collection[str] = ()) -> None:
        """Drop what is known of these groups, or everything if none is named."""
        with self._lock:
            if not security_group_ids:
                self._entries.clear()
                return
            for key in [key for key in self._entries if key[2] in security_group_ids]:
                del self._entries[key]

    def forget_endpoint(self, host: str) -> None:
        """Drop everything that one endpoint said, because it is gone or now stands for another ECS."""
        with self._lock:
            for key in [key for key in self._entries if key[0] == host]:
                del self._entries[key]

    def __len__(self) -> int:
        """Return how many statuses are remembered."""
        with self._lock:
            return len(self._entries)


SHARED = StatusCache()
"""The cache of every client that was given none."""
