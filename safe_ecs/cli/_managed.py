"""``managed``: the managed groups of one region, of several, or of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alibabacloud_ecs20140526 import models
from alibabacloud_ecs20140526.client import Client as StockClient

from safe_ecs._lookup.sending.classify import failure_of
from safe_ecs.cache._status_cache import StatusCache
from safe_ecs.cli._account import CREDENTIALS, add_endpoint_argument, config_for
from safe_ecs.cli._terminal import add_form_arguments, progress, write_error, write_rows
from safe_ecs.client import Client
from safe_ecs.errors import StatusUnavailableError

if TYPE_CHECKING:
    import argparse

    from safe_ecs.cli._terminal import Commands

# Every region answers DescribeRegions. This one has the default endpoint of the SDK.
_ANY_REGION: Final = "cn-hangzhou"
_UNAVAILABLE: Final = 2


def add_managed(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "managed",
        help="list the security groups that cloud services manage",
        description="Lists the managed security groups of regions, 100 with each read. Needs the RAM action "
        f"ecs:DescribeSecurityGroups, and with --all-regions ecs:DescribeRegions. {CREDENTIALS}",
        epilog="Exit codes: 0 all were listed, 2 a region could not be read (the others are listed), 3 wrong usage. "
        "Example: %(prog)s --region-id cn-hangzhou cn-beijing --json",
    )
    regions = parser.add_mutually_exclusive_group(required=True)
    regions.add_argument(
        "--region-id", action="extend", nargs="+", metavar="REGION", help="a region; several may be given"
    )
    regions.add_argument("--all-regions", action="store_true", help="every region that the account sees")
    add_endpoint_argument(parser)
    add_form_arguments(parser)
    parser.set_defaults(run=_run)


def _run(namespace: argparse.Namespace) -> int:
    region_ids = namespace.region_id or _all_regions(namespace)
    if region_ids is None:
        return _UNAVAILABLE
    region_ids = list(dict.fromkeys(region_ids))
    rows: list[tuple[object, ...]] = []
    exit_code = 0
    with progress(len(region_ids)) as show:
        for number, region_id in enumerate(region_ids):
            show(region_id, number, len(rows))
            try:
                for group in Client(
                    config_for(namespace, region_id), cache=StatusCache()
                ).guard.managed_groups():
                    rows.append((group.region_id, group.security_group_id, group.service_id))
                    show(region_id, number, len(rows))
            except StatusUnavailableError as error:
                exit_code = _UNAVAILABLE
                write_error(f"{region_id}: {error.data['Message']}")
    write_rows(("region_id", "security_group_id", "service_id"), rows, namespace.form)
    return exit_code


def _all_regions(namespace: argparse.Namespace) -> list[str] | None:
    """Return every region; None, after an error message, if ECS gives no answer."""
    try:
        answer = StockClient(config_for(namespace, _ANY_REGION)).describe_regions(
            models.DescribeRegionsRequest()
        )
        return [str(region.region_id) for region in answer.body.regions.region]
    except ValueError:
        raise
    except Exception as error:  # noqa: BLE001 - after any failure the regions are unknown
        failure = failure_of(error, "DescribeRegions")
        write_error(f"{failure.reason}. {failure.next_step}")
        return None
