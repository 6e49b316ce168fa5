"""Where the command line begins: it runs, or says what to install."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

try:
    from safe_ecs.cli import main as commands
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "rich":
        raise
    commands = None  # type: ignore[assignment]  # mypy has a type for modules, and none for their lack

if TYPE_CHECKING:
    from collections.abc import Sequence

_NOT_INSTALLED: Final = 3
_NOBODY_READS: Final = 141  # as a shell has it for a program that SIGPIPE ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Args:
        arguments: What follows the program's name; that of the process if None.
    """
    if commands is None:
        sys.stderr.write("The command line needs the extra cli: pip install 'safe-ecs[cli]'\n")
        return _NOT_INSTALLED
    try:
        exit_code = commands.main(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would write the rest at its end, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOBODY_READS
    return exit_code
