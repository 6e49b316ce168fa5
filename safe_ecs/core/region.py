"""Which regions a call may be about."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from safe_ecs.core.request import EffectiveRequest

_REGIONAL_ENDPOINT: Final = re.compile(
    r"(?:https?://)?ecs(?:-vpc)?[.-]((?!vpc)[a-z]{2,4}-[a-z0-9-]+)\.aliyuncs\.com(?::\d+)?/?"
)


def regions_of(request: EffectiveRequest) -> tuple[str, ...]:
    """Return the regions to look the targets up in, the likeliest first; empty if there is no clue.

    A RegionId in the request decides alone. Some operations have none (ModifyInstanceAttribute,
    ModifyInstanceVpcAttribute): then the client's region comes before the one in the endpoint's name,
    because several regions share the endpoint of cn-hangzhou.
    """
    if request.region_ids:
        return request.region_ids
    clues = (request.client_region_id, region_of_endpoint(request.host))
    return tuple(dict.fromkeys([clue for clue in clues if clue]))


@lru_cache(maxsize=64)
def region_of_endpoint(host: str) -> str | None:
    """Return the region in the name of an ECS endpoint, e.g. of ``ecs.cn-beijing.aliyuncs.com``."""
    match = _REGIONAL_ENDPOINT.fullmatch(host.lower())
    return match[1] if match else None
