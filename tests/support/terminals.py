"""A terminal that a command runs in, and the text left on it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support.command_line import environment

if TYPE_CHECKING:
    from pathlib import Path


def in_terminal(*arguments: str, columns: int = 120, cwd: Path | None = None) -> str:
    """Run a command in a pseudo-terminal and return its whole output, colours and progress included."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "safe_ecs", *arguments],
        stdout=theirs,
        stderr=theirs,
        cwd=cwd,
        env=environment() | {"TERM": "xterm", "COLUMNS": str(columns)},
    )
    os.close(theirs)
    output = b""
    while part := _read(ours):
        output += part
    os.close(ours)
    assert process.wait(60) == 0
    return output.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux raises it when the other end is closed.
        return b""


def text_of(output: str) -> str:
    """Return the lines that remain on the terminal: no progress, no colours, no blanks at line ends."""
    output = re.sub(r"[^\n]*\n(\x1b\[\?25h)?\r?\x1b\[1A\x1b\[2K", "", output)  # The lines overwritten later.
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output).split("\n")
    return "\n".join(line.rpartition("\r")[2].rstrip() for line in lines).strip("\n")
