"""A call is stopped or let through as the policy says of what is known of its targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.utils_models import GlobalParameters

from safe_ecs import (
    Client,
    GuardError,
    GuardPolicy,
    ManagedSecurityGroupError,
    StatusUnavailableError,
)
from safe_ecs.testing import CannedAnswer
from tests.conftest import SERVICE_ID
from tests.support.sdk import models
from tests.support.transports import DELETE, call

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("form", ["sync", "async"])
def test_the_headers_of_a_refused_call_are_not_for_the_next_one(
    client: Client, managed: str, form: str, *, known: bool
) -> None:
    """The refused call used the headers up, as the stock client would have sent them with it."""
    if known:
        client.guard.status(managed)
    client.set_rpc_headers({"x-mine": "delete"})
    request = models.DeleteSecurityGroupRequest(security_group_id=managed)
    with pytest.raises(ManagedSecurityGroupError):
        call(client, DELETE, request, form)
    assert client.get_rpc_headers() is None


def test_what_is_let_through_unchecked_is_in_the_log(
    ecs: FakeEcs, managed: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Audit mode logs "would be refused". It would be of no use in silence."""
    client = Client(ecs.config(), policy=GuardPolicy(mode="audit"))
    with pytest.raises(ClientException):
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
    [record] = [record for record in caplog.records if record.name == "safe_ecs"]
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("DeleteSecurityGroup would be refused: a cloud service manages ")


def test_a_missing_group_is_left_to_ecs(ecs: FakeEcs, client: Client) -> None:
    """ECS gives its own NotFound."""
    with pytest.raises(ClientException) as error:
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id="sg-none"))
    assert error.value.code == "InvalidSecurityGroupId.NotFound"
    assert not isinstance(error.value, GuardError)
    assert len(ecs.writes) == 1


def test_a_group_that_is_named_by_no_one_is_left_to_ecs(ecs: FakeEcs, client: Client) -> None:
    """Without a target there is nothing to look up."""
    with pytest.raises(ClientException) as error:
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=" "))
    assert error.value.code == "MissingSecurityGroupId"
    assert not ecs.reads


def test_several_managed_groups_are_all_named(
    ecs: FakeEcs, client: Client, managed: str, ordinary: str
) -> None:
    """One look-up covers all groups of a call, and the error names each managed one."""
    other = ecs.create_security_group(service_managed=True, service_id=7, product="alb")
    request = models.ModifyInstanceAttributeRequest(
        instance_id="i-1", security_group_ids=[managed, ordinary, other]
    )
    with pytest.raises(ManagedSecurityGroupError) as error:
        client.modify_instance_attribute(request)
    assert (
        f'The specified SecurityGroup "{managed}" has been managed by serviceID "{SERVICE_ID}".'
        in error.value.message
    )
    assert f'The specified SecurityGroup "{other}" has been managed by serviceID "7".' in error.value.message
    assert ordinary not in error.value.message
    assert len(ecs.requests) == 1


def test_a_service_may_change_its_own_groups_only(ecs: FakeEcs, managed: str) -> None:
    """allowed_service_ids is for programs of a service, and ECS agrees."""
    other = ecs.create_security_group(service_managed=True, service_id=7, product="alb")
    policy = GuardPolicy(allowed_service_ids=frozenset({SERVICE_ID}))
    client = Client(ecs.config(service_id=SERVICE_ID), policy=policy)
    with pytest.raises(ManagedSecurityGroupError):
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=other))
    assert not ecs.writes
    client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
    assert [write.status for write in ecs.writes] == [200]


def test_audit_mode_lets_through_and_off_does_not_even_look(ecs: FakeEcs, managed: str) -> None:
    """In both modes ECS itself refuses the call."""
    for mode, reads in (("audit", 1), ("off", 1)):
        client = Client(ecs.config(), policy=GuardPolicy(mode=mode))  # type: ignore[arg-type]  # both are modes
        with pytest.raises(ClientException) as error:
            client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
        assert not isinstance(error.value, GuardError)
        assert len(ecs.reads) == reads
    assert len(ecs.writes) == 2


def test_on_unavailable_allow_lets_through_what_cannot_be_determined(ecs: FakeEcs, ordinary: str) -> None:
    """The default refuses the call."""
    refusal = CannedAnswer(status=403, body=b'{"Code": "Forbidden.RAM", "Message": "no", "RequestId": "R"}')
    request = models.DeleteSecurityGroupRequest(security_group_id=ordinary)
    ecs.answer_with("DescribeSecurityGroups", refusal, refusal)
    with pytest.raises(StatusUnavailableError, match="ecs:DescribeSecurityGroups"):
        Client(ecs.config()).delete_security_group(request)
    assert not ecs.writes
    Client(ecs.config(), policy=GuardPolicy(on_unavailable="allow")).delete_security_group(request)
    assert [write.status for write in ecs.writes] == [200]


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


def _move_to(security_group_id: str) -> Any:
    return models.ModifyInstanceAttributeRequest(instance_id="i-1", security_group_ids=[security_group_id])


def test_a_region_that_ecs_pays_no_heed_to_does_not_make_a_group_missing(ecs: FakeEcs, managed: str) -> None:
    """ModifyInstanceAttribute has no RegionId. A global RegionId may name any region."""
    config = ecs.config()
    config.global_parameters = GlobalParameters(queries={"RegionId": "cn-beijing"})
    with pytest.raises(ManagedSecurityGroupError):
        Client(config).modify_instance_attribute(
            models.ModifyInstanceAttributeRequest(instance_id="i-1", security_group_ids=[managed])
        )
    assert not ecs.writes
