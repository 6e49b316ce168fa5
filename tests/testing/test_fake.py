"""FakeEcs behaves as ECS does in every point that the proofs of the guard rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.exceptions import ClientException

from safe_ecs.testing._samples import SAMPLES, make_target
from tests.conftest import SERVICE_ID
from tests.support.sdk import models
from tests.support.transports import call

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs

REGION = "cn-hangzhou"


def refusal(call: Any, *arguments: Any) -> Any:
    with pytest.raises(ClientException) as error:
        call(*arguments)
    return error.value.status_code, error.value.code


def test_the_refusal_has_the_wording_of_ecs(ecs: FakeEcs, stock: Any, managed: str) -> None:
    """The message of a refusal is that of the one documented example. Handlers match its text."""
    with pytest.raises(ClientException) as error:
        stock.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
    assert error.value.data["Message"] == (
        f'The specified SecurityGroup "{managed}" has been managed by serviceID "{SERVICE_ID}"; product "natgw".'
    )
    assert error.value.data["HostId"] == ecs.endpoint


def test_the_owning_service_may_do_everything(ecs: FakeEcs) -> None:
    """The owning service may call every guarded operation on its group."""
    service = StockClient(ecs.config(service_id=SERVICE_ID))
    for action in SAMPLES:
        target = make_target(ecs, service_managed=True, with_member=action != "DeleteSecurityGroup")
        call(service, action, SAMPLES[action](target))
    assert [write.status for write in ecs.writes] == [200] * len(SAMPLES)


def test_groups_are_created_and_described(ecs: FakeEcs, stock: Any, managed: str) -> None:
    """A description holds ServiceManaged as a boolean, and ServiceID only if the group has one."""
    created = stock.create_security_group(
        models.CreateSecurityGroupRequest(region_id=REGION, security_group_name="web", vpc_id="vpc-1")
    ).body.security_group_id
    answer = stock.describe_security_groups(models.DescribeSecurityGroupsRequest(region_id=REGION)).body
    groups = {group.security_group_id: group for group in answer.security_groups.security_group}
    assert (groups[created].security_group_name, groups[created].vpc_id) == ("web", "vpc-1")
    assert (groups[created].service_managed, groups[created].service_id) == (False, None)
    assert (groups[managed].service_managed, groups[managed].service_id) == (True, SERVICE_ID)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"service_managed": True}, "m"),
        ({"service_managed": False}, "ab"),
        ({"security_group_name": "a"}, "a"),
        ({"security_group_ids": '["sg-a", "sg-none"]'}, "a"),
        ({"security_group_id": "sg-b"}, "b"),
        ({"security_group_ids": "[]"}, ""),
    ],
    ids=lambda value: str(sorted(value)),
)
def test_groups_are_filtered(ecs: FakeEcs, stock: Any, filters: Any, expected: str) -> None:
    """A listing applies its filters, and silently omits unknown ids."""
    ecs.create_security_group(name="m", service_managed=True)
    for name in "ab":
        ecs.create_security_group(name=name, security_group_id=f"sg-{name}")
    ecs.create_security_group(name="elsewhere", region_id="cn-beijing")
    answer = stock.describe_security_groups(
        models.DescribeSecurityGroupsRequest(region_id=REGION, **filters)
    ).body
    names = [group.security_group_name for group in answer.security_groups.security_group]
    assert names == list(expected)


def test_a_listing_has_ten_groups_to_the_page_unless_asked_for_more(ecs: FakeEcs, stock: Any) -> None:
    """A page has ten groups by default and 100 at most. NextToken leads to the next page."""
    ids = {ecs.create_security_group() for _ in range(25)}
    seen: list[str] = []
    token, pages = None, 0
    while token != "":
        request = models.DescribeSecurityGroupsRequest(region_id=REGION, next_token=token)
        body = stock.describe_security_groups(request).body
        seen += [group.security_group_id for group in body.security_groups.security_group]
        token, pages = body.next_token, pages + 1
    assert (pages, len(seen), set(seen)) == (3, 25, ids)
    request = models.DescribeSecurityGroupsRequest(region_id=REGION, max_results=101)
    assert refusal(stock.describe_security_groups, request) == (400, "InvalidParameter.MaxResults")


def test_a_group_in_use_is_not_deleted(ecs: FakeEcs, stock: Any, ordinary: str) -> None:
    """A group with a member, or with a rule of another group that refers to it, cannot be deleted."""
    request = models.DeleteSecurityGroupRequest(region_id=REGION, security_group_id=ordinary)
    instance = ecs.create_instance(ordinary, ecs.create_security_group())
    assert refusal(stock.delete_security_group, request) == (403, "DependencyViolation")
    stock.leave_security_group(
        models.LeaveSecurityGroupRequest(security_group_id=ordinary, instance_id=instance)
    )
    other = ecs.create_security_group()
    ecs.create_rule(other, "ingress", SourceGroupId=ordinary)
    assert refusal(stock.delete_security_group, request) == (403, "DependencyViolation")
    references = stock.describe_security_group_references(
        models.DescribeSecurityGroupReferencesRequest(region_id=REGION, security_group_id=[ordinary])
    ).body.security_group_references.security_group_reference
    assert references[0].referencing_security_groups.referencing_security_group[0].security_group_id == other


def test_instances_and_interfaces_belong_to_their_groups(ecs: FakeEcs, stock: Any, ordinary: str) -> None:
    """Instances and interfaces that are run, created, joined or moved count as members: a deletion is refused for them."""
    run = stock.run_instances(
        models.RunInstancesRequest(region_id=REGION, security_group_ids=[ordinary], amount=2)
    ).body.instance_id_sets.instance_id_set
    assert len(run) == 2
    interface = stock.create_network_interface(
        models.CreateNetworkInterfaceRequest(
            region_id=REGION, v_switch_id="vsw-1", security_group_id=ordinary
        )
    ).body.network_interface_id
    other = ecs.create_security_group()
    for instance in run:
        stock.modify_instance_attribute(
            models.ModifyInstanceAttributeRequest(instance_id=instance, security_group_ids=[other])
        )
    delete = models.DeleteSecurityGroupRequest(region_id=REGION, security_group_id=ordinary)
    assert refusal(stock.delete_security_group, delete) == (403, "DependencyViolation")
    stock.modify_network_interface_attribute(
        models.ModifyNetworkInterfaceAttributeRequest(
            region_id=REGION, network_interface_id=interface, security_group_id=[other]
        )
    )
    stock.delete_security_group(delete)


def test_every_request_is_on_record(ecs: FakeEcs, stock: Any, ordinary: str) -> None:
    """A recorded request has its action, version, parameters, headers and caller."""
    stock.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=ordinary))
    stock.describe_security_groups(models.DescribeSecurityGroupsRequest(region_id=REGION))
    write, read = ecs.requests
    assert (ecs.writes, ecs.reads) == ((write,), (read,))
    assert (write.action, write.version, write.method, write.path) == (
        "DeleteSecurityGroup",
        "2014-05-26",
        "POST",
        "/",
    )
    assert write.parameters == {"SecurityGroupId": ordinary}
    assert write.headers["x-acs-action"] == "DeleteSecurityGroup"
    assert (write.access_key_id, write.status) == ("fake-account", 200)
