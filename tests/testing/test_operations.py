"""Each operation of FakeEcs keeps its data: the stock SDK sends the request, and its models read the data back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient

import safe_ecs.testing._fake
from safe_ecs.testing._operations.table import DRY_RUN_QUERIES, IDEMPOTENT, QUERIES, WRITES
from tests.support.fake_drivers import DRIVERS
from tests.support.fake_world import REGION, World, make_world, send
from tests.support.sdk import models

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs

TABLE = (Path(safe_ecs.testing._fake.__file__).parent / "OPERATIONS.md").read_text()


@pytest.fixture
def world(ecs: FakeEcs, stock: Any) -> World:
    return make_world(ecs, stock)


@pytest.mark.parametrize("action", DRIVERS)
def test_an_operation_does_what_the_table_says(ecs: FakeEcs, stock: Any, world: World, action: str) -> None:
    """The stock SDK sends the operation and reads the change back."""
    DRIVERS[action](stock, world)
    assert (action, 200) in {(request.action, request.status) for request in ecs.requests}


def test_the_table_lists_every_operation_and_each_is_driven() -> None:
    """OPERATIONS.md, the code and these tests know the same operations."""
    listed = re.findall(r"^\| ([A-Z]\w+) \|", TABLE, re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert set(listed) == {*QUERIES, *WRITES} == set(DRIVERS)


def test_client_tokens_and_dry_runs_are_taken_where_the_sdk_has_them() -> None:
    """An operation takes ClientToken and DryRun exactly if the SDK's request model has the field."""
    has = {name: vars(getattr(models, f"{name}Request")()).keys() for name in sorted({*QUERIES, *WRITES})}
    assert {name for name, fields in has.items() if "client_token" in fields} == IDEMPOTENT
    writes = {"CreateInstance", "DeleteInstance", "DeleteInstances", "RunInstances"}
    assert {name for name, fields in has.items() if "dry_run" in fields} == DRY_RUN_QUERIES | writes


def test_a_client_token_lets_a_request_be_done_once(ecs: FakeEcs, stock: Any, world: World) -> None:
    """A repeated request gets the first answer. The same token of another caller counts as a different token."""
    request = {"RegionId": REGION, "SecurityGroupId": world.group, "ClientToken": "T-1"}
    first, second = (send(stock, "RunInstances", **request) for _ in range(2))
    assert first.instance_id_sets.instance_id_set == second.instance_id_sets.instance_id_set
    other = send(StockClient(ecs.config(service_id=7)), "RunInstances", **request)
    assert other.instance_id_sets.instance_id_set != first.instance_id_sets.instance_id_set
    assert first.request_id != second.request_id


def test_a_dry_run_changes_nothing(ecs: FakeEcs, stock: Any, world: World) -> None:
    """A dry run creates nothing and deletes nothing."""
    before = send(stock, "DescribeInstances", RegionId=REGION).total_count
    for action, fields in (
        ("RunInstances", {"RegionId": REGION, "SecurityGroupId": world.group}),
        ("CreateInstance", {"RegionId": REGION, "SecurityGroupId": world.group}),
        ("DeleteInstance", {"InstanceId": world.instance}),
        ("DeleteInstances", {"RegionId": REGION, "InstanceId": [world.instance]}),
    ):
        with pytest.raises(Exception, match="DryRunOperation"):
            send(stock, action, **fields, DryRun=True)
    assert send(stock, "DescribeInstances", RegionId=REGION).total_count == before
