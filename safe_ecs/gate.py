"""Where a call is stopped or let through: the sync and the async driver of a review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_ecs.cache.memory import SHARED
from safe_ecs.core.decision import GroupStatus
from safe_ecs.core.request import effective_request
from safe_ecs.core.review import review
from safe_ecs.errors import ManagedSecurityGroupError, StatusUnavailableError
from safe_ecs.lookup.ask import ask, ask_async
from safe_ecs.lookup.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from alibabacloud_tea_openapi.client import Client as OpenApiClient
    from darabonba.runtime import RuntimeOptions

    from safe_ecs.cache.memory import StatusCache
    from safe_ecs.core.decision import Decision
    from safe_ecs.core.request import EffectiveRequest, Outgoing
    from safe_ecs.core.review import Answers, Read
    from safe_ecs.policy import GuardPolicy


class Gate:
    """The guard of one client and of its copies: a policy and a memory.

    It holds no client: the client of the call is handed in each time, so that what was changed on a client
    since (endpoint, credentials, proxy) counts for its next call.
    """

    def __init__(self, policy: GuardPolicy, cache: StatusCache | None) -> None:
        self.policy = policy
        self.cache = SHARED if cache is None else cache

    def admit(self, client: OpenApiClient, outgoing: Outgoing, runtime: RuntimeOptions) -> None:
        """Return if the call may be sent.

        Raises:
            ManagedSecurityGroupError: A target is managed.
            StatusUnavailableError: Whether a target is managed cannot be determined.
        """
        request = effective_request(outgoing)
        if request is not None:
            _raise_if_refused(self.decide(client, request, runtime))

    async def admit_async(self, client: OpenApiClient, outgoing: Outgoing, runtime: RuntimeOptions) -> None:
        """Do what ``admit`` does, in an event loop."""
        request = effective_request(outgoing)
        if request is not None:
            _raise_if_refused(await self.decide_async(client, request, runtime))

    def decide(
        self, client: OpenApiClient, request: EffectiveRequest, runtime: RuntimeOptions | None
    ) -> Decision:
        """Return the decision for a guarded call, reading what is not remembered."""
        steps = review(request, self.policy)
        try:
            read = next(steps)
            while True:
                read = steps.send(self.answer(client, read, runtime))
        except StopIteration as done:
            decision: Decision = done.value
            return decision

    async def decide_async(
        self, client: OpenApiClient, request: EffectiveRequest, runtime: RuntimeOptions | None
    ) -> Decision:
        """Do what ``decide`` does, in an event loop."""
        steps = review(request, self.policy)
        try:
            read = next(steps)
            while True:
                read = steps.send(await self.answer_async(client, read, runtime))
        except StopIteration as done:
            decision: Decision = done.value
            return decision

    def answer(
        self, client: OpenApiClient, read: Read, runtime: RuntimeOptions | None, *, refresh: bool = False
    ) -> Answers:
        """Return the statuses a read asks for, from memory (unless ``refresh``) and then from ECS."""
        known = self._recall(client, read, refresh=refresh)
        if len(known) == len(read.security_group_ids):
            return known
        unknown, connection = _rest(read, known), Connection(client, runtime, read.host)
        return known | self._remember(client, unknown, ask(connection, unknown, self.policy))

    async def answer_async(
        self, client: OpenApiClient, read: Read, runtime: RuntimeOptions | None, *, refresh: bool = False
    ) -> Answers:
        """Do what ``answer`` does, in an event loop."""
        known = self._recall(client, read, refresh=refresh)
        if len(known) == len(read.security_group_ids):
            return known
        unknown, connection = _rest(read, known), Connection(client, runtime, read.host)
        return known | self._remember(client, unknown, await ask_async(connection, unknown, self.policy))

    def _recall(self, client: OpenApiClient, read: Read, *, refresh: bool) -> Answers:
        if refresh:
            return {}
        return {**self.cache.recall(read, client._credential, self.policy)}  # noqa: SLF001 - no getter

    def _remember(self, client: OpenApiClient, read: Read, answers: Answers) -> Answers:
        statuses = [answer for answer in answers.values() if isinstance(answer, GroupStatus)]
        self.cache.remember(read, client._credential, statuses)  # noqa: SLF001 - no getter
        return answers

    def __copy__(self) -> Self:
        """Stay one: a copied client asks the same memory."""
        return self

    def __deepcopy__(self, memo: object) -> Self:
        """Stay one: a copied client asks the same memory."""
        return self

    def __reduce__(self) -> tuple[Callable[..., Gate], tuple[object, ...]]:
        """Travel to another process without what was remembered in this one."""
        return type(self), (self.policy, None if self.cache is SHARED else self.cache)


def _raise_if_refused(decision: Decision) -> None:
    if not decision.refused:
        return
    if decision.outcome == "denied":
        raise ManagedSecurityGroupError(decision)
    raise StatusUnavailableError(decision)


def _rest(read: Read, known: Answers) -> Read:
    """Return a read for what is not known."""
    return read._replace(security_group_ids=tuple(i for i in read.security_group_ids if i not in known))
