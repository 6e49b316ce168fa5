"""A request waits for any answer unless it says since when, and a result without requests has none."""

from __future__ import annotations

import math

from safe_ecs._lookup.batching import NEVER, BatchRequest, BatchResult
from tests.support.loaders import StubLoader


def test_the_defaults_are_those_of_a_caller_without_a_wish() -> None:
    assert BatchRequest(StubLoader(), ("a",), 1.0).not_before == NEVER == -math.inf
    assert BatchResult({}).reads == 0
