"""The memory of one process. The only module that imports cachetools."""

from __future__ import annotations

import math
import os
import weakref
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock, local
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar

from cachetools import FIFOCache

from safe_ecs._core.decision import GroupStatus
from safe_ecs.cache._principal import Principal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping

    from safe_ecs._core.decision import Source
    from safe_ecs._core.failure import Failure
    from safe_ecs._core.review import Read, TemplateRead
    from safe_ecs.policy import GuardPolicy

# How long to wait for another thread's write, which takes microseconds, unless that thread has been interrupted by
# a signal handler that in turn waits for this one.
_PATIENCE_SECONDS: Final = 0.5
_MOST_FAILURES: Final = 4096
_MOST_TEMPLATES: Final = 4096
_MOST_FORGOTTEN: Final = 4096

_Value = TypeVar("_Value")
# Where a status holds: host, region, group, and who asked, which is None for a group that exists: that is a
# fact for everybody. A plain tuple, as the hit path makes one for every group.
_Key: TypeAlias = "tuple[str, str, str, Principal | None]"


class Entry(NamedTuple):
    service_managed: bool
    service_id: int | None
    learned_at: float
    source: Source


class Who(NamedTuple):
    """For whom a failure holds.

    Attributes:
        principal: The credentials that asked.
        way: The settings of the connection: a proxy that is down is no outage for those who use another.
    """

    principal: Principal
    way: Hashable


class _Tables:
    """What a cache keeps. Reading a FIFOCache changes nothing in it, so that only writers need the lock."""

    __slots__ = ("failures", "forgotten", "lock", "statuses", "templates", "templates_forgotten_at")

    def __init__(self, maxsize: int) -> None:
        self.lock = Lock()
        self.statuses: FIFOCache[_Key, Entry] = FIFOCache(maxsize)
        # For one group under its id, for a principal under the action, for everybody who goes the same way under "".
        self.failures: FIFOCache[tuple[str, str, str, object], tuple[Failure, float]] = FIFOCache(
            _MOST_FAILURES
        )
        self.templates: FIFOCache[tuple[Any, ...], tuple[tuple[str, ...], float]] = FIFOCache(_MOST_TEMPLATES)
        # When each group and each endpoint was forgotten, and all under "": what ECS was asked before that is no answer
        # after it.
        self.forgotten: dict[str, float] = {}
        self.templates_forgotten_at = -math.inf


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

    is_shared = False
    """Whether ``fetch``, ``publish`` and ``invalidate_elsewhere`` reach other processes, and may block."""

    def __init__(self, maxsize: int = 65536) -> None:
        if isinstance(maxsize, bool) or not isinstance(maxsize, int):
            raise TypeError(f"maxsize must be an int, not {maxsize!r}")
        if maxsize < 1:
            raise ValueError(f"maxsize must be at least 1, not {maxsize}")
        self._maxsize = maxsize
        self._thread = local()
        self._start_afresh()
        _ALL[id(self)] = self

    def fetch(self, read: Read, ttl: float) -> dict[str, GroupStatus]:  # noqa: ARG002 - one that is shared needs them
        """Return what other processes know of the groups of a read; nothing here."""
        return {}

    def publish(self, read: Read, statuses: Iterable[GroupStatus], ttl: float) -> None:
        """Tell other processes what ECS has just said; there are none here."""

    def invalidate_elsewhere(self, security_group_ids: Collection[str]) -> None:
        """Make other processes forget these groups, or all if none is named; there are none here."""

    def _start_afresh(self) -> None:
        self._tables = _Tables(self._maxsize)

    def recall(
        self, read: Read, credential: object, policy: GuardPolicy, *, stale: bool = False
    ) -> dict[str, GroupStatus]:
        """Return what is known, and by the policy still trusted, of the groups a read asks for.

        Args:
            read: The groups, with the endpoint and the region.
            credential: Whose missing groups to recall.
            policy: Says how long a status is trusted.
            stale: Whether to recall, beyond that, what may serve while ECS cannot be asked.
        """
        host, region_id, security_group_ids, owner = read
        entries, now = self._tables.statuses, monotonic()
        known: dict[str, GroupStatus] = {}
        for security_group_id in security_group_ids:
            try:
                entry, exists, ttl = entries[host, region_id, security_group_id, None], True, policy.ttl
            except KeyError:
                missing = _peek(entries, (host, region_id, security_group_id, Principal(credential, owner)))
                if missing is None:
                    continue
                entry, exists, ttl = missing, False, policy.missing_ttl
            age, source = now - entry.learned_at, entry.source
            # An age below zero is that of a clock that was put back: then nothing tells how old a status is.
            if age >= ttl or age < 0:
                if not stale or not exists or not 0 <= age < ttl + policy.stale_ttl:
                    continue
                source = "stale"
            known[security_group_id] = GroupStatus(
                security_group_id, exists, entry.service_managed, entry.service_id, region_id, source, age
            )
        return known

    def holds_unmanaged(self, read: Read, ttl: float) -> bool:
        """Return whether every group of a read is remembered, for no longer than ``ttl``, as one that is not managed."""
        host, region_id, security_group_ids, _ = read
        entries, now = self._tables.statuses, monotonic()
        for security_group_id in security_group_ids:
            try:
                entry = entries[host, region_id, security_group_id, None]
            except KeyError:
                return False
            if entry.service_managed or not 0 <= now - entry.learned_at < ttl:
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
    ) -> None:
        """Keep what ECS has said of groups.

        Args:
            read: Where it was asked.
            principal: Whose missing groups they are.
            statuses: What it said; their age counts.
            asked_at: When it was asked, by ``now()``; None for now. What has been learned or forgotten of a group
                since then counts more.
            source: What to recall as their source.
        """
        host, region_id = read.host, read.region_id
        asked_at = monotonic() if asked_at is None else asked_at
        with self._writing() as kept:
            for status in statuses:
                security_group_id = status.security_group_id
                learned_at = asked_at - status.age if status.age else asked_at
                if self.forgotten_at((security_group_id, host)) >= asked_at:
                    continue
                found = (host, region_id, security_group_id, None)
                missing = (host, region_id, security_group_id, principal)
                if any(known.learned_at > learned_at for known in _entries(kept.statuses, found, missing)):
                    continue
                kept.statuses.pop(missing, None)
                kept.statuses.pop(found, None)
                kept.statuses[found if status.exists else missing] = Entry(
                    status.service_managed, status.service_id, learned_at, source
                )

    def recall_failures(
        self, at: Read | TemplateRead, action: str, ids: Iterable[str], who: Who, policy: GuardPolicy
    ) -> dict[str, Failure]:
        """Return why, by the policy, ECS is not to be asked again yet for each of the ids for which that is so."""
        now, failures = monotonic(), self._tables.failures
        if not failures:
            return {}

        def recent(key: str, of: object) -> Failure | None:
            failed = _peek(failures, (at.host, at.region_id, key, of))
            if failed is None or not 0 <= now - failed[1] < policy.failure_ttl:
                return None
            return failed[0] if failed[0].timeout_seconds >= policy.lookup_timeout else None

        of_all = recent("", who.way) or recent(action, who.principal)
        found = {each: of_all or recent(each, who.principal) for each in ids}
        return {each: failure for each, failure in found.items() if failure is not None}

    def remember_failures(
        self, at: Read | TemplateRead, action: str, failures: Mapping[str, Failure], who: Who
    ) -> None:
        """Keep that ECS could not be asked, or refused."""
        now = monotonic()
        with self._writing() as kept:
            for each, failure in failures.items():
                key, of = {
                    "group": (each, who.principal),
                    "principal": (action, who.principal),
                    "endpoint": ("", who.way),
                }[failure.scope]
                # Without the exception, which holds on to the client and its keys.
                kept.failures[at.host, at.region_id, key, of] = replace(failure, cause=None), now

    def clear_failures(self, at: Read | TemplateRead, action: str, ids: Iterable[str], who: Who) -> None:
        """Forget failures, because ECS has answered."""
        if not self._tables.failures:
            return
        with self._writing() as kept:
            for key, of in (("", who.way), (action, who.principal), *((each, who.principal) for each in ids)):
                kept.failures.pop((at.host, at.region_id, key, of), None)

    def seconds_since_outage(self, at: Read | TemplateRead, who: Who, policy: GuardPolicy) -> float:
        """Return how many seconds ago ECS last could not be asked; infinity if it has answered since."""
        failed = _peek(self._tables.failures, (at.host, at.region_id, "", who.way))
        if failed is None or failed[0].timeout_seconds < policy.lookup_timeout:
            return math.inf
        return monotonic() - failed[1]

    def recall_template(
        self, read: TemplateRead, principal: Principal, policy: GuardPolicy
    ) -> tuple[str, ...] | None:
        """Return the groups that a launch template names, None if they are not known.

        A numbered version never changes, but its template's name may become another's.
        """
        template = _peek(self._tables.templates, (*read, principal))
        if template is None:
            return None
        is_immutable = bool(read.template.template_id and read.template.version)
        groups, learned_at = template
        return groups if is_immutable or 0 <= monotonic() - learned_at < policy.ttl else None

    def remember_template(
        self, read: TemplateRead, principal: Principal, groups: tuple[str, ...], asked_at: float
    ) -> None:
        """Keep the groups that a launch template names, unless templates have been forgotten since it was asked."""
        with self._writing() as kept:
            if max(kept.templates_forgotten_at, self.forgotten_at(())) < asked_at:
                kept.templates[*read, principal] = groups, asked_at

    def forget_templates(self) -> None:
        """Drop what is known of launch templates, because one has changed."""
        with self._writing() as kept:
            kept.templates_forgotten_at = monotonic()
            kept.templates.clear()

    def now(self) -> float:
        """Return the time, on the clock that ages are told by."""
        return monotonic()

    def forget(self, security_group_ids: Collection[str] = ()) -> None:
        """Drop what is known of these groups, or everything if none is named."""
        now = monotonic()
        with self._writing() as kept:
            if not security_group_ids:
                kept.forgotten[""] = now
                kept.templates.clear()
            else:
                self._mark_forgotten(kept, security_group_ids, now)
            wanted = set(security_group_ids)
            _drop(kept, lambda key: not wanted or key[2] in wanted)

    def discard(self, read: Read, principal: Principal) -> None:
        """Drop what is known of the groups of a read, where it was asked: faster than ``forget``."""
        host, region_id, security_group_ids, _ = read
        with self._writing() as kept:
            self._mark_forgotten(kept, security_group_ids, monotonic())
            for security_group_id in security_group_ids:
                for of in (None, principal):
                    kept.statuses.pop((host, region_id, security_group_id, of), None)

    def _mark_forgotten(self, kept: _Tables, names: Collection[str], now: float) -> None:
        if len(kept.forgotten) + len(names) > _MOST_FORGOTTEN:
            # Too many to tell apart: as if all had been forgotten, which costs reads.
            kept.forgotten = {"": now}
        else:
            kept.forgotten.update(dict.fromkeys(names, now))

    def forgotten_at(self, names: Iterable[str]) -> float:
        """Return when the last one of these groups and endpoints was forgotten; minus infinity if none ever was."""
        forgotten = self._tables.forgotten
        return max(forgotten.get(each, -math.inf) for each in ("", *names))

    def forget_endpoint(self, host: str) -> None:
        """Drop everything that one endpoint said, because it is gone or now stands for another ECS."""
        with self._writing() as kept:
            self._mark_forgotten(kept, (host,), monotonic())
            _drop(kept, lambda key: key[0] == host)

    @contextmanager
    def _writing(self) -> Iterator[_Tables]:
        """Give what is kept to one writer at a time.

        A signal handler may interrupt a write of its own thread and must not wait for it. Then everything is
        forgotten, which costs reads; to wait could cost the program.
        """
        interrupted = getattr(self._thread, "writes", False)
        try:
            self._thread.writes = True
            kept = self._tables
            if interrupted or not kept.lock.acquire(timeout=_PATIENCE_SECONDS):
                self._start_afresh()
                kept = self._tables
                kept.lock.acquire()
            try:
                yield kept
            finally:
                kept.lock.release()
        finally:
            self._thread.writes = interrupted

    def __len__(self) -> int:
        """Return how many statuses are remembered."""
        return len(self._tables.statuses)

    def __reduce__(self) -> tuple[type[StatusCache], tuple[int]]:
        """Travel to another process as an empty cache of the same size."""
        return type(self), (self._maxsize,)


def _peek(store: FIFOCache[Any, _Value], key: object) -> _Value | None:
    # FIFOCache.get looks twice, and between the looks another thread may drop the key.
    try:
        return store[key]
    except KeyError:
        return None


def _entries(store: FIFOCache[Any, _Value], *keys: object) -> list[_Value]:
    return [value for key in keys if (value := _peek(store, key)) is not None]


def _drop(kept: _Tables, is_dropped: Callable[[tuple[Any, ...]], bool]) -> None:
    stores: tuple[Any, ...] = (kept.statuses, kept.failures, kept.templates)
    for store in stores:
        for key in [key for key in store if is_dropped(key)]:
            del store[key]


# By id, as this mapping, unlike a WeakSet, can be listed while another thread makes a cache.
_ALL: Final[weakref.WeakValueDictionary[int, StatusCache]] = weakref.WeakValueDictionary()


def _all_caches() -> list[StatusCache]:
    return [cache for each in _ALL.valuerefs() if (cache := each()) is not None]


def forget_endpoint(host: str) -> None:
    """Let every cache of this process forget one endpoint, which is gone or now stands for another ECS.

    What it has been asked before is not remembered when the answer comes.

    Args:
        host: The endpoint, as clients name it.
    """
    for cache in _all_caches():
        cache.forget_endpoint(host)


def _start_all_afresh() -> None:
    """In a forked child: another thread of the parent may have been writing at that moment."""
    for cache in _all_caches():
        cache._start_afresh()  # noqa: SLF001 - of this module, and for nobody else


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_start_all_afresh)

SHARED: Final = StatusCache()
"""The cache of every client that was given none."""
