"""The server of the bypass attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from safe_ecs.testing import FakeEcs

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def ecs() -> Iterator[FakeEcs]:
    """A FakeEcs without signature checks: a signature does not cover everything that an attempt can add to a request."""
    with FakeEcs(check_signatures=False) as server:
        yield server
