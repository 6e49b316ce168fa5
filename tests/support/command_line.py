"""The command line, as a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys

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


def rows_of(text: str) -> list[list[str]]:
    """Return the cells of a table in a pipe."""
    return [re.split(r"  +", line.strip()) for line in text.splitlines()]
