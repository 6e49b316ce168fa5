"""``check``: what the guard would say of a call."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from alibabacloud_credentials.client import Client as CredentialClient
from alibabacloud_tea_openapi.utils_models import Config

from safe_ecs.client import Client

if TYPE_CHECKING:
    import argparse

    from safe_ecs.core.decision import Decision

_EXIT_CODES: Final = {"allowed": 0, "not_guarded": 0, "denied": 1, "unavailable": 2}


def add_check(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Add the command to the parser."""
    parser = commands.add_parser(
        "check",
        help="say whether a call would be refused, without making it",
        description="Says whether ECS would refuse a call because a security group is managed. Only reads. "
        "Credentials come from the SDK's default chain (environment, profile, RAM role, ...).",
        epilog="Exit codes: 0 allowed, 1 denied, 2 cannot be determined, 3 wrong usage. "
        "Example: %(prog)s DeleteSecurityGroup --security-group-id sg-bp1 --region-id cn-hangzhou",
    )
    parser.add_argument("action", metavar="ACTION", help="an ECS operation, e.g. JoinSecurityGroup")
    parser.add_argument(
        "--security-group-id", action="append", required=True, metavar="ID", help="a target; may be repeated"
    )
    parser.add_argument("--region-id", required=True, metavar="REGION", help="the region of the groups")
    parser.add_argument("--endpoint-url", metavar="URL", help="another ECS, e.g. http://127.0.0.1:8080")
    parser.set_defaults(run=_run)


def _run(namespace: argparse.Namespace) -> int:
    # Without credentials the SDK logs the traceback of every provider it tried.
    logging.getLogger("alibabacloud_credentials").setLevel(logging.CRITICAL)
    config = Config(credential=CredentialClient(), region_id=namespace.region_id)
    if namespace.endpoint_url:
        url = urlsplit(namespace.endpoint_url)
        if url.scheme not in ("http", "https") or not url.netloc:
            raise ValueError(
                f"--endpoint-url must begin with http:// or https://: {namespace.endpoint_url!r}"
            )
        config.endpoint, config.protocol = url.netloc, url.scheme.upper()
    parameters = {"RegionId": namespace.region_id, "SecurityGroupId": namespace.security_group_id}
    decision = Client(config).guard.check(namespace.action, parameters)
    _print(decision)
    return _EXIT_CODES[decision.outcome]


def _print(decision: Decision) -> None:
    print(f"{decision.outcome}: {decision.reason}")
    for group in decision.groups:
        if not group.exists:
            print(f"  {group.security_group_id}: not found in {group.region_id}")
        elif group.service_managed:
            print(f"  {group.security_group_id}: managed by serviceID {group.service_id}")
        else:
            print(f"  {group.security_group_id}: not managed")
    for undetermined in decision.undetermined:
        print(f"  {undetermined.security_group_id}: unknown. {undetermined.next_step}")
