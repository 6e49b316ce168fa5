"""OpenTelemetryObserver: spans and metrics. The only module that imports OpenTelemetry (extra: otel).

Source: the semantic conventions for RPC since their release candidate, with ``rpc.system.name``, a fully
qualified ``rpc.method`` that is also the name of the span, and ``rpc.client.call.duration`` in seconds. The
conventions name no RPC system for Alibaba Cloud. Their name of the provider is ``alibaba_cloud``.
"""

from __future__ import annotations

from time import time_ns
from typing import TYPE_CHECKING, Final

try:
    from opentelemetry import metrics, trace
    from opentelemetry.trace import SpanKind, Status, StatusCode
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(f"{error}: pip install 'safe-ecs[otel]'", name=error.name) from error

from safe_ecs.observe._observer import Observer
from safe_ecs.observe._record import own_version

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider
    from opentelemetry.util.types import AttributeValue

    from safe_ecs.observe._record import DecisionRecord, LookUp

_CLOUD: Final = "alibaba_cloud"
_SERVICE: Final = "Ecs"
# The boundaries that the conventions advise for calls, and three below: most decisions wait for no network.
_SECONDS: Final = (
    0.00001,
    0.0001,
    0.001,
    0.005,
    0.01,
    0.025,
    0.05,
    0.075,
    0.1,
    0.25,
    0.5,
    0.75,
    1,
    2.5,
    5,
    7.5,
    10,
)


class OpenTelemetryObserver(Observer):
    """Makes a span of every decision and of every look-up, and counts and times them all.

    - ``safe_ecs.decisions`` counts decisions, and ``safe_ecs.decision.duration`` (histogram, seconds) times
      the wait of a call, by ``safe_ecs.outcome``, ``rpc.method`` and ``cloud.region``.
    - ``safe_ecs.lookups`` counts the requests of look-ups, and ``rpc.client.call.duration`` (histogram,
      seconds) times look-ups, by ``rpc.method``, ``cloud.region``, ``server.address`` and ``error.type``.

    A span begins and ends with its decision or look-up. The parent of a span is the span that was current in
    the caller's context. An answer of ``check`` is no call, and gets neither span nor count.

    Args:
        tracer_provider: Makes the tracer; the global one if None.
        meter_provider: Makes the meter; the global one if None.
    """

    def __init__(
        self, *, tracer_provider: TracerProvider | None = None, meter_provider: MeterProvider | None = None
    ) -> None:
        self._tracer = trace.get_tracer("safe_ecs", own_version(), tracer_provider)
        meter = metrics.get_meter("safe_ecs", own_version(), meter_provider)
        self._decisions = meter.create_counter(
            "safe_ecs.decisions", unit="{decision}", description="Guarded calls, by what was decided of them."
        )
        self._decision_duration = meter.create_histogram(
            "safe_ecs.decision.duration",
            unit="s",
            description="How long a guarded call waited for the guard.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._look_ups = meter.create_counter(
            "safe_ecs.lookups", unit="{request}", description="Describe requests that the guard sent."
        )
        self._look_up_duration = meter.create_histogram(
            "rpc.client.call.duration",
            unit="s",
            description="Measures the duration of an outgoing Remote Procedure Call (RPC).",
            explicit_bucket_boundaries_advisory=_SECONDS[3:],
        )

    def decided(self, record: DecisionRecord) -> None:
        """Trace and count a decision. The span of a refused or ``unavailable`` decision is an error."""
        attributes = {"safe_ecs.outcome": record.outcome, **_attributes(record.action, record.region_id)}
        is_error = record.refused or record.outcome == "unavailable"
        # For the span alone: on a metric, every new id or reason would begin a time series of its own.
        more: dict[str, AttributeValue] = {
            "safe_ecs.decision_id": record.decision_id,
            "safe_ecs.mode": record.mode,
            "safe_ecs.reads": record.reads,
            "safe_ecs.security_group_ids": [group.security_group_id for group in record.groups],
            **_server(record.endpoint),
        }
        if record.bypass_reason:
            more["safe_ecs.bypass_reason"] = record.bypass_reason
        self._trace(
            f"safe_ecs.decide {record.action}",
            SpanKind.INTERNAL,
            {**attributes, **more},
            record.decide_microseconds,
            error=record.outcome if is_error else None,
            description=record.reason,
        )
        self._decisions.add(1, attributes)
        self._decision_duration.record(record.decide_microseconds / 1e6, attributes)

    def looked_up(self, look_up: LookUp) -> None:
        """Trace and count a look-up."""
        attributes = {**_attributes(look_up.action, look_up.region_id), **_server(look_up.endpoint)}
        error = look_up.error
        if look_up.error_code is not None:
            attributes["rpc.response.status_code"] = look_up.error_code
        self._trace(
            f"{_SERVICE}/{look_up.action}",
            SpanKind.CLIENT,
            {**attributes, "safe_ecs.groups_asked": look_up.groups_asked, "safe_ecs.tries": look_up.tries},
            look_up.microseconds,
            error=error,
            description=None,
        )
        if error is not None:
            attributes["error.type"] = error
        self._look_ups.add(look_up.tries, attributes)
        self._look_up_duration.record(look_up.microseconds / 1e6, attributes)

    def _trace(  # noqa: PLR0913 - the parts of a span
        self,
        name: str,
        kind: SpanKind,
        attributes: dict[str, AttributeValue],
        microseconds: int,
        *,
        error: str | None,
        description: str | None,
    ) -> None:
        # The guard tells of a fact at its end, so that the start has to be computed.
        ended_at = time_ns()
        span = self._tracer.start_span(
            name, kind=kind, attributes=attributes, start_time=ended_at - microseconds * 1000
        )
        if error is not None:
            span.set_attribute("error.type", error)
            span.set_status(Status(StatusCode.ERROR, description))
        span.end(ended_at)


def _attributes(action: str, region_id: str | None) -> dict[str, AttributeValue]:
    named: dict[str, AttributeValue] = {
        "rpc.system.name": _CLOUD,
        "rpc.method": f"{_SERVICE}/{action}",
        "cloud.provider": _CLOUD,
    }
    return named if region_id is None else {**named, "cloud.region": region_id}


def _server(endpoint: str) -> dict[str, AttributeValue]:
    address, colon, port = endpoint.rpartition(":")
    if colon and port.isdecimal():
        return {"server.address": address, "server.port": int(port)}
    return {"server.address": endpoint}
