"""Turns an exception of a read into a failure without its text: the SDK's texts may hold keys and signatures.

The error code decides, then the HTTP status, then the class of a network error, and never the class of the SDK's
exception: throttling is a ClientException or a ThrottlingException depending on a header. Quotas that last for a day
look like throttling by name and do not pass in a minute.
"""

from __future__ import annotations

from typing import Final

from darabonba.exceptions import RetryError as TransportError

from safe_ecs._core.failure import Failure
from safe_ecs._lookup.queries.answers import ABOUT_ONE_ID

LEAST_WAIT: Final = 0.05
"""The part of ``lookup_timeout`` that a call waits for an answer even in an outage."""
NEARLY: Final = 0.8
"""The part of a time that counts as all of it, because a thread wakes a little early or late."""
_PACKAGES: Final = ("Tea.", "alibabacloud_", "darabonba.", "requests.", "urllib3.")
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
_TRANSIENT_CODES: Final = frozenset({
    "Throttling",
    "Throttling.User",
    "Throttling.Api",
    "Rejected.Throttling",
    "ServiceUnavailable",
    "InternalError",
})
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500


def is_transient(error: BaseException) -> bool:
    """Return whether the same read may succeed a moment later."""
    code = getattr(error, "code", None)
    if code in _TRANSIENT_CODES:
        return True
    status = getattr(error, "status_code", None)
    if isinstance(code, str) and code.startswith("Throttling."):
        return False
    if isinstance(status, int):
        return status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR
    return is_network_error(error)


def is_network_error(error: BaseException) -> bool:
    """Return whether no whole answer of ECS came back: no connection, a time-out, one cut short, or no JSON."""
    inner = getattr(error, "inner_exception", error)
    if isinstance(inner, (TransportError, OSError)):
        return True
    # A body that is no JSON, such as the page of a gateway that is down. The SDK does not tell its status.
    return isinstance(inner, RuntimeError) and "json format" in str(inner)


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
    is_of_the_sdk = type(inner).__module__.startswith(_PACKAGES)
    return Failure(
        reason=f"{action} failed with {type(inner).__name__}",
        next_step="Check that the client has credentials and the right endpoint.",
        cause=error,
        # A signal handler or a credentials provider may raise an exception of the program: it is for one caller alone.
        scope="group" if is_of_the_sdk else "caller",
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


def timed_out(
    action: str, seconds: float, lookup_timeout: float, cause: BaseException | None = None
) -> Failure:
    """Return the failure for a look-up that took too long.

    Args:
        action: The action of the query.
        seconds: The time that the look-up had.
        lookup_timeout: The ``lookup_timeout`` of the policy, in seconds.
        cause: The exception, if there was one.
    """
    is_patient = seconds >= lookup_timeout * NEARLY
    told = (
        f"lookup_timeout ({lookup_timeout:g} s)"
        if is_patient
        else f"{seconds:.2g} s, less than lookup_timeout"
    )
    return Failure(
        reason=f"{action} gave no answer within {told}",
        next_step=_TRY_AGAIN,
        cause=cause,
        # A look-up with next to no time has learned nothing of ECS.
        scope="endpoint" if seconds >= lookup_timeout * LEAST_WAIT * NEARLY else "caller",
        is_outage=True,
        timeout_seconds=lookup_timeout,
        is_patient=is_patient,
    )
