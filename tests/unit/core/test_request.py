"""A call on its way to ECS."""

from __future__ import annotations

import pytest

from safe_ecs._core.operations import OPERATIONS
from safe_ecs._core.request import ECS_VERSION, EffectiveRequest
from tests.support.transports import ECS

PLAIN = EffectiveRequest("DeleteSecurityGroup", "127.0.0.1", (), (), "", (), "")


@pytest.mark.parametrize(
    ("action", "is_guarded"),
    [
        *((action, operation.guarded) for action, operation in OPERATIONS.items()),
        ("DeleteLaunchTemplate", False),
    ],
)
def test_a_call_of_a_guarded_operation_is_guarded(action: str, is_guarded: bool) -> None:  # noqa: FBT001 - parametrized
    """One that is only learned from is not."""
    assert PLAIN._replace(action=action).is_guarded is is_guarded


def test_a_call_names_no_launch_template_unless_one_is_given() -> None:
    assert PLAIN.templates == ()


def test_the_version_is_that_of_ecs() -> None:
    assert ECS_VERSION == ECS
