"""Reading on behalf of one client: what it takes, and who counts and hears of what is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from safe_ecs._lookup.sending.execute import Limits
from safe_ecs.cache._memory import Who

if TYPE_CHECKING:
    from safe_ecs._core.failure import Failure
    from safe_ecs._core.review import Read, TemplateRead
    from safe_ecs._lookup.queries.statuses import Query
    from safe_ecs._lookup.sending.connection import Connection
    from safe_ecs.cache._memory import StatusCache
    from safe_ecs.cache._principal import Principal
    from safe_ecs.observe._counters import Counters
    from safe_ecs.observe._dispatcher import Dispatcher
    from safe_ecs.policy import GuardPolicy


class Means(NamedTuple):
    """What a read is made with.

    Attributes:
        connection: The way to ECS.
        principal: Who asks.
        cache: What remembers the answers.
        policy: Bounds what asking may take.
        counters: Where to count.
        dispatcher: Who is told.
    """

    connection: Connection
    principal: Principal
    cache: StatusCache
    policy: GuardPolicy
    counters: Counters
    dispatcher: Dispatcher

    @property
    def who(self) -> Who:
        """For whom a failure holds."""
        return Who(self.principal, self.connection.settings)


class Reader:
    """Reads at one place, and keeps account of what it sends.

    Args:
        at: Where, and on whose behalf.
        means: What with.

    Attributes:
        sent: How many requests it has sent.
    """

    def __init__(self, at: Read | TemplateRead, means: Means) -> None:
        self.sent = 0
        self._at = at
        self._connection, self._principal, self._cache, policy, self._counters, self._dispatcher = means
        self._ttl = policy.ttl
        self._who = means.who
        self._limits = Limits(policy.lookup_timeout, policy.lookup_attempts, (at.host, self._principal))

    def trying(self, query: Query, tries: int) -> None:
        """Count a request."""
        self.sent += 1
        self._counters.count(lookups=1, retries=int(tries > 1), groups_asked=query.groups)

    def asked(self, query: Query, tries: int, seconds: float, failure: Failure | None) -> None:
        """Tell of a look-up."""
        self._dispatcher.looked_up(self._at, query.action, query.groups, tries, seconds, failure)
