"""Whole regions are warmed up and listed, and no page is read before it is wanted."""

from __future__ import annotations

import asyncio
import json
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from safe_ecs import Client, GuardPolicy, StatusCache, StatusUnavailableError
from safe_ecs.testing import CannedAnswer
from tests.conftest import SERVICE_ID

if TYPE_CHECKING:
    from safe_ecs.testing import FakeEcs


DESCRIBE = "DescribeSecurityGroups"


FORMS = ("sync", "async")


def warm(client: Client, form: str, **options: Any) -> int:
    return client.guard.warm(**options) if form == "sync" else asyncio.run(client.guard.warm_async(**options))


def managed_groups(client: Client, form: str, **options: Any) -> list[Any]:
    async def collect() -> list[Any]:
        return [group async for group in client.guard.managed_groups_async(**options)]

    return list(client.guard.managed_groups(**options)) if form == "sync" else asyncio.run(collect())


@pytest.fixture
def groups(ecs: FakeEcs) -> list[str]:
    for _ in range(5):
        ecs.create_security_group(region_id="cn-beijing", service_managed=True)
    return [
        ecs.create_security_group(service_managed=not number % 3, service_id=SERVICE_ID)
        for number in range(450)
    ]


@pytest.mark.parametrize("form", FORMS)
def test_after_warming_up_calls_read_nothing(
    ecs: FakeEcs, client: Client, groups: list[str], form: str
) -> None:
    """One read warms up a hundred groups."""
    assert warm(client, form) == 450
    assert len(ecs.reads) == 5
    known = client.guard.status(*groups)
    assert [known[group].service_managed for group in groups] == [not number % 3 for number in range(450)]
    assert {status.source for status in known.values()} == {"warm"}
    assert len(ecs.reads) == 5
    assert warm(client, form, region_id="cn-beijing") == 5
    assert warm(client, form, region_id="cn-shanghai") == 0


@pytest.mark.parametrize("form", FORMS)
def test_managed_groups_are_listed_with_the_filter_of_ecs(
    ecs: FakeEcs, client: Client, groups: list[str], form: str
) -> None:
    """The listed groups are cached."""
    listed = managed_groups(client, form)
    assert [group.security_group_id for group in listed] == groups[::3]
    assert {(group.service_managed, group.service_id) for group in listed} == {(True, SERVICE_ID)}
    assert [read.parameters["ServiceManaged"] for read in ecs.reads] == ["true", "true"]
    client.guard.status(*groups[::3])
    assert len(ecs.reads) == 2
    assert len(managed_groups(client, form, region_id="cn-beijing")) == 5


@pytest.mark.parametrize("form", FORMS)
async def test_a_page_is_read_when_it_is_wanted(
    ecs: FakeEcs, client: Client, groups: list[str], form: str
) -> None:
    listing, listing_async = client.guard.managed_groups(), client.guard.managed_groups_async()
    assert not ecs.reads
    for wanted, reads in ((1, 1), (99, 1), (1, 2)):
        if form == "sync":
            assert len(list(islice(listing, wanted))) == wanted
        else:
            assert len([await anext(listing_async) for _ in range(wanted)]) == wanted
        assert len(ecs.reads) == reads


@pytest.mark.parametrize("form", FORMS)
def test_a_passing_failure_is_tried_again_and_a_lasting_one_is_an_error(
    ecs: FakeEcs, client: Client, groups: list[str], form: str
) -> None:
    """The pages before the failure are cached."""
    ecs.answer_with(DESCRIBE, CannedAnswer(status=503, body=b'{"Code": "ServiceUnavailable"}'))
    assert warm(client, form) == 450
    assert len(ecs.reads) == 6
    ecs.answer_with(DESCRIBE, CannedAnswer(status=403, body=b'{"Code": "Forbidden.RAM"}'))
    client = Client(ecs.config(), cache=StatusCache())
    with pytest.raises(StatusUnavailableError) as unavailable:
        warm(client, form)
    assert unavailable.value.data["Message"] == (
        "Which security groups are managed cannot be determined: DescribeSecurityGroups answered 403 Forbidden.RAM. "
        "Grant the RAM action ecs:DescribeSecurityGroups to these credentials."
    )
    assert client.guard.stats.lookups == 1


@pytest.mark.parametrize("form", FORMS)
def test_a_page_that_does_not_come_ends_with_lookup_timeout(ecs: FakeEcs, form: str) -> None:
    ecs.latency = 2
    client = Client(ecs.config(), cache=StatusCache(), policy=GuardPolicy(lookup_timeout=0.3))
    with pytest.raises(StatusUnavailableError, match="no answer within lookup_timeout"):
        managed_groups(client, form)


def page(*groups: Any, token: Any = "") -> CannedAnswer:
    body = {"SecurityGroups": {"SecurityGroup": list(groups)}, "NextToken": token}
    return CannedAnswer(body=json.dumps(body).encode())


@pytest.mark.parametrize("form", FORMS)
def test_paging_without_an_end_ends(ecs: FakeEcs, client: Client, form: str) -> None:
    """The pages repeat one token, or bring new tokens for ever."""
    ecs.answer_always(DESCRIBE, page({"SecurityGroupId": "sg-1", "ServiceManaged": True}, token="t"))
    with pytest.raises(StatusUnavailableError, match="without an end"):
        managed_groups(client, form)
    assert len(ecs.reads) == 2
    ecs.answer_with(DESCRIBE, *(page(token=f"t{number}") for number in range(20)))
    with pytest.raises(StatusUnavailableError, match="without an end"):
        warm(client, form)
    assert len(ecs.reads) == 2 + 11


@pytest.mark.parametrize("form", FORMS)
def test_a_group_whose_flag_cannot_be_read_is_not_left_out_of_the_managed_ones(
    ecs: FakeEcs, client: Client, form: str
) -> None:
    """Leaving the group out would call it unmanaged. ``warm`` skips it."""
    odd = {"SecurityGroupId": "sg-1", "ServiceManaged": "true"}
    fine = {"SecurityGroupId": "sg-2", "ServiceManaged": False}
    ecs.answer_always(DESCRIBE, page(odd, fine))
    with pytest.raises(StatusUnavailableError, match="of the type str"):
        managed_groups(client, form)
    assert warm(client, form) == 1
    ecs.answer_always(DESCRIBE, page(fine))
    assert managed_groups(client, form) == []


@pytest.mark.parametrize("form", FORMS)
def test_a_region_must_be_known(ecs: FakeEcs, form: str) -> None:
    client = Client(ecs.config(region_id=None), cache=StatusCache())
    with pytest.raises(ValueError, match="Config"):
        warm(client, form)
    with pytest.raises(ValueError, match="Config"):
        managed_groups(client, form)
