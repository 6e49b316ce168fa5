"""A search of the output and the stored data of safe_ecs for the secrets used in a test."""

from __future__ import annotations

import base64
import io
import json
import logging
import pickle
import re
import traceback
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from safe_ecs import GuardError
from safe_ecs.observe import JsonLinesLog, Observer
from safe_ecs.observe.otel import OpenTelemetryObserver
from tests.support.observers import RecordingObserver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from safe_ecs.testing import FakeEcs

KEY_ID: Final = "LTAI5tDistinctKeyId"
KEY_SECRET: Final = "Distinct/Key+Secret="
TOKEN: Final = "CAIS/Distinct+Token=="
PASSWORD: Final = "Distinct!Password&1"
USER_DATA: Final = base64.b64encode(b"#!/bin/sh a distinct script").decode()
REDIS_PASSWORD: Final = "distinct-redis-password"
HOST_PASSWORD: Final = "distinct-host-password"
SECRETS: Final = (KEY_ID, KEY_SECRET, TOKEN, PASSWORD, USER_DATA, REDIS_PASSWORD, HOST_PASSWORD)
_SIGNATURE: Final = re.compile(r"Signature=([0-9a-f]{64})|acs [^:]+:(\S+)")


@dataclass
class SecretsSearch:
    """The texts to search: output and stored data. Also finds the signatures that FakeEcs received."""

    ecs: FakeEcs
    texts: list[str] = field(default_factory=list)

    def add(self, *things: Any) -> None:
        """Add the texts and the pickles of objects."""
        for thing in things:
            self.texts += [repr(thing), str(thing)]
            if hasattr(thing, "_repr_html_"):
                self.texts.append(thing._repr_html_())
            if hasattr(thing, "to_dict"):
                self.texts.append(json.dumps(thing.to_dict()))
            for protocol in (0, pickle.HIGHEST_PROTOCOL):
                self.texts.append(pickle.dumps(thing, protocol).decode("latin-1"))

    def add_error(self, error: BaseException) -> None:
        """Add an error of the guard with all its parts, except the SDK's exception that it refers to."""
        assert isinstance(error, GuardError)
        said: Any = error
        self.add(error, error.decision, *error.decision.groups, *error.decision.undetermined)
        self.texts += [said.message, json.dumps(said.data), *map(repr, vars(said).values())]
        self.texts += traceback.format_exception(error, chain=False)

    @property
    def signatures(self) -> set[str]:
        found = {request.parameters.get("Signature", "") for request in self.ecs.requests}
        for request in self.ecs.requests:
            match = _SIGNATURE.search(request.headers.get("authorization", ""))
            found.add(next(filter(None, match.groups())) if match else "")
        return found - {""}

    def needles(self) -> list[str]:
        """Return the texts that must not occur: each secret and signature, plain and in every encoding."""
        secrets = {*SECRETS, *self.signatures}
        ways: tuple[Callable[[str], str], ...] = (
            str,
            quote,
            partial(quote, safe=""),
            quote_plus,
            lambda secret: json.dumps(secret)[1:-1],
            lambda secret: secret.encode().hex(),
            lambda secret: base64.b64encode(secret.encode()).decode().rstrip("="),
        )
        return sorted({way(secret) for secret in secrets for way in ways})

    def found(self) -> list[tuple[str, str]]:
        return [(needle, text) for needle in self.needles() for text in self.texts if needle in text]


@dataclass
class EveryObserver:
    """One observer of every kind, and the records of the log."""

    path: Path
    notebook: RecordingObserver = field(default_factory=RecordingObserver)
    stream: io.StringIO = field(default_factory=io.StringIO)
    logged: list[logging.LogRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._spans, self._metrics = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.meters = MeterProvider([self._metrics], shutdown_on_exit=False)
        self.observers: tuple[Observer, ...] = (
            self.notebook,
            JsonLinesLog(self.path),
            JsonLinesLog(self.stream),
            OpenTelemetryObserver(tracer_provider=self.tracers, meter_provider=self.meters),
        )

    def told(self, search: SecretsSearch) -> None:
        """Add the output of every observer and of the log."""
        notebook = self.notebook
        search.add(*notebook.decisions, *notebook.checks, *notebook.look_ups)
        search.texts += [self.path.read_text() if self.path.exists() else "", self.stream.getvalue()]
        spans: Any = self._spans.get_finished_spans()
        search.texts += [span.to_json() for span in spans]
        metrics: Any = self._metrics.get_metrics_data()
        search.texts.append(metrics.to_json() if metrics else "")
        formatter = logging.Formatter("%(message)s")
        for record in self.logged:
            search.texts += [formatter.format(record), repr(record.args), repr(vars(record))]


class Ear(logging.Handler):
    def __init__(self, logged: list[logging.LogRecord]) -> None:
        super().__init__("DEBUG")
        self._logged = logged

    def emit(self, record: logging.LogRecord) -> None:
        self._logged.append(record)
