"""The counters of a guard: calls, refusals, cache hits, look-ups and the like."""

from __future__ import annotations

from threading import get_ident
from typing import NamedTuple


class Stats(NamedTuple):
    """The counts of one client's guard so far. Copies of the client count together with it.

    Attributes:
        calls: Guarded calls.
        refusals: Calls that the guard refused.
        bypasses: Calls that a bypass let through.
        hits: Groups with a trusted status in the cache.
        stale_hits: Groups with a status older than ``ttl`` that served all the same.
        shared_hits: Groups with a status from another process.
        joined: Groups that another caller was already asking for.
        lookups: Describe requests that the guard sent, retries included.
        retries: Retries among ``lookups``.
        groups_asked: Groups named in ``lookups``.
        failed: Groups with a status that could not be determined.
        not_repeated: Groups that the guard did not ask for, because a look-up had failed less than
            ``failure_ttl`` before.
        learned: Statuses learned from the caller's own calls.
    """

    calls: int = 0
    refusals: int = 0
    bypasses: int = 0
    hits: int = 0
    stale_hits: int = 0
    shared_hits: int = 0
    joined: int = 0
    lookups: int = 0
    retries: int = 0
    groups_asked: int = 0
    failed: int = 0
    not_repeated: int = 0
    learned: int = 0


class Counters:
    """Adds up stats. Each thread has figures of its own, so that no thread waits for another or a lock."""

    def __init__(self) -> None:
        self._by_thread: dict[int, dict[str, int]] = {}

    def count(self, **more: int) -> None:
        """Add to some of the figures, by the field names of ``Stats``."""
        figures = self._of_thread()
        for name, number in more.items():
            figures[name] += number

    def count_call(self, *, refused: bool, hits: int = 0) -> None:
        """Add a call. For the hit path, as ``count_hits`` is: ``count`` would take three times as long."""
        figures = self._of_thread()
        figures["calls"] += 1
        figures["hits"] += hits
        if refused:
            figures["refusals"] += 1

    def count_hits(self, groups: int) -> None:
        """Add groups with a status in the cache."""
        self._of_thread()["hits"] += groups

    def _of_thread(self) -> dict[str, int]:
        # A thread may get the id and the figures of one that has ended: the sums stay right.
        try:
            return self._by_thread[get_ident()]
        except KeyError:
            figures = self._by_thread[get_ident()] = dict.fromkeys(Stats._fields, 0)
            return figures

    def stats(self) -> Stats:
        """Return the sums over all threads."""
        # A list, because another thread may add its first figures during the loop.
        every = list(self._by_thread.values())
        return Stats(**{name: sum(figures[name] for figures in every) for name in Stats._fields})
