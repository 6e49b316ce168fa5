"""Where a call is stopped or let through: the sync and the async driver of a review."""
# ruff: noqa: SLF001 - the SDK's client has no getter for its credentials

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from safe_ecs.cache.memory import SHARED
from safe_ecs.core.decision import GroupStatus
from safe_ecs.core.review import conclude, first_read, review
from safe_ecs.core.steps import drive, drive_async
from safe_ecs.errors import ManagedSecurityGroupError, StatusUnavailableError
from safe_ecs.lookup.ask import ask, ask_async
from safe_ecs.lookup.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from alibabacloud_tea_openapi.client import Client as OpenApiClient

    from safe_ecs.cache.memory import StatusCache
    from safe_ecs.core.decision import Decision
    from safe_ecs.core.request import EffectiveRequest
    from safe_ecs.core.review import Answers, Read
    from safe_ecs.outgoing import Call
    from safe_ecs.policy import GuardPolicy


_LOGGER: Final = logging.getLogger("safe_ecs")


class Gate:
    """The guard of one client and of its copies: a policy and a memory.

    It holds no client: the client of the call is handed in each time, so that what was changed on a client
    since (endpoint, credentials, proxy) counts for its next call.
    """

    def __init__(self, policy: GuardPolicy, cache: StatusCache | None) -> None:
        self.policy = policy
        self.cache = SHARED if cache is None else cache

    def admit(self, client: OpenApiClient, call: Call) -> None:
        """Return if the call may be sent.

        Raises:
            ManagedSecurityGroupError: A target is managed.
            StatusUnavailableError: Whether a target is managed cannot be determined.
        """
        if call.effective is not None:
            decision = self.decide(client, call.effective, call)
            if decision.outcome != "allowed":
                _settle(decision)

    async def admit_async(self, client: OpenApiClient, call: Call) -> None:
        """Do what ``admit`` does, in an event loop."""
        if call.effective is not None:
            decision = await self.decide_async(client, call.effective, call)
            if decision.outcome != "allowed":
                _settle(decision)

    def decide(self, client: OpenApiClient, request: EffectiveRequest, call: Call | None) -> Decision:
        """Return the decision for a guarded request, reading what is not remembered.

        Args:
            client: Whose request it is.
            request: The request.
            call: The call that waits for the decision, if one does.
        """
        decision = self._decide_from_memory(client, request)
        if decision is not None:
            return decision
        return drive(review(request, self.policy), lambda read: self.answer(client, read, call))

    async def decide_async(
        self, client: OpenApiClient, request: EffectiveRequest, call: Call | None
    ) -> Decision:
        """Do what ``decide`` does, in an event loop."""
        decision = self._decide_from_memory(client, request)
        if decision is not None:
            return decision
        return await drive_async(
            review(request, self.policy), lambda read: self.answer_async(client, read, call)
        )

    def _decide_from_memory(self, client: OpenApiClient, request: EffectiveRequest) -> Decision | None:
        """Return the decision if every target is remembered as a group that exists.

        That is nearly every call, and takes half the time of a review that asks nothing.
        """
        read = first_read(request, self.policy)
        if read is None:
            return None
        known = self.cache.recall(read, client._credential, self.policy)
        if len(known) < len(request.targets):
            return None
        groups = tuple(known.values())
        for group in groups:
            if not group.exists:
                return None
        return conclude(request, self.policy, read.region_id, groups, ())

    def answer(
        self, client: OpenApiClient, read: Read, call: Call | None, *, refresh: bool = False
    ) -> Answers:
        """Return the statuses a read asks for, from memory (unless ``refresh``) and then from ECS."""
        known: Answers = {} if refresh else {**self.cache.recall(read, client._credential, self.policy)}
        if len(known) == len(read.security_group_ids):
            return known
        unknown, connection = _rest(read, known), _connect(client, read, call)
        return known | self._remember(client, unknown, ask(connection, unknown, self.policy))

    async def answer_async(
        self, client: OpenApiClient, read: Read, call: Call | None, *, refresh: bool = False
    ) -> Answers:
        """Do what ``answer`` does, in an event loop."""
        known: Answers = {} if refresh else {**self.cache.recall(read, client._credential, self.policy)}
        if len(known) == len(read.security_group_ids):
            return known
        unknown, connection = _rest(read, known), _connect(client, read, call)
        return known | self._remember(client, unknown, await ask_async(connection, unknown, self.policy))

    def _remember(self, client: OpenApiClient, read: Read, answers: Answers) -> Answers:
        statuses = [answer for answer in answers.values() if isinstance(answer, GroupStatus)]
        self.cache.remember(read, client._credential, statuses)
        return answers

    def __copy__(self) -> Self:
        """Stay one: a copied client asks the same memory."""
        return self

    def __deepcopy__(self, memo: object) -> Self:
        """Stay one, as above."""
        return self

    def __reduce__(self) -> tuple[Callable[..., Gate], tuple[object, ...]]:
        """Travel to another process without what was remembered in this one."""
        return type(self), (self.policy, None if self.cache is SHARED else self.cache)


def _settle(decision: Decision) -> None:
    """Stop a refused call, and say so when a call is let through that enforcing would have stopped."""
    if not decision.refused:
        _LOGGER.warning("%s", decision.reason)
    elif decision.outcome == "denied":
        raise ManagedSecurityGroupError(decision)
    else:
        raise StatusUnavailableError(decision)


def _rest(read: Read, known: Answers) -> Read:
    """Return a read for what is not known."""
    return read._replace(security_group_ids=tuple(i for i in read.security_group_ids if i not in known))


def _connect(client: OpenApiClient, read: Read, call: Call | None) -> Connection:
    if call is None:
        return Connection(client, None, read.host)
    call.hold()
    return Connection(client, call.runtime, read.host)
