"""A merged call built by hand, and the request or the targets that the guard reads from it."""

from __future__ import annotations

from typing import Any

from safe_ecs._core.effective_request import effective_request
from safe_ecs._core.request import EffectiveRequest, MergedCall
from safe_ecs._core.spelling import normal_ids
from tests.support.transports import ECS

TARGET_NAMES = (
    "SecurityGroupId",
    "securitygroupid",
    "SecurityGroupId.1",
    "SecurityGroupIds.2",
    "NetworkInterface.1.SecurityGroupIds.1",
)
"""Names of parameters that name a target."""


def effective(**changes: Any) -> EffectiveRequest | None:
    plain = MergedCall(
        action="DeleteSecurityGroup",
        version=ECS,
        headers={},
        once_headers=None,
        tried_again=False,
        query={},
        body=None,
        streamed=False,
        pathname="/",
        host="127.0.0.1",
        plugged_in=False,
        client_region_id=None,
        protocol="HTTPS",
    )
    return effective_request(plain._replace(**changes))


def targets(**changes: Any) -> tuple[str, ...]:
    """Return the groups of a call that can be read, as the guard compares them."""
    request = effective(**changes)
    assert request is not None
    assert not request.unreadable
    return normal_ids(request.targets)
