"""A call that is only intended is read as it would be sent, from a model or from an action."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from darabonba.runtime import ExtendsParameters, RuntimeOptions

from safe_ecs._calls.from_model import call_from_model
from tests.support.sdk import models

if TYPE_CHECKING:
    from safe_ecs import Client
    from safe_ecs.testing import FakeEcs


def test_a_parameter_that_is_spelt_as_in_python_is_refused(client: Client, managed: str) -> None:
    """The guard would not see the group under that name."""
    with pytest.raises(ValueError, match="'SecurityGroupId' instead of 'security_group_id'"):
        client.guard.check("DeleteSecurityGroup", {"security_group_id": managed})


async def test_check_of_an_operation_outside_the_table_reads_nothing(ecs: FakeEcs, client: Client) -> None:
    for decision in (
        client.guard.check("DescribeInstances"),
        await client.guard.check_async(models.DescribeInstancesRequest()),
    ):
        assert (decision.outcome, decision.refused) == ("not_guarded", False)
    assert not ecs.requests


def test_runtime_options_may_hold_parameters(client: Client) -> None:
    """The request's own parameters win, as they do when it is sent."""
    runtime = RuntimeOptions(extends_parameters=ExtendsParameters(queries={"SecurityGroupId": "sg-extra"}))
    for parameters, group in ({}, "sg-extra"), ({"SecurityGroupId": "sg-own"}, "sg-own"):
        _, effective = call_from_model(client, "DeleteSecurityGroup", parameters, runtime)
        assert effective is not None
        assert effective.targets == (group,)
    _, effective = call_from_model(client, "DeleteSecurityGroup", {})
    assert effective is not None
    assert not effective.targets


def test_check_sees_through_a_subclass_of_a_model_and_the_case_of_an_action(
    client: Client, managed: str
) -> None:
    """``check`` must not allow a call that the guard would refuse later."""

    class Mine(models.DeleteSecurityGroupRequest):  # type: ignore[misc]  # untyped here
        pass

    assert client.guard.check(Mine(security_group_id=managed)).outcome == "denied"
    assert client.guard.check("deletesecuritygroup", {"SecurityGroupId": managed}).outcome == "denied"


@pytest.mark.parametrize("action", ["DeleteSecurtyGroup", "", "Nonsense"])
def test_check_knows_no_operation_that_the_sdk_does_not_know(client: Client, action: str) -> None:
    """A typing error must not look like a permission."""
    with pytest.raises(ValueError, match="no operation"):
        client.guard.check(action)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("DeleteSecurityGroup", "sg-1"), "a mapping of names to values, not 'sg-1'"),
        ((models.DeleteSecurityGroupRequest,), "not the class DeleteSecurityGroupRequest"),
        ((models.DeleteSecurityGroupResponse(),), "not a DeleteSecurityGroupResponse"),
        ((models.RunInstancesRequestNetworkInterface(),), "not a RunInstancesRequestNetworkInterface"),
    ],
)
def test_what_check_does_not_take_it_names(client: Client, arguments: Any, said: str) -> None:
    with pytest.raises(TypeError, match=said):
        client.guard.check(*arguments)


def test_check_sees_the_groups_of_nested_models_and_parameters(client: Client, managed: str) -> None:
    """``check`` turns models into their form on the wire."""
    for interface in (
        models.RunInstancesRequestNetworkInterface(security_group_id=managed),
        {"SecurityGroupIds": [managed]},
        {"SecurityGroupIds": (managed,)},
    ):
        assert client.guard.check("RunInstances", {"NetworkInterface": [interface]}).outcome == "denied"


def test_check_refuses_parameters_that_are_spelt_as_in_python(client: Client) -> None:
    """The guard would not see a group under such a name, at any depth. An endless parameter cannot be read."""
    for parameters in ({"security_group_id": "sg-1"}, {"NetworkInterface": [{"security_group_id": "sg-1"}]}):
        with pytest.raises(ValueError, match="'SecurityGroupId' instead of 'security_group_id'"):
            client.guard.check("RunInstances", parameters)
    endless: dict[str, Any] = {}
    endless["NetworkInterface"] = [endless]
    assert client.guard.check("RunInstances", endless).outcome == "unavailable"


@pytest.mark.parametrize(
    "arguments", [(None,), (7,), (RuntimeOptions(),), (models.DeleteSecurityGroupRequest(), {})]
)
def test_check_takes_a_model_or_an_action(client: Client, arguments: Any) -> None:
    with pytest.raises(TypeError):
        client.guard.check(*arguments)
