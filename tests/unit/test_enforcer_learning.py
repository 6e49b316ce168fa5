"""The enforcer has the answers and refusals of ECS learned from."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.exceptions import ClientException

from safe_ecs import (
    Client,
    GuardError,
    GuardPolicy,
    StatusCache,
)
from safe_ecs._system.clock import Clock
from tests.conftest import SERVICE_ID
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
def test_a_listing_teaches_and_a_delete_forgets(
    ecs: FakeEcs, client: Client, ordinary: str, form: str
) -> None:
    """Both follow from the answer of ECS to the caller's own call."""
    call(client, DESCRIBE, models.DescribeSecurityGroupsRequest(region_id="cn-hangzhou"), form)
    assert client.guard.stats.learned == 1
    assert client.guard.status(ordinary)[ordinary].source == "learned"
    _delete(client, ordinary, form)
    assert not client.guard.status(ordinary)[ordinary].exists
    assert len(ecs.reads) == 2


@pytest.mark.parametrize("form", FORMS)
def test_the_answer_to_a_call_that_teaches_nothing_is_not_read(
    ecs: FakeEcs, client: Client, ordinary: str, form: str, mocker: Any
) -> None:
    """A change of a description says nothing of a status."""
    learned = mocker.spy(client._safe_ecs_enforcer._learner, "learn_answer")
    _modify(client, ordinary, form)
    assert len(ecs.writes) == 1
    assert learned.call_count == 0


@pytest.mark.parametrize("form", FORMS)
def test_a_refusal_of_ecs_is_learned_from_and_raised(ecs: FakeEcs, managed: str, form: str) -> None:
    """The caller gets the exception of the transport itself."""
    client = Client(ecs.config(), cache=StatusCache(), policy=GuardPolicy(mode="off"))
    with pytest.raises(ClientException) as error:
        _delete(client, managed, form)
    assert not isinstance(error.value, GuardError)
    assert client.guard.stats.learned == 1
    assert client.guard.status(managed)[managed].service_id == SERVICE_ID
    assert not ecs.reads


@pytest.mark.parametrize("form", FORMS)
def test_a_listing_is_learned_as_of_the_time_of_its_question(
    ecs: FakeEcs, client: Client, ordinary: str, form: str, mocker: Any
) -> None:
    """The answer may be older than a change made while it was on its way."""
    mocker.patch.object(Clock, "now", side_effect=count(1000.0))
    remembered = mocker.spy(client.guard._enforcer.cache, "remember")
    call(client, DESCRIBE, models.DescribeSecurityGroupsRequest(region_id="cn-hangzhou"), form)
    assert remembered.call_args.kwargs["asked_at"] == 1000.0
    assert client.guard.status(ordinary)[ordinary].source == "learned"


@pytest.mark.parametrize("form", FORMS)
def test_only_a_refresh_asks_again(ecs: FakeEcs, client: Client, ordinary: str, form: str) -> None:
    """A remembered status serves until then."""

    def status(*, refresh: bool) -> None:
        if form == "sync":
            client.guard.status(ordinary, refresh=refresh)
        else:
            asyncio.run(client.guard.status_async(ordinary, refresh=refresh))

    for refresh, reads in ((False, 1), (False, 1), (True, 2)):
        status(refresh=refresh)
        assert len(ecs.reads) == reads
