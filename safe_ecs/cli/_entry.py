"""The entry point of the command line: it runs a command, or names the missing extra."""

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
        """Name the missing extra."""
        del arguments
        sys.stderr.write("The command line needs the extra cli: pip install 'safe-ecs[cli]'\n")
        return _NOT_INSTALLED


_NOT_INSTALLED: Final = 3
_BROKEN_PIPE: Final = 141  # the exit code in a shell for a program that SIGPIPE ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Args:
        arguments: The arguments after the program's name; None for the arguments of the process.
    """
    try:
        exit_code = run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would flush the rest at exit, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    return exit_code
