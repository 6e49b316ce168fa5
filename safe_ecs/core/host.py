"""The host that an endpoint names."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_SCHEME: Final = re.compile(r"https?://", re.IGNORECASE)
_AFTER_AUTHORITY: Final = re.compile(r"[/?#\\]")
"""As the SDK's HTTP libraries see it: what looks like a host behind it is not connected to."""


@lru_cache(maxsize=256)
def bare_host(host: str) -> str:
    """Return host and port alone: a URL's scheme and path say nothing of whose ECS it is, its user is a secret."""
    scheme = _SCHEME.match(host)
    authority = _AFTER_AUTHORITY.split(host[scheme.end() :] if scheme else host, maxsplit=1)[0]
    return authority.rpartition("@")[2].lower()
