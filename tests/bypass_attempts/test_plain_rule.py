"""A text that is not plain hides neither a guarded operation nor a group."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from darabonba.runtime import RuntimeOptions

from tests.bypass_attempts.refusal import HARMLESS, REGION, refuse
from tests.support.sdk import OpenApiRequest
from tests.support.transports import DELETE, WAYS_TO_SEND, params, query

if TYPE_CHECKING:
    from safe_ecs import Client
    from safe_ecs.testing import FakeEcs


TRIED_WAYS = ("do_request", "do_rpcrequest", "execute", "call_api", "do_request_async")


HIDDEN_NAMES = (
    "Action[0]",
    "Action\0",
    "\N{ZERO WIDTH JOINER}Action",
    "A\N{COMBINING ACUTE ACCENT}ction",
    "Act\N{LATIN SMALL LETTER DOTLESS I}on",
    "Action.1",
    "%41ction",
    "Action\N{LEFT-TO-RIGHT MARK}",
    b"Action",
    "aC\N{SOFT HYPHEN}tIoN",
)


@pytest.mark.parametrize("transport", TRIED_WAYS)
@pytest.mark.parametrize("name", HIDDEN_NAMES)
@pytest.mark.parametrize("channel", ["query", "body"])
def test_no_name_of_the_action_hides_one_behind_a_harmless_call(
    ecs: FakeEcs, client: Client, managed: str, name: Any, transport: str, channel: str
) -> None:
    """At a glance or in a review."""
    request = OpenApiRequest(**{
        "query": query(managed).query,
        channel: {**query(managed).query, name: DELETE},
    })
    refuse(lambda: WAYS_TO_SEND[transport](client, HARMLESS, request), ecs)


HIDDEN_ACTIONS = (
    "Delete Security Group",
    "Delete%53ecurityGroup",
    "DeleteSecurityGroup\0Describe",
    "DeleteSecurityGroup?x",
    "/DeleteSecurityGroup",
    "Delete\N{WORD JOINER}SecurityGroup",
    "\N{MATHEMATICAL BOLD CAPITAL D}eleteSecurityGroup",
    "DeleteSecurityGroup\r\nx-acs-action: DescribeRegions",
    "\N{CIRCLED LATIN CAPITAL LETTER D}eleteSecurityGroup",
    "DELETESECURITYGROUP;",
    b"DeleteSecurityGroup",
)


@pytest.mark.parametrize("transport", TRIED_WAYS)
@pytest.mark.parametrize("action", HIDDEN_ACTIONS)
def test_no_text_hides_the_action(
    ecs: FakeEcs, client: Client, managed: str, action: Any, transport: str
) -> None:
    """Encoded, cut off, or with something in between."""
    refuse(lambda: WAYS_TO_SEND[transport](client, action, query(managed)), ecs)


ADDRESSES = (
    f"/?Action={DELETE}&SecurityGroupId=",
    "/?Action=Delete%53ecurityGroup&SecurityGroupId=",
    f"/#?Action={DELETE}&SecurityGroupId=",
    f"/;Action={DELETE}&SecurityGroupId=",
    f"//?Action={DELETE}&SecurityGroupId=",
    f"/%3FAction={DELETE}&SecurityGroupId=",
    f"?Action={DELETE}&SecurityGroupId=",
    f"/?%41ction={DELETE}&Security%47roupId=",
)


@pytest.mark.parametrize("where", ["pathname", "endpoint", "host"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_no_address_of_a_harmless_call_hides_an_action(
    ecs: FakeEcs, client: Client, managed: str, address: str, where: str
) -> None:
    """In the path, in the client's endpoint, or in the header that replaces it."""
    request, call = OpenApiRequest(query=dict(REGION)), params(HARMLESS)
    if where == "pathname":
        call.pathname = f"{address}{quote(managed)}"
    elif where == "endpoint":
        client._endpoint += f"{address}{managed}&x="
    else:
        request.headers = {"host": f"{client._endpoint}{address}{managed}&x="}
    refuse(lambda: client.do_request(call, request, RuntimeOptions()), ecs)


@pytest.mark.parametrize(
    "path", ["/api/v1/clusters", "/clusters?action=RunInstances", "/%E4%B8%AD", "/a;b#c"]
)
def test_calls_of_other_products_pass_with_any_path(ecs: FakeEcs, client: Client, path: str) -> None:
    """Their version is another one."""
    with suppress(Exception):
        client.do_roarequest(
            "RunInstances",
            "2015-12-15",
            "HTTP",
            "GET",
            "AK",
            path,
            "json",
            OpenApiRequest(),
            RuntimeOptions(),
        )
    assert len(ecs.requests) == 1
