"""Each command works as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from safe_ecs.testing import CannedAnswer

if TYPE_CHECKING:
    from pathlib import Path

    from safe_ecs.testing import FakeEcs

REGION = ("--region-id", "cn-hangzhou")


def environment() -> dict[str, str]:
    """Return an environment with credentials for the SDK's default chain."""
    keys = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "key", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret"}
    return os.environ | keys


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "safe_ecs", *arguments],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
        timeout=120,
    )


def check(ecs: FakeEcs, action: str, *groups: str) -> subprocess.CompletedProcess[str]:
    named = [part for group in groups for part in ("--security-group-id", group)]
    return run("check", action, *named, *REGION, "--endpoint-url", f"http://{ecs.endpoint}")


def test_the_demo_shows_every_guarded_operation_twice_and_is_content() -> None:
    """The demo covers 17 operations, sync and async, and each row is as expected."""
    done = run("demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "34 of 34 rows are as expected." in done.stdout
    assert "WRONG" not in done.stdout
    assert not done.stderr


def test_the_demo_is_not_content_without_the_guard() -> None:
    """The demo can fail: here its guarded client is a stock client."""
    code = (
        "import alibabacloud_ecs20140526.client as stock, safe_ecs.cli._demo as demo;"
        "demo.Client = stock.Client;"
        "from safe_ecs.cli._parser import main; raise SystemExit(main(['demo']))"
    )
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    assert "0 of 34 rows are as expected." in done.stdout


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


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("check", "DeleteSecurityGroup", *REGION),
        ("check", "DeleteSecurityGroup", "--security-group-id", "sg-1"),
        ("check", "DeleteSecurityGroup", "--security-group-id", " ", *REGION),
        ("check", "DeleteSecurityGroup", "--parameter", "SecurityGroup=sg-1", *REGION),
        ("check", "RunInstances", "--parameter", "LaunchTemplateId", *REGION),
        ("managed",),
        ("managed", *REGION, "--all-regions"),
        ("managed", *REGION, "--json", "--csv"),
        ("managed", *REGION, "--endpoint-url", "1.2.3.4"),
        ("managed", "--all-regions", "--endpoint-url", "1.2.3.4"),
        ("explain",),
        ("explain", "/nowhere/decisions.jsonl"),
        ("check", "DeleteSecurtyGroup", "--security-group-id", "sg-1", *REGION),
        ("check", "DeleteSecurityGroup", "--security-group-id", "sg-1", *REGION, "--endpoint-url", "1.2.3.4"),
        ("unknown",),
        (),
    ],
    ids=lambda arguments: " ".join(arguments) or "nothing",
)
def test_wrong_usage_exits_with_3(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 3
    of_command = f" {arguments[0]}" if arguments and arguments[0] != "unknown" else ""
    assert done.stderr.startswith(f"usage: python -m safe_ecs{of_command} [-h]")
    assert not done.stdout


def test_without_credentials_the_command_line_says_so_in_a_few_words(ecs: FakeEcs, tmp_path: Path) -> None:
    """The SDK would log the traceback of every provider that it tried."""
    command = ("check", "DeleteSecurityGroup", "--security-group-id", "sg-1", *REGION)
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "safe_ecs", *command, "--endpoint-url", f"http://{ecs.endpoint}"],
        capture_output=True,
        text=True,
        env={
            "HOME": str(tmp_path),
            "PATH": os.environ["PATH"],
            "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        },
        check=False,
        timeout=120,
    )
    assert done.returncode == 2
    assert "Check that the client has credentials" in done.stdout
    assert not done.stderr
