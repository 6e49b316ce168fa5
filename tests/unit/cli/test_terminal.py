"""The output of the commands in a terminal and in a pipe."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from safe_ecs.observe import JsonLinesLog
from tests.support.observers import REACH
from tests.support.terminals import in_terminal, text_of

if TYPE_CHECKING:
    from pathlib import Path

    from safe_ecs.testing import FakeEcs


def test_a_terminal_gets_colours_a_bar_and_progress(ecs: FakeEcs, tmp_path: Path) -> None:
    """Ids are never cut, but folded at need."""
    group = ecs.create_security_group(service_managed=True, service_id=7)
    path = tmp_path / "log"
    REACH["denied"](ecs, [JsonLinesLog(path)], "sync")
    ecs.latency = 0.3
    named = ("--region-id", "cn-hangzhou", "--endpoint-url", f"http://{ecs.endpoint}")
    shown = in_terminal("managed", *named)
    assert "0 found" in shown
    assert group in shown
    assert "found" not in text_of(shown)
    assert "\x1b[31mdenied" in in_terminal("explain", str(path))
    _, _, folded = text_of(in_terminal("managed", *named, columns=30)).partition("──\n")
    first, *more = (line.split() for line in folded.splitlines())
    assert (first[1] + "".join(line[-1] for line in more)).startswith(group)


def test_a_reader_that_goes_away_is_no_error() -> None:
    """``head``, for example, closes the pipe early."""
    process = subprocess.Popen(
        [sys.executable, "-m", "safe_ecs", "permissions"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait(60) == 141
