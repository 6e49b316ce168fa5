from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient

from safe_ecs import Client, StatusCache
from safe_ecs.testing import FakeEcs
from safe_ecs.testing._samples import NAT_GATEWAY_SERVICE_ID

if TYPE_CHECKING:
    from collections.abc import Iterator

# Have pytest rewrite the asserts of the drivers, so that a failure shows their values as in a test.
pytest.register_assert_rewrite("tests.support.fake_drivers")

SERVICE_ID = NAT_GATEWAY_SERVICE_ID


@pytest.hookimpl(optionalhook=True)  # an optional hook of xdist: the tests also run without xdist
def pytest_xdist_auto_num_workers() -> int:
    """Return the number of workers for ``--numprocesses auto``: two for each processor, as many tests wait."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture
def ecs() -> Iterator[FakeEcs]:
    with FakeEcs() as server:
        for key, secret in (("k", "s"), ("key", "secret")):  # The keys of the programs that tests start.
            server.add_access_key(key, secret)
        yield server


@pytest.fixture
def stock(ecs: FakeEcs) -> Any:
    return StockClient(ecs.config())


@pytest.fixture
def client(ecs: FakeEcs) -> Client:
    return Client(ecs.config(), cache=StatusCache())


@pytest.fixture
def managed(ecs: FakeEcs) -> str:
    return ecs.create_security_group(service_managed=True, service_id=SERVICE_ID, product="natgw")


@pytest.fixture
def ordinary(ecs: FakeEcs) -> str:
    return ecs.create_security_group()
