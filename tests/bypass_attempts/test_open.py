"""Bypasses left open on purpose: ECS refuses the call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.exceptions import ClientException
from darabonba.runtime import RuntimeOptions

from safe_ecs import Client, GuardError, GuardPolicy
from safe_ecs._enforcer import Enforcer
from safe_ecs.testing import CannedAnswer
from tests.bypass_attempts.refusal import HARMLESS
from tests.support.sdk import TWICE
from tests.support.transports import DELETE, params, query

if TYPE_CHECKING:
    from collections.abc import Callable

    from safe_ecs.testing import FakeEcs


def by_the_name_of_a_base_class(client: Any, request: Any) -> None:
    OpenApiClient.do_request(client, params(DELETE), request, RuntimeOptions())


def with_another_class(client: Any, request: Any) -> None:
    client.__class__ = StockClient
    client.do_request(params(DELETE), request, RuntimeOptions())


def with_a_method_replaced_on_the_client(client: Any, request: Any) -> None:
    client.do_request = StockClient.do_request.__get__(client)
    client.call_api(params(DELETE), request, RuntimeOptions())


def with_another_guard(client: Any, request: Any) -> None:
    client._safe_ecs_enforcer = Enforcer(GuardPolicy(mode="off"), None)
    client.do_request(params(DELETE), request, RuntimeOptions())


OPEN = (
    by_the_name_of_a_base_class,
    with_another_class,
    with_a_method_replaced_on_the_client,
    with_another_guard,
)


@pytest.mark.parametrize("way", OPEN)
def test_code_that_means_to_pass_the_guard_does_and_ecs_refuses(
    ecs: FakeEcs, client: Client, managed: str, way: Callable[[Any, Any], None]
) -> None:
    """Deliberate code can pass the guard. The README says so: the guard is for mistakes, and ECS for everything else."""
    ecs.create_security_group(security_group_id="sg-ordinary")
    with pytest.raises(ClientException) as refusal:
        way(client, query(managed))
    assert not isinstance(refusal.value, GuardError)
    assert len(ecs.writes) == 1


def test_code_that_changes_an_unguarded_call_between_its_tries_passes(
    ecs: FakeEcs, client: Client, managed: str
) -> None:
    """The guard hands a call that is not guarded to the SDK as it came. The SDK reads the call anew for each try."""
    operation, provider = params(HARMLESS), client._credential

    class Credentials:
        def get_credential(self) -> Any:
            operation.action = DELETE
            return provider.get_credential()

    client._credential, client._retry_options = cast("Any", Credentials()), TWICE
    ecs.answer_with(HARMLESS, CannedAnswer(status=503, body=b'{"Code": "ServiceUnavailable"}'))
    with pytest.raises(ClientException) as refusal:
        client.do_request(operation, query(managed), RuntimeOptions())
    assert not isinstance(refusal.value, GuardError)
    assert [each.action for each in ecs.requests] == [HARMLESS, DELETE]


@pytest.mark.parametrize("action", ["CreateAutoProvisioningGroup", "CreateLaunchTemplate", "TagResources"])
def test_what_ecs_does_not_refuse_is_let_through_with_the_reason(
    client: Client, managed: str, action: str
) -> None:
    """The call names a group and changes none."""
    decision = client.guard.check(action, {"SecurityGroupId": managed, "ResourceId.1": managed})
    assert decision.outcome == "not_guarded"
    assert "ECS" in decision.reason or "label" in decision.reason
