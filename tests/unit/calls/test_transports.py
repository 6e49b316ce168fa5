"""The arguments of each transport are those of the SDK's method."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from alibabacloud_tea_openapi.client import Client as OpenApiClient

from safe_ecs._calls import transports
from safe_ecs._calls.transports import DO_REQUEST, DO_ROAREQUEST, Transport

EVERY = [value for value in vars(transports).values() if isinstance(value, Transport)]


@pytest.mark.parametrize("transport", EVERY, ids=lambda transport: transport.name)
@pytest.mark.parametrize("suffix", ["", "_async"])
def test_the_arguments_are_those_of_the_sdk(transport: Transport, suffix: str) -> None:
    method = getattr(OpenApiClient, f"{transport.name}{suffix}")
    names = ["self", *transport.leading, "request", "runtime"]
    assert list(inspect.signature(method).parameters) == names
    assert transport.takes_params == (names[1] == "params")


def test_arguments_are_found_by_position_and_by_name() -> None:
    """As the SDK's method finds them."""
    values: Any = dict(zip((*DO_ROAREQUEST.leading, "request", "runtime"), "abcdefghi", strict=True))
    for positional in range(len(values) + 1):
        given = tuple(values.values())[:positional]
        named = dict(list(values.items())[positional:])
        assert DO_ROAREQUEST.arguments(given, named) == (tuple("abcdefg"), "h", "i")


@pytest.mark.parametrize(
    ("positional", "named"),
    [
        ((), {}),
        (("p", "r"), {}),
        (("p", "r", "t", "x"), {}),
        (("p", "r", "t"), {"x": 1}),
        (("p", "r", "t"), {"runtime": 1}),
        (("p",), {"request": "r", "runtim": "t"}),
    ],
    ids=str,
)
def test_wrong_arguments_are_none(positional: Any, named: Any) -> None:
    """The SDK's method raises its own TypeError for them."""
    assert DO_REQUEST.arguments(positional, named) is None
