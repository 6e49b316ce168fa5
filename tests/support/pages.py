"""Answers of ECS to DescribeSecurityGroups, each with the statuses that the guard must read from it."""

from __future__ import annotations

from typing import Any

from safe_ecs._core.decision import GroupStatus
from safe_ecs._core.failure import Failure
from safe_ecs._core.review import Read

READ = Read("127.0.0.1", "cn-hangzhou", ("sg-1", "sg-2"))
FINE = {"SecurityGroupId": "sg-2", "ServiceManaged": False}
ONE = {"SecurityGroupId": "sg-1", "ServiceManaged": True, "ServiceID": "12"}
STATUS = GroupStatus("sg-1", True, True, 12, "cn-hangzhou")  # noqa: FBT003 - fields
OUTAGE = Failure(reason="it rains", next_step="Wait.", code="Rain", scope="endpoint", is_outage=True)


def page(*groups: Any, **more: Any) -> dict[str, Any]:
    return {"SecurityGroups": {"SecurityGroup": list(groups)}, **more}


def cannot_be_used(detail: str) -> Failure:
    return Failure(
        reason=f"the answer to DescribeSecurityGroups cannot be used: {detail}",
        next_step="The endpoint, or a proxy in front of it, does not answer as ECS does: check both, and try again.",
    )
