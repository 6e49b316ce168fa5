"""Where the command line begins: it runs, or says what to install."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

try:
    from safe_ecs.cli._parser import main as run
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "rich":
        raise

    def run(arguments: Sequence[str] | None = None) -> int:
        """Say what to install."""
        del arguments
        sys.stderr.write("The command line needs the extra cli: pip install 'safe-ecs[cli]'\n")
        return _NOT_INSTALLED


_NOT_INSTALLED: Final = 3
_NOBODY_READS: Final = 141  # as a shell has it for a program that SIGPIPE ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Args:
        arguments: What follows the program's name; that of the process if None.
    """
    try:
        exit_code = run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would write the rest at its end, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOBODY_READS
    return exit_code
