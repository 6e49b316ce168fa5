"""The cache keeps statuses for as long as the policy says, within bounds, and reuses none for too long."""

from __future__ import annotations

import gc
import signal
import weakref
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException

from safe_ecs import Client, GroupStatus, GuardPolicy, ManagedSecurityGroupError, StatusCache
from safe_ecs._core.review import Read
from safe_ecs._system.clock import Clock
from safe_ecs.cache._principal import Principal
from safe_ecs.cache._status_cache import SHARED, forget_endpoint
from tests.conftest import SERVICE_ID
from tests.support.sdk import models
from tests.support.workloads import MOST_BYTES_FOR_A_GROUP, bytes_for_each_group

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


READ = Read("host", "cn-hangzhou", ("sg-1",))


class Credential:
    """Stands for the SDK's credentials, as the cache looks at their identity alone."""


ME, SOMEBODY_ELSE = Credential(), Credential()


MYSELF = Principal(ME, ())


FOUND = GroupStatus("sg-1", True, True, 7, "cn-hangzhou")  # noqa: FBT003 - fields


MISSING = GroupStatus("sg-1", False, False, None, "cn-hangzhou")  # noqa: FBT003 - fields


OTHER = GroupStatus("sg-2", True, False, None, "cn-hangzhou")  # noqa: FBT003 - fields


@pytest.fixture
def clock(mocker: Any) -> Any:
    return mocker.patch.object(Clock, "now", return_value=1000.0)


def refuse(client: Client, group: str) -> None:
    with pytest.raises(ManagedSecurityGroupError):
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=group))


def test_a_found_status_is_trusted_for_ttl(clock: Any) -> None:
    """A cached status has its age and the source "cache"."""
    cache, policy = StatusCache(), GuardPolicy(ttl=300)
    cache.remember(READ, MYSELF, [FOUND])
    clock.return_value += 299
    assert cache.recall(READ, ME, policy) == {"sg-1": FOUND._replace(source="cache", age=299.0)}
    clock.return_value += 1
    assert cache.recall(READ, ME, policy) == {}


def test_a_missing_group_is_remembered_for_missing_ttl_and_for_the_principal_alone(clock: Any) -> None:
    """One account may lack a group that another account has."""
    cache, policy = StatusCache(), GuardPolicy(missing_ttl=5)
    cache.remember(READ, MYSELF, [MISSING])
    assert cache.recall(READ, SOMEBODY_ELSE, policy) == {}
    assert cache.recall(READ._replace(owner=(("ownerid", "1"),)), ME, policy) == {}
    clock.return_value += 4
    assert cache.recall(READ, ME, policy)["sg-1"].exists is False
    clock.return_value += 1
    assert cache.recall(READ, ME, policy) == {}


def test_a_found_group_is_remembered_for_every_spelling_and_a_missing_one_for_its_own() -> None:
    """ECS may know a group that is missing under one spelling under another."""
    cache, spelt = StatusCache(), READ._replace(security_group_ids=("SG-1",))
    cache.remember(READ, MYSELF, [MISSING])
    assert not cache.recall(spelt, ME, GuardPolicy())
    cache.remember(READ, MYSELF, [FOUND._replace(service_managed=False)])
    assert cache.recall(spelt, ME, GuardPolicy())["SG-1"].security_group_id == "sg-1"
    assert cache.holds_unmanaged(*READ[:2], ("sg-1",), 300)
    # The glance knows ids in lower case alone: the review reads any other spelling.
    assert not cache.holds_unmanaged(*READ[:2], ("SG-1",), 300)


def test_what_was_found_is_for_everybody_who_asks_the_same_endpoint_and_region() -> None:
    """A status is a fact about the group, not about the principal."""
    cache, policy = StatusCache(), GuardPolicy()
    cache.remember(READ, MYSELF, [FOUND])
    assert cache.recall(READ, SOMEBODY_ELSE, policy)
    assert not cache.recall(READ._replace(host="other"), ME, policy)
    assert not cache.recall(READ._replace(region_id="other"), ME, policy)


def test_a_group_that_came_or_went_is_not_remembered_as_both() -> None:
    """The latest answer replaces the one before."""
    cache, policy = StatusCache(), GuardPolicy()
    for status in (MISSING, FOUND, MISSING):
        cache.remember(READ, MYSELF, [status])
        assert cache.recall(READ, ME, policy)["sg-1"].exists == status.exists
        assert len(cache) == 1


@pytest.mark.parametrize("age", [0, 299, 300, -1])
@pytest.mark.parametrize(
    "statuses",
    [
        (),
        (FOUND,),
        (FOUND._replace(service_managed=False),),
        (FOUND._replace(service_managed=False), OTHER),
        (FOUND, OTHER),
        (MISSING,),
        (MISSING, OTHER),
        (OTHER,),
    ],
)
def test_the_glance_agrees_with_what_is_recalled(clock: Any, statuses: Any, age: int) -> None:
    """The quick check passes fresh, unmanaged groups only: none that is managed, missing, unknown or stale."""
    cache, policy = StatusCache(), GuardPolicy(ttl=300)
    read = READ._replace(security_group_ids=("sg-1", "sg-2"))
    cache.remember(read, MYSELF, statuses)
    clock.return_value += age
    recalled = cache.recall(read, ME, policy)
    assert cache.holds_unmanaged(*read[:3], policy.ttl) == (
        len(recalled) == 2 and all(group.state == "unmanaged" for group in recalled.values())
    )


def test_each_policy_has_its_own_idea_of_what_is_fresh(clock: Any) -> None:
    """Clients with different policies may share a cache."""
    cache = StatusCache()
    cache.remember(READ, MYSELF, [FOUND])
    clock.return_value += 10
    assert cache.recall(READ, ME, GuardPolicy(ttl=11))
    assert not cache.recall(READ, ME, GuardPolicy(ttl=10))
    assert not cache.recall(READ, ME, GuardPolicy(ttl=0))


def test_the_status_that_was_learned_first_makes_room() -> None:
    """The cache is bounded, and evicts the status that was stored first."""
    cache, policy = StatusCache(maxsize=2), GuardPolicy()
    for number in (1, 2):
        cache.remember(READ, MYSELF, [FOUND._replace(security_group_id=f"sg-{number}")])
    cache.recall(READ, ME, policy)
    cache.remember(READ, MYSELF, [FOUND._replace(security_group_id="sg-3")])
    ids = ("sg-1", "sg-2", "sg-3")
    assert cache.recall(READ._replace(security_group_ids=ids), ME, policy).keys() == {"sg-2", "sg-3"}
    assert len(cache) == 2


def test_a_remembered_group_takes_at_most_600_bytes() -> None:
    """The cache is bounded in bytes as well."""
    assert bytes_for_each_group() <= MOST_BYTES_FOR_A_GROUP == 600


@pytest.mark.parametrize(("maxsize", "error"), [(0, ValueError), (True, TypeError), (1.5, TypeError)])
def test_an_impossible_size_is_refused(maxsize: Any, error: type[Exception]) -> None:
    """The error comes when the cache is made, not later."""
    with pytest.raises(error, match="maxsize"):
        StatusCache(maxsize)


def test_threads_do_not_break_it() -> None:
    """An unlocked cachetools cache breaks for good under this load."""
    cache, policy = StatusCache(maxsize=8), GuardPolicy()
    errors: list[Exception] = []

    def work(seed: int) -> None:
        try:
            for number in range(2000):
                read = READ._replace(security_group_ids=(f"sg-{(number * seed) % 16}",))
                cache.remember(read, MYSELF, [FOUND._replace(security_group_id=read.security_group_ids[0])])
                cache.recall(read, ME, policy)
                if number % 100 == 0:
                    cache.forget(read.security_group_ids)
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            errors.append(error)

    threads = [Thread(target=work, args=(seed,)) for seed in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(cache) <= 8


def test_clients_of_one_process_share_what_they_know(ecs: FakeEcs, managed: str) -> None:
    """A new client for every call costs no further read."""
    for _ in range(5):
        refuse(Client(ecs.config()), managed)
    assert len(ecs.requests) == 1


def test_a_client_with_a_cache_of_its_own_shares_nothing(ecs: FakeEcs, managed: str) -> None:
    """``cache=`` gives a client a cache of its own."""
    refuse(Client(ecs.config()), managed)
    refuse(Client(ecs.config(), cache=StatusCache()), managed)
    assert len(ecs.requests) == 2


def test_a_group_that_appears_is_found_when_missing_ttl_is_over(ecs: FakeEcs, clock: Any) -> None:
    """The status "missing" lasts for missing_ttl only."""
    client = Client(ecs.config(), cache=StatusCache())
    request = models.DeleteSecurityGroupRequest(security_group_id="sg-later")
    with pytest.raises(ClientException):
        client.delete_security_group(request)
    ecs.create_security_group(security_group_id="sg-later", service_managed=True, service_id=SERVICE_ID)
    clock.return_value += 5
    refuse(client, "sg-later")


def test_forget_drops_what_it_names_or_everything(ecs: FakeEcs, client: Client, managed: str) -> None:
    """The next call asks ECS again for a forgotten group. No id means every group."""
    for forget, reads in (((), 2), (("sg-other",), 2), ((f" {managed.upper()} ",), 3)):
        client.guard.status(managed)
        client.guard.forget(*forget)
        client.guard.status(managed)
        assert len(ecs.reads) == reads


def test_an_endpoint_is_forgotten_by_every_cache_of_the_process() -> None:
    """An answer under way cannot bring the endpoint's groups back. Groups of other endpoints stay."""
    policy, elsewhere = GuardPolicy(), READ._replace(host="other")
    caches = SHARED, StatusCache(), StatusCache()
    asked_at = Clock.now()
    for cache in caches:
        cache.remember(READ, MYSELF, [FOUND])
        cache.remember(elsewhere, MYSELF, [FOUND])
    forget_endpoint("host")
    for cache in caches:
        assert not cache.recall(READ, ME, policy)
        assert cache.recall(elsewhere, ME, policy)
        cache.remember(READ, MYSELF, [FOUND], asked_at=asked_at)
        assert not cache.recall(READ, ME, policy)
    forget_endpoint("other")


def test_the_memory_does_not_keep_the_credentials_of_clients_that_are_gone(ecs: FakeEcs) -> None:
    """The cache keeps no credentials, even for a missing group."""
    client = Client(ecs.config())
    with pytest.raises(ClientException):
        client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id="sg-none"))
    credential = weakref.ref(client._credential)
    del client
    gc.collect()
    assert credential() is None


def test_a_signal_handler_that_uses_the_memory_does_not_hang(managed: str) -> None:
    """The handler may interrupt a change by its own thread."""
    cache, policy, credential = StatusCache(), GuardPolicy(), GuardPolicy
    principal = Principal(credential, ())
    read = Read("host", "cn-hangzhou", (managed,))
    status = GroupStatus(managed, True, True, 7, "cn-hangzhou")  # noqa: FBT003 - fields
    rounds = 0

    def use(*_: object) -> None:
        nonlocal rounds
        rounds += 1
        cache.remember(read, principal, [status])
        cache.forget(["sg-other"])
        assert all(known.service_managed for known in cache.recall(read, credential, policy).values())
        signal.setitimer(signal.ITIMER_REAL, 0.0002)

    before = signal.signal(signal.SIGALRM, use)
    signal.setitimer(signal.ITIMER_REAL, 0.0002)
    try:
        while rounds < 200:
            cache.remember(read, principal, [status])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    cache.remember(read, principal, [status])
    assert cache.recall(read, credential, policy)[managed].service_managed
    assert len(cache) == 1
