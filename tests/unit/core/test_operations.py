"""The table of operations agrees with ECS's documentation, and covers every operation of the SDK."""

from __future__ import annotations

import re
from typing import Any

import pytest

from safe_ecs import OPERATIONS
from safe_ecs._core.operations import (
    GUARDED,
    GUARDED_ACTIONS,
    LEARNING_ACTIONS,
    RELEVANT_ACTIONS,
    STATUS_QUERY,
    TEMPLATE_QUERY,
)
from safe_ecs.testing._samples import SAMPLES
from tests.support.sdk_operations import field_names, operations

# "Permissions on API operations related to managed security groups", in the order of that page.
ACCOUNT_MAY_NOT = [
    "AuthorizeSecurityGroup",
    "AuthorizeSecurityGroupEgress",
    "RevokeSecurityGroup",
    "RevokeSecurityGroupEgress",
    "JoinSecurityGroup",
    "LeaveSecurityGroup",
    "DeleteSecurityGroup",
    "ModifySecurityGroupAttribute",
    "ModifySecurityGroupRule",
    "ModifySecurityGroupEgressRule",
    "ModifySecurityGroupPolicy",
    "CreateNetworkInterface",
    "ModifyNetworkInterfaceAttribute",
    "RunInstances",
    "CreateInstance",
    "ModifyInstanceAttribute",
]


ACCOUNT_MAY = ["DescribeSecurityGroupAttribute", "DescribeSecurityGroups", "DescribeSecurityGroupReferences"]


def test_every_row_of_the_page_is_in_the_table_with_its_permissions() -> None:
    """16 operations are for the owning service only, and 3 queries are for everybody."""
    assert len(ACCOUNT_MAY_NOT) + len(ACCOUNT_MAY) == 19
    for action in ACCOUNT_MAY_NOT:
        assert (OPERATIONS[action].account_allowed, OPERATIONS[action].service_allowed) == (False, True)
    for action in ACCOUNT_MAY:
        assert (OPERATIONS[action].account_allowed, OPERATIONS[action].service_allowed) == (True, True)


def test_the_guarded_operations_are_those_of_the_page_and_the_one_it_lacks() -> None:
    """ModifyInstanceVpcAttribute gets the same error code, although the page lacks it."""
    guarded = {action for action, operation in OPERATIONS.items() if operation.guarded}
    assert guarded == {*ACCOUNT_MAY_NOT, "ModifyInstanceVpcAttribute"}


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.action)
def test_every_operation_says_what_it_does_and_why_it_is_let_through(operation: Any) -> None:
    """An operation has a reason exactly if it is not guarded."""
    assert operation.summary.endswith(".")
    assert isinstance(operation.not_guarded_because, str)
    assert bool(operation.not_guarded_because) != operation.guarded
    assert OPERATIONS[operation.action] is operation


def test_the_table_is_read_only() -> None:
    """No edit of the table can switch the guard off."""
    with pytest.raises(TypeError):
        OPERATIONS["DeleteSecurityGroup"] = OPERATIONS["DescribeInstances"]  # type: ignore[index]  # the point
    with pytest.raises(AttributeError):
        OPERATIONS["DeleteSecurityGroup"].account_allowed = True  # type: ignore[misc]  # the point


def test_every_request_model_that_mentions_a_security_group_is_classified() -> None:
    """The table must guard or explain every operation of a new SDK with a security group."""
    mentioned = {
        action
        for action, operation in operations().items()
        if any(re.search(r"security_?group", name, re.IGNORECASE) for name in field_names(operation.request))
    }
    assert mentioned >= {*ACCOUNT_MAY_NOT, "CreateLaunchTemplate", "CreateAutoProvisioningGroup"}
    missing = mentioned - OPERATIONS.keys()
    assert not missing, (
        f"{sorted(missing)} can name a security group: add each to core/operations.py, guarded if the API "
        "reference lists InvalidOperation.ResourceManagedByCloudProduct for it, else with the reason."
    )


def test_every_operation_is_spelt_as_the_sdk_spells_it() -> None:
    """A row with a typing error would guard nothing. The guard's own queries must exist as well."""
    assert OPERATIONS.keys() <= operations().keys()
    assert {STATUS_QUERY, TEMPLATE_QUERY, *LEARNING_ACTIONS} <= operations().keys()


def test_a_deletion_is_the_one_guarded_operation_that_teaches_something() -> None:
    """The guard learns from every refusal anyway."""
    assert {"DeleteSecurityGroup"} == GUARDED & LEARNING_ACTIONS


def test_there_is_a_sample_request_for_every_guarded_operation() -> None:
    """The demo and the tests call every operation of the table."""
    assert SAMPLES.keys() == {action for action, operation in OPERATIONS.items() if operation.guarded}


def test_what_is_guarded_or_learned_from_is_known_by_its_small_letters() -> None:
    assert {action: action.lower() for action in GUARDED} == {
        action: lowered for lowered, action in GUARDED_ACTIONS.items()
    }
    assert {action: action.lower() for action in GUARDED | LEARNING_ACTIONS} == {
        action: lowered for lowered, action in RELEVANT_ACTIONS.items()
    }
