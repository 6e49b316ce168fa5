"""The pytest plugin: the fixtures ``fake_ecs`` and ``guarded_client``, and a marker for managed groups.

pytest imports this module at every start. So the fixtures import the rest of the package at their first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safe_ecs import Client
    from safe_ecs.testing import FakeEcs

_MARKER: Final = "managed_security_group"
_FIELDS: Final = frozenset({"security_group_id", "service_id", "product", "region_id", "name", "vpc_id"})
_NAT_GATEWAY: Final[dict[str, Any]] = {"service_id": 1679259531804325, "product": "natgw"}


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(security_group_id, service_id=..., product=..., region_id=..., name=..., vpc_id=...): "
        "fake_ecs has this group from the start, managed by a cloud service (by default NAT Gateway).",
    )


@pytest.fixture
def fake_ecs(request: pytest.FixtureRequest) -> Iterator[FakeEcs]:
    """A FakeEcs for this test alone, with the groups of its ``managed_security_group`` markers."""
    from safe_ecs.testing._fake import FakeEcs  # noqa: PLC0415 - see the top of the module

    with FakeEcs() as ecs:
        for marker in reversed(list(request.node.iter_markers(_MARKER))):
            _create_managed_group(ecs, marker)
        yield ecs


@pytest.fixture
def guarded_client(fake_ecs: FakeEcs) -> Client:
    """A guarded client of ``fake_ecs``, with an empty cache of its own."""
    from safe_ecs.cache._status_cache import StatusCache  # noqa: PLC0415 - see the top of the module
    from safe_ecs.client import Client  # noqa: PLC0415 - as above

    return Client(fake_ecs.config(), cache=StatusCache())


def _create_managed_group(ecs: FakeEcs, marker: pytest.Mark) -> None:
    fields = {**_NAT_GATEWAY, **dict(zip(("security_group_id",), marker.args, strict=False)), **marker.kwargs}
    if len(marker.args) > 1 or "security_group_id" not in fields or not fields.keys() <= _FIELDS:
        takes = ", ".join(sorted(_FIELDS - {"security_group_id"}))
        raise TypeError(
            f"the marker {_MARKER} takes the id of a group, and {takes}: {marker.args}, {marker.kwargs}"
        )
    ecs.create_security_group(service_managed=True, **fields)
