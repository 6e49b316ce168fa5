"""Prints what the guard costs, as ratios measured within one run: ``python -m tests.benchmarks``.

Every figure pairs two calls that take turns in short rounds, so that a slow moment of the machine hits both; the
ratio of a round is one sample, and the median of the samples is printed with their quartiles.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, TypeAlias
from unittest.mock import patch

from alibabacloud_ecs20140526 import models
from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_tea_openapi.utils_models import Config

from safe_ecs import Client
from safe_ecs.errors import MANAGED_CODE
from safe_ecs.testing import FakeEcs
from tests.workloads import MOST_BYTES_FOR_A_GROUP, WORKLOADS, bytes_for_each_group

if TYPE_CHECKING:
    from collections.abc import Callable

_Row: TypeAlias = "tuple[str, str, str, str, str]"

_ROUNDS = 60
_IMPORT_ROUNDS = 15


def main() -> None:
    """Measure, and print a Markdown table."""
    server = subprocess.Popen(  # noqa: S603 - our own file
        [sys.executable, str(Path(__file__).with_name("lean_server.py"))], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        rows = [*_calls(f"127.0.0.1:{server.stdout.readline().strip()}"), _imports()]
    finally:
        server.kill()
        server.communicate()
    print("| what | median | quartiles | aim | met |")
    print("|---|---|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print()
    print("| work, with an ECS that takes 50 ms for an answer | reads to ECS | at most | met |")
    print("|---|---|---|---|")
    for workload in WORKLOADS:
        with FakeEcs() as ecs:
            reads = workload.run(ecs)
        met = "yes" if reads <= workload.most else "no"
        print(f"| {workload.name} | {reads} | {workload.most} | {met} |")
    print()
    print("| what | measured | aim | met |")
    print("|---|---|---|---|")
    size, most = bytes_for_each_group(), MOST_BYTES_FOR_A_GROUP
    met = "yes" if size <= most else "no"
    print(f"| memory for each of 100,000 groups | {size} bytes | at most {most} bytes | {met} |")


def _calls(endpoint: str) -> list[_Row]:
    def config() -> Config:
        return Config(
            access_key_id="key",
            access_key_secret="secret",
            endpoint=endpoint,
            protocol="HTTP",
            region_id="cn-hangzhou",
        )

    stock, guarded = StockClient(config()), Client(config())
    refused = models.DeleteSecurityGroupRequest(region_id="cn-hangzhou", security_group_id="sg-managed")
    # Not DeleteSecurityGroup: after that the status of its group is no longer known.
    allowed = models.ModifySecurityGroupAttributeRequest(region_id="cn-hangzhou", security_group_id="sg-1")
    unguarded = models.DescribeInstancesRequest(region_id="cn-hangzhou", page_size=10)
    return [
        _times_faster(
            "a local refusal is faster than a remote one",
            lambda: _refusal(lambda: stock.delete_security_group(refused)),
            lambda: _refusal(lambda: guarded.delete_security_group(refused)),
            40.0,
        ),
        _share(
            "the guard's part of an allowed call with known status",
            stock,
            guarded,
            lambda client: client.modify_security_group_attribute(allowed),
            1.0,
        ),
        _share(
            "the guard's part of a call outside the table",
            stock,
            guarded,
            lambda client: client.describe_instances(unguarded),
            0.15,
        ),
    ]


def _refusal(call: Callable[[], object]) -> None:
    try:
        call()
    except ClientException as error:
        if error.code == MANAGED_CODE:
            return
    raise AssertionError("the call was not refused as managed")


def _times_faster(what: str, remote: Callable[[], None], local: Callable[[], None], least: float) -> _Row:
    local()  # Learns the status.
    samples = [_seconds(remote, 20) / _seconds(local, 200) for _ in range(_ROUNDS)]
    return _row(what, samples, "{:.1f} times", least=least)


def _share(
    what: str, stock: StockClient, guarded: Client, call: Callable[[StockClient], object], most: float
) -> _Row:
    """Compare what the guard adds to a call that is answered at once with a whole call over loopback.

    The difference of two calls over loopback would drown in the noise of the network.
    """
    call(guarded)  # Learns the status.
    samples = []
    for _ in range(_ROUNDS):
        whole = _seconds(lambda: call(stock), 20)
        with patch.object(OpenApiClient, "do_request", _answered_at_once):
            alone, beside = _seconds(lambda: call(stock), 200), _seconds(lambda: call(guarded), 200)
        samples.append(100 * (beside - alone) / whole)
    return _row(what, samples, "{:.2f} %", most=most)


def _answered_at_once(*_: object) -> dict[str, object]:
    return {"headers": {}, "statusCode": 200, "body": {}}


def _imports() -> _Row:
    samples = [
        _import_seconds("safe_ecs.client") / _import_seconds("alibabacloud_ecs20140526.client")
        for _ in range(_IMPORT_ROUNDS)
    ]
    return _row(
        "importing safe_ecs costs what importing the stock client costs", samples, "{:.3f} times", most=1.1
    )


def _import_seconds(module: str) -> float:
    # As where no notebook is installed: where tornado is, tenacity imports it.
    code = (
        "import sys, time; sys.modules['tornado'] = None; t = time.perf_counter();"
        f"import {module}; print(time.perf_counter() - t)"
    )
    return float(subprocess.check_output([sys.executable, "-c", code], text=True))  # noqa: S603 - our own code


def _seconds(call: Callable[[], object], times: int) -> float:
    """Return what one call takes, on average over a round, with the garbage collector at rest."""
    gc.collect()
    gc.disable()
    start = perf_counter()
    for _ in range(times):
        call()
    taken = perf_counter() - start
    gc.enable()
    return taken / times


def _row(
    what: str, samples: list[float], form: str, *, least: float | None = None, most: float | None = None
) -> _Row:
    low, median, high = statistics.quantiles(samples, n=4)
    if least is not None:
        aim, met = f"at least {form.format(least)}", median >= least
    else:
        assert most is not None
        aim, met = f"at most {form.format(most)}", median <= most
    quartiles = f"{form.format(low)} to {form.format(high)}"
    return what, form.format(median), quartiles, aim, "yes" if met else "no"


if __name__ == "__main__":
    main()
