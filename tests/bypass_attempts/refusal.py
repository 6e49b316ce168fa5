"""The required end of every bypass attempt: a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from safe_ecs import GuardError

if TYPE_CHECKING:
    from collections.abc import Callable

    from safe_ecs.testing import FakeEcs


RUN = "RunInstances"


HARMLESS = "DescribeSecurityGroupAttribute"


REGION = {"RegionId": "cn-hangzhou"}


def refuse(send: Callable[[], Any], ecs: FakeEcs) -> None:
    """Send, and check that the guard refuses and that nothing but reads is sent."""
    with pytest.raises(GuardError):
        send()
    assert not ecs.writes
