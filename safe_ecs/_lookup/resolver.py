"""What is known of groups: remembered, asked for, and learned from the caller's own calls."""
# ruff: noqa: SLF001 - the SDK's client has no getter for its credentials

from __future__ import annotations

import math
import re
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from safe_ecs._core.decision import GroupStatus
from safe_ecs._core.endpoints import regions_of
from safe_ecs._core.failure import Failure
from safe_ecs._core.operations import STATUS_QUERY, TEMPLATE_CHANGES, TEMPLATE_QUERY
from safe_ecs._core.review import Read
from safe_ecs._core.spelling import normal_id
from safe_ecs._lookup.context import Means
from safe_ecs._lookup.jobs import LEAST_PATIENCE, StatusLookup, TemplateLookup
from safe_ecs._lookup.queries.answers import Pages, service_id
from safe_ecs._lookup.sending.connection import Connection
from safe_ecs.cache._background import in_background
from safe_ecs.cache._principal import Principal
from safe_ecs.errors import MANAGED_CODE
from safe_ecs.observe._counters import Counters
from safe_ecs.observe._log import LOGGER

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from alibabacloud_tea_openapi.client import Client as OpenApiClient

    from safe_ecs._calls.call import Call
    from safe_ecs._core.request import EffectiveRequest, LaunchTemplate
    from safe_ecs._core.review import Answers, TemplateAnswer, TemplateRead
    from safe_ecs._lookup.batching import BatchLoader
    from safe_ecs.cache._memory import StatusCache
    from safe_ecs.observe._dispatcher import Dispatcher
    from safe_ecs.policy import GuardPolicy

_REFUSED_GROUP: Final = re.compile(
    r'SecurityGroup\s+"([^"]+)"\s+has been managed by(?:\s+serviceID\s+"(\d+)")?', re.IGNORECASE
)


class BatchRequest(NamedTuple):
    """What must be asked of ECS: the arguments of ``ThreadBatching.ask`` and its twin."""

    loader: BatchLoader[Any]
    ids: tuple[str, ...]
    deadline: float
    not_before: float


class Knowledge:
    """What the guard of one client knows.

    It holds no client: the client of the call is handed in each time, so that what was changed on a client
    since (endpoint, credentials, proxy) counts for its next call.

    Args:
        cache: What remembers.
        policy: How long, and how long to wait.
        dispatcher: Who is told of look-ups.
    """

    def __init__(self, cache: StatusCache, policy: GuardPolicy, dispatcher: Dispatcher) -> None:
        self.cache = cache
        self.dispatcher = dispatcher
        self.counters = Counters()
        self._policy = policy

    def recall(self, client: OpenApiClient, read: Read) -> dict[str, GroupStatus]:
        """Return what is remembered, and still trusted, of the groups of a read."""
        return self.cache.recall(read, client._credential, self._policy)

    def statuses(
        self, client: OpenApiClient, read: Read, call: Call | None, deadline: float, *, refresh: bool = False
    ) -> Generator[BatchRequest, Any, Answers]:
        """Yield what must be asked and return what is known then of each group of a read.

        Args:
            client: On behalf of which client.
            read: The groups.
            call: The call that waits for it, if one does.
            deadline: Until when it can wait, on the clock ``time.monotonic``.
            refresh: Whether nothing that is remembered will do.
        """
        known: Answers = {} if refresh else {**self.recall(client, read)}
        self.counters.count(hits=len(known))
        unknown = tuple(i for i in read.security_group_ids if i not in known)
        if not unknown:
            return known
        means = self.means(client, read, call)
        failures: dict[str, Failure] = {}
        if not refresh:
            failures = self.cache.recall_failures(read, STATUS_QUERY, unknown, means.who, self._policy)
            self.counters.count(not_repeated=len(failures))
        if asked := tuple(i for i in unknown if i not in failures):
            loader = StatusLookup(read, means, refresh=refresh)
            not_before = math.inf if refresh else self.cache.forgotten_at((*asked, read.host))
            found = yield BatchRequest(loader, asked, self._wait_until(read, means, deadline), not_before)
            for each, answer in found.items():
                if isinstance(answer, Failure):
                    failures[each] = answer
                else:
                    known[each] = answer
        if failures:
            known |= self._instead(client, read, failures, refresh=refresh)
        return known

    def _instead(
        self, client: OpenApiClient, read: Read, failures: dict[str, Failure], *, refresh: bool
    ) -> Answers:
        """Return for groups that could not be looked up a stale status, where there is one that will do."""
        is_outage = tuple(each for each, failure in failures.items() if failure.is_outage and not refresh)
        stale = self.cache.recall(
            read._replace(security_group_ids=is_outage), client._credential, self._policy, stale=True
        )
        self.counters.count(stale_hits=len(stale), failed=len(failures) - len(stale))
        return {each: stale.get(each) or failure.of(each) for each, failure in failures.items()}

    def means(self, client: OpenApiClient, read: Read | TemplateRead, call: Call | None) -> Means:
        """Return what a read is made with, on behalf of a client or of one of its calls."""
        if call is not None:
            call.hold()
        connection = Connection(client, None if call is None else call.runtime, read.host)
        principal = Principal(client._credential, read.owner)
        return Means(connection, principal, self.cache, self._policy, self.counters, self.dispatcher)

    def _wait_until(self, read: Read | TemplateRead, means: Means, deadline: float) -> float:
        """Return until when to wait for an answer.

        In an outage that is half of the time since the last failure at most, so that calls spend a third of their time
        on it at most. The look-up goes on in any case: if it is answered later, the outage is over.
        """
        least = self._policy.lookup_timeout * LEAST_PATIENCE
        since_outage = self.cache.seconds_since_outage(read, means.who, self._policy)
        return min(deadline, monotonic() + max(least, since_outage / 2))

    def groups_of_template(
        self, client: OpenApiClient, read: TemplateRead, call: Call | None, deadline: float
    ) -> Generator[BatchRequest, Any, TemplateAnswer]:
        """Yield what must be asked and return the groups that a launch template names.

        Args:
            client: On behalf of which client.
            read: The template.
            call: The call that waits for it, if one does.
            deadline: Until when it can wait, on the clock ``time.monotonic``.
        """
        groups = self.cache.recall_template(read, Principal(client._credential, read.owner), self._policy)
        if groups is not None:
            return groups
        means = self.means(client, read, call)
        # As the id of a group that failed it is told apart by its quotes.
        name = _named(read.template)
        failures = self.cache.recall_failures(read, TEMPLATE_QUERY, (name,), means.who, self._policy)
        self.counters.count(not_repeated=len(failures))
        answer = failures.get(name)
        if answer is None:
            loader = TemplateLookup(read, means)
            not_before = self.cache.forgotten_at(())
            found = yield BatchRequest(loader, (name,), self._wait_until(read, means, deadline), not_before)
            answer = found[name]
        if not isinstance(answer, Failure):
            template: TemplateAnswer = answer
            return template
        self.counters.count(failed=1)
        return replace(answer.of(""), launch_template=name)

    def learn_answer(
        self, client: OpenApiClient, request: EffectiveRequest, answer: object, asked_at: float
    ) -> None:
        """Learn from what ECS answered to a call of the client's.

        Args:
            client: Whose call it was.
            request: The call; its action is one of ``LEARNING_ACTIONS``.
            answer: What the transport returned.
            asked_at: When it was sent, by the ``now()`` of the cache.
        """
        with _harmless():
            self._learn_answer(client, request, answer, asked_at)

    def _learn_answer(
        self, client: OpenApiClient, request: EffectiveRequest, answer: object, asked_at: float
    ) -> None:
        if request.action == STATUS_QUERY:
            if request.unreadable:
                return  # Which ECS has answered, or on whose behalf it was asked, may be another than it seems.
            body = answer.get("body") if isinstance(answer, dict) else None
            named = body.get("RegionId") if isinstance(body, dict) else None
            region_id = named.lower() if isinstance(named, str) else next(regions_of(request), "")
            pages = Pages(region_id)
            pages.take(body)
            if region_id and not pages.failure:
                self._learn(client, request, region_id, pages.groups.values(), asked_at)
        elif request.action in TEMPLATE_CHANGES:
            self.cache.forget_templates()
        elif request.targets:
            for region_id in regions_of(request):
                read = Read(request.host, region_id, request.targets, request.owner)
                self.cache.discard(read, Principal(client._credential, read.owner))
            if self.cache.is_shared:
                in_background(partial(self.cache.invalidate_elsewhere, request.targets))

    def learn_refusal(
        self, client: OpenApiClient, request: EffectiveRequest | None, error: Exception
    ) -> None:
        """Learn from the refusal of ECS that a group is managed, where it names the group.

        Args:
            client: Whose call was refused.
            request: The call, if it is one that the guard looks at.
            error: What the transport raised.
        """
        if request is not None and getattr(error, "code", None) == MANAGED_CODE:
            with _harmless():
                self._learn_refusal(client, request, error)

    def _learn_refusal(self, client: OpenApiClient, request: EffectiveRequest, error: Exception) -> None:
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
        read = Read(
            request.host, region_id, tuple(group.security_group_id for group in managed), request.owner
        )
        known = self.recall(client, read)
        news = [
            group
            for group in managed
            # An owner that is known counts more than one that is not named.
            if group.service_id is not None
            or group.security_group_id not in known
            or not known[group.security_group_id].service_managed
        ]
        if region_id:
            self._learn(client, request, region_id, news, self.cache.now())

    def _learn(
        self,
        client: OpenApiClient,
        request: EffectiveRequest,
        region_id: str,
        said: Iterable[GroupStatus | Failure],
        asked_at: float,
    ) -> None:
        read = Read(request.host, region_id, (), request.owner)
        statuses = [status for status in said if isinstance(status, GroupStatus)]
        if not statuses:
            return
        self.cache.remember(
            read, Principal(client._credential, read.owner), statuses, asked_at=asked_at, source="learned"
        )
        self.counters.count(learned=len(statuses))
        if self.cache.is_shared:
            # The caller's own call must not wait for a fleet's memory.
            in_background(partial(self.cache.publish, read, statuses, self._policy.ttl))


@contextmanager
def _harmless() -> Iterator[None]:
    """Log what is raised instead of raising it: the caller's call has been sent and must end as it ended."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it was
        LOGGER.warning("What ECS said could not be learned from: %s.", type(error).__name__)


def _named(template: LaunchTemplate) -> str:
    version = f"version {template.version}" if template.version else "default version"
    return f'"{template.template_id or template.name}" ({version})'
