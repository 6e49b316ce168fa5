"""An impossible policy is refused when it is built, naming the field."""

from __future__ import annotations

import dataclasses
import math
from datetime import timedelta
from typing import Any

import pytest

from safe_ecs import GuardPolicy

DURATIONS = ("ttl", "missing_ttl", "failure_ttl", "stale_ttl", "lookup_timeout")


@pytest.mark.parametrize("field", DURATIONS)
@pytest.mark.parametrize(
    "value",
    [-1, -0.001, math.nan, math.inf, -math.inf, 10**400, timedelta(seconds=-1), timedelta.max, 2_592_000.1],
)
def test_an_impossible_duration_is_a_value_error(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=field):
        GuardPolicy(**{field: value})


@pytest.mark.parametrize("field", DURATIONS)
@pytest.mark.parametrize("value", [True, "5", None, [5]])
def test_a_duration_that_is_none_is_a_type_error(field: str, value: Any) -> None:
    with pytest.raises(TypeError, match=field):
        GuardPolicy(**{field: value})


@pytest.mark.parametrize("field", DURATIONS)
def test_a_duration_may_be_30_days(field: str) -> None:
    policy = GuardPolicy(**{field: timedelta(days=30)})  # type: ignore[arg-type]  # documented
    assert getattr(policy, field) == 2_592_000.0


def test_durations_are_kept_as_float_seconds() -> None:
    policy = GuardPolicy(ttl=timedelta(minutes=2), missing_ttl=3)  # type: ignore[arg-type]  # documented
    assert (policy.ttl, policy.missing_ttl) == (120.0, 3.0)
    assert isinstance(policy.missing_ttl, float)


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("mode", "strict", ValueError),
        ("mode", None, TypeError),
        ("mode", True, TypeError),
        ("on_unavailable", "maybe", ValueError),
        ("on_unavailable", False, TypeError),
        ("allowed_service_ids", "7,8", TypeError),
        ("allowed_service_ids", b"1", TypeError),
        ("allowed_service_ids", 1679259531804325, TypeError),
        ("allowed_service_ids", ["1679259531804325"], TypeError),
        ("allowed_service_ids", [True], TypeError),
        ("allowed_service_ids", [[]], TypeError),
        ("lookup_timeout", 0, ValueError),
        ("lookup_attempts", 0, ValueError),
        ("lookup_attempts", True, TypeError),
        ("lookup_attempts", 1.5, TypeError),
    ],
)
def test_an_impossible_value_names_its_field(field: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=field):
        GuardPolicy(**{field: value})


def test_a_policy_is_frozen_and_varied_with_replace() -> None:
    policy = GuardPolicy(allowed_service_ids=[7])  # type: ignore[arg-type]  # any collection will do
    assert policy.allowed_service_ids == frozenset({7})
    with pytest.raises(dataclasses.FrozenInstanceError):
        policy.mode = "off"  # type: ignore[misc]  # the point
    audit = dataclasses.replace(policy, mode="audit")
    assert (audit.mode, audit.allowed_service_ids) == ("audit", frozenset({7}))
    with pytest.raises(TypeError):
        GuardPolicy("audit")  # type: ignore[call-arg]  # keywords only
