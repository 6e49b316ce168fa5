"""A twin is copied and pickled by the rules of its class, and stays guarded."""

from __future__ import annotations

import copy
import pickle
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

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
def test_a_twin_can_be_copied_and_pickled(ecs: FakeEcs, managed: str, travel: Any) -> None:
    """A twin can be copied and pickled if its original can."""
    twin: Any = travel(guard(Theirs(ecs.config(), "mine"), policy=GuardPolicy(ttl=7)))
    assert isinstance(twin, Theirs)
    assert (twin.name, twin.slotted) == ("mine", "kept")
    assert cast("Any", twin).guard.policy.ttl == 7
    with pytest.raises(ManagedSecurityGroupError):
        twin.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
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
    "make",
    [Forgetting, lambda config: Keyed(config, "mine")],
    ids=["Forgetting", "Keyed"],
)
def test_a_twin_is_copied_as_its_class_says_and_stays_guarded(
    ecs: FakeEcs, managed: str, make: Any, travel: Any
) -> None:
    """The twin gets the same attributes as a stock client of the class, and keeps its policy."""
    original = make(ecs.config())
    policy = GuardPolicy(ttl=7)
    stock, twin = travel(original), travel(guard(original, policy=policy, cache=StatusCache()))
    assert type(stock) is type(original)
    assert isinstance(twin, type(original))
    assert vars(twin).keys() - {"_safe_ecs_enforcer"} == vars(stock).keys()
    for name in {"name"} & vars(stock).keys():
        assert getattr(twin, name) == getattr(stock, name)
    assert cast("Any", twin).guard.policy == policy
    with pytest.raises(ManagedSecurityGroupError):
        cast("Any", twin).delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=managed))
    assert not ecs.writes


def test_a_pickled_twin_holds_no_secret_that_its_class_leaves_out(ecs: FakeEcs) -> None:
    """A pickle of the stock client holds the secret, and so does the pickle of its twin."""
    config = ecs.config()
    config.access_key_secret = "the-secret"
    assert b"the-secret" in pickle.dumps(guard(StockClient(config)))
    assert b"the-secret" not in pickle.dumps(guard(Forgetting(config)))


def test_a_twin_that_refers_to_itself_is_copied_as_one() -> None:
    """The copy refers to itself, and is guarded."""
    config = Config(access_key_id="k", access_key_secret="s", endpoint="127.0.0.1")
    twin = guard(Keyed(config, "mine"))
    assert isinstance(twin, Keyed)
    twin.itself = twin
    for travelled in (copy.deepcopy(twin), pickle.loads(pickle.dumps(twin))):  # noqa: S301 - our own
        assert travelled.itself is travelled is not twin


@pytest.mark.parametrize("name", ["__copy__", "__deepcopy__", "__reduce__", "__reduce_ex__"])
def test_a_class_that_copies_itself_in_its_own_way_is_refused(ecs: FakeEcs, name: str) -> None:
    """Its method could make an unguarded copy of a guarded client. The error names another way."""
    copying: Any = type("Copying", (StockClient,), {name: lambda client, *_: client})
    with pytest.raises(
        TypeError, match=f"Copying has a {name} of its own.*derive the class from safe_ecs.Client"
    ):
        guard(copying(ecs.config()))
