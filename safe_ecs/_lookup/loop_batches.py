"""The batches of the tasks of each event loop."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, Final

from safe_ecs._clock import Clock
from safe_ecs._lookup.batching import BatchQueue, BatchResult, is_loading

if TYPE_CHECKING:
    from collections.abc import Hashable

    from safe_ecs._lookup.batching import BatchRequest


class LoopBatching:
    """Loads the batches of the tasks of each event loop."""

    def __init__(self) -> None:
        self.start_afresh()

    def start_afresh(self) -> None:
        """Forget the batches: in a forked child, their callers are in the parent."""
        self._queues: dict[asyncio.AbstractEventLoop, dict[Hashable, BatchQueue]] = {}

    async def load(self, request: BatchRequest) -> BatchResult:
        """Return an answer for each id of a request, waiting no longer than until its deadline."""
        loader, deadline = request.loader, request.deadline
        loop = asyncio.get_running_loop()
        # A look-up inside the loading of a batch has a queue of its own: it cannot wait for that batch.
        key = (loader.key, object()) if is_loading() else loader.key
        queue = self._of(loop).setdefault(key, BatchQueue())
        joined_at = Clock.now()
        joined = queue.join(request, loop.create_future)
        if queue.runner is None or queue.runner.done():
            queue.runner = loop.create_task(self._run(loop, key, queue), name="safe_ecs look-up")
        answers: dict[str, Any] = {}
        reads = 0
        try:
            for batch, wanted in joined.items():
                await asyncio.wait((batch.future,), timeout=max(0.0, deadline - Clock.now()))
                if batch.future.done():
                    result: BatchResult = batch.future.result()
                    answers |= {each: result.answers[each] for each in wanted}
                    reads += result.reads
                else:
                    waited, in_flight = Clock.now() - joined_at, queue.seconds_in_flight()
                    failure = loader.failure_for(TimeoutError(), waited=waited, in_flight=in_flight)
                    answers |= dict.fromkeys(wanted, failure)
        except BaseException:
            queue.leave(joined)
            if queue.is_abandoned and not loop.is_closed():
                # A task without callers would outlive its loop, and the loop would warn of it.
                self._end(loop, key, queue)
                queue.runner.cancel()
            raise
        queue.leave(joined)
        return BatchResult(answers, reads)

    async def _run(self, loop: asyncio.AbstractEventLoop, key: Hashable, queue: BatchQueue) -> None:
        try:
            while (batch := queue.start_next()) is not None:
                ids = tuple(batch.ids)
                try:
                    result = await batch.loader.load_async(ids)
                except Exception as error:  # noqa: BLE001 - the callers must hear of any exception
                    result = BatchResult(dict.fromkeys(ids, batch.loader.failure_for(error)))
                except BaseException as error:
                    queue.settle_all(batch.loader.failure_for(error))
                    raise
                batch.settle(result)
                queue.share_failure(result, batch.loader)
        finally:
            self._end(loop, key, queue)

    def _of(self, loop: asyncio.AbstractEventLoop) -> dict[Hashable, BatchQueue]:
        for other in list(self._queues):
            if other.is_closed():
                self._queues.pop(other, None)
        return self._queues.setdefault(loop, {})

    def _end(self, loop: asyncio.AbstractEventLoop, key: Hashable, queue: BatchQueue) -> None:
        queues = self._queues.get(loop, {})
        if queues.get(key) is queue:
            del queues[key]
        if not queues:
            self._queues.pop(loop, None)


LOOPS: Final = LoopBatching()
"""The batches of this process."""

if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=LOOPS.start_afresh)
