"""``demo``: every guarded operation, with and without the guard, against a FakeEcs."""

from __future__ import annotations

import asyncio
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.exceptions import ClientException

from safe_ecs._core.operations import OPERATIONS
from safe_ecs.cli._terminal import write_rows
from safe_ecs.client import Client
from safe_ecs.errors import MANAGED_CODE, GuardError
from safe_ecs.testing import FakeEcs
from safe_ecs.testing._samples import SAMPLES, Target, make_target, method_name

if TYPE_CHECKING:
    import argparse

    from safe_ecs.cli._terminal import Commands

_Form: TypeAlias = Literal["sync", "async"]
_FORMS: Final[tuple[_Form, ...]] = ("sync", "async")
_TIMED_CALLS: Final = 5


class _Trial(NamedTuple):
    """The result of one call, and the number of its write requests on the wire."""

    result: str
    writes: int

    def __str__(self) -> str:
        return f"{self.result}, {self.writes}"


_AS_EXPECTED: Final = (
    _Trial("by ECS", 1),
    _Trial("locally", 0),
    _Trial("done", 1),
    _Trial("done", 1),
)
_COLUMNS: Final = (
    "\noperation",
    "\nform",
    "managed group\nstock",
    "\nguarded",
    "ordinary group\nstock",
    "\nguarded",
    "refusal, ms\nby ECS",
    "\nlocally",
    "",
)
_LEGEND: Final = """
stock, guarded: the client of the SDK, and that of safe_ecs.
by ECS, 1:      refused by ECS, after 1 write request on the wire. locally, 0: refused by safe_ecs, after none.
ms:             the quickest of a few refusals, over loopback, with the status of the group already looked up."""


def add_demo(commands: Commands) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "demo",
        help="show every guarded operation with and without the guard, on this machine",
        description="Starts a FakeEcs on this machine and sends every guarded operation to it, for a managed "
        "and for an ordinary security group, through the stock client and through the guarded one. "
        "Needs no account and no network. Exits with 0 if every row is as expected, else with 1.",
        epilog="Example: %(prog)s",
    )
    parser.set_defaults(run=_run)


def _run(_: argparse.Namespace) -> int:
    rows, remote, local, wrong = [], [], [], 0
    with FakeEcs() as ecs:
        for action in [name for name, operation in OPERATIONS.items() if operation.guarded]:
            for form in _FORMS:
                stock, guarded = StockClient(ecs.config()), Client(ecs.config())
                refused_remotely, remote_ms = _measure_refusal(ecs, stock, action, form)
                refused_locally, local_ms = _measure_refusal(ecs, guarded, action, form)
                trials = (
                    refused_remotely,
                    refused_locally,
                    _try(ecs, stock, action, form, _target(ecs, action, service_managed=False)),
                    _try(ecs, guarded, action, form, _target(ecs, action, service_managed=False)),
                )
                right = trials == _AS_EXPECTED
                wrong += not right
                remote.append(remote_ms)
                local.append(local_ms)
                times = f"{remote_ms:.2f}", f"{local_ms:.3f}"
                rows.append((action, form, *map(str, trials), *times, "" if right else "WRONG"))
    write_rows(_COLUMNS, rows)
    print(_LEGEND)
    print(f"A refusal took {median(remote):.2f} ms from ECS and {median(local):.3f} ms locally (median).")
    print(f"{len(rows) - wrong} of {len(rows)} rows are as expected.")
    return 1 if wrong else 0


def _target(ecs: FakeEcs, action: str, *, service_managed: bool) -> Target:
    return make_target(ecs, service_managed=service_managed, with_member=action != "DeleteSecurityGroup")


def _measure_refusal(ecs: FakeEcs, client: StockClient, action: str, form: _Form) -> tuple[_Trial, float]:
    """Try a call on a managed group. Return the trial, and the shortest time of a repetition in milliseconds."""
    target = _target(ecs, action, service_managed=True)
    trial = _try(ecs, client, action, form, target)
    request = SAMPLES[action](target)
    return trial, 1000 * min(_call(client, action, form, request)[1] for _ in range(_TIMED_CALLS))


def _try(ecs: FakeEcs, client: StockClient, action: str, form: _Form, target: Target) -> _Trial:
    before = len(ecs.writes)
    result, _ = _call(client, action, form, SAMPLES[action](target))
    return _Trial(result, len(ecs.writes) - before)


def _call(client: StockClient, action: str, form: _Form, request: object) -> tuple[str, float]:
    """Make a call. Return its result and its duration in seconds, without the start of the event loop."""

    async def call_async() -> tuple[str, float]:
        method = getattr(client, f"{method_name(action)}_async")
        start = perf_counter()
        try:
            await method(request)
        except ClientException as error:
            return _refusal(error), perf_counter() - start
        return "done", perf_counter() - start

    if form == "async":
        return asyncio.run(call_async())
    method = getattr(client, method_name(action))
    start = perf_counter()
    try:
        method(request)
    except ClientException as error:
        return _refusal(error), perf_counter() - start
    return "done", perf_counter() - start


def _refusal(error: ClientException) -> str:
    if error.code != MANAGED_CODE:
        return str(error.code)
    return "locally" if isinstance(error, GuardError) else "by ECS"
