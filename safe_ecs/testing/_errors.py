"""The error answers of ECS, with the codes, statuses and texts of its API reference."""

from __future__ import annotations


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


def invalid(code: str, message: str) -> EcsError:
    """Return the error for an invalid request (400)."""
    return EcsError(400, code, message)


def forbidden(code: str, message: str) -> EcsError:
    """Return the error for a request that ECS refuses, always or in the present state (403)."""
    return EcsError(403, code, message)


def not_found(code: str, message: str) -> EcsError:
    """Return the error for something that does not exist (404)."""
    return EcsError(404, code, message)


def missing_parameter(name: str) -> EcsError:
    """Return the error for a missing mandatory parameter."""
    codes = {"SecurityGroupId": "MissingSecurityGroupId", "RegionId": "MissingParameter.RegionId"}
    return invalid(
        codes.get(name, "MissingParameter"),
        f'The input parameter "{name}" that is mandatory for processing this request is not supplied.',
    )


def malformed_group(security_group_id: str) -> EcsError:
    """Return the error for a malformed group id."""
    return invalid(
        "InvalidSecurityGroupId.Malformed",
        f'The specified parameter "SecurityGroupId" is not valid: {security_group_id!r}.',
    )


def unknown_group() -> EcsError:
    """Return the error for a group that does not exist."""
    return not_found("InvalidSecurityGroupId.NotFound", "The specified SecurityGroupId does not exist.")


def conflicting_group_ids() -> EcsError:
    """Return the error for a request with both SecurityGroupId and SecurityGroupIds."""
    return invalid(
        "InvalidSecurityGroupId.SingleIdAndMultiIdConflict",
        "The parameters SecurityGroupId and SecurityGroupIds cannot be specified at the same time.",
    )


def dry_run() -> EcsError:
    """Return the error that ends a dry run after all checks have passed."""
    return invalid("DryRunOperation", "Request validation has been passed with DryRun flag set.")
