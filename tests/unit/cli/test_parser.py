"""The parser reads the command line, and names missing arguments."""

from __future__ import annotations

import re

import pytest

from tests.support.command_line import REGION, run


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


@pytest.mark.parametrize("command", ["demo", "permissions", "check", "managed", "explain"])
def test_every_command_has_a_help_with_an_example(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert re.search(rf"Example: python -m safe_ecs {command}\b", done.stdout)
