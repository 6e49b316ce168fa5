"""The Alibaba Cloud ECS client with a guard against changes to managed security groups."""

from typing import TYPE_CHECKING

from safe_ecs._lazy import offer

if TYPE_CHECKING:
    from safe_ecs._core.decision import Decision, GroupStatus, Undetermined
    from safe_ecs._core.operations import OPERATIONS, Operation
    from safe_ecs.cache._status_cache import StatusCache
    from safe_ecs.client import Client, guard
    from safe_ecs.errors import GuardError, ManagedSecurityGroupError, StatusUnavailableError
    from safe_ecs.policy import GuardPolicy
else:
    __getattr__, __dir__ = offer(
        __name__,
        {
            "OPERATIONS": "safe_ecs._core.operations",
            "Client": "safe_ecs.client",
            "Decision": "safe_ecs._core.decision",
            "GroupStatus": "safe_ecs._core.decision",
            "GuardError": "safe_ecs.errors",
            "GuardPolicy": "safe_ecs.policy",
            "ManagedSecurityGroupError": "safe_ecs.errors",
            "Operation": "safe_ecs._core.operations",
            "StatusCache": "safe_ecs.cache._status_cache",
            "StatusUnavailableError": "safe_ecs.errors",
            "Undetermined": "safe_ecs._core.decision",
            "guard": "safe_ecs.client",
        },
    )

__all__ = [
    "OPERATIONS",
    "Client",
    "Decision",
    "GroupStatus",
    "GuardError",
    "GuardPolicy",
    "ManagedSecurityGroupError",
    "Operation",
    "StatusCache",
    "StatusUnavailableError",
    "Undetermined",
    "guard",
]
