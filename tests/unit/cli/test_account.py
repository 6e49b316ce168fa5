"""The commands ask with the credentials of the default chain."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support.command_line import REGION

if TYPE_CHECKING:
    from pathlib import Path

    from safe_ecs.testing import FakeEcs


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
