"""Remembers the groups that launch templates name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_ecs._clock import Clock
from safe_ecs.cache._store import peek

if TYPE_CHECKING:
    from safe_ecs._core.review import TemplateRead
    from safe_ecs.cache._principal import Principal
    from safe_ecs.cache._store import Store
    from safe_ecs.policy import GuardPolicy


class TemplateTable:
    """The launch templates of one cache.

    Args:
        store: The store of the cache.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def recall(self, read: TemplateRead, principal: Principal, policy: GuardPolicy) -> tuple[str, ...] | None:
        """Return the groups that a launch template names, None if they are not known.

        A numbered version never changes, but its template's name may become another's.
        """
        template = peek(self._store.tables.templates, (*read, principal))
        if template is None:
            return None
        is_immutable = bool(read.template.template_id and read.template.version)
        groups, learned_at = template
        return groups if is_immutable or 0 <= Clock.now() - learned_at < policy.ttl else None

    def remember(
        self, read: TemplateRead, principal: Principal, groups: tuple[str, ...], asked_at: float
    ) -> None:
        """Keep the groups that a launch template names, unless templates have been forgotten since ECS was asked."""
        with self._store.writing() as tables:
            if max(tables.templates_forgotten_at, self._store.forgotten_at(())) < asked_at:
                tables.templates[*read, principal] = groups, asked_at

    def forget(self) -> None:
        """Drop all launch templates, because one has changed."""
        with self._store.writing() as tables:
            tables.templates_forgotten_at = Clock.now()
            tables.templates.clear()
