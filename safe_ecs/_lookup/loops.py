"""The batches of the tasks of each event loop."""

from __future__ import annotations

import asyncio
import os
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, TypeVar

from safe_ecs._lookup.batching import NEVER, BatchQueue, is_asking

if TYPE_CHECKING:
    from collections.abc import Hashable

    from safe_ecs._lookup.batching import BatchLoader

_Answer = TypeVar("_Answer")


class LoopBatching:
    """The batches of the tasks of each event loop."""

    def __init__(self) -> None:
        self.start_afresh()

    def start_afresh(self) -> None:
        """Forget what is under way: those who asked are in the process that this one was forked from."""
        self._lines: dict[asyncio.AbstractEventLoop, dict[Hashable, BatchQueue[Any]]] = {}

    async def ask(
        self, loader: BatchLoader[_Answer], ids: tuple[str, ...], deadline: float, not_before: float = NEVER
    ) -> dict[str, _Answer]:
        """Do what ``ThreadBatching.ask`` does, for the running loop."""
        loop = asyncio.get_running_loop()
        # A line that runs while its own batch asks is one of its own.
        key = (loader.key, object()) if is_asking() else loader.key
        lines = self._of(loop)
        line = lines.setdefault(key, BatchQueue())
        joined_at = monotonic()
        joined = line.join(loader, ids, not_before, loop.create_future)
        if line.runner is None or line.runner.done():
            line.runner = loop.create_task(self._run(loop, key, line), name="safe_ecs look-up")
        answers: dict[str, _Answer] = {}
        try:
            for batch, wanted in joined.items():
                await asyncio.wait((batch.future,), timeout=max(0.0, deadline - monotonic()))
                if batch.future.done():
                    found = batch.future.result()
                    answers |= {each: found[each] for each in wanted}
                else:
                    waited, in_flight = monotonic() - joined_at, line.seconds_in_flight()
                    failure = loader.failure_for(TimeoutError(), waited=waited, in_flight=in_flight)
                    answers |= dict.fromkeys(wanted, failure)
                loader.reads += batch.reads
        except BaseException:
            line.leave(joined)
            if line.is_abandoned and not loop.is_closed():
                # What nobody waits for any more would outlive its loop, which warns of it.
                self._end(loop, key, line)
                line.runner.cancel()
            raise
        line.leave(joined)
        return answers

    async def _run(self, loop: asyncio.AbstractEventLoop, key: Hashable, line: BatchQueue[Any]) -> None:
        try:
            while (batch := line.start_next()) is not None:
                ids = tuple(batch.ids)
                try:
                    answers = await batch.loader.ask_async(ids)
                except Exception as error:  # noqa: BLE001 - whatever it was, those who wait must hear of it
                    answers = dict.fromkeys(ids, batch.loader.failure_for(error))
                except BaseException as error:
                    line.settle_all(batch.loader.failure_for(error))
                    raise
                batch.settle(answers)
                line.spread(answers, batch.loader)
        finally:
            self._end(loop, key, line)

    def _of(self, loop: asyncio.AbstractEventLoop) -> dict[Hashable, BatchQueue[Any]]:
        for other in list(self._lines):
            if other.is_closed():
                self._lines.pop(other, None)
        return self._lines.setdefault(loop, {})

    def _end(self, loop: asyncio.AbstractEventLoop, key: Hashable, line: BatchQueue[Any]) -> None:
        lines = self._lines.get(loop, {})
        if lines.get(key) is line:
            del lines[key]
        if not lines:
            self._lines.pop(loop, None)


LOOPS: Final = LoopBatching()
"""Of this process."""

if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=LOOPS.start_afresh)
