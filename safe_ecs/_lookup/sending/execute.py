"""Drives the Describe calls of one look-up to its end, sync or async, within ``lookup_timeout``."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeVar

from safe_ecs._core.drive import drive, drive_async
from safe_ecs._core.failure import Failure
from safe_ecs._lookup.sending.failures import failure_of, timed_out
from safe_ecs._lookup.sending.retries import QUOTA, retrying, retrying_async

if TYPE_CHECKING:
    from collections.abc import Generator, Hashable

    from safe_ecs._lookup.queries.statuses import Query
    from safe_ecs._lookup.sending.connection import Connection

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


class Account(Protocol):
    """Keeps account of what is sent."""

    def trying(self, query: Query, tries: int, /) -> None:
        """Hear, before each try, of the query and the number of the try."""
        ...

    def asked(self, query: Query, tries: int, seconds: float, failure: Failure | None, /) -> None:
        """Hear, after the last, how many tries and how long it took, and why there is no answer if there is none."""
        ...


def ask(
    connection: Connection,
    queries: Generator[Query, object, _Result],
    limits: Limits,
    account: Account,
) -> _Result:
    """Send what a generator of queries yields, and return its result; never raises for ECS or the network.

    Args:
        connection: The way to ECS.
        queries: The generator.
        limits: The bounds.
        account: Hears of each query.
    """
    deadline = monotonic() + limits.seconds
    return drive(queries, lambda query: _send(connection, query, limits, deadline, account))


async def ask_async(
    connection: Connection,
    queries: Generator[Query, object, _Result],
    limits: Limits,
    account: Account,
) -> _Result:
    """Do what ``ask`` does, in an event loop."""
    deadline = monotonic() + limits.seconds
    return await drive_async(queries, lambda query: _send_async(connection, query, limits, deadline, account))


def _send(connection: Connection, query: Query, limits: Limits, deadline: float, account: Account) -> object:
    tries, began = 0, monotonic()
    body: object = None
    try:
        for attempt in retrying(limits.payer, limits.attempts, deadline - monotonic()):
            with attempt:
                tries += 1
                seconds = _seconds_left(deadline)
                account.trying(query, tries)
                body = connection.describe(query.action, query.parameters, seconds)
                QUOTA.give_back(limits.payer, tries)
    except Exception as error:  # noqa: BLE001 - whatever it was, the status is not known
        body = _failure(error, query, limits, deadline)
    account.asked(query, tries, monotonic() - began, body if isinstance(body, Failure) else None)
    return body


async def _send_async(
    connection: Connection, query: Query, limits: Limits, deadline: float, account: Account
) -> object:
    tries, began = 0, monotonic()
    body: object = None
    try:
        async with asyncio.timeout(deadline - monotonic()):
            async for attempt in retrying_async(limits.payer, limits.attempts, deadline - monotonic()):
                with attempt:
                    tries += 1
                    seconds = _seconds_left(deadline)
                    account.trying(query, tries)
                    body = await connection.describe_async(query.action, query.parameters, seconds)
                    QUOTA.give_back(limits.payer, tries)
    except Exception as error:  # noqa: BLE001 - whatever it was, the status is not known
        body = _failure(error, query, limits, deadline)
    account.asked(query, tries, monotonic() - began, body if isinstance(body, Failure) else None)
    return body


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
