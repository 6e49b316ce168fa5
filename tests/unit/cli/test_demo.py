"""The demo shows every guarded operation, and fails where one is not as it must be."""

from __future__ import annotations

import subprocess
import sys

from tests.support.command_line import run


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
