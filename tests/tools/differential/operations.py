"""Every operation in its four forms, with the stock client and the guarded one."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from alibabacloud_ecs20140526.client import Client as StockClient
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.runtime import RuntimeOptions
from hypothesis import HealthCheck, given, settings

from safe_ecs import Client, StatusCache
from tests.tools.differential.answers import ANSWERS
from tests.tools.differential.requests import filled, requests
from tests.tools.differential.signatures import SECRET

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.sdk_operations import SdkOperation
    from tests.tools.differential.comparison import Comparison
    from tests.tools.differential.recorder import Recorder


def config(recorder: Recorder, **more: Any) -> Config:
    return Config(
        access_key_id="key",
        access_key_secret=SECRET,
        endpoint=recorder.endpoint,
        protocol="HTTP",
        region_id="cn-hangzhou",
        **more,
    )


def compare_operation(comparison: Comparison, operation: SdkOperation, examples: int) -> None:
    """Compare an operation in its four forms: a full request with every answer, and requests drawn by Hypothesis.

    Args:
        comparison: The comparison that counts.
        operation: The operation.
        examples: The number of drawn requests for each form.
    """
    recorder = comparison.recorder
    stock, guarded = StockClient(config(recorder)), Client(config(recorder), cache=StatusCache())
    # One loop for all calls: to start a loop takes longer than a call.
    with asyncio.Runner() as runner:
        for form, name in operation.methods.items():

            def once(request: Any, form: str = form, name: str = name) -> None:
                options = (RuntimeOptions(),) if form.endswith("options") else ()
                calls = [partial(getattr(client, name), request, *options) for client in (stock, guarded)]
                if form.startswith("async"):
                    runner.run(comparison.of_async(operation.action, form, *calls))
                else:
                    comparison.of_sync(operation.action, form, *calls)

            for answer in ANSWERS:
                recorder.answer = answer
                once(filled(operation.request))
            recorder.answer = ANSWERS[0]
            _vary(once, operation.request, examples)


def _vary(once: Callable[[Any], None], model: type, examples: int) -> None:
    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.large_base_example,
            HealthCheck.data_too_large,
        ],
    )
    @given(requests(model))
    def compare(request: Any) -> None:
        once(request)

    compare()
