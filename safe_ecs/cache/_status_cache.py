"""The cache of one process: the statuses of groups, beside failures and launch templates, over one store."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Final

from safe_ecs._core.decision import GroupStatus
from safe_ecs._system.clock import Clock
from safe_ecs.cache._failures import FailureTable
from safe_ecs.cache._principal import Principal
from safe_ecs.cache._store import EVERYTHING, Entry, Store, peek
from safe_ecs.cache._templates import TemplateTable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from safe_ecs._core.decision import Source
    from safe_ecs._core.review import Read
    from safe_ecs.cache._store import Tables
    from safe_ecs.policy import GuardPolicy


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

    Attributes:
        failures: The failures of look-ups, for the guard.
        templates: The launch templates, for the guard.
    """

    is_shared = False
    """Whether ``fetch``, ``publish`` and ``invalidate_elsewhere`` reach other processes, and may block."""

    def __init__(self, maxsize: int = 65536) -> None:
        if isinstance(maxsize, bool) or not isinstance(maxsize, int):
            raise TypeError(f"maxsize must be an int, not {maxsize!r}")
        if maxsize < 1:
            raise ValueError(f"maxsize must be at least 1, not {maxsize}")
        self._store = Store(maxsize)
        self.failures = FailureTable(self._store)
        self.templates = TemplateTable(self._store)
        _ALL[id(self)] = self

    def fetch(self, read: Read, ttl: float) -> dict[str, GroupStatus]:  # noqa: ARG002 - one that is shared needs them
        """Return the statuses that other processes share; none here."""
        return {}

    def publish(self, read: Read, statuses: Iterable[GroupStatus], ttl: float, asked_at: float) -> None:
        """Share statuses that ``remember`` has kept with other processes; there are none here."""

    def invalidate_elsewhere(self, security_group_ids: Collection[str]) -> None:
        """Make other processes forget these groups, or all if none is named; there are none here."""

    def recall(
        self, read: Read, credential: object, policy: GuardPolicy, *, stale: bool = False
    ) -> dict[str, GroupStatus]:
        """Return the remembered statuses of a read's groups that the policy still trusts.

        Args:
            read: The groups, with the endpoint and the region.
            credential: The credentials of the caller: missing groups are remembered by credentials.
            policy: Says how long a status is trusted.
            stale: Whether to return also statuses that may serve only while ECS cannot be asked.
        """
        host, region_id, security_group_ids, owner = read
        store, moment = self._store, Clock.now()
        is_behind = store.is_behind()
        entries = store.tables.statuses
        known: dict[str, GroupStatus] = {}
        for security_group_id in security_group_ids:
            normal = security_group_id.lower()
            try:
                entry, exists, ttl = entries[host, region_id, normal, None], True, policy.ttl
            except KeyError:
                # By its spelling: ECS may know the group under another one.
                missing = peek(entries, (host, region_id, security_group_id, Principal(credential, owner)))
                if missing is None:
                    continue
                entry, exists, ttl = missing, False, policy.missing_ttl
            if is_behind and store.forgotten_at((normal, host)) >= entry.learned_at:
                continue
            age, source = moment - entry.learned_at, entry.source
            # An age below zero means that the clock was put back: then nothing tells how old the status is.
            if age >= ttl or age < 0:
                if not stale or not exists or not 0 <= age < ttl + policy.stale_ttl:
                    continue
                source = "stale"
            known[security_group_id] = GroupStatus(
                normal, exists, entry.service_managed, entry.service_id, region_id, source, age
            )
        return known

    def holds_unmanaged(
        self, host: str, region_id: str, security_group_ids: Iterable[str], ttl: float
    ) -> bool:
        """Return whether every group is remembered, for no longer than ``ttl`` and under this spelling, as one that is not managed."""
        tables, moment = self._store.tables, Clock.now()
        if tables.changes:
            return False  # The review heeds the changes that are not made yet.
        entries = tables.statuses
        for security_group_id in security_group_ids:
            try:
                entry = entries[host, region_id, security_group_id, None]
            except KeyError:
                return False
            if entry.service_managed or not 0 <= moment - entry.learned_at < ttl:
                return False
        return True

    def remember(
        self,
        read: Read,
        principal: Principal,
        statuses: Iterable[GroupStatus],
        *,
        asked_at: float | None = None,
        source: Source = "cache",
    ) -> list[GroupStatus]:
        """Keep statuses of groups, and return those that hold: of their groups they are the newest, or say the same.

        Args:
            read: The endpoint and the region that gave them.
            principal: The principal that asked: a missing group is remembered for it alone.
            statuses: The statuses; their age counts.
            asked_at: When ECS was asked, or another process if a status has an age, by ``Clock.now()``; None for now. A
                group that was learned or forgotten since ECS was asked keeps its newer state.
            source: The ``source`` of the statuses when they are recalled.
        """
        host, region_id = read.host, read.region_id
        asked_at = Clock.now() if asked_at is None else asked_at
        statuses, holding = tuple(statuses), {}

        def keep(tables: Tables) -> None:
            for status in statuses:
                security_group_id = status.security_group_id
                learned_at = asked_at - status.age if status.age else asked_at
                if self.forgotten_at((security_group_id, host)) >= learned_at:
                    continue
                found = (host, region_id, security_group_id, None)
                missing = (host, region_id, security_group_id, principal)
                known = (peek(tables.statuses, found), peek(tables.statuses, missing))
                if any(entry is not None and entry.learned_at > learned_at for entry in known):
                    if (
                        status.exists
                        and known[0]
                        and known[0][:2] == (status.service_managed, status.service_id)
                    ):
                        holding[security_group_id] = status
                    continue
                tables.statuses.pop(missing, None)
                tables.statuses.pop(found, None)
                tables.statuses[found if status.exists else missing] = Entry(
                    status.service_managed, status.service_id, learned_at, source
                )
                holding[security_group_id] = status

        self._store.change(keep)
        return list(holding.values())

    def forget(self, security_group_ids: Collection[str] = ()) -> None:
        """Drop the statuses of these groups, or everything if none is named."""
        names, now = set(security_group_ids) or {EVERYTHING}, Clock.now()

        def drop(tables: Tables) -> None:
            tables.mark_forgotten(names, now)
            if EVERYTHING in names:
                tables.empty()
            else:
                tables.drop(lambda key: key[2] in names)

        self._store.change(drop, names, now)

    def discard(self, read: Read, principal: Principal) -> None:
        """Drop the statuses of a read's groups at its endpoint and region: faster than ``forget``."""
        host, region_id, security_group_ids, _ = read
        now = Clock.now()

        def drop(tables: Tables) -> None:
            tables.mark_forgotten(security_group_ids, now)
            for security_group_id in security_group_ids:
                for holder in (None, principal):
                    tables.statuses.pop((host, region_id, security_group_id, holder), None)

        self._store.change(drop, security_group_ids, now)

    def forgotten_at(self, names: Iterable[str]) -> float:
        """Return when the last one of these groups and endpoints was forgotten; minus infinity if none ever was."""
        return self._store.forgotten_at(names)

    def forget_endpoint(self, host: str) -> None:
        """Drop everything that one endpoint said, because it is gone or now stands for another ECS."""
        now = Clock.now()

        def drop(tables: Tables) -> None:
            tables.mark_forgotten((host,), now)
            tables.drop(lambda key: key[0] == host)

        self._store.change(drop, (host,), now)

    def __len__(self) -> int:
        """Return how many statuses are remembered."""
        return len(self._store.tables.statuses)

    def __reduce__(self) -> tuple[type[StatusCache], tuple[int]]:
        """Travel to another process as an empty cache of the same size."""
        return type(self), (self._store.maxsize,)


# By id, because this mapping, unlike a WeakSet, can be listed while another thread makes a cache.
_ALL: Final[weakref.WeakValueDictionary[int, StatusCache]] = weakref.WeakValueDictionary()


def _all_caches() -> list[StatusCache]:
    return [cache for each in _ALL.valuerefs() if (cache := each()) is not None]


def forget_endpoint(host: str) -> None:
    """Let every cache of this process forget one endpoint, which is gone or now stands for another ECS.

    An answer to an older question is not remembered when it comes.

    Args:
        host: The endpoint, as clients name it.
    """
    for cache in _all_caches():
        cache.forget_endpoint(host)


def _start_all_afresh() -> None:
    """In a forked child: another thread of the parent may have been amid a change at that moment."""
    for cache in _all_caches():
        cache._store.start_afresh()  # noqa: SLF001 - of the same module


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_start_all_afresh)

SHARED: Final = StatusCache()
"""The cache of every client that was given none."""
