"""Which failures of a read deserve another try. The only module that imports tenacity.

Judged by error code, then by HTTP status, then by the class of a network error, and never by the class of the
SDK's exception: throttling is a ClientException or a ThrottlingException depending on a header. Quotas that
last for a day look like throttling by name and are not tried again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from darabonba.exceptions import RetryError as TransportError
from tenacity import AsyncRetrying, Retrying, retry_if_exception, stop_after_attempt, stop_before_delay
from tenacity.wait import wait_random_exponential

if TYPE_CHECKING:
    from safe_ecs.policy import GuardPolicy

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
    """Return whether no whole answer came back: no connection, a time-out, or a connection cut short."""
    inner = getattr(error, "inner_exception", error)
    # The SDK turns OSErrors into its own class, but lets those errors of aiohttp pass that are none. They are told
    # by their module, because aiohttp is the SDK's dependency and not ours.
    return isinstance(inner, (TransportError, OSError)) or type(inner).__module__.startswith("aiohttp.")


def retrying(policy: GuardPolicy, seconds_left: float) -> Retrying:
    """Return a tenacity loop for one read of the sync driver."""
    return Retrying(
        stop=stop_after_attempt(policy.lookup_attempts) | stop_before_delay(seconds_left),
        wait=wait_random_exponential(multiplier=0.1, max=2),
        retry=retry_if_exception(is_transient),
        reraise=True,
    )


def retrying_async(policy: GuardPolicy, seconds_left: float) -> AsyncRetrying:
    """Return a tenacity loop for one read of the async driver."""
    loop = retrying(policy, seconds_left)
    return AsyncRetrying(stop=loop.stop, wait=loop.wait, retry=loop.retry, reraise=True)
