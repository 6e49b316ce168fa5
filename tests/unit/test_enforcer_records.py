"""Each call is counted once, and told to the observers once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException

from safe_ecs import (
    Client,
    GuardError,
    ManagedSecurityGroupError,
    StatusCache,
)
from tests.support.observers import REACH, RecordingObserver
from tests.support.sdk import models
from tests.support.transports import DELETE, call

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


FORMS = ("sync", "async")
DESCRIBE = "DescribeSecurityGroups"


def _delete(client: Client, security_group_id: str, form: str) -> None:
    call(client, DELETE, models.DeleteSecurityGroupRequest(security_group_id=security_group_id), form)


def _modify(client: Client, security_group_id: str, form: str) -> None:
    request = models.ModifySecurityGroupAttributeRequest(
        security_group_id=security_group_id, description="mine"
    )
    call(client, "ModifySecurityGroupAttribute", request, form)


@pytest.mark.parametrize("form", FORMS)
def test_a_call_on_a_remembered_ordinary_group_is_counted_with_its_hit(
    client: Client, ordinary: str, form: str
) -> None:
    """The fast path counts as the review does."""
    _modify(client, ordinary, form)
    _modify(client, ordinary, form)
    stats = client.guard.stats
    assert (stats.calls, stats.hits, stats.refusals, stats.bypasses, stats.lookups) == (2, 1, 0, 0, 1)


@pytest.mark.parametrize("form", FORMS)
def test_a_call_that_is_not_guarded_is_neither_counted_nor_recorded(
    ecs: FakeEcs, ordinary: str, form: str
) -> None:
    """The guard reads a listing to learn from it, and decides nothing."""
    observer = RecordingObserver()
    client = Client(ecs.config(), cache=StatusCache(), observers=[observer])
    call(client, DESCRIBE, models.DescribeSecurityGroupsRequest(region_id="cn-hangzhou"), form)
    assert client.guard.status(ordinary)[ordinary].source == "learned"
    assert client.guard.stats.calls == 0
    assert observer.decisions == []


@pytest.mark.parametrize("form", FORMS)
def test_a_refusal_from_the_cache_is_counted_with_its_hit(client: Client, managed: str, form: str) -> None:
    """Neither a refusal from ECS nor one from memory is a call that went through."""
    for _ in range(2):
        with pytest.raises(ManagedSecurityGroupError):
            _delete(client, managed, form)
    stats = client.guard.stats
    assert (stats.calls, stats.hits, stats.refusals, stats.bypasses, stats.lookups) == (2, 1, 2, 0, 1)


@pytest.mark.parametrize("form", FORMS)
def test_a_bypassed_call_is_counted_once_and_not_as_a_refusal(
    client: Client, managed: str, form: str
) -> None:
    """A bypass lets the call through to ECS."""
    with client.guard.bypass(reason="ticket 7"), pytest.raises(ClientException) as error:
        _delete(client, managed, form)
    assert not isinstance(error.value, GuardError)
    stats = client.guard.stats
    assert (stats.calls, stats.refusals, stats.bypasses) == (1, 0, 1)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("outcome", ["allowed", "denied", "would_deny", "bypassed", "unavailable"])
def test_an_observer_hears_of_a_call_once_with_the_reads_made_for_it(
    ecs: FakeEcs, outcome: Any, form: str
) -> None:
    """The record says how many Describe requests the decision took."""
    observer = RecordingObserver()
    REACH[outcome](ecs, [observer], form)
    [record] = observer.decisions
    assert (record.outcome, record.reads) == (outcome, 1)


@pytest.mark.parametrize("form", FORMS)
def test_an_observer_hears_of_a_remembered_ordinary_group_as_well(
    ecs: FakeEcs, ordinary: str, form: str
) -> None:
    """The fast path is for clients without observers."""
    observer = RecordingObserver()
    client = Client(ecs.config(), cache=StatusCache(), observers=[observer])
    _modify(client, ordinary, form)
    _modify(client, ordinary, form)
    assert [(record.outcome, record.reads) for record in observer.decisions] == [
        ("allowed", 1),
        ("allowed", 0),
    ]


@pytest.mark.parametrize("form", FORMS)
def test_a_refusal_bears_the_id_of_its_record(ecs: FakeEcs, managed: str, form: str) -> None:
    """The id leads from an error in a log to the record."""
    observer = RecordingObserver()
    client = Client(ecs.config(), cache=StatusCache(), observers=[observer])
    with pytest.raises(ManagedSecurityGroupError) as error:
        _delete(client, managed, form)
    [record] = observer.decisions
    assert error.value.request_id == record.decision_id
    assert error.value.decision.groups[0].security_group_id == managed
    assert 0 < record.decide_microseconds < 60_000_000


def test_a_refusal_that_nobody_hears_of_has_an_id_all_the_same(
    client: Client, managed: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A caller may print the id even where neither an observer nor a log keeps a record."""
    caplog.set_level(logging.CRITICAL, "safe_ecs")
    with pytest.raises(ManagedSecurityGroupError) as error:
        _delete(client, managed, "sync")
    assert len(error.value.request_id) == len("00000000-0000-0000-0000-000000000000")
