"""The parser of the command line. It also runs the command."""

from __future__ import annotations

import argparse
import sys
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from safe_ecs.cli._check import add_check
from safe_ecs.cli._demo import add_demo
from safe_ecs.cli._explain import add_explain
from safe_ecs.cli._fake import add_fake
from safe_ecs.cli._managed import add_managed
from safe_ecs.cli._permissions import add_permissions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

WRONG_USAGE: Final = 3


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(WRONG_USAGE, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Args:
        arguments: The arguments after the program's name; None for the arguments of the process.
    """
    called = PurePath(sys.argv[0]).stem
    parser = _Parser(
        prog=called if called == "safe-ecs" else "python -m safe_ecs",
        description="A guard for managed security groups.",
        epilog="Example: %(prog)s demo. Each command has a --help of its own.",
    )
    commands = parser.add_subparsers(required=True, dest="command", metavar="COMMAND", parser_class=_Parser)
    add_demo(commands)
    add_permissions(commands)
    add_check(commands)
    add_managed(commands)
    add_explain(commands)
    add_fake(commands)
    namespace = parser.parse_args(arguments)
    try:
        exit_code: int = namespace.run(namespace)
    except ValueError as error:
        commands.choices[namespace.command].error(str(error))
    return exit_code
