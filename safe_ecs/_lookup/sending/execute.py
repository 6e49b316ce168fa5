"""Executes the queries of one job within ``lookup_timeout``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from safe_ecs._core.failure import Failure
from safe_ecs._lookup.sending.breaker import QUOTA
from safe_ecs._lookup.sending.classify import failure_of, timed_out
from safe_ecs._lookup.sending.retries import retrying
from safe_ecs._system.clock import Clock

if TYPE_CHECKING:
    from safe_ecs._lookup.context import LookupContext
    from safe_ecs._lookup.queries.statuses import Query

_ROUNDING_SECONDS: Final = 0.01


class Sender:
    """Executes the queries of one job. The time of the job begins when its sender is made.

    Args:
        context: The context of the look-up.
        deadline: The end of the job, on the clock ``Clock``; ``lookup_timeout`` may end it earlier.

    Attributes:
        sent: How many requests it has sent.
    """

    def __init__(self, context: LookupContext, deadline: float) -> None:
        self.sent = 0
        self._context = context
        self._policy = context.resources.policy
        self._payer = context.at.host, context.principal
        self._began = Clock.now()
        self._deadline = min(deadline, self._began + self._policy.lookup_timeout)

    def execute(self, query: Query) -> object:
        """Return the body of the answer to a query, or a Failure. It does not raise for ECS or the network."""
        tries, began = 0, Clock.now()
        body: object = None
        try:
            for attempt in retrying(self._payer, self._policy.lookup_attempts, self._deadline - began):
                with attempt:
                    tries += 1
                    seconds = self._begin_try(query, tries)
                    body = self._context.connection.describe(query.action, query.parameters, seconds)
                    QUOTA.give_back(self._payer, tries)
        except Exception as error:  # noqa: BLE001 - with any error, the status is not known
            body = self._failure(error, query)
        self._tell(query, tries, began, body)
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
            seconds = self._deadline - self._began
            return timed_out(query.action, seconds, self._policy.lookup_timeout, error)
        return failure_of(error, query.action)
