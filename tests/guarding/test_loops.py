"""A task that is cancelled, or whose loop ends, takes nobody with it."""

from __future__ import annotations

import asyncio
import gc
import warnings
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.concurrency import Callers

if TYPE_CHECKING:
    from safe_ecs import Client
    from safe_ecs.testing import FakeEcs

FORMS = ("sync", "async")


def status(client: Client, group: str, form: str = "sync") -> Any:
    if form == "sync":
        return client.guard.status(group)
    return asyncio.run(client.guard.status_async(group))


async def test_a_cancelled_task_cancels_only_itself(ecs: FakeEcs, client: Client, managed: str) -> None:
    """The batch goes on for the other tasks."""
    ecs.latency = 0.5
    tasks = [asyncio.create_task(client.guard.status_async(managed)) for _ in range(3)]
    await asyncio.sleep(0.2)
    tasks[0].cancel()
    async with asyncio.timeout(10):
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert all(not isinstance(result, BaseException) and result[managed].exists for result in results[1:])
    assert len(ecs.reads) == 1


async def test_what_everybody_has_cancelled_is_not_left_over(
    ecs: FakeEcs, client: Client, managed: str
) -> None:
    """A batch without callers ends, and does not delay the next one."""
    ecs.latency = 0.5
    task = asyncio.create_task(client.guard.status_async(managed))
    await asyncio.sleep(0.2)
    task.cancel()
    again = asyncio.create_task(client.guard.status_async(managed))
    async with asyncio.timeout(10):
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await again)[managed].service_managed
    assert asyncio.all_tasks() == {asyncio.current_task()}


def test_a_loop_that_is_closed_in_the_middle_of_a_lookup_takes_nobody_with_it(
    ecs: FakeEcs, client: Client, managed: str
) -> None:
    """The next loop and the threads ask for themselves."""
    ecs.latency = 0.3

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.guard.status_async(managed), 0.1)

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for _ in range(2):
            loop = asyncio.new_event_loop()
            loop.run_until_complete(give_up())
            loop.close()
        gc.collect()
    assert not [each for each in warned if "safe_ecs" in str(each.message)]
    [answer, another] = Callers(partial(status, client, managed, form) for form in FORMS).join(10)
    assert answer[managed].service_managed
    assert another[managed].service_managed


# The SDK's connection warns when it is deleted after its loop.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_a_loop_that_dies_with_a_lookup_leaves_nothing_in_the_way(
    ecs: FakeEcs, client: Client, managed: str
) -> None:
    """The loop was stopped and closed with the task in it. A new loop may even have the same address."""
    ecs.latency = 0.3
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)
    task = loop.create_task(client.guard.status_async(managed))
    loop.call_later(0.1, loop.stop)
    loop.run_forever()
    loop.close()
    del task, loop
    [answer] = Callers([partial(status, client, managed, "async")]).join(10)
    assert answer[managed].service_managed
    gc.collect()


async def test_a_sync_call_does_not_wait_for_a_task_of_its_own_loop(
    ecs: FakeEcs, client: Client, managed: str
) -> None:
    """The task runs a batch for the same group, and cannot go on before the sync call has returned."""
    ecs.latency = 0.3
    task = asyncio.create_task(client.guard.status_async(managed))
    await asyncio.sleep(0.1)
    start = monotonic()
    assert client.guard.status(managed)[managed].service_managed
    # A call that waited for the task would take lookup_timeout, 10 seconds.
    assert monotonic() - start < 6
    assert (await task)[managed].service_managed
