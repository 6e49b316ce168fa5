"""The error answers of ECS, with the codes, statuses and texts of its API reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from safe_ecs.testing.state import SecurityGroup


class EcsError(Exception):
    """An error answer.

    Args:
        status: The HTTP status.
        code: The error code.
        message: The text.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message


def missing_parameter(name: str) -> EcsError:
    """Return the error for a mandatory parameter that is not there."""
    return EcsError(
        400,
        f"Missing{name}" if name == "SecurityGroupId" else "MissingParameter",
        f'The input parameter "{name}" that is mandatory for processing this request is not supplied.',
    )


def malformed_group(security_group_id: str) -> EcsError:
    """Return the error for an id that is none."""
    return EcsError(
        400,
        "InvalidSecurityGroupId.Malformed",
        f'The specified parameter "SecurityGroupId" is not valid: {security_group_id!r}.',
    )


def unknown_group() -> EcsError:
    """Return the error for a group that does not exist."""
    return EcsError(404, "InvalidSecurityGroupId.NotFound", "The specified SecurityGroupId does not exist.")


def managed_group(group: SecurityGroup) -> EcsError:
    """Return the refusal of a change to a managed group, in the wording that ECS uses."""
    return EcsError(
        403,
        "InvalidOperation.ResourceManagedByCloudProduct",
        f'The specified SecurityGroup "{group.security_group_id}" has been managed by '
        f'serviceID "{group.service_id}"; product "{group.product}".',
    )
