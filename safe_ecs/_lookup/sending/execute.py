"""Executes the steps of one job, sync or async, within ``lookup_timeout``: sends queries, and waits for other processes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from safe_ecs._clock import Clock
from safe_ecs._core.failure import Failure
from safe_ecs._lookup.queries.statuses import Query
from safe_ecs._lookup.sending.breaker import QUOTA
from safe_ecs._lookup.sending.classify import failure_of, timed_out
from safe_ecs._lookup.sending.retries import retrying, retrying_async
from safe_ecs.cache._background import in_background_async

if TYPE_CHECKING:
    from collections.abc import Callable

    from safe_ecs._lookup.context import LookupContext

_ROUNDING_SECONDS: Final = 0.01


class Blocking(NamedTuple):
    """A step that may block, but not for long: a round trip to a cache that processes share.

    Attributes:
        work: The step. It does not raise.
    """

    work: Callable[[], Any]


Step: TypeAlias = Query | Blocking


class Sender:
    """Executes the steps of one job. The time of the job begins when its sender is made.

    Args:
        context: The context of the look-up.

    Attributes:
        sent: How many requests it has sent.
    """

    def __init__(self, context: LookupContext) -> None:
        self.sent = 0
        self._context = context
        self._policy = context.resources.policy
        self._payer = context.at.host, context.principal
        self._deadline = Clock.now() + self._policy.lookup_timeout

    def execute(self, step: Step) -> Any:  # noqa: ANN401 - each step has a result of its own
        """Return the result of a step: for a query the body of the answer, or a Failure.

        It never raises for ECS or the network.
        """
        if isinstance(step, Blocking):
            return step.work()
        tries, began = 0, Clock.now()
        body: object = None
        try:
            for attempt in retrying(self._payer, self._policy.lookup_attempts, self._deadline - Clock.now()):
                with attempt:
                    tries += 1
                    seconds = self._begin_try(step, tries)
                    body = self._context.connection.describe(step.action, step.parameters, seconds)
                    QUOTA.give_back(self._payer, tries)
        except Exception as error:  # noqa: BLE001 - with any error, the status is not known
            body = self._failure(error, step)
        self._tell(step, tries, began, body)
        return body

    async def execute_async(self, step: Step) -> Any:  # noqa: ANN401 - each step has a result of its own
        """Do the same in an event loop."""
        if isinstance(step, Blocking):
            return await in_background_async(step.work)
        tries, began = 0, Clock.now()
        body: object = None
        try:
            async with asyncio.timeout(self._deadline - Clock.now()):
                async for attempt in retrying_async(
                    self._payer, self._policy.lookup_attempts, self._deadline - Clock.now()
                ):
                    with attempt:
                        tries += 1
                        seconds = self._begin_try(step, tries)
                        body = await self._context.connection.describe_async(
                            step.action, step.parameters, seconds
                        )
                        QUOTA.give_back(self._payer, tries)
        except Exception as error:  # noqa: BLE001 - with any error, the status is not known
            body = self._failure(error, step)
        self._tell(step, tries, began, body)
        return body

    def _begin_try(self, query: Query, tries: int) -> float:
        """Count a request and return how many seconds it may take."""
        left = self._deadline - Clock.now()
        if left <= 0:
            raise TimeoutError
        self.sent += 1
        counters = self._context.resources.counters
        counters.count(lookups=1, retries=int(tries > 1), groups_asked=query.groups)
        return left

    def _tell(self, query: Query, tries: int, began: float, body: object) -> None:
        """Tell the observers of a look-up that has ended."""
        failure = body if isinstance(body, Failure) else None
        seconds = Clock.now() - began
        dispatcher = self._context.resources.dispatcher
        dispatcher.looked_up(self._context.at, query.action, query.groups, tries, seconds, failure)

    def _failure(self, error: Exception, query: Query) -> Failure:
        # A time-out of the last try comes as the SDK's own error, and ends with the look-up but for a rounding.
        if Clock.now() > self._deadline - _ROUNDING_SECONDS:
            return timed_out(query.action, self._policy.lookup_timeout, error)
        return failure_of(error, query.action)
