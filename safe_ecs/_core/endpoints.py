"""What the endpoint of a call says: its host, and the regions that the call may be about."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safe_ecs._core.request import EffectiveRequest

_SCHEME: Final = re.compile(r"https?://", re.IGNORECASE)
_AFTER_AUTHORITY: Final = re.compile(r"[/?#\\]")
"""As the SDK's HTTP libraries see it: what looks like a host behind it is not connected to."""
_REGIONAL_ENDPOINT: Final = re.compile(
    r"ecs(?:-vpc)?[.-]((?!vpc)[a-z]{2,4}-[a-z0-9-]+)\.aliyuncs\.com(?::\d+)?"
)


@lru_cache(maxsize=256)
def bare_host(host: str) -> str:
    """Return host and port alone: a URL's scheme and path say nothing of whose ECS it is, its user is a secret."""
    scheme = _SCHEME.match(host)
    authority = _AFTER_AUTHORITY.split(host[scheme.end() :] if scheme else host, maxsplit=1)[0]
    return authority.rpartition("@")[2].lower()


def regions_of(request: EffectiveRequest) -> Iterator[str]:
    """Yield the regions to look the targets up in, the likeliest first; nothing if there is no clue.

    The request's RegionId comes first. It does not decide alone: ECS pays no heed to it where an operation has no
    such parameter (ModifyInstanceAttribute, ModifyInstanceVpcAttribute), and a global one may say anything. The
    client's region comes before the one in the endpoint's name, because several regions share the endpoint of
    cn-hangzhou.
    """
    yield from request.region_ids
    if request.client_region_id and request.client_region_id not in request.region_ids:
        yield request.client_region_id
    last = region_of_endpoint(request.host)
    if last and last != request.client_region_id and last not in request.region_ids:
        yield last


@lru_cache(maxsize=64)
def region_of_endpoint(host: str) -> str | None:
    """Return the region in the name of an ECS endpoint, e.g. of ``ecs.cn-beijing.aliyuncs.com``."""
    match = _REGIONAL_ENDPOINT.fullmatch(host)
    return match[1] if match else None
