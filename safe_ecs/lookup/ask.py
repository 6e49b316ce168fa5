"""Drives the Describe calls of one look-up to its end, sync or async, within ``lookup_timeout``."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final

from safe_ecs.core.steps import drive, drive_async
from safe_ecs.lookup.describe import ACTION, Failure, describe
from safe_ecs.lookup.retries import is_network_error, retrying, retrying_async

if TYPE_CHECKING:
    from safe_ecs.core.review import Answers, Read
    from safe_ecs.lookup.connection import Connection
    from safe_ecs.policy import GuardPolicy

_ROUNDING_SECONDS: Final = 0.01
_TRY_AGAIN: Final = "Try again in a minute."
_NO_PERMISSION_PREFIXES: Final = ("Forbidden", "NoPermission", "Unauthorized", "UnauthorizedOperation")


def ask(connection: Connection, read: Read, policy: GuardPolicy) -> Answers:
    """Return what ECS says of every group of a read; never raises for what ECS or the network does."""
    deadline = monotonic() + policy.lookup_timeout
    return drive(describe(read), lambda query: _send(connection, query, policy, deadline))


async def ask_async(connection: Connection, read: Read, policy: GuardPolicy) -> Answers:
    """Do what ``ask`` does, in an event loop."""
    deadline = monotonic() + policy.lookup_timeout
    return await drive_async(describe(read), lambda query: _send_async(connection, query, policy, deadline))


def _send(connection: Connection, query: dict[str, str], policy: GuardPolicy, deadline: float) -> object:
    try:
        for attempt in retrying(policy, deadline - monotonic()):
            with attempt:
                return connection.describe(ACTION, query, _seconds_left(deadline))
    except Exception as error:  # noqa: BLE001 - whatever it was, the status is not known
        return _failure(error, policy, deadline)
    raise AssertionError("tenacity ends with an answer or an exception")


async def _send_async(
    connection: Connection, query: dict[str, str], policy: GuardPolicy, deadline: float
) -> object:
    try:
        async with asyncio.timeout(deadline - monotonic()):
            async for attempt in retrying_async(policy, deadline - monotonic()):
                with attempt:
                    return await connection.describe_async(ACTION, query, _seconds_left(deadline))
    except Exception as error:  # noqa: BLE001 - whatever it was, the status is not known
        return _failure(error, policy, deadline)
    raise AssertionError("tenacity ends with an answer or an exception")


def _seconds_left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _failure(error: Exception, policy: GuardPolicy, deadline: float) -> Failure:
    """Say what an exception means, without its text: the SDK's may hold keys and signatures."""
    # A time-out of the last try comes as the SDK's own error, and ends with the look-up but for a rounding.
    if monotonic() > deadline - _ROUNDING_SECONDS:
        return Failure(
            reason=f"{ACTION} gave no answer within lookup_timeout ({policy.lookup_timeout:g} s)",
            next_step=_TRY_AGAIN,
            cause=error,
        )
    code, status = getattr(error, "code", None), getattr(error, "status_code", None)
    if isinstance(code, str) and code and status is not None:
        return Failure(
            reason=f"{ACTION} answered {status} {code}", next_step=_next_step(code), code=code, cause=error
        )
    if is_network_error(error):
        return Failure(
            reason=f"{ACTION} could not reach ECS, or its answer was cut short",
            next_step="Check the endpoint, the proxy and the network, and try again.",
            cause=error,
        )
    # The SDK wraps whatever stopped it, such as missing credentials or a body that is no JSON.
    inner = getattr(error, "inner_exception", error)
    return Failure(
        reason=f"{ACTION} failed with {type(inner).__name__}",
        next_step="Check that the client has credentials and the right endpoint.",
        cause=error,
    )


def _next_step(code: str) -> str:
    if code.startswith(_NO_PERMISSION_PREFIXES):
        return f"Grant the RAM action ecs:{ACTION} to these credentials."
    if code.startswith(("Throttling", "Rejected.Throttling")):
        return f"{ACTION} is throttled per account, region and minute. {_TRY_AGAIN}"
    if code.startswith("InvalidSecurityGroupId"):
        return "Check the security group id."
    if code.startswith(("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidSecurityToken")):
        return "Check the access key and its token."
    return _TRY_AGAIN
