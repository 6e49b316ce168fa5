"""Programs written as users write them: the types that type checkers infer are the types at run time.

``assert_type`` does nothing at run time. mypy and pyright fail on this file if a public type becomes another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_type

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient

from safe_ecs import (
    Client,
    Decision,
    GroupStatus,
    GuardError,
    GuardPolicy,
    ManagedSecurityGroupError,
    StatusCache,
    guard,
)
from safe_ecs.observe import Observer
from tests.support.sdk import models

if TYPE_CHECKING:
    from safe_ecs.observe import DecisionRecord
    from safe_ecs.testing import FakeEcs


class Deleting(StockClient):
    """A user's subclass, with a method of its own."""

    def delete(self, group: str) -> None:
        self.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=group))


class Outcomes(Observer):
    """A user's observer."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def decided(self, record: DecisionRecord) -> None:
        self.seen.append(record.outcome)


async def test_a_client_of_ours_is_typed(ecs: FakeEcs, managed: str) -> None:
    """Client is a stock client for type checkers: it takes the same arguments, and adds its guard."""
    outcomes = Outcomes()
    client = Client(
        ecs.config(), policy=GuardPolicy(mode="enforce"), cache=StatusCache(), observers=[outcomes]
    )
    assert_type(client, Client)
    stock: StockClient = client
    with pytest.raises(ManagedSecurityGroupError) as refusal:
        stock.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
    assert_type(refusal.value.decision, Decision)
    error: GuardError = refusal.value
    assert error.decision.refused
    assert outcomes.seen == ["denied"]
    assert_type(client.guard.status(managed), dict[str, GroupStatus])
    assert_type(await client.guard.status_async(managed), dict[str, GroupStatus])
    assert [group.security_group_id for group in client.guard.managed_groups()] == [managed]
    with client.guard.bypass(reason="ticket 7", actions=["DeleteSecurityGroup"]):
        decision = client.guard.check("DeleteSecurityGroup", {"SecurityGroupId": managed})
    assert_type(decision, Decision)
    assert decision.outcome == "bypassed"


def test_a_guarded_stock_client_is_typed_as_our_client(ecs: FakeEcs, ordinary: str) -> None:
    """It has a guard, and every method of the stock client."""
    stock = StockClient(ecs.config())
    client = guard(stock, policy=GuardPolicy(ttl=7))
    assert_type(client, Client)
    request = models.DeleteSecurityGroupRequest(security_group_id=ordinary)
    assert client.guard.check(request).outcome == "allowed"
    client.delete_security_group(request)
    assert client.guard.stats.calls == 1


def test_a_guarded_client_of_a_subclass_has_the_methods_of_both_for_type_checkers(
    ecs: FakeEcs, managed: str
) -> None:
    """Type checkers see the subclass after an isinstance check: Python has no type for an object of two classes."""
    client = guard(Deleting(ecs.config()))
    assert_type(client, Client)
    assert isinstance(client, Deleting)
    assert client.guard.check("DeleteSecurityGroup", {"SecurityGroupId": managed}).outcome == "denied"
    with pytest.raises(ManagedSecurityGroupError):
        client.delete(managed)


def test_a_guarded_generic_client_has_a_guard_for_type_checkers(ecs: FakeEcs, ordinary: str) -> None:
    """It is no ECS client and has none of its methods."""
    client = guard(OpenApiClient(ecs.config()))
    generic: OpenApiClient = client
    assert not isinstance(generic, StockClient)
    assert client.guard.status(ordinary)[ordinary].exists
