"""The guard's errors have the shape of the stock client's, so that existing handlers keep working."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException
from Tea.exceptions import TeaException

from safe_ecs import (
    Client,
    Decision,
    GroupStatus,
    GuardError,
    GuardPolicy,
    ManagedSecurityGroupError,
    StatusUnavailableError,
)
from safe_ecs.testing import CannedAnswer
from tests.support.sdk import models

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


def delete(client: Any, group: str) -> Any:
    request = models.DeleteSecurityGroupRequest(region_id="cn-hangzhou", security_group_id=group)
    with pytest.raises(ClientException) as error:
        client.delete_security_group(request)
    return error.value


@pytest.fixture
def unavailable(ecs: FakeEcs, client: Client, ordinary: str) -> StatusUnavailableError:
    body = b'{"Code": "Forbidden.RAM", "Message": "no", "RequestId": "R"}'
    ecs.answer_with("DescribeSecurityGroups", CannedAnswer(status=403, body=body))
    error = delete(client, ordinary)
    assert isinstance(error, StatusUnavailableError)
    return error


def test_the_refusal_has_every_attribute_of_the_stock_clients(
    stock: Any, client: Client, managed: str
) -> None:
    """Values that ECS would give too are equal. Request ids and texts have the same form."""
    remote, local = delete(stock, managed), delete(client, managed)
    assert isinstance(local, ManagedSecurityGroupError)
    different = {"message", "data", "request_id"}
    assert different <= vars(remote).keys()
    for name in vars(remote).keys() - different:
        assert getattr(local, name) == getattr(remote, name), name
    assert local.data.keys() == remote.data.keys()
    for name in ("Code", "HostId", "statusCode"):
        assert local.data[name] == remote.data[name]
    for error in (remote, local):
        data, request_id = error.data, error.data["RequestId"]
        assert error.request_id == request_id
        assert len(request_id) == 36
        assert request_id.upper() == request_id
        assert error.message == f"code: 403, {data['Message']} request id: {request_id}"
        assert str(error) == f"Error: {error.code} {error.message} Response: {data}"
        assert data["Recommend"] == (
            f"https://api.aliyun.com/troubleshoot?q={error.code}&product=Ecs&requestId={request_id}"
        )


def test_the_refusal_says_what_happened_and_what_to_do(client: Client, managed: str) -> None:
    """The message has the operation, the group, the owner and the next step."""
    error = delete(client, managed)
    assert error.data["Message"] == (
        f'The specified SecurityGroup "{managed}" has been managed by serviceID "1679259531804325". '
        "ECS said so just now. safe_ecs refused DeleteSecurityGroup before it was sent: nothing was changed. Ask the "
        "product that owns the group for this change, or make it there; if you act for it, say so with "
        "GuardPolicy(allowed_service_ids={1679259531804325})."
    )


@pytest.mark.parametrize(
    ("source", "age", "said"),
    [
        ("lookup", 0.0, "ECS said so just now."),
        ("cache", 0.4, "ECS said so just now."),
        ("cache", 12.3, "ECS said so 12 s ago."),
        ("warm", 299.9, "ECS said so 300 s ago."),
        ("shared", 12.0, "ECS said so to another process 12 s ago."),
        ("learned", 12.0, "ECS said so 12 s ago in answer to another call."),
        ("stale", 400.0, "ECS said so 400 s ago, and cannot be asked now."),
    ],
)
def test_the_refusal_says_since_when_that_is_known(source: Any, age: float, said: str) -> None:
    """The message has the age of each group's status, after its owner."""
    groups = (
        GroupStatus("sg-1", True, True, 7, "cn-hangzhou", source, age),  # noqa: FBT003 - fields
        GroupStatus("sg-2", True, True, 8, "cn-hangzhou"),  # noqa: FBT003 - fields
    )
    decision = Decision("DeleteSecurityGroup", "cn-hangzhou", "host", "denied", True, GuardPolicy(), groups)  # noqa: FBT003 - a field
    assert ManagedSecurityGroupError(decision).data["Message"] == (
        f'The specified SecurityGroup "sg-1" has been managed by serviceID "7". {said} '
        'The specified SecurityGroup "sg-2" has been managed by serviceID "8". ECS said so just now. '
        "safe_ecs refused DeleteSecurityGroup before it was sent: nothing was changed. Ask the product that owns the "
        "group for this change, or make it there; if you act for it, say so with "
        "GuardPolicy(allowed_service_ids={7, 8})."
    )


def test_a_status_that_cannot_be_determined_says_why_and_what_to_do(
    unavailable: StatusUnavailableError, ordinary: str
) -> None:
    """The message names the missing RAM action, and the error keeps its cause."""
    assert unavailable.code == "SafeEcs.StatusUnavailable"
    assert unavailable.data["Message"] == (
        f'Whether SecurityGroup "{ordinary}" is managed cannot be determined: DescribeSecurityGroups answered 403 '
        "Forbidden.RAM. safe_ecs refused DeleteSecurityGroup before it was sent: nothing was changed. Grant the "
        "RAM action ecs:DescribeSecurityGroups to these credentials."
    )
    assert unavailable.data["Recommend"].endswith("q=Forbidden.RAM&product=Ecs")
    assert getattr(unavailable.__cause__, "code", None) == "Forbidden.RAM"


def test_without_an_error_code_the_recommendation_is_the_api_page(ecs: FakeEcs) -> None:
    """The guard could not even ask ECS without a region."""
    client = Client(ecs.config(region_id=None))
    request = models.ModifyInstanceAttributeRequest(instance_id="i-1", security_group_ids=["sg-1"])
    with pytest.raises(StatusUnavailableError) as error:
        client.modify_instance_attribute(request)
    assert error.value.data["Recommend"].endswith("/DescribeSecurityGroups")
    assert error.value.__cause__ is None


@pytest.mark.parametrize("kind", [GuardError, ClientException, TeaException])
def test_handlers_for_the_stock_refusal_catch_it(client: Client, managed: str, kind: type[Exception]) -> None:
    """A handler may name any of the SDK's classes."""
    assert isinstance(delete(client, managed), kind)


def test_a_managed_group_of_an_unknown_service_is_refused_as_well(ecs: FakeEcs, client: Client) -> None:
    """ServiceID may be missing, as the flag alone decides."""
    group = ecs.create_security_group(service_managed=True)
    message = delete(client, group).message
    assert 'has been managed by serviceID "unknown".' in message
    assert "allowed_service_ids" not in message


@pytest.mark.parametrize("travel", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))])  # noqa: S301 - our own
def test_the_errors_survive_copying_and_pickling(
    client: Client, managed: str, unavailable: StatusUnavailableError, travel: Any
) -> None:
    """A pool of worker processes pickles errors."""
    for error in (delete(client, managed), unavailable):
        twin = travel(error)
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert twin.data == error.data
        assert twin.decision == error.decision


def test_a_representation_is_one_readable_line(client: Client, managed: str) -> None:
    """A traceback and a notebook show this line."""
    shown = repr(delete(client, managed))
    assert shown.startswith(
        "<ManagedSecurityGroupError InvalidOperation.ResourceManagedByCloudProduct: The specified"
    )
    assert "\n" not in shown


def test_the_decision_tells_the_same_story(
    client: Client, managed: str, unavailable: StatusUnavailableError
) -> None:
    """``decision`` is for programs, and the message for people."""
    decision = delete(client, managed).decision
    assert (decision.outcome, decision.refused, decision.mode) == ("denied", True, "enforce")
    assert [group.security_group_id for group in decision.managed] == [managed]
    assert decision.reason == (
        f"DeleteSecurityGroup is refused: a cloud service manages {managed} (serviceID 1679259531804325)."
    )
    assert unavailable.decision.outcome == "unavailable"
    assert unavailable.decision.reason.endswith("DescribeSecurityGroups answered 403 Forbidden.RAM.")


def test_reasons_fit_the_mode(ecs: FakeEcs, managed: str, ordinary: str) -> None:
    """Audit says "would be refused", and off says that nothing was looked up."""
    reasons = {}
    for mode in ("enforce", "audit", "off"):
        guard = Client(ecs.config(), policy=GuardPolicy(mode=mode)).guard
        reasons[mode] = guard.check("DeleteSecurityGroup", {"SecurityGroupId": managed}).reason
    assert "is refused" in reasons["enforce"]
    assert "would be refused" in reasons["audit"]
    assert "no security group was looked up" in reasons["off"]
    guard = Client(ecs.config()).guard
    assert "It is a query" in guard.check("DescribeInstances").reason
    assert "names no security group" in guard.check("RunInstances").reason
    assert "is allowed" in guard.check("DeleteSecurityGroup", {"SecurityGroupId": ordinary}).reason
    assert "left to ECS" in guard.check("DeleteSecurityGroup", {"SecurityGroupId": "sg-none"}).reason
    assert "targets no security group" in guard.check("DescribeRegions").reason
    lenient = Client(ecs.config(region_id=None), policy=GuardPolicy(on_unavailable="allow")).guard
    assert "is let through" in lenient.check("DeleteSecurityGroup", {"SecurityGroupId": "sg-1"}).reason
