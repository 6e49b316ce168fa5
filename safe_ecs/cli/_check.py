"""``check``: the guard's decision on a call, without the call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from safe_ecs.cli._account import CREDENTIALS, add_endpoint_argument, config_for
from safe_ecs.client import Client

if TYPE_CHECKING:
    import argparse

    from safe_ecs._core.decision import Decision
    from safe_ecs.cli._terminal import Commands

_NAME_A_TARGET: Final = "name a target, with --security-group-id or --parameter"
_EXIT_CODES: Final = {"allowed": 0, "not_guarded": 0, "denied": 1, "unavailable": 2}


def add_check(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "check",
        help="say whether a call would be refused, without making it",
        description="Says whether ECS would refuse a call because a security group is managed. Changes nothing. "
        f"{CREDENTIALS}",
        epilog="Exit codes: 0 allowed, 1 denied, 2 cannot be determined, 3 wrong usage. "
        "Example: %(prog)s DeleteSecurityGroup --security-group-id sg-bp1 --region-id cn-hangzhou",
    )
    parser.add_argument("action", metavar="ACTION", help="an ECS operation, e.g. JoinSecurityGroup")
    parser.add_argument(
        "--security-group-id", action="append", default=[], metavar="ID", help="a target; may be repeated"
    )
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another parameter of the call, e.g. LaunchTemplateId=lt-bp1; may be repeated",
    )
    parser.add_argument("--region-id", required=True, metavar="REGION", help="the region of the groups")
    add_endpoint_argument(parser)
    parser.set_defaults(run=_run)


def _run(namespace: argparse.Namespace) -> int:
    if not (namespace.security_group_id or namespace.parameter):
        raise ValueError(_NAME_A_TARGET)
    if not all(map(str.strip, namespace.security_group_id)):
        raise ValueError("--security-group-id must not be blank")
    parameters: dict[str, object] = {"RegionId": namespace.region_id}
    if namespace.security_group_id:
        parameters["SecurityGroupId"] = namespace.security_group_id
    for parameter in namespace.parameter:
        name, equals, value = parameter.partition("=")
        if not (name and equals):
            raise ValueError(f"--parameter must be NAME=VALUE, not {parameter!r}")
        parameters[name] = value
    client = Client(config_for(namespace, namespace.region_id))
    decision = client.guard.check(namespace.action, parameters)
    if decision.outcome == "allowed" and not decision.groups:
        # Most often a mistyped parameter: the user would take "allowed" for an answer on the group.
        raise ValueError(f"{decision.action} names no security group: {_NAME_A_TARGET}")
    _print(decision)
    return _EXIT_CODES[decision.outcome]


def _print(decision: Decision) -> None:
    print(f"{decision.outcome}: {decision.reason}")
    for group in decision.groups:
        print(f"  {group.reason}")
    for undetermined in decision.undetermined:
        print(f"  {undetermined.security_group_id or 'The targets'}: unknown. {undetermined.next_step}")
