"""Drives the Describe calls of one look-up to its end, sync or async, within ``lookup_timeout``."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from safe_ecs.core.steps import drive, drive_async
from safe_ecs.lookup.failures import failure_of, timed_out
from safe_ecs.lookup.retries import QUOTA, retrying, retrying_async

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable

    from safe_ecs.core.failure import Failure
    from safe_ecs.lookup.connection import Connection
    from safe_ecs.lookup.describe import Query

_ROUNDING_SECONDS: Final = 0.01
_Result = TypeVar("_Result")


class Limits(NamedTuple):
    """What bounds a look-up.

    Attributes:
        seconds: The most that it may take in all.
        attempts: The most tries for one call.
        payer: Whose quota pays for further tries.
    """

    seconds: float
    attempts: int
    payer: Hashable


def ask(
    connection: Connection,
    queries: Generator[Query, object, _Result],
    limits: Limits,
    sent: Callable[[Query, int], None],
) -> _Result:
    """Send what a generator of queries yields, and return its result; never raises for ECS or the network.

    Args:
        connection: The way to ECS.
        queries: The generator.
        limits: The bounds.
        sent: Called before each try, with the query and the number of the try.
    """
    deadline = monotonic() + limits.seconds
    return drive(queries, lambda query: _send(connection, query, limits, deadline, sent))


async def ask_async(
    connection: Connection,
    queries: Generator[Query, object, _Result],
    limits: Limits,
    sent: Callable[[Query, int], None],
) -> _Result:
    """Do what ``ask`` does, in an event loop."""
    deadline = monotonic() + limits.seconds
    return await drive_async(queries, lambda query: _send_async(connection, query, limits, deadline, sent))


def _send(
    connection: Connection, query: Query, limits: Limits, deadline: float, sent: Callable[[Query, int], None]
) -> object:
    tries = 0
    try:
        for attempt in retrying(limits.payer, limits.attempts, deadline - monotonic()):
            with attempt:
                tries += 1
                seconds = _seconds_left(deadline)
                sent(query, tries)
                body = connection.describe(query.action, query.parameters, seconds)
                QUOTA.give_back(limits.payer, tries)
                return body
    except Exception as error:  # noqa: BLE001 - whatever it was, the status is not known
        return _failure(error, query, limits, deadline)
    raise AssertionError("tenacity ends with an answer or an exception")


async def _send_async(
    connection: Connection, query: Query, limits: Limits, deadline: float, sent: Callable[[Query, int], None]
) -> object:
    tries = 0
    try:
        async with asyncio.timeout(deadline - monotonic()):
            async for attempt in retrying_async(limits.payer, limits.attempts, deadline - monotonic()):
                with attempt:
                    tries += 1
                    seconds = _seconds_left(deadline)
                    sent(query, tries)
                    body = await connection.describe_async(query.action, query.parameters, seconds)
                    QUOTA.give_back(limits.payer, tries)
                    return body
    except Exception as error:  # noqa: BLE001 - whatever it was, the status is not known
        return _failure(error, query, limits, deadline)
    raise AssertionError("tenacity ends with an answer or an exception")


def _seconds_left(deadline: float) -> float:
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _failure(error: Exception, query: Query, limits: Limits, deadline: float) -> Failure:
    # A time-out of the last try comes as the SDK's own error, and ends with the look-up but for a rounding.
    if monotonic() > deadline - _ROUNDING_SECONDS:
        return timed_out(query.action, limits.seconds, error)
    return failure_of(error, query.action)
