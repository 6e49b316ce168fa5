"""Learns statuses from the answers of ECS to the caller's own calls."""
# ruff: noqa: SLF001 - the SDK's client has no getter for its credentials

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from safe_ecs._core.decision import GroupStatus
from safe_ecs._core.endpoints import regions_of
from safe_ecs._core.operations import CREATION, STATUS_QUERY, TEMPLATE_CHANGES
from safe_ecs._core.plain import is_plain_id
from safe_ecs._core.review import Read
from safe_ecs._core.spelling import normal_id
from safe_ecs._lookup.queries.answers import Pages, service_id
from safe_ecs._system.clock import Clock
from safe_ecs.cache._principal import Principal
from safe_ecs.errors import MANAGED_CODE
from safe_ecs.observe._log import LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from alibabacloud_tea_openapi.client import Client as OpenApiClient

    from safe_ecs._core.failure import Failure
    from safe_ecs._core.request import EffectiveRequest
    from safe_ecs._lookup.context import Resources

_SUCCESS: Final = 200
_REFUSED_GROUP: Final = re.compile(
    r'SecurityGroup\s+"([^"]+)"\s+has been managed by(?:\s+serviceID\s+"(\d+)")?', re.IGNORECASE
)


class Learner:
    """Learns from the calls of one client. Learning never fails a call that has been sent.

    Its methods return the rest of their work, if any: it may block, but not for long, because it is a round trip to a
    server that processes share.

    Args:
        resources: The parts of the client's guard.
    """

    def __init__(self, resources: Resources) -> None:
        self._cache, self._policy, self._counters, _ = resources

    def learn_answer(
        self, client: OpenApiClient, request: EffectiveRequest, answer: object, asked_at: float
    ) -> Callable[[], object] | None:
        """Learn from an answer of ECS.

        Args:
            client: The client that made the call.
            request: The call; its action is one of ``LEARNING_ACTIONS``.
            answer: The transport's return value.
            asked_at: When the call was sent, by the ``now()`` of the cache.
        """
        with _harmless():
            if request.action == STATUS_QUERY:
                return self._learn_statuses(client, request, answer, asked_at)
            if request.action == CREATION:
                return self._learn_created(client, request, answer, asked_at)
            if request.action in TEMPLATE_CHANGES:
                self._cache.templates.forget()
            elif request.targets:
                return self._forget_targets(client, request)
        return None

    def _learn_statuses(
        self, client: OpenApiClient, request: EffectiveRequest, answer: object, asked_at: float
    ) -> Callable[[], object] | None:
        if request.unreadable:
            return None  # Another ECS may have answered than the endpoint seems to say, or on behalf of another owner.
        body = answer.get("body") if isinstance(answer, dict) else None
        named = body.get("RegionId") if isinstance(body, dict) else None
        region_id = named.lower() if isinstance(named, str) else next(regions_of(request), "")
        pages = Pages(region_id)
        pages.take(body)
        if not region_id or pages.failure:
            return None
        return self._remember(client, request, region_id, pages.groups.values(), asked_at)

    def _learn_created(
        self, client: OpenApiClient, request: EffectiveRequest, answer: object, asked_at: float
    ) -> Callable[[], object] | None:
        """Learn that a new group is the account's own, unless the request says otherwise."""
        body = (
            answer.get("body") if isinstance(answer, dict) and answer.get("statusCode") == _SUCCESS else None
        )
        created = body.get("SecurityGroupId") if isinstance(body, dict) and "Code" not in body else None
        regions = tuple(regions_of(request))
        if (
            not (isinstance(created, str) and is_plain_id(created) and regions)
            or len(request.region_ids) > 1
            or request.unreadable
            or request.owner
            or request.service_managed
        ):
            return None
        group = GroupStatus(
            security_group_id=normal_id(created),
            exists=True,
            service_managed=False,
            service_id=None,
            region_id=regions[0],
        )
        return self._remember(client, request, regions[0], [group], asked_at)

    def _forget_targets(
        self, client: OpenApiClient, request: EffectiveRequest
    ) -> Callable[[], object] | None:
        """Forget groups that the call has deleted."""
        for region_id in regions_of(request):
            read = Read(request.host, region_id, request.targets, request.owner)
            self._cache.discard(read, Principal(client._credential, read.owner))
        if not self._cache.is_shared:
            return None
        return partial(self._cache.invalidate_elsewhere, tuple(map(normal_id, request.targets)))

    def learn_refusal(
        self, client: OpenApiClient, request: EffectiveRequest | None, error: Exception
    ) -> Callable[[], object] | None:
        """Learn from a refusal of ECS that a group is managed, if the refusal names the group.

        Args:
            client: The client that made the call.
            request: The call, None if the guard does not read it.
            error: The exception of the transport.
        """
        if request is not None and getattr(error, "code", None) == MANAGED_CODE:
            with _harmless():
                return self._learn_managed(client, request, error)
        return None

    def _learn_managed(
        self, client: OpenApiClient, request: EffectiveRequest, error: Exception
    ) -> Callable[[], object] | None:
        region_id = next(regions_of(request), "")
        named = {
            normal_id(found[1]): found[2]
            for found in _REFUSED_GROUP.finditer(str(getattr(error, "message", "")))
        }
        managed = [
            GroupStatus(
                security_group_id=security_group_id,
                exists=True,
                service_managed=True,
                service_id=service_id(owner),
                region_id=region_id,
            )
            for security_group_id, owner in named.items()
            # The code is also that of interfaces and snapshots, and the text is only a text.
            if security_group_id in request.targets or request.templates
        ]
        ids = tuple(group.security_group_id for group in managed)
        read = Read(request.host, region_id, ids, request.owner)
        known = self._cache.recall(read, client._credential, self._policy)
        news = [
            group
            for group in managed
            # A known owner counts more than a refusal without one.
            if group.service_id is not None
            or group.security_group_id not in known
            or not known[group.security_group_id].service_managed
        ]
        return self._remember(client, request, region_id, news, Clock.now()) if region_id else None

    def _remember(
        self,
        client: OpenApiClient,
        request: EffectiveRequest,
        region_id: str,
        answers: Iterable[GroupStatus | Failure],
        asked_at: float,
    ) -> Callable[[], object] | None:
        read = Read(request.host, region_id, (), request.owner)
        statuses = [status for status in answers if isinstance(status, GroupStatus)]
        principal = Principal(client._credential, read.owner)
        holding = self._cache.remember(read, principal, statuses, asked_at=asked_at, source="learned")
        self._counters.count(learned=len(statuses))
        if not holding or not self._cache.is_shared:
            return None
        return partial(self._cache.publish, read, holding, self._policy.ttl, asked_at)


@contextmanager
def _harmless() -> Iterator[None]:
    """Log an exception instead of raising it: the caller's call has been sent and must end as it ended."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - any exception
        LOGGER.warning("What ECS said could not be learned from: %s.", type(error).__name__)
