"""Neither a class of the caller's nor a method of the SDK's passes the guard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from darabonba.runtime import RuntimeOptions

from safe_ecs import Client
from safe_ecs._transports import OVERRIDDEN, GuardedTransports
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


def test_a_base_class_before_the_guarded_one_changes_a_call_before_its_review(
    ecs: FakeEcs, managed: str, ordinary: str
) -> None:
    in_front: Any = type("InFront", (Theirs, Client), {"target": managed})(ecs.config())
    refuse(
        lambda: in_front.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=ordinary)),
        ecs,
    )


@pytest.mark.parametrize("name", sorted(OVERRIDDEN))
@pytest.mark.parametrize("module", ["theirs", "alibabacloud_theirs.client", OpenApiClient.__module__])
@pytest.mark.parametrize("base", [StockClient, OpenApiClient], ids=["of ecs", "of generic"])
@pytest.mark.parametrize("guarded", [Client, GuardedTransports], ids=["ecs", "generic"])
def test_a_base_class_after_the_guarded_one_must_not_override_it(
    name: str, module: str, base: type, guarded: type
) -> None:
    """The class is refused when it is made, in any module: the base would change a call after its review."""
    behind = type("Behind", (base,), {name: lambda *_: None, "__module__": module})
    with pytest.raises(
        TypeError, match=f"in Made, Behind.{name} would.*: name Behind before the guarded class"
    ):
        type("Made", (guarded, behind), {})


def test_a_client_of_another_product_may_stand_after_the_guarded_class() -> None:
    """The clients of other products override no transport."""
    other = type("Client", (OpenApiClient,), {"describe_vpcs": lambda *_: None})
    assert issubclass(type("Made", (GuardedTransports, other), {}), other)


@pytest.mark.parametrize("cls", [StockClient, OpenApiClient], ids=["ecs", "generic"])
def test_instrumentation_of_the_sdks_classes_is_no_base_class_behind_the_guard(
    cls: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tracing library may have replaced methods of the SDK's classes before the program makes a class of its own."""
    for name in OVERRIDDEN:
        monkeypatch.setattr(cls, name, getattr(cls, name), raising=False)
    assert issubclass(type("Made", (Client,), {}), cls)


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
