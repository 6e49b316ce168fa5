"""Spans and metrics report the guard's deeds in the terms of the semantic conventions."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_tea_openapi.utils_models import Config
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from safe_ecs import Client, ManagedSecurityGroupError, StatusCache
from safe_ecs.observe.otel import OpenTelemetryObserver
from safe_ecs.testing import CannedAnswer
from tests.support.observers import REACH
from tests.support.sdk import models

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safe_ecs._core.decision import Outcome
    from safe_ecs.testing import FakeEcs


class Collected:
    """An observer with its spans and metrics in memory."""

    def __init__(self) -> None:
        self._exporter, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracer_provider = TracerProvider(shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meter_provider = MeterProvider([self._reader], shutdown_on_exit=False)
        self.observer = OpenTelemetryObserver(
            tracer_provider=self.tracer_provider, meter_provider=self.meter_provider
        )

    def spans(self, kind: SpanKind) -> list[Any]:
        return [span for span in self._exporter.get_finished_spans() if span.kind is kind]

    def metrics(self) -> dict[str, Any]:
        data: Any = self._reader.get_metrics_data()
        if data is None:
            return {}
        return {m.name: m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics}


@pytest.fixture
def collected() -> Iterator[Collected]:
    collected = Collected()
    yield collected
    collected.tracer_provider.shutdown()
    collected.meter_provider.shutdown()


@pytest.mark.parametrize("form", ["sync", "async"])
@pytest.mark.parametrize("outcome", REACH)
def test_every_outcome_of_a_call_is_a_span_and_counts(
    ecs: FakeEcs, collected: Collected, outcome: Outcome, form: str
) -> None:
    """A check is no call, so the outcome "not_guarded" makes no span and no metric."""
    REACH[outcome](ecs, [collected.observer], form)
    if outcome == "not_guarded":
        assert collected.spans(SpanKind.INTERNAL) == []
        assert collected.metrics() == {}
        return
    [span] = collected.spans(SpanKind.INTERNAL)
    assert span.name == "safe_ecs.decide DeleteSecurityGroup"
    attributes = dict(span.attributes)
    assert len(attributes.pop("safe_ecs.decision_id")) == 36
    [group] = attributes.pop("safe_ecs.security_group_ids")
    assert group.startswith("sg-")
    address, port = ecs.endpoint.split(":")
    expected = {
        "rpc.system.name": "alibaba_cloud",
        "rpc.method": "Ecs/DeleteSecurityGroup",
        "cloud.provider": "alibaba_cloud",
        "cloud.region": "cn-hangzhou",
        "server.address": address,
        "server.port": int(port),
        "safe_ecs.outcome": outcome,
        "safe_ecs.mode": "audit" if outcome == "would_deny" else "enforce",
        "safe_ecs.reads": 1,
    }
    if outcome == "bypassed":
        expected["safe_ecs.bypass_reason"] = "ticket 7"
    if outcome in {"denied", "unavailable"}:
        expected["error.type"] = outcome
    assert attributes == expected
    status = StatusCode.ERROR if outcome in {"denied", "unavailable"} else StatusCode.UNSET
    assert span.status.status_code is status
    assert span.end_time > span.start_time
    metrics = collected.metrics()
    [counted] = metrics["safe_ecs.decisions"].data.data_points
    [timed] = metrics["safe_ecs.decision.duration"].data.data_points
    assert counted.value == timed.count == 1
    assert dict(counted.attributes) == dict(timed.attributes)
    assert counted.attributes["safe_ecs.outcome"] == outcome
    assert set(counted.attributes) == {
        "safe_ecs.outcome",
        "rpc.system.name",
        "rpc.method",
        "cloud.provider",
        "cloud.region",
    }
    assert 0 < timed.sum < 60


@pytest.mark.parametrize("form", ["sync", "async"])
def test_a_look_up_is_a_client_span(ecs: FakeEcs, collected: Collected, form: str) -> None:
    """The span has the name of its query and the number of tries. A refused look-up is an error with the code of ECS."""
    REACH["allowed"](ecs, [collected.observer], form)
    REACH["unavailable"](ecs, [collected.observer], form)
    answered, refused = collected.spans(SpanKind.CLIENT)
    assert answered.name == refused.name == answered.attributes["rpc.method"] == "Ecs/DescribeSecurityGroups"
    assert answered.attributes["safe_ecs.groups_asked"] == answered.attributes["safe_ecs.tries"] == 1
    assert "error.type" not in answered.attributes
    assert (answered.status.status_code, refused.status.status_code) == (StatusCode.UNSET, StatusCode.ERROR)
    assert refused.attributes["error.type"] == "Forbidden.RAM"
    assert refused.attributes["rpc.response.status_code"] == "Forbidden.RAM"
    metrics = collected.metrics()
    counted = {p.attributes.get("error.type"): p.value for p in metrics["safe_ecs.lookups"].data.data_points}
    assert counted == {None: 1, "Forbidden.RAM": 1}
    assert metrics["rpc.client.call.duration"].unit == "s"
    assert sum(p.count for p in metrics["rpc.client.call.duration"].data.data_points) == 2


def test_an_exception_without_a_code_is_no_status_code(ecs: FakeEcs, collected: Collected) -> None:
    """ECS gave no answer, so there is no status code."""
    ecs.answer_always("DescribeSecurityGroups", CannedAnswer(status=0))
    client = Client(ecs.config(), cache=StatusCache(), observers=[collected.observer])
    assert client.guard.check("DeleteSecurityGroup", {"SecurityGroupId": "sg-1"}).outcome == "unavailable"
    [span] = collected.spans(SpanKind.CLIENT)
    assert "rpc.response.status_code" not in span.attributes
    assert span.attributes["error.type"]
    assert span.attributes["safe_ecs.tries"] == 4


def test_the_spans_belong_to_the_callers(ecs: FakeEcs, collected: Collected, managed: str) -> None:
    """The parent span is the caller's, even if another thread does the look-up."""
    client = Client(ecs.config(), cache=StatusCache(), observers=[collected.observer])
    tracer = collected.tracer_provider.get_tracer("theirs")
    request = models.DeleteSecurityGroupRequest(security_group_id=managed)
    with (
        tracer.start_as_current_span("theirs", kind=SpanKind.SERVER),
        pytest.raises(ManagedSecurityGroupError),
    ):
        client.delete_security_group(request)
    [theirs] = collected.spans(SpanKind.SERVER)
    for kind in (SpanKind.INTERNAL, SpanKind.CLIENT):
        [span] = collected.spans(kind)
        assert span.parent.span_id == theirs.context.span_id


def test_a_call_without_a_region_or_a_port_has_no_such_attribute(collected: Collected) -> None:
    """An unknown value has no attribute."""
    config = Config(access_key_id="k", access_key_secret="s", endpoint="ecs.example")
    client = Client(config, cache=StatusCache(), observers=[collected.observer])
    request = models.ModifyInstanceAttributeRequest(instance_id="i-1", security_group_ids=["sg-1"])
    with pytest.raises(Exception, match="StatusUnavailable"):
        client.modify_instance_attribute(request)
    [span] = collected.spans(SpanKind.INTERNAL)
    assert span.attributes["server.address"] == "ecs.example"
    assert {"server.port", "cloud.region"}.isdisjoint(span.attributes)


def test_only_the_api_is_needed() -> None:
    """The API does nothing without an SDK."""
    code = (
        "import sys; sys.modules['opentelemetry.sdk'] = None;"
        "from safe_ecs.observe.otel import OpenTelemetryObserver as O; O(); print('fine')"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "fine"  # noqa: S603 - our own
