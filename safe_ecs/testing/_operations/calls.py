"""One call as the operations see it: who asks what of which state."""

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
"""Some of the regions, with their names."""

Answer: TypeAlias = "dict[str, object]"


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Attributes:
        state: What is kept.
        parameters: What is asked.
        service_id: The cloud service that asks; None for an account.
    """

    state: State
    parameters: Parameters
    service_id: int | None

    @property
    def region_id(self) -> str:
        """The region that the call must name.

        Raises:
            EcsError: It names none, or one that does not exist.
        """
        region_id = self.parameters.require("RegionId").lower()
        if region_id not in REGIONS and not self.state.groups_in(region_id):
            raise not_found("InvalidRegionId.NotFound", "The specified RegionId does not exist.")
        return region_id

    @property
    def group(self) -> SecurityGroup:
        """The group that the call is about.

        Raises:
            EcsError: It names none, or there is no such group in the region it names.
        """
        targets = self.parameters.target_groups()
        if not targets:
            raise missing_parameter("SecurityGroupId")
        return self.find_group(targets[0])

    def find_group(self, security_group_id: str) -> SecurityGroup:
        """Return a group, in the region of the call if it names one.

        Raises:
            EcsError: The id is malformed, or there is no such group.
        """
        group = self.state.group(security_group_id)
        if self.parameters.get("RegionId").lower() not in ("", group.region_id):
            raise unknown_group()
        return group


Handler: TypeAlias = Callable[[Call], Answer]
