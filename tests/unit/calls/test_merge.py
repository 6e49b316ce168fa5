"""The layers of a call are merged as the SDK merges them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.utils_models import GlobalParameters
from darabonba.runtime import ExtendsParameters, RuntimeOptions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safe_ecs import Client, StatusCache
from safe_ecs._calls.read import read_call
from safe_ecs._calls.transports import DO_REQUEST, DO_RPCREQUEST
from safe_ecs._core.spelling import normal_ids
from safe_ecs.testing._parameters import Parameters
from tests.support.merged_calls import TARGET_NAMES
from tests.support.sdk import OpenApiRequest, models
from tests.support.transports import ECS, TRANSPORTS, EcsGateway, call, params

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


NAMES = st.sampled_from([
    *TARGET_NAMES,
    "SourceGroupId",
    "Permissions.1.DestGroupId",
    "SecurityGroupRuleId.1",
    "SecurityGroupName",
    "RegionId",
    "Action",
    "Version",
])


VALUES = st.sampled_from([
    "sg-a",
    " SG-B ",
    '["sg-c","sg-d"]',
    "cn-beijing",
    "DeleteSecurityGroup",
    "RunInstances",
    ECS,
])


LAYER = st.dictionaries(NAMES, VALUES, max_size=4)


HEADERS = st.dictionaries(
    st.sampled_from(["x-acs-action", "X-Acs-Action", "x-acs-version", "x-other"]),
    st.sampled_from(["DeleteSecurityGroup", "DescribeInstances", ECS, "2017-11-10"]),
    max_size=2,
)


@pytest.mark.parametrize("transport", ["do_request", "do_rpcrequest"])
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(for_all=LAYER, for_this_call=LAYER, query=LAYER, form=LAYER, headers=HEADERS, once=HEADERS)
def test_action_and_targets_are_those_that_arrive(
    ecs: FakeEcs,
    stock: Any,
    transport: str,
    for_all: Any,
    for_this_call: Any,
    query: Any,
    form: Any,
    headers: Any,
    once: Any,
) -> None:
    """The stock client sends the action and the targets of the review, for any mix of layers."""
    stock._global_parameters = GlobalParameters(queries=for_all, headers=headers)
    stock.set_rpc_headers(once)
    request = OpenApiRequest(query=query, body=form or None)
    runtime = RuntimeOptions(extends_parameters=ExtendsParameters(queries=for_this_call))
    if transport == "do_request":
        call = read_call(stock, DO_REQUEST, (params("DescribeInstances"),), request, runtime)
    else:
        leading = ("DescribeInstances", ECS, "HTTP", "POST", "AK", "json")
        call = read_call(stock, DO_RPCREQUEST, leading, request, runtime)
    if call.once_headers is not None:
        stock.set_rpc_headers(call.once_headers.headers)
    reviewed = call.effective
    try:
        TRANSPORTS[transport](stock, "DescribeInstances", request, runtime)
    except Exception:  # noqa: BLE001 - any error will do, as the call has been sent
        sent = ecs.requests[-1]
    else:
        sent = ecs.requests[-1]
    if reviewed is None:
        assert sent.action not in {"DeleteSecurityGroup", "RunInstances"} or sent.version != ECS
    else:
        pairs = {**for_all, **for_this_call, **query}
        arrived = Parameters([*pairs.items(), *form.items()])
        assert set(arrived.target_groups()) == set(normal_ids(reviewed.targets))
        assert set(reviewed.region_ids) >= {arrived.get("RegionId").lower()} - {""}


@pytest.mark.parametrize("signature", [{"signature_algorithm": "v2"}, {"signature_version": "v4"}], ids=str)
def test_check_follows_the_way_that_the_call_would_take(ecs: FakeEcs, managed: str, signature: Any) -> None:
    """Other layers count with the older signature and with a gateway plug-in."""
    config = ecs.config()
    vars(config).update(signature)
    client = Client(config, cache=StatusCache())
    client.set_gateway_client(EcsGateway())  # type: ignore[arg-type]  # quacks like one
    assert client.guard.check("DeleteSecurityGroup", {"SecurityGroupId": managed}).outcome == "denied"


class Tracing(Client):
    """A user's subclass that returns its headers for one call only once."""

    once: dict[str, str] | None = None

    def get_rpc_headers(self) -> Any:
        headers, self.once = self.once, None
        return headers


@pytest.mark.parametrize(
    "signature", [{}, {"signature_algorithm": "v2"}, {"signature_version": "v4"}], ids=str
)
async def test_check_leaves_the_headers_of_the_next_call_to_that_call(
    ecs: FakeEcs, ordinary: str, signature: Any
) -> None:
    """Only a call may take the headers, so ``check`` cannot determine the outcome."""
    config = ecs.config()
    vars(config).update(signature)
    client = Tracing(config, cache=StatusCache())
    client.once = {"x-trace": "mine"}
    client.set_gateway_client(EcsGateway())  # type: ignore[arg-type]  # quacks like one
    request = models.DeleteSecurityGroupRequest(security_group_id=ordinary)
    for decision in (client.guard.check(request), await client.guard.check_async(request)):
        assert (decision.outcome, decision.refused) == ("unavailable", True)
        assert "its headers can be known only by making the call" in decision.reason
    assert client.guard.check("DescribeInstances").outcome == "not_guarded"
    assert not ecs.writes
    client.delete_security_group(request)
    assert [write.headers["x-trace"] for write in ecs.writes] == ["mine"]


def test_check_reads_the_headers_of_set_rpc_headers_and_leaves_them(
    ecs: FakeEcs, client: Client, managed: str
) -> None:
    """The headers belong to the next call, and turn that call into a query here."""
    client.set_rpc_headers({"x-acs-action": "DescribeSecurityGroupAttribute"})
    assert client.guard.check("DeleteSecurityGroup", {"SecurityGroupId": managed}).outcome == "not_guarded"
    call(client, "DeleteSecurityGroup", models.DeleteSecurityGroupRequest(security_group_id=managed))
    assert [request.action for request in ecs.requests] == ["DescribeSecurityGroupAttribute"]
