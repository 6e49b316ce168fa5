"""``permissions``: the operations that can name a security group, guarded or not, with reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safe_ecs._core.operations import OPERATIONS
from safe_ecs.cli._terminal import add_form_arguments, write_rows

if TYPE_CHECKING:
    import argparse

    from safe_ecs.cli._terminal import Commands


def add_permissions(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "permissions",
        help="list the operations that can name a security group, with the permissions on a managed one",
        description="Lists every ECS operation that can name a security group: whether an account, and the cloud "
        "service that owns the group, may perform it on a managed one, and whether safe_ecs guards it. Sends no request.",
        epilog="Example: %(prog)s --csv",
    )
    add_form_arguments(parser)
    parser.set_defaults(run=_run)


def _run(namespace: argparse.Namespace) -> int:
    rows = [
        (
            operation.action,
            operation.account_allowed,
            operation.service_allowed,
            operation.guarded,
            f"{operation.summary} {operation.not_guarded_because}".rstrip(),
        )
        for operation in OPERATIONS.values()
    ]
    write_rows(("action", "account", "service", "guarded", "summary"), rows, namespace.form)
    return 0
