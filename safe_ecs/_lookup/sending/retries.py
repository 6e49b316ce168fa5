"""Which failures of a read deserve another try, and how many. The only module that imports tenacity.

Judged by error code, then by HTTP status, then by the class of a network error, and never by the class of the
SDK's exception: throttling is a ClientException or a ThrottlingException depending on a header. Quotas that
last for a day look like throttling by name and are not tried again.

Further tries draw on a quota, in the way of botocore's standard retry mode: while a host is down, soon nobody pays for
more than one try.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from darabonba.exceptions import RetryError as TransportError
from tenacity import (
    AsyncRetrying,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
)
from tenacity.stop import stop_base
from tenacity.wait import wait_random_exponential

if TYPE_CHECKING:
    from collections.abc import Hashable

    from tenacity import RetryCallState

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
    # The SDK turns OSErrors into its own class, but lets those errors of aiohttp pass that are none. They are told
    # by their module, because aiohttp is the SDK's dependency and not ours.
    if isinstance(inner, (TransportError, OSError)) or type(inner).__module__.startswith("aiohttp."):
        return True
    # A body that is no JSON, such as the page of a gateway that is down, whose status the SDK does not tell.
    return isinstance(inner, RuntimeError) and "json format" in str(inner)


class RetryQuota:
    """Tokens for further tries, for each principal at each host: a further try takes some, a success gives some back.

    It needs no lock: a token that two threads lose between them does no harm.
    """

    CAPACITY: Final = 60
    COST: Final = 5
    """Of one further try: a look-up has three at most by default, so that four failed ones use up the quota."""

    _MOST_PAYERS: Final = 1024

    def __init__(self) -> None:
        self._spent: dict[Hashable, int] = {}

    def take(self, payer: Hashable) -> bool:
        """Take the tokens for one further try and return True, or return False if too few are left."""
        spent = self._spent.get(payer, 0) + self.COST
        if spent > self.CAPACITY:
            return False
        if len(self._spent) >= self._MOST_PAYERS:
            self._spent.clear()
        self._spent[payer] = spent
        return True

    def give_back(self, payer: Hashable, tries: int) -> None:
        """Return, after a success, what its last further try took, or one token if it needed none."""
        left = self._spent.get(payer, 0) - (self.COST if tries > 1 else 1)
        if left > 0:
            self._spent[payer] = left
        else:
            self._spent.pop(payer, None)


QUOTA: Final = RetryQuota()
"""Of this process."""


class _StopWithoutQuota(stop_base):
    def __init__(self, payer: Hashable) -> None:
        self._payer = payer

    def __call__(self, _: RetryCallState) -> bool:
        return not QUOTA.take(self._payer)


def retrying(payer: Hashable, attempts: int, seconds_left: float) -> Retrying:
    """Return a tenacity loop for one read of the sync driver."""
    return Retrying(
        # The quota comes last: a try that will not be made must take nothing.
        stop=stop_after_attempt(attempts) | stop_before_delay(seconds_left) | _StopWithoutQuota(payer),
        wait=wait_random_exponential(multiplier=0.1, max=2),
        retry=retry_if_exception(is_transient),
        reraise=True,
    )


def retrying_async(payer: Hashable, attempts: int, seconds_left: float) -> AsyncRetrying:
    """Return a tenacity loop for one read of the async driver."""
    loop = retrying(payer, attempts, seconds_left)
    return AsyncRetrying(stop=loop.stop, wait=loop.wait, retry=loop.retry, reraise=True)
