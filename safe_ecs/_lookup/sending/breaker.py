"""Bounds the cost of look-ups while ECS fails: it stops look-ups, further tries, and long waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from safe_ecs._lookup.sending.classify import LEAST_WAIT, NEARLY, timed_out
from safe_ecs._system.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable

    from safe_ecs._core.failure import Failure
    from safe_ecs._lookup.context import LookupContext


_TIMEOUTS_BETWEEN: Final = 4
"""In an outage, how many times ``lookup_timeout`` lie between two look-ups that have the whole of it."""


class RetryQuota:
    """Tokens for further tries, for each principal at each host. A further try takes some, a success gives some back.

    This is the quota of botocore's standard retry mode: while a host is down, soon no look-up is tried more than once.
    It needs no lock: a token that two threads lose between them does no harm.
    """

    CAPACITY: Final = 60
    COST: Final = 5
    """The tokens of one further try: a look-up has three at most by default, so that four failed ones use up the quota."""

    _MOST_PAYERS: Final = 1024

    def __init__(self) -> None:
        self._spent: dict[Hashable, int] = {}

    def covers_a_try(self, payer: Hashable) -> bool:
        """Return whether there are tokens left for one further try."""
        return self._spent.get(payer, 0) + self.COST <= self.CAPACITY

    def spend(self, payer: Hashable) -> None:
        """Take the tokens of one further try."""
        spent = self._spent.get(payer, 0) + self.COST
        if len(self._spent) >= self._MOST_PAYERS:
            self._spent.clear()
        self._spent[payer] = spent

    def give_back(self, payer: Hashable, tries: int) -> None:
        """Return, after a success, the tokens of its last further try, or one token if it needed none."""
        # Equivalent mutant `get(payer, 1)`: a payer without a record gives back at least this one token.
        left = self._spent.get(payer, 0) - (self.COST if tries > 1 else 1)
        if left > 0:
            self._spent[payer] = left
        else:
            self._spent.pop(payer, None)


QUOTA: Final = RetryQuota()
"""The quota of this process."""


class Breaker:
    """Knows for one action, one place and one principal whether ECS answers.

    A failure is not repeated for ``failure_ttl``: recent_failures() returns it instead. In an outage a look-up
    has a twentieth of ``lookup_timeout``, and now and then the whole of it.

    Args:
        context: The context of the look-up.
        action: The action of the query.
    """

    def __init__(self, context: LookupContext, action: str) -> None:
        self._action = action
        self._at = context.at
        self._scope = context.scope
        self._policy = context.resources.policy
        self._failures = context.resources.cache.failures

    def recent_failures(self, ids: Iterable[str]) -> dict[str, Failure]:
        """Return the failure of each id that is not to be asked for again yet."""
        return self._failures.recall(self._at, self._action, ids, self._scope, self._policy)

    def wait_until(self, deadline: float) -> float:
        """Return until when a caller waits for an answer, on the clock ``Clock``."""
        # In an outage ECS is asked every failure_ttl, for a moment only: it shows soon that the outage is over. The rare
        # look-up that has the whole time finds an ECS that has become slow.
        timeout = self._policy.lookup_timeout
        since_outage = self._failures.seconds_since_outage(self._at, self._scope, self._policy)
        has_all = since_outage >= timeout * _TIMEOUTS_BETWEEN
        return min(deadline, Clock.now() + (timeout if has_all else timeout * LEAST_WAIT))

    def failure_of_waiting(self, waited: float, in_flight: float) -> Failure:
        """Return the failure for a caller without an answer in time, and remember it if it is an outage.

        Args:
            waited: The seconds that the caller waited.
            in_flight: The seconds that the batch under way has been in flight.
        """
        failure = timed_out(self._action, waited, self._policy.lookup_timeout)
        # A caller that stood behind other batches has learned nothing of ECS.
        if in_flight >= waited * NEARLY:
            # Equivalent mutants `None, {"": failure}`, `"XXXX"`: an outage is kept by its route alone.
            self._failures.remember(self._at, self._action, {"": failure}, self._scope)
        return failure

    def note(self, failures: dict[str, Failure], answered: Collection[str]) -> None:
        """Remember the failures of a look-up, and clear the failures that its answers disprove.

        Args:
            failures: The failures by id.
            answered: The ids that ECS answered for.
        """
        if answered:
            self._failures.clear(self._at, self._action, answered, self._scope)
        if failures:
            self._failures.remember(self._at, self._action, failures, self._scope)

    def note_answer(self) -> None:
        """Clear the failures of the place and the principal, because ECS has answered."""
        self._failures.clear(self._at, self._action, (), self._scope)
