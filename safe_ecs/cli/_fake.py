"""``fake``: a FakeEcs as a server, for programs in any language."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from safe_ecs.testing._contents import DEFAULT_REGION_ID
from safe_ecs.testing._fake import FakeEcs

if TYPE_CHECKING:
    import argparse

    from safe_ecs.cli._terminal import Commands

_STOP: Final = (signal.SIGINT, signal.SIGTERM)
_MANAGED: Final = re.compile(r"(sg-[a-z0-9][a-z0-9-]*)=(\d+):([\w.-]+)(?:@([\w-]+))?")
_USAGE: Final = """\
FakeEcs answers at http://{endpoint}, with the API of ECS 2014-05-26. Sign with one of these keys:
{keys}
For the SDK for Python:
  Config(access_key_id="{key}", access_key_secret="{secret}",
         endpoint="{endpoint}", protocol="HTTP", region_id="{region_id}",
         http_proxy="http://{endpoint}")  # its own proxy: the SDK asks that of HTTP_PROXY even for this machine
Stop it with Ctrl+C or SIGTERM."""


class _Managed(NamedTuple):
    security_group_id: str
    service_id: int
    product: str
    region_id: str


def add_fake(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "fake",
        help="serve an ECS to test against, for programs in any language",
        description="Serves a FakeEcs on this machine until it is stopped: security groups with their rules, and "
        "the instances, network interfaces and launch templates around them.",
        epilog="Example: %(prog)s --port 8080 --managed sg-nat=1679259531804325:natgw --state ecs.json",
    )
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="default: %(default)s")
    parser.add_argument("--port", type=int, default=0, help="default: a free one, which is printed")
    parser.add_argument(
        "--managed",
        action="append",
        default=[],
        metavar="ID=SERVICE:PRODUCT[@REGION]",
        help=f"a managed group, in {DEFAULT_REGION_ID} unless a region is named; may be repeated",
    )
    parser.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help="a JSON file, loaded at the start if it exists, and saved at the end",
    )
    parser.add_argument(
        "--no-signatures",
        action="store_true",
        help="accept requests with any signature or none, and believe the access key id in them",
    )
    parser.set_defaults(run=_run)


def _run(namespace: argparse.Namespace) -> int:
    managed = [_parse(text) for text in namespace.managed]
    # sigwait takes these signals below: none interrupts the writing of an answer or of the state.
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP)
    try:
        ecs = FakeEcs(
            port=namespace.port,
            host=namespace.host,
            check_signatures=not namespace.no_signatures,
            most_recorded=0,  # No other process can read the record.
        )
    except (OSError, OverflowError) as error:
        raise ValueError(f"cannot listen on {namespace.host}:{namespace.port}: {error}") from error
    with ecs:
        _prepare(ecs, managed, namespace.state)
        _print_usage(ecs)
        signal.sigwait(_STOP)
        if namespace.state:
            ecs.save(namespace.state)
            print(f"Saved the state to {namespace.state}.", flush=True)
    return 0


def _parse(text: str) -> _Managed:
    match = _MANAGED.fullmatch(text)
    if match is None:
        raise ValueError(f"--managed must look like sg-nat=1679259531804325:natgw: {text!r}")
    return _Managed(match[1], int(match[2]), match[3], match[4] or DEFAULT_REGION_ID)


def _prepare(ecs: FakeEcs, managed: list[_Managed], state: Path | None) -> None:
    if state is not None:
        if state.exists():
            ecs.load(state)
        elif not state.parent.is_dir():
            raise ValueError(f"--state names a file in a folder that does not exist: {state}")
    for each in managed:
        if ecs.has_security_group(each.security_group_id):
            continue  # The saved group has every change since.
        ecs.create_security_group(
            service_managed=True,
            service_id=each.service_id,
            product=each.product,
            region_id=each.region_id,
            security_group_id=each.security_group_id,
        )


def _print_usage(ecs: FakeEcs) -> None:
    keys = ecs.access_keys
    print(
        _USAGE.format(
            endpoint=ecs.endpoint,
            keys="\n".join(f"  {key.access_key_id} / {key.access_key_secret} ({key.caller})" for key in keys),
            key=keys[0].access_key_id,
            secret=keys[0].access_key_secret,
            region_id=DEFAULT_REGION_ID,
        ),
        flush=True,
    )
