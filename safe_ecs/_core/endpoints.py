"""The endpoint of a call: its host, and the regions to look the call's targets up in."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safe_ecs._core.request import EffectiveRequest

_SCHEME: Final = re.compile(r"https?://", re.IGNORECASE)
_AFTER_AUTHORITY: Final = re.compile(r"[/?#\\]")
"""The characters that end the authority of a URL. The SDK's HTTP libraries connect to no host behind them."""
_REGIONAL_ENDPOINT: Final = re.compile(
    r"ecs(?:-vpc)?[.-]((?!vpc)[a-z]{2,4}-[a-z0-9-]+)\.aliyuncs\.com(?::\d+)?"
)


@lru_cache(maxsize=256)
def bare_host(host: str) -> str:
    """Return host and port alone, without the other parts of a URL.

    Scheme and path do not tell one ECS from another, and a user in a URL is a secret.
    """
    scheme = _SCHEME.match(host)
    authority = _AFTER_AUTHORITY.split(host[scheme.end() :] if scheme else host)[0]
    return authority.rpartition("@")[2].lower()


def regions_of(request: EffectiveRequest) -> Iterator[str]:
    """Yield the regions to look the targets up in, the likeliest first; none without a clue.

    The request's RegionId comes first. RegionId does not decide alone: ECS ignores RegionId where an
    operation has no such parameter (ModifyInstanceAttribute, ModifyInstanceVpcAttribute), and a global
    parameter may name any region. The client's region comes next. The region in the endpoint's name comes
    last, because several regions share the endpoint of cn-hangzhou.
    """
    yield from request.region_ids
    if request.client_region_id and request.client_region_id not in request.region_ids:
        yield request.client_region_id
    last = region_of_endpoint(request.host)
    if last and last != request.client_region_id and last not in request.region_ids:
        yield last


@lru_cache(maxsize=64)
def region_of_endpoint(host: str) -> str | None:
    """Return the region in the name of an ECS endpoint, such as ``ecs.cn-beijing.aliyuncs.com``, or None."""
    match = _REGIONAL_ENDPOINT.fullmatch(host)
    return match[1] if match else None
