"""One call to an operation: the state, the parameters and the caller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from safe_ecs.testing._errors import missing_parameter, not_found, unknown_group

if TYPE_CHECKING:
    from safe_ecs.testing._parameters import Parameters
    from safe_ecs.testing._state import SecurityGroup, State

REGIONS: Final = {
    "cn-qingdao": "China (Qingdao)",
    "cn-beijing": "China (Beijing)",
    "cn-zhangjiakou": "China (Zhangjiakou)",
    "cn-hangzhou": "China (Hangzhou)",
    "cn-shanghai": "China (Shanghai)",
    "cn-shenzhen": "China (Shenzhen)",
    "cn-chengdu": "China (Chengdu)",
    "cn-hongkong": "China (Hong Kong)",
    "ap-northeast-1": "Japan (Tokyo)",
    "ap-southeast-1": "Singapore",
    "eu-central-1": "Germany (Frankfurt)",
    "us-east-1": "US (Virginia)",
    "us-west-1": "US (Silicon Valley)",
}
"""Some regions of ECS, with their names."""

Answer: TypeAlias = "dict[str, object]"


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Attributes:
        state: The resources of FakeEcs.
        parameters: The parameters of the request.
        service_id: The cloud service that calls; None for an account.
    """

    state: State
    parameters: Parameters
    service_id: int | None

    @property
    def region_id(self) -> str:
        """The region that the call must name.

        Raises:
            EcsError: The call names no region, or a region that does not exist.
        """
        region_id = self.parameters.require("RegionId").lower()
        if region_id not in REGIONS and not self.state.groups_in(region_id):
            raise not_found("InvalidRegionId.NotFound", "The specified RegionId does not exist.")
        return region_id

    @property
    def group(self) -> SecurityGroup:
        """The first group in the call.

        Raises:
            EcsError: The call names no group, a malformed id, or a group that does not exist in the call's region.
        """
        targets = self.parameters.target_groups()
        if not targets:
            raise missing_parameter("SecurityGroupId")
        return self.find_group(targets[0])

    def find_group(self, security_group_id: str) -> SecurityGroup:
        """Return a group. A region in the call must be the group's.

        Raises:
            EcsError: The id is malformed, or the group does not exist in the call's region.
        """
        group = self.state.group(security_group_id)
        if self.parameters.get("RegionId").lower() not in ("", group.region_id):
            raise unknown_group()
        return group


Handler: TypeAlias = Callable[[Call], Answer]
