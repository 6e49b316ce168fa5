"""``managed`` lists the managed groups of regions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from safe_ecs.testing import CannedAnswer
from tests.support.command_line import rows_of, run

if TYPE_CHECKING:
    import subprocess

    from safe_ecs.testing import FakeEcs


def managed(ecs: FakeEcs, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run("managed", *arguments, "--endpoint-url", f"http://{ecs.endpoint}")


def regions(*region_ids: str) -> CannedAnswer:
    body = {"RequestId": "R", "Regions": {"Region": [{"RegionId": region_id} for region_id in region_ids]}}
    return CannedAnswer(body=json.dumps(body).encode())


def test_managed_lists_the_managed_groups_of_a_region(ecs: FakeEcs, ordinary: str) -> None:
    """The command lists more than a page, with whole ids and no other group. A pipe gets no colour and no progress."""
    ids = {ecs.create_security_group(service_managed=True, service_id=7) for _ in range(120)}
    done = managed(ecs, "--region-id", "cn-hangzhou")
    assert (done.returncode, done.stderr) == (0, "")
    head, *rows = rows_of(done.stdout)
    assert head == ["region_id", "security_group_id", "service_id"]
    assert {row[1] for row in rows} == ids
    assert {(row[0], row[2]) for row in rows} == {("cn-hangzhou", "7")}
    assert ordinary not in done.stdout
    assert "\x1b" not in done.stdout
    assert len(ecs.reads) == 2


@pytest.mark.parametrize(
    "named", [["--region-id", "cn-beijing", "cn-hangzhou", "cn-beijing"], ["--all-regions"]], ids=str
)
def test_managed_lists_several_regions_or_all(ecs: FakeEcs, named: list[str]) -> None:
    """The command lists each region once, in the given order. A group without a known service has a null service id."""
    ecs.answer_always("DescribeRegions", regions("cn-beijing", "cn-hangzhou"))
    hangzhou = ecs.create_security_group(service_managed=True, service_id=7)
    beijing = ecs.create_security_group(service_managed=True, region_id="cn-beijing")
    done = managed(ecs, *named, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == [
        {"region_id": "cn-beijing", "security_group_id": beijing, "service_id": None},
        {"region_id": "cn-hangzhou", "security_group_id": hangzhou, "service_id": 7},
    ]
    done = managed(ecs, *named, "--csv")
    assert done.stdout == (
        f"region_id,security_group_id,service_id\ncn-beijing,{beijing},\ncn-hangzhou,{hangzhou},7\n"
    )


def test_a_region_that_cannot_be_read_does_not_hide_the_others(ecs: FakeEcs, managed_group: str) -> None:
    """The command names the failed region and the missing permission, and exits with 2."""
    body = b'{"Code": "Forbidden.RAM", "Message": "", "RequestId": ""}'
    ecs.answer_with("DescribeSecurityGroups", CannedAnswer(status=403, body=body))
    done = managed(ecs, "--region-id", "cn-beijing", "cn-hangzhou")
    assert done.returncode == 2
    assert done.stderr.startswith("cn-beijing: ")
    assert "Grant the RAM action ecs:DescribeSecurityGroups" in done.stderr
    assert managed_group in done.stdout


@pytest.fixture
def managed_group(managed: str) -> str:
    return managed


@pytest.mark.parametrize(
    "answer",
    [
        CannedAnswer(status=403, body=b'{"Code": "Forbidden.RAM", "Message": "", "RequestId": ""}'),
        CannedAnswer(body=b"{}"),
    ],
    ids=["no permission", "no answer"],
)
def test_regions_that_cannot_be_listed_are_no_empty_list(ecs: FakeEcs, answer: CannedAnswer) -> None:
    ecs.answer_always("DescribeRegions", answer)
    done = managed(ecs, "--all-regions", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("DescribeRegions ")
