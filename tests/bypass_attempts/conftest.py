"""The opponent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from safe_ecs.testing import FakeEcs

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def ecs() -> Iterator[FakeEcs]:
    """An opponent that takes whatever arrives: signatures do not cover all that can be smuggled in."""
    with FakeEcs(check_signatures=False) as server:
        yield server
