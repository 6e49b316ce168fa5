"""The Alibaba Cloud ECS client with a guard against changes to managed security groups."""

from safe_ecs.cache.memory import StatusCache
from safe_ecs.client import Client, guard
from safe_ecs.core.decision import Decision, GroupStatus, Undetermined
from safe_ecs.core.operations import OPERATIONS, Operation
from safe_ecs.errors import GuardError, ManagedSecurityGroupError, StatusUnavailableError
from safe_ecs.policy import GuardPolicy

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
