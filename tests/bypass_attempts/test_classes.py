"""Neither a class of the caller's nor a method of the SDK's passes the guard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from darabonba.runtime import RuntimeOptions

from safe_ecs import Client
from tests.bypass_attempts.refusal import refuse
from tests.support.sdk import models
from tests.support.transports import DELETE, params, query

if TYPE_CHECKING:
    from collections.abc import Callable

    from safe_ecs.testing import FakeEcs


class Theirs(StockClient):
    """A user's client that changes a call in ``do_request``, where the SDK sends it."""

    target = ""

    def do_request(self, params: Any, request: Any, runtime: Any) -> Any:
        request.query["SecurityGroupId"] = self.target
        return super().do_request(params, request, runtime)


def test_a_base_class_cannot_change_a_call_behind_the_guard(
    ecs: FakeEcs, managed: str, ordinary: str
) -> None:
    """The guard reviews the changes of a base class before it. A base class after it is refused when the class is made."""
    with pytest.raises(TypeError, match="name Theirs before the guarded class"):
        type("Behind", (Client, Theirs), {})
    in_front: Any = type("InFront", (Theirs, Client), {"target": managed})(ecs.config())
    refuse(
        lambda: in_front.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=ordinary)),
        ecs,
    )


UNBOUND: dict[str, Callable[[Client, Any], Any]] = {
    "method of an operation": lambda client, group: StockClient.delete_security_group(
        client, models.DeleteSecurityGroupRequest(security_group_id=group)
    ),
    "call_api": lambda client, group: OpenApiClient.call_api(
        client, params(DELETE), query(group), RuntimeOptions()
    ),
    "super() of our class": lambda client, group: super(Client, client).do_request(
        params(DELETE), query(group), RuntimeOptions()
    ),
}


@pytest.mark.parametrize("way", UNBOUND)
def test_the_stock_classes_methods_are_guarded_when_called_on_a_guarded_client(
    ecs: FakeEcs, client: Client, managed: str, way: str
) -> None:
    """A method of the stock class sends by the client's own, guarded transports."""
    refuse(lambda: UNBOUND[way](client, managed), ecs)
