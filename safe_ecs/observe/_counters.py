"""Counts what the guard does."""

from __future__ import annotations

from threading import get_ident
from typing import NamedTuple


class Stats(NamedTuple):
    """What the guard of one client, and of its copies, has done so far.

    Attributes:
        calls: Guarded calls.
        refusals: Calls it stopped.
        bypasses: Calls that a bypass let through.
        hits: Groups whose status was remembered.
        stale_hits: Groups whose status had outlived ``ttl`` and served all the same.
        shared_hits: Groups whose status another process had remembered.
        joined: Groups that another caller was asking for already.
        lookups: Describe requests it sent, further tries included.
        retries: Further tries among them.
        groups_asked: Groups those requests named.
        failed: Groups whose status could not be determined.
        not_repeated: Those among them for which ECS was not asked, because it had failed a moment before.
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
    """Adds up stats. Each thread adds to figures of its own, so that none waits for another, nor for a lock."""

    def __init__(self) -> None:
        self._by_thread: dict[int, dict[str, int]] = {}

    def count(self, **more: int) -> None:
        """Add to some of the figures, by the names of ``Stats``."""
        figures = self._of_thread()
        for name, number in more.items():
            figures[name] += number

    def count_call(self, *, refused: bool, hits: int = 0) -> None:
        """Add a call. This and the next are for the hit path, where ``count`` would take three times as long."""
        figures = self._of_thread()
        figures["calls"] += 1
        figures["hits"] += hits
        if refused:
            figures["refusals"] += 1

    def count_hits(self, groups: int) -> None:
        """Add groups whose status was remembered."""
        self._of_thread()["hits"] += groups

    def _of_thread(self) -> dict[str, int]:
        try:
            return self._by_thread[get_ident()]
        except KeyError:
            figures = self._by_thread[get_ident()] = dict.fromkeys(Stats._fields, 0)
            return figures

    def stats(self) -> Stats:
        """Return the sums."""
        every = list(self._by_thread.values())
        return Stats(**{name: sum(figures[name] for figures in every) for name in Stats._fields})
