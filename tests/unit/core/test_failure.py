"""A failure of a look-up, and the unknown status that it gives a group."""

from __future__ import annotations

import math

from safe_ecs._core.decision import Undetermined
from safe_ecs._core.failure import Failure


def test_a_failure_that_says_no_more_is_about_one_group_and_lasts() -> None:
    plain = Failure(reason="it rains", next_step="Wait.")
    assert (plain.code, plain.cause, plain.scope, plain.is_outage) == (None, None, "group", False)
    assert plain.timeout_seconds == math.inf


def test_a_failure_becomes_the_unknown_status_of_a_group() -> None:
    error = RuntimeError()
    unknown = Failure(reason="it rains", next_step="Wait.", code="Rain", cause=error).of("sg-1")
    assert unknown == Undetermined(
        security_group_id="sg-1", reason="it rains", next_step="Wait.", code="Rain"
    )
    assert unknown.cause is error
