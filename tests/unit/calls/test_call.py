"""A call says whether the guard reviews it, and which headers go with it."""

from __future__ import annotations

from typing import Any

import pytest
from darabonba.runtime import RuntimeOptions

from safe_ecs._calls.call import Call
from safe_ecs._calls.once_headers import HandsOutHeaders, OnceHeaders
from tests.support.merged_calls import effective
from tests.support.sdk import OpenApiRequest


@pytest.mark.parametrize(
    ("action", "is_guarded"),
    [("DeleteSecurityGroup", True), ("DescribeSecurityGroups", False), ("Other", False)],
)
def test_a_call_is_guarded_if_its_operation_is(action: str, *, is_guarded: bool) -> None:
    call = Call((), OpenApiRequest(), RuntimeOptions(), None, effective(action=action))
    assert call.is_guarded == is_guarded


def test_the_headers_of_a_call_are_handed_out_while_it_is_sent(mocker: Any) -> None:
    client: Any = HandsOutHeaders(mocker.Mock(endpoint="h", credential=None, access_key_id=""))
    client.set_rpc_headers({"a": "b"})
    call = Call((), OpenApiRequest(), RuntimeOptions())
    with call.sending:
        pass
    with call._replace(once_headers=OnceHeaders(client)).sending:
        assert client.get_rpc_headers() == {"a": "b"}
