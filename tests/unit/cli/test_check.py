"""``check`` prints the guard's decision, and gives it as an exit code too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_ecs.testing import CannedAnswer
from tests.support.command_line import REGION, run

if TYPE_CHECKING:
    import subprocess

    from safe_ecs.testing import FakeEcs


def check(ecs: FakeEcs, action: str, *groups: str) -> subprocess.CompletedProcess[str]:
    named = [part for group in groups for part in ("--security-group-id", group)]
    return run("check", action, *named, *REGION, "--endpoint-url", f"http://{ecs.endpoint}")


def test_check_of_an_ordinary_group_exits_with_0(ecs: FakeEcs, ordinary: str) -> None:
    done = check(ecs, "DeleteSecurityGroup", ordinary, "sg-none")
    assert done.returncode == 0
    assert done.stdout.startswith("allowed: ")
    assert f"  {ordinary} is not managed.\n  sg-none was not found in cn-hangzhou.\n" in done.stdout
    assert not ecs.writes


def test_check_of_a_managed_group_exits_with_1(ecs: FakeEcs, ordinary: str, managed: str) -> None:
    done = check(ecs, "DeleteSecurityGroup", ordinary, managed)
    assert done.returncode == 1
    assert done.stdout.startswith("denied: DeleteSecurityGroup is refused: a cloud service manages ")
    assert f"  A cloud service manages {managed} (serviceID 1679259531804325).\n" in done.stdout
    assert not ecs.writes


def test_check_of_what_cannot_be_determined_exits_with_2(ecs: FakeEcs, ordinary: str) -> None:
    answer = CannedAnswer(status=403, body=b'{"Code": "Forbidden.RAM", "Message": "", "RequestId": ""}')
    ecs.answer_with("DescribeSecurityGroups", answer)
    done = check(ecs, "DeleteSecurityGroup", ordinary)
    assert done.returncode == 2
    assert "Grant the RAM action ecs:DescribeSecurityGroups" in done.stdout


def test_check_of_an_operation_outside_the_table_exits_with_0(ecs: FakeEcs, managed: str) -> None:
    done = check(ecs, "DescribeInstances", managed)
    assert done.returncode == 0
    assert done.stdout.startswith("not_guarded: ")
    assert not ecs.requests


def test_check_takes_other_parameters(ecs: FakeEcs, managed: str) -> None:
    """A parameter may be a launch template that names the groups."""
    template = ecs.create_launch_template(managed)
    done = run(
        "check",
        "RunInstances",
        "--parameter",
        f"LaunchTemplateId={template}",
        *REGION,
        "--endpoint-url",
        f"http://{ecs.endpoint}",
    )
    assert done.returncode == 1
    assert f"  A cloud service manages {managed} " in done.stdout
