"""The context of a look-up: its place, its principal, and the parts of the client's guard that it uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from safe_ecs._lookup.sending.connection import Connection
from safe_ecs.cache._failures import FailureScope
from safe_ecs.cache._principal import Principal

if TYPE_CHECKING:
    from alibabacloud_tea_openapi.client import Client as OpenApiClient
    from darabonba.runtime import RuntimeOptions

    from safe_ecs._core.review import Read, TemplateRead
    from safe_ecs.cache._status_cache import StatusCache
    from safe_ecs.observe._counters import Counters
    from safe_ecs.observe._dispatcher import Dispatcher
    from safe_ecs.policy import GuardPolicy


class Resources(NamedTuple):
    """The parts that all look-ups of one client and of its copies share.

    Attributes:
        cache: Remembers the answers.
        policy: Bounds the time and the tries of a look-up.
        counters: Counts.
        dispatcher: Tells the observers.
    """

    cache: StatusCache
    policy: GuardPolicy
    counters: Counters
    dispatcher: Dispatcher


class LookupContext(NamedTuple):
    """Everything that one look-up needs.

    Attributes:
        at: The read: its endpoint, its region and its owner.
        connection: The connection to ECS.
        scope: The principal and the route: a failure holds for one of the two.
        resources: The parts that it shares with other look-ups.
    """

    at: Read | TemplateRead
    connection: Connection
    scope: FailureScope
    resources: Resources

    @property
    def principal(self) -> Principal:
        """The principal of the requests."""
        return self.scope.principal


def context_of(
    resources: Resources,
    client: OpenApiClient,
    read: Read | TemplateRead,
    runtime: RuntimeOptions | None,
    *,
    protocol: str = "HTTPS",
) -> LookupContext:
    """Return the context of a look-up for a client, with runtime options and protocol of the call that waits for it."""
    connection = Connection(client, runtime, read.host, protocol)
    principal = Principal(client._credential, read.owner)  # noqa: SLF001 - no getter
    return LookupContext(read, connection, FailureScope(principal, connection.settings), resources)
