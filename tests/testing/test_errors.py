"""FakeEcs answers a call with each error that OPERATIONS.md lists, and with its HTTP status."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.exceptions import ClientException

from tests.support.fake_cases import CASES, Case
from tests.support.fake_world import REGION, World, make_world, send
from tests.testing.test_operations import TABLE

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


@pytest.fixture
def world(ecs: FakeEcs, stock: Any) -> World:
    return make_world(ecs, stock)


def filled(value: Any, world: World) -> Any:
    """Replace the names in braces by ids of the world."""
    if isinstance(value, dict):
        return {name: filled(each, world) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, world) for each in value]
    match = re.fullmatch(r"\{(\w+)\}", value) if isinstance(value, str) else None
    return getattr(world, match[1]) if match else value


@pytest.mark.parametrize("case", CASES, ids=[f"{number} {case}" for number, case in enumerate(CASES)])
def test_an_error_has_its_code_and_status(ecs: FakeEcs, stock: Any, world: World, case: Case) -> None:
    """A refused request gets the error's code and status, and changes nothing."""
    if case.before is not None:
        send(stock, case.action, **filled(case.before, world))
    before = ecs.snapshot()
    with pytest.raises(ClientException) as error:
        send(stock, case.action, **filled(case.fields, world))
    assert (error.value.code, error.value.status_code) == (case.code, case.status)
    assert error.value.data["Message"]
    assert ecs.snapshot() == before


def test_every_error_of_the_table_is_provoked() -> None:
    """OPERATIONS.md and these tests know the same errors of the same operations."""
    rows = re.findall(r"^\| ([A-Z]\w+) \|.*\| (.*) \|$", TABLE, re.MULTILINE)
    listed = {(action, code) for action, errors in rows for code in re.findall(r"`([\w.]+)`", errors)}
    provoked = {(case.action, case.code) for case in CASES}
    assert listed - provoked == {("CreateLaunchTemplateVersion", "LaunchTemplateVersionLimitExceed")}
    assert provoked <= listed


def test_a_launch_template_has_thirty_versions_at_most(stock: Any, world: World) -> None:
    """A launch template has thirty versions at most. This error of the table takes more than two calls."""
    both = {"RegionId": REGION, "LaunchTemplateId": world.template}
    for _ in range(29):
        send(stock, "CreateLaunchTemplateVersion", **both)
    with pytest.raises(ClientException, match="LaunchTemplateVersionLimitExceed"):
        send(stock, "CreateLaunchTemplateVersion", **both)


def test_what_is_outside_the_slice_is_answered_with_what_is_in_it(stock: Any) -> None:
    """An unknown operation gets an error that names the known ones, so that nobody takes it for an answer of ECS."""
    with pytest.raises(
        ClientException, match=r"FakeEcs does not know 'StopInstance'\. It knows Authorize"
    ) as error:
        send(stock, "StopInstance", InstanceId="i-1")
    assert (error.value.status_code, error.value.code) == (404, "InvalidAction.NotFound")


def test_a_token_is_good_for_its_own_query_only(ecs: FakeEcs, stock: Any, world: World) -> None:
    """A NextToken is invalid with other filters and with another operation."""
    token = send(stock, "DescribeSecurityGroups", RegionId=REGION, MaxResults=1).next_token
    ecs.create_security_group()
    for action, fields in (
        ("DescribeSecurityGroups", {"VpcId": "vpc-1"}),
        ("DescribeInstances", {"Status": "Running"}),
    ):
        with pytest.raises(ClientException, match=r"InValidParameter\.NextToken"):
            send(stock, action, RegionId=REGION, MaxResults=1, NextToken=token, **fields)
    rest = send(stock, "DescribeSecurityGroups", RegionId=REGION, MaxResults=100, NextToken=token)
    assert len(rest.security_groups.security_group) == 6


def test_a_page_goes_on_where_the_last_one_ended_when_groups_come_and_go(ecs: FakeEcs, stock: Any) -> None:
    """A page continues after the last group of the previous page. Deleted groups cause neither repeats nor gaps."""
    ids = [ecs.create_security_group() for _ in range(6)]
    first = send(stock, "DescribeSecurityGroups", RegionId=REGION, MaxResults=3)
    ecs.remove_security_group(ids[0])
    ecs.remove_security_group(ids[4])
    rest = send(stock, "DescribeSecurityGroups", RegionId=REGION, MaxResults=3, NextToken=first.next_token)
    assert [each.security_group_id for each in rest.security_groups.security_group] == [ids[3], ids[5]]


def test_managed_groups_appear_and_vanish(ecs: FakeEcs, stock: Any) -> None:
    """A managed group appears and vanishes with the instance of its cloud product, even if it has members."""
    group = ecs.create_security_group(service_managed=True, service_id=7, product="alb")
    instance = ecs.create_instance(group, ecs.create_security_group())
    refused = {"RegionId": REGION, "SecurityGroupId": group}
    with pytest.raises(ClientException, match=r'has been managed by serviceID "7"; product "alb"\.'):
        send(stock, "DeleteSecurityGroup", **refused)
    ecs.remove_security_group(group)
    with pytest.raises(ClientException, match=r"InvalidSecurityGroupId\.NotFound"):
        send(stock, "DeleteSecurityGroup", **refused)
    found = send(stock, "DescribeInstances", RegionId=REGION, InstanceIds=json.dumps([instance]))
    assert len(found.instances.instance[0].security_group_ids.security_group_id) == 1


def test_a_service_creates_groups_that_only_it_may_change(ecs: FakeEcs, stock: Any) -> None:
    """A service creates a managed group with its own key and ServiceManaged, and only that service may change it."""
    service = StockClient(ecs.config(service_id=7))
    created = send(service, "CreateSecurityGroup", RegionId=REGION, ServiceManaged=True).security_group_id
    [found] = send(
        stock, "DescribeSecurityGroups", RegionId=REGION, SecurityGroupId=created
    ).security_groups.security_group
    assert (found.service_managed, found.service_id) == (True, 7)
    for other in (stock, StockClient(ecs.config(service_id=8))):
        with pytest.raises(ClientException, match=r"InvalidOperation\.ResourceManagedByCloudProduct"):
            send(other, "DeleteSecurityGroup", SecurityGroupId=created)
    send(service, "DeleteSecurityGroup", SecurityGroupId=created)
