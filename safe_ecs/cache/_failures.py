"""Remembers why ECS gave no answer, so that nobody asks again at once."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from safe_ecs._system.clock import Clock
from safe_ecs.cache._store import peek

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from safe_ecs._core.failure import Failure
    from safe_ecs._core.review import Read, TemplateRead
    from safe_ecs.cache._principal import Principal
    from safe_ecs.cache._store import Store, Tables
    from safe_ecs.policy import GuardPolicy


class FailureScope(NamedTuple):
    """The principal and the route of a look-up: a failure holds for one of the two.

    Attributes:
        principal: The credentials that asked.
        route: The settings of the connection. A proxy that is down is no outage for clients with another proxy.
    """

    principal: Principal
    route: Hashable


class FailureTable:
    """The failures of one cache.

    The key of a failure is (host, region, name, holder). Name and holder are the group id and the principal for a failure
    of one group, the action and the principal for one of the principal, and "" and the route for an outage.

    Args:
        store: The store of the cache.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def recall(
        self,
        at: Read | TemplateRead,
        action: str,
        ids: Iterable[str],
        scope: FailureScope,
        policy: GuardPolicy,
    ) -> dict[str, Failure]:
        """Return the failure of each id that the policy does not let the guard ask for again yet."""
        moment, failures = Clock.now(), self._store.tables.failures
        if not failures:
            return {}

        def recent(name: str, holder: object) -> Failure | None:
            failed = peek(failures, (at.host, at.region_id, name, holder))
            if failed is None or not 0 <= moment - failed[1] < policy.failure_ttl:
                return None
            return failed[0] if failed[0].timeout_seconds >= policy.lookup_timeout else None

        of_all = recent("", scope.route) or recent(action, scope.principal)
        found = {each: of_all or recent(each, scope.principal) for each in ids}
        return {each: failure for each, failure in found.items() if failure is not None}

    def remember(
        self, at: Read | TemplateRead, action: str, failures: Mapping[str, Failure], scope: FailureScope
    ) -> None:
        """Keep the failure of each id."""
        moment = Clock.now()

        def keep(tables: Tables) -> None:
            for each, failure in failures.items():
                if failure.scope == "caller":
                    continue
                name, holder = {
                    "group": (each, scope.principal),
                    "principal": (action, scope.principal),
                    "endpoint": ("", scope.route),
                }[failure.scope]
                key = at.host, at.region_id, name, holder
                before = None if failure.is_patient else peek(tables.failures, key)
                since = moment if before is None else before[2]
                # Without the exception, which holds on to the client and its keys.
                tables.failures[key] = replace(failure, cause=None), moment, since

        self._store.change(keep)

    def clear(self, at: Read | TemplateRead, action: str, ids: Iterable[str], scope: FailureScope) -> None:
        """Drop the failures that an answer of ECS disproves."""
        if not self._store.tables.failures:
            return
        keys = (("", scope.route), (action, scope.principal), *((each, scope.principal) for each in ids))

        def drop(tables: Tables) -> None:
            for name, holder in keys:
                tables.failures.pop((at.host, at.region_id, name, holder), None)

        self._store.change(drop)

    def seconds_since_outage(
        self, at: Read | TemplateRead, scope: FailureScope, policy: GuardPolicy
    ) -> float:
        """Return how many seconds ago a patient look-up last failed for an outage; infinity if ECS has answered since."""
        failed = peek(self._store.tables.failures, (at.host, at.region_id, "", scope.route))
        if failed is None or failed[0].timeout_seconds < policy.lookup_timeout:
            return math.inf
        return Clock.now() - failed[2]
