"""The enforcer looks for a group in each region that the call may be about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.utils_models import GlobalParameters

from safe_ecs import (
    Client,
    GuardPolicy,
    ManagedSecurityGroupError,
    StatusCache,
    StatusUnavailableError,
)
from tests.support.sdk import models
from tests.support.transports import call

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


def _move_to(security_group_id: str) -> Any:
    return models.ModifyInstanceAttributeRequest(instance_id="i-1", security_group_ids=[security_group_id])


@pytest.mark.parametrize("endpoint_region", ["ecs.cn-beijing.aliyuncs.com", "ecs-cn-beijing.aliyuncs.com"])
def test_the_region_is_the_requests_then_the_clients_then_the_endpoints(
    ecs: FakeEcs, endpoint_region: str
) -> None:
    """The region in the endpoint's name comes last."""
    beijing = ecs.create_security_group(service_managed=True, region_id="cn-beijing")
    qingdao = ecs.create_security_group(service_managed=True, region_id="cn-qingdao")
    shanghai = ecs.create_security_group(service_managed=True, region_id="cn-shanghai")
    config = ecs.config(region_id=None)
    config.endpoint = endpoint_region
    config.http_proxy = f"http://{ecs.endpoint}"
    client = Client(config)
    with pytest.raises(ManagedSecurityGroupError):
        call(client, "ModifyInstanceAttribute", _move_to(beijing))
    client._region_id = "cn-qingdao"
    with pytest.raises(ManagedSecurityGroupError):
        call(client, "ModifyInstanceAttribute", _move_to(qingdao))
    request = models.DeleteSecurityGroupRequest(region_id="cn-shanghai", security_group_id=shanghai)
    with pytest.raises(ManagedSecurityGroupError):
        client.delete_security_group(request)
    asked = [read.parameters["RegionId"] for read in ecs.reads]
    assert asked == ["cn-beijing", "cn-qingdao", "cn-shanghai"]
    assert not ecs.writes


def test_a_group_missing_in_the_clients_region_is_looked_for_in_that_of_the_endpoint(ecs: FakeEcs) -> None:
    """A call without RegionId may be about either region."""
    beijing = ecs.create_security_group(service_managed=True, region_id="cn-beijing")
    config = ecs.config(region_id="cn-hangzhou")
    config.endpoint = "ecs.cn-beijing.aliyuncs.com"
    config.http_proxy = f"http://{ecs.endpoint}"
    with pytest.raises(ManagedSecurityGroupError):
        call(Client(config), "ModifyInstanceAttribute", _move_to(beijing))
    assert [read.parameters["RegionId"] for read in ecs.reads] == ["cn-hangzhou", "cn-beijing"]


def test_without_any_region_the_error_says_which_setting_to_give(ecs: FakeEcs, managed: str) -> None:
    """A client built with an endpoint alone has no region."""
    with pytest.raises(StatusUnavailableError, match=r"Config\(region_id=\.\.\.\)"):
        call(Client(ecs.config(region_id=None)), "ModifyInstanceAttribute", _move_to(managed))
    assert not ecs.requests


def test_a_region_that_ecs_pays_no_heed_to_does_not_make_a_group_missing(ecs: FakeEcs, managed: str) -> None:
    """ModifyInstanceAttribute has no RegionId. A global RegionId may name any region."""
    config = ecs.config()
    config.global_parameters = GlobalParameters(queries={"RegionId": "cn-beijing"})
    with pytest.raises(ManagedSecurityGroupError):
        Client(config).modify_instance_attribute(
            models.ModifyInstanceAttributeRequest(instance_id="i-1", security_group_ids=[managed])
        )
    assert not ecs.writes


FORMS = ("sync", "async")


@pytest.mark.parametrize("form", FORMS)
def test_a_group_remembered_as_missing_is_looked_for_elsewhere_again(ecs: FakeEcs, form: str) -> None:
    """Another region may have it: memory alone does not let the call through."""
    config = ecs.config(region_id="cn-hangzhou")
    config.endpoint = "ecs.cn-beijing.aliyuncs.com"
    config.http_proxy = f"http://{ecs.endpoint}"
    client = Client(config, cache=StatusCache(), policy=GuardPolicy(missing_ttl=60))
    beijing = ecs.create_security_group(service_managed=True, region_id="cn-beijing")
    client.guard.status(beijing)
    with pytest.raises(ManagedSecurityGroupError):
        call(client, "ModifyInstanceAttribute", _move_to(beijing), form)
    assert [read.parameters["RegionId"] for read in ecs.reads] == ["cn-hangzhou", "cn-beijing"]
