"""Remembers the groups that launch templates name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from safe_ecs._system.clock import Clock
from safe_ecs.cache._store import peek

if TYPE_CHECKING:
    from safe_ecs._core.review import TemplateRead
    from safe_ecs.cache._principal import Principal
    from safe_ecs.cache._store import Store, Tables
    from safe_ecs.policy import GuardPolicy

_ALL: Final = "launch templates"
"""The name under which all launch templates are forgotten."""


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
        is_behind = self._store.is_behind()
        template = peek(self._store.tables.templates, (*read, principal))
        if template is None or (is_behind and self._store.forgotten_at((_ALL,)) >= template[1]):
            return None
        is_immutable = bool(read.template.template_id and read.template.version)
        groups, learned_at = template
        return groups if is_immutable or 0 <= Clock.now() - learned_at < policy.ttl else None

    def remember(
        self, read: TemplateRead, principal: Principal, groups: tuple[str, ...], asked_at: float
    ) -> None:
        """Keep the groups that a launch template names, unless templates have been forgotten since ECS was asked."""

        def keep(tables: Tables) -> None:
            if self._store.forgotten_at((_ALL,)) < asked_at:
                tables.templates[*read, principal] = groups, asked_at

        self._store.change(keep)

    def forget(self) -> None:
        """Drop all launch templates, because one has changed."""
        now = Clock.now()

        def drop(tables: Tables) -> None:
            tables.mark_forgotten((_ALL,), now)
            tables.templates.clear()

        self._store.change(drop, (_ALL,), now)
