"""A guarded client is copied and pickled by the rules of its class, and stays guarded."""

from __future__ import annotations

import copy
import pickle
from threading import Lock
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.utils_models import Config

from safe_ecs import GuardPolicy, ManagedSecurityGroupError, StatusCache, guard
from tests.support.sdk import models

if TYPE_CHECKING:
    from typing import Self

    from safe_ecs.testing import FakeEcs


from tests.unit.test_client import Theirs

TRAVELS = pytest.mark.parametrize(
    "travel",
    [copy.copy, copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))],  # noqa: S301 - our own
    ids=["copy", "deepcopy", "pickle"],
)


@TRAVELS
def test_a_guarded_client_can_be_copied_and_pickled(ecs: FakeEcs, managed: str, travel: Any) -> None:
    """It can if it could before."""
    client: Any = travel(guard(Theirs(ecs.config(), "mine"), policy=GuardPolicy(ttl=7)))
    assert (client.name, client.slotted) == ("mine", "kept")
    assert Theirs in type(client).__mro__
    assert client.guard.policy.ttl == 7
    with pytest.raises(ManagedSecurityGroupError):
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
    assert not ecs.writes


class Forgetting(StockClient):
    """A user's subclass: its state omits the secret and the lock, and ``__setstate__`` makes them anew."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {"endpoint": self._endpoint}

    def __setstate__(self, state: dict[str, Any]) -> None:
        config = Config(access_key_id="key", access_key_secret="secret", region_id="cn-hangzhou")
        config.endpoint, config.protocol = state["endpoint"], "HTTP"
        self.__dict__ = vars(type(self)(config))


class Keyed(StockClient):
    """A user's subclass: ``__new__`` takes an argument, and the state omits the lock."""

    def __new__(cls, _: Any, name: str) -> Self:
        made = super().__new__(cls)
        made.name = name
        return made

    def __init__(self, config: Any, name: str) -> None:
        super().__init__(config)
        self.name = name
        self.lock: Any = Lock()
        self.itself = self

    def __getnewargs__(self) -> tuple[Any, str]:
        return None, self.name

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in {"lock", "name"}}


@TRAVELS
@pytest.mark.parametrize(
    ("cls", "make"),
    [(Forgetting, Forgetting), (Keyed, lambda config: Keyed(config, "mine"))],
    ids=["Forgetting", "Keyed"],
)
def test_a_guarded_client_is_copied_as_its_class_says_and_stays_guarded(
    ecs: FakeEcs, managed: str, cls: type, make: Any, travel: Any
) -> None:
    """The copy gets the same attributes as a copy of the unguarded client, and keeps its policy."""
    theirs, policy = make(ecs.config()), GuardPolicy(ttl=7)
    stock = travel(theirs)
    client = travel(guard(theirs, policy=policy, cache=StatusCache()))
    assert type(stock) is cls
    assert isinstance(client, cls)
    assert vars(client).keys() - {"_safe_ecs_enforcer"} == vars(stock).keys()
    for name in {"name"} & vars(stock).keys():
        assert getattr(client, name) == getattr(stock, name)
    assert client.guard.policy == policy
    with pytest.raises(ManagedSecurityGroupError):
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
    assert not ecs.writes


def test_a_pickled_client_holds_no_secret_that_its_class_leaves_out(ecs: FakeEcs) -> None:
    """A pickle of the stock client holds the secret, and so does a pickle of the guarded one."""
    config = ecs.config()
    config.access_key_secret = "the-secret"
    assert b"the-secret" in pickle.dumps(guard(StockClient(config)))
    assert b"the-secret" not in pickle.dumps(guard(Forgetting(config)))


def test_a_guarded_client_that_refers_to_itself_is_copied_as_one() -> None:
    """The copy refers to itself, and is guarded."""
    config = Config(access_key_id="k", access_key_secret="s", endpoint="127.0.0.1")
    client = guard(Keyed(config, "mine"))
    assert isinstance(client, Keyed)
    client.itself = client
    for travelled in (copy.deepcopy(client), pickle.loads(pickle.dumps(client))):  # noqa: S301 - our own
        assert travelled.itself is travelled is not client
