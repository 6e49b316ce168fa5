"""The cost of look-ups: over verified TLS in an event loop, and in threads started."""

from __future__ import annotations

import _thread
import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from unittest.mock import patch

from safe_ecs import Client, StatusCache
from tests.support.tls import TlsEcs, make_certificate
from tests.tools.benchmarks.calls import change, one_group
from tests.tools.benchmarks.pairs import Figure, ratios

if TYPE_CHECKING:
    from alibabacloud_ecs20140526.client import Client as StockClient
    from alibabacloud_tea_openapi.utils_models import Config

_CALLS = 10_000


def figure_over_tls() -> Figure:
    """Measure a cold async call over TLS with verification."""
    with TemporaryDirectory() as folder, TlsEcs(make_certificate(Path(folder), "server")) as ecs:
        group = ecs.create_security_group()
        stock, guarded = ecs.stock(), ecs.guarded()
        with asyncio.Runner() as runner:

            def call(client: StockClient) -> None:
                runner.run(client.modify_security_group_attribute_async(change(group)))

            def missed() -> None:
                guarded.guard.forget()
                call(guarded)

            missed()
            return Figure(
                what="an allowed async call over verified TLS, group not known, takes as long as a stock one",
                samples=ratios(missed, lambda: call(stock), 5),
                most=1.2,
            )


def threads_started(config: Config) -> int:
    """Return how many threads 10,000 cold sync calls start."""
    client = Client(config, cache=StatusCache())
    with patch.object(_thread, "start_new_thread") as started:
        for _ in range(_CALLS):
            client.guard.forget()
            one_group(client)
    return started.call_count
