"""The cost of the guard for one caller: a cached group, a new group, many groups, many parameters."""

from __future__ import annotations

from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.exceptions import ClientException
from cachetools import TTLCache, cached

from safe_ecs import Client, StatusCache
from safe_ecs.errors import MANAGED_CODE
from tests.support.sdk import models
from tests.tools.benchmarks.pairs import ROUNDS, Figure, ratios, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from alibabacloud_tea_openapi.utils_models import Config

REGION = "cn-hangzhou"
GROUPS = (1, 8, 64)


def figures(config: Config) -> Iterator[Figure]:
    """Yield the figures, measured against the lean server of a configuration."""
    stock, guarded = StockClient(config), Client(config, cache=StatusCache())
    yield from _refusals(stock, guarded)
    yield from _shares(stock, guarded)
    yield from _alternatives(stock, guarded)


def change(group: str = "sg-1") -> Any:
    return models.ModifySecurityGroupAttributeRequest(
        region_id=REGION, security_group_id=group, description="mine"
    )


def move(groups: int) -> Any:
    return models.ModifyInstanceAttributeRequest(
        instance_id="i-1", security_group_ids=[f"sg-{number}" for number in range(groups)]
    )


def _run_instances() -> Any:
    disks = [
        models.RunInstancesRequestDataDisk(size=20, category="cloud_essd", disk_name="d") for _ in range(16)
    ]
    tags = [models.RunInstancesRequestTag(key=f"key-{number}", value="value") for number in range(20)]
    return models.RunInstancesRequest(
        region_id=REGION,
        image_id="aliyun_3_x64",
        instance_type="ecs.g7.large",
        security_group_ids=["sg-1"],
        v_switch_id="vsw-1",
        instance_name="name",
        host_name="host",
        amount=1,
        period=1,
        dry_run=False,
        user_data="dXNlciBkYXRh",
        description="a machine",
        data_disk=disks,
        tag=tags,
    )


def _refusals(stock: StockClient, guarded: Client) -> Iterator[Figure]:
    request = change("sg-managed")

    def refused(client: StockClient) -> None:
        try:
            client.modify_security_group_attribute(request)
        except ClientException as error:
            if error.code == MANAGED_CODE:
                return
        raise AssertionError("the call was not refused as managed")

    refused(guarded)  # Cache the status.
    samples = ratios(partial(refused, stock), partial(refused, guarded), 20, 200)
    yield Figure(
        what="a local refusal is faster than a remote one", samples=samples, form="{:.1f} times", least=60.0
    )


def _shares(stock: StockClient, guarded: Client) -> Iterator[Figure]:
    yield share("the guard's part of an allowed call, group known", stock, guarded, one_group, most=0.2)
    for number in GROUPS[1:]:
        most = 0.4 if number == GROUPS[1] else 2.0
        yield share(f"the same with {number} groups", stock, guarded, groups_in_one_call(number), most=most)
    request = _run_instances()
    number = len(request.to_map()) + 16 * 3 + 20 * 2 - 2
    yield share(
        f"RunInstances with {number} parameters", stock, guarded, lambda client: client.run_instances(request)
    )
    unguarded = models.DescribeInstancesRequest(region_id=REGION, page_size=10)
    yield share(
        "the guard's part of a call outside the table",
        stock,
        guarded,
        lambda client: client.describe_instances(unguarded),
        most=0.05,
    )


def one_group(client: StockClient) -> object:
    return client.modify_security_group_attribute(change())


def groups_in_one_call(number: int) -> Callable[[StockClient], object]:
    request = move(number)
    return lambda client: client.modify_instance_attribute(request)


def share(
    what: str,
    stock: StockClient,
    guarded: Client,
    call: Callable[[StockClient], object],
    *,
    most: float | None = None,
) -> Figure:
    """Compare the guard's part of a call that is answered at once with a whole call over loopback.

    The difference of two calls over loopback would drown in the noise of the network. Between two such calls the same
    code takes about three times as long, because the processor's caches hold other data by then. The figures for many
    callers at once show this.
    """
    call(guarded)  # Cache the status.
    samples = []
    for _ in range(ROUNDS):
        whole = seconds(partial(call, stock), 20)
        with patch.object(OpenApiClient, "do_request", _answered_at_once):
            alone, beside = seconds(partial(call, stock), 200), seconds(partial(call, guarded), 200)
        samples.append(100 * (beside - alone) / whole)
    return Figure(what=what, samples=samples, form="{:.2f} %", most=most)


def _answered_at_once(*_: object) -> dict[str, object]:
    return {"headers": {}, "statusCode": 200, "body": {}}


def _alternatives(stock: StockClient, guarded: Client) -> Iterator[Figure]:
    def missed() -> None:
        guarded.guard.forget()
        one_group(guarded)

    yield Figure(
        what="an allowed call, group not known (one Describe more), takes as long as a stock call",
        samples=ratios(missed, partial(one_group, stock)),
    )

    def describe(group: str) -> bool:
        request = models.DescribeSecurityGroupsRequest(
            region_id=REGION, security_group_ids=f'["{group}"]', max_results=100
        )
        groups = stock.describe_security_groups(request).body.security_groups.security_group
        return any(each.security_group_id == group and each.service_managed for each in groups)

    def by_hand() -> None:
        if not describe("sg-1"):
            one_group(stock)

    yield Figure(
        what="an allowed call, group not known, takes as long as describing by hand and changing",
        samples=ratios(missed, by_hand),
        most=1.15,
    )
    yield Figure(
        what="describing by hand before every change takes as long as the guarded change",
        samples=ratios(by_hand, partial(one_group, guarded)),
    )
    remembered = cached(TTLCache(4096, 300), lock=Lock())(describe)

    def by_cachetools() -> None:
        if not remembered("sg-1"):
            one_group(stock)

    by_cachetools()
    yield Figure(
        what="the guarded change takes as long as one behind cachetools.cached round a describe",
        samples=ratios(partial(one_group, guarded), by_cachetools),
        form="{:.3f} times",
    )
