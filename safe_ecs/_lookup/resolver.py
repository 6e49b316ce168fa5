"""Finds the statuses and template groups that one decision needs: in the cache, or else by a batch."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from safe_ecs._core.failure import Failure
from safe_ecs._core.spelling import normal_id
from safe_ecs._lookup.batching import BatchRequest, BatchResult
from safe_ecs._lookup.context import context_of
from safe_ecs._lookup.jobs import StatusLookup, TemplateLookup
from safe_ecs._system.clock import Clock
from safe_ecs.cache._principal import Principal

if TYPE_CHECKING:
    from collections.abc import Generator

    from alibabacloud_tea_openapi.client import Client as OpenApiClient
    from darabonba.runtime import RuntimeOptions

    from safe_ecs._core.request import LaunchTemplate
    from safe_ecs._core.review import Answers, Read, TemplateAnswer, TemplateRead
    from safe_ecs._lookup.context import LookupContext, Resources


class Resolver:
    """Finds answers for one decision. Its generators yield a ``BatchRequest`` and are sent the ``BatchResult``.

    Args:
        resources: The parts of the client's guard.
        client: The client that asks.
        runtime: The runtime options of the call that waits for the decision; None for those of the client.
        protocol: The protocol of that call.
        refresh: Whether to ask ECS even for remembered statuses.

    Attributes:
        reads: How many Describe requests were sent for the decision so far.
    """

    def __init__(
        self,
        resources: Resources,
        client: OpenApiClient,
        runtime: RuntimeOptions | None,
        *,
        protocol: str = "HTTPS",
        refresh: bool = False,
    ) -> None:
        self.reads = 0
        self._resources = resources
        self._client = client
        self._runtime = runtime
        self._protocol = protocol
        self._refresh = refresh
        self._deadline = Clock.now() + resources.policy.lookup_timeout

    def statuses(self, read: Read) -> Generator[BatchRequest, BatchResult, Answers]:
        """Return a status, or the lack of one, for each group of a read."""
        cache, policy, counters, _ = self._resources
        credential = self._client._credential  # noqa: SLF001 - no getter
        known: Answers = {} if self._refresh else {**cache.recall(read, credential, policy)}
        counters.count(hits=len(known))
        unknown = tuple(i for i in read.security_group_ids if i not in known)
        if not unknown:
            return known
        lookup = StatusLookup(self._context_of(read), read, refresh=self._refresh)
        failures = {} if self._refresh else lookup.breaker.recent_failures(unknown)
        counters.count(not_repeated=len(failures))
        if asked := tuple(i for i in unknown if i not in failures):
            # The answer to a question that was asked before forget() is no answer after it.
            not_before = (
                math.inf if self._refresh else cache.forgotten_at((*map(normal_id, asked), read.host))
            )
            found = yield from self._load(lookup, asked, not_before)
            for each, answer in found.items():
                if isinstance(answer, Failure):
                    failures[each] = answer
                else:
                    known[each] = answer
        if failures:
            known |= self._without_answer(read, failures)
        return known

    def _without_answer(self, read: Read, failures: dict[str, Failure]) -> Answers:
        """Return a stale status for each group that could not be looked up, or the failure if none may serve."""
        cache, policy, counters, _ = self._resources
        in_outage = tuple(
            each for each, failure in failures.items() if failure.is_outage and not self._refresh
        )
        stale = cache.recall(
            read._replace(security_group_ids=in_outage),
            self._client._credential,  # noqa: SLF001 - no getter
            policy,
            stale=True,
        )
        counters.count(stale_hits=len(stale), failed=len(failures) - len(stale))
        return {each: stale.get(each) or failure.of(normal_id(each)) for each, failure in failures.items()}

    def template_groups(self, read: TemplateRead) -> Generator[BatchRequest, BatchResult, TemplateAnswer]:
        """Return the groups that a launch template names."""
        cache, policy, counters, _ = self._resources
        principal = Principal(self._client._credential, read.owner)  # noqa: SLF001 - no getter
        groups = cache.templates.recall(read, principal, policy)
        if groups is not None:
            return groups
        lookup = TemplateLookup(self._context_of(read), read)
        # The name stands for a group id in the table of failures: its quotes tell it from one.
        name = _name_of(read.template)
        failures = lookup.breaker.recent_failures((name,))
        counters.count(not_repeated=len(failures))
        answer = failures.get(name)
        if answer is None:
            found = yield from self._load(lookup, (name,), cache.forgotten_at(()))
            answer = found[name]
        if not isinstance(answer, Failure):
            template: TemplateAnswer = answer
            return template
        counters.count(failed=1)
        return replace(answer.of(""), launch_template=name)

    def _context_of(self, read: Read | TemplateRead) -> LookupContext:
        return context_of(self._resources, self._client, read, self._runtime, protocol=self._protocol)

    def _load(
        self, lookup: StatusLookup | TemplateLookup, ids: tuple[str, ...], not_before: float
    ) -> Generator[BatchRequest, BatchResult, dict[str, Any]]:
        deadline = lookup.breaker.wait_until(self._deadline)
        result = yield BatchRequest(lookup, ids, deadline, not_before)
        self.reads += result.reads
        return result.answers


def _name_of(template: LaunchTemplate) -> str:
    version = f"version {template.version}" if template.version else "default version"
    return f'"{template.template_id or template.name}" ({version})'
