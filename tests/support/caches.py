"""Caches that say what they were asked to do."""

from __future__ import annotations

from typing import Any

from safe_ecs import StatusCache


class SharedInMemory(StatusCache):
    """Records everything that would reach other processes."""

    is_shared = True

    def __init__(self) -> None:
        super().__init__()
        self.published: list[str] = []
        self.withdrawn: list[Any] = []

    def publish(self, read: Any, statuses: Any, ttl: float, asked_at: float) -> None:
        self.published += [status.security_group_id for status in statuses]

    def invalidate_elsewhere(self, security_group_ids: Any) -> None:
        self.withdrawn.append(security_group_ids)
