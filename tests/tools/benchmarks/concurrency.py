"""The cost of the guard for many callers of cached groups at once: threads, and tasks of one event loop."""

from __future__ import annotations

import asyncio
import statistics
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Final

from alibabacloud_ecs20140526.client import Client as StockClient

from safe_ecs import Client, StatusCache
from tests.tools.benchmarks.calls import change, one_group
from tests.tools.benchmarks.pairs import Figure, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alibabacloud_tea_openapi.utils_models import Config

THREADS: Final = (1, 8, 64)
TASKS: Final = (1, 10, 100, 1000)
_CALLS: Final = 256
_ROUNDS: Final = 15


def figures(config: Config) -> Iterator[Figure]:
    """Yield the figures, measured against the lean server of a configuration."""
    stock, guarded = StockClient(config), Client(config, cache=StatusCache())
    one_group(guarded)  # Cache the status.
    for number in THREADS:
        yield Figure(
            what=f"{_CALLS} allowed calls take as long as stock calls, threads at once: {number}",
            samples=_rounds(partial(_in_threads, number), stock, guarded),
            form="{:.3f} times",
            most=1.02,
        )
    for number in TASKS:
        yield Figure(
            what=f"allowed calls take as long as stock calls, tasks at once: {number:,}",
            samples=_rounds(partial(_in_tasks, number), stock, guarded),
            form="{:.3f} times",
            most=1.02,
        )


def _rounds(run: partial[None], stock: StockClient, guarded: Client) -> list[float]:
    return [
        statistics.fmean(seconds(partial(run, guarded), 1) for _ in range(2))
        / statistics.fmean(seconds(partial(run, stock), 1) for _ in range(2))
        for _ in range(_ROUNDS)
    ]


def _in_threads(number: int, client: StockClient) -> None:
    def call() -> None:
        for _ in range(_CALLS // number):
            one_group(client)

    threads = [Thread(target=call) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _in_tasks(number: int, client: StockClient) -> None:
    async def call() -> None:
        for _ in range(max(1, 100 // number)):
            await client.modify_security_group_attribute_async(change())

    async def gather() -> None:
        await asyncio.gather(*(call() for _ in range(number)))

    asyncio.run(gather())
