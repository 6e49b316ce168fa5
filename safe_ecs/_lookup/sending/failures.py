"""What an exception of a read means, in words that hold none of its text: the SDK's may hold keys and signatures."""

from __future__ import annotations

from typing import Final

from safe_ecs._core.failure import Failure
from safe_ecs._lookup.queries.answers import ABOUT_ONE_ID
from safe_ecs._lookup.sending.retries import is_network_error, is_transient

_TRY_AGAIN: Final = "Try again in a minute."
_NO_PERMISSION: Final = ("Forbidden", "NoPermission", "Unauthorized")
_WRONG_KEYS: Final = (
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidSecurityToken",
    "MissingSecurityToken",
    "SignatureDoesNotMatch",
)
_THROTTLED: Final = ("Throttling", "Rejected.Throttling")


def failure_of(error: BaseException, action: str) -> Failure:
    """Say what an exception means.

    Args:
        error: What the SDK raised.
        action: The action of the read.
    """
    code, status = getattr(error, "code", None), getattr(error, "status_code", None)
    if isinstance(code, str) and code and status is not None:
        return _refusal(code, f"{action} answered {status} {code}", error, action)
    if is_network_error(error):
        return Failure(
            reason=f"{action} could not reach ECS, or got no whole answer of it",
            next_step="Check the endpoint, the proxy and the network, and try again.",
            cause=error,
            scope="endpoint",
            is_outage=True,
        )
    # The SDK wraps whatever stopped it, such as missing credentials or a body that is no JSON.
    inner = getattr(error, "inner_exception", error)
    return Failure(
        reason=f"{action} failed with {type(inner).__name__}",
        next_step="Check that the client has credentials and the right endpoint.",
        cause=error,
    )


def _refusal(code: str, reason: str, error: BaseException, action: str) -> Failure:
    if code.startswith(_THROTTLED):
        next_step = f"{action} is throttled per account, region and minute. {_TRY_AGAIN}"
        if not is_transient(error):
            next_step = f"A quota of {action} is used up that lasts longer than a minute: ask seldomer, or for a larger one."
        return Failure(
            reason=reason, next_step=next_step, code=code, cause=error, scope="principal", is_outage=True
        )
    if code.startswith(_WRONG_KEYS):
        next_step = "Check the access key and its token."
        return Failure(reason=reason, next_step=next_step, code=code, cause=error, scope="principal")
    if is_transient(error):
        return Failure(
            reason=reason, next_step=_TRY_AGAIN, code=code, cause=error, scope="endpoint", is_outage=True
        )
    if code.startswith(_NO_PERMISSION):
        next_step = f"Grant the RAM action ecs:{action} to these credentials."
    elif code.startswith(ABOUT_ONE_ID):
        next_step = "Check the security group id."
    elif code.startswith("InvalidRegionId"):
        next_step = "Check the region: that of the request, or of the client."
    else:
        next_step = "ECS refuses the look-up itself: check the endpoint, the region and the account."
    return Failure(reason=reason, next_step=next_step, code=code, cause=error)


def timed_out(action: str, lookup_timeout: float, cause: BaseException | None = None) -> Failure:
    """Return the failure for a read that took too long.

    Args:
        action: The action of the read.
        lookup_timeout: What it took longer than, in seconds.
        cause: The exception, if there was one.
    """
    return Failure(
        reason=f"{action} gave no answer within lookup_timeout ({lookup_timeout:g} s)",
        next_step=_TRY_AGAIN,
        cause=cause,
        scope="endpoint",
        is_outage=True,
        timeout_seconds=lookup_timeout,
    )
