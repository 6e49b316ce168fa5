from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from safe_ecs._lookup.engine import BatchEngine
from tests.support.engines import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def engine() -> Iterator[BatchEngine]:
    """An engine that must leave no queue behind."""
    engine = BatchEngine()
    yield engine
    wait_until(lambda: not engine._queues)
