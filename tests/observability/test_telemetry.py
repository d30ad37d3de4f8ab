"""Spans and metrics of an operation, by OpenTelemetry's SDK and its in-memory exporters."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Any

import attrs
import httpx
import pytest
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

from anam_facade import AnamClient, AsyncAnamClient, RetryPolicy
from anam_facade.sandbox import Fault, Sandbox
from anam_facade.telemetry import AnamInstrumentor
from tests.conftest import PERSONA, Calls

START = "createEngineSession"


@attrs.frozen
class Seen:
    """What the exporters got."""

    exporter: InMemorySpanExporter = attrs.field(factory=InMemorySpanExporter)
    reader: InMemoryMetricReader = attrs.field(factory=InMemoryMetricReader)
    tracers: TracerProvider = attrs.field(factory=TracerProvider)

    @property
    def spans(self) -> list[ReadableSpan]:
        return sorted(self.exporter.get_finished_spans(), key=lambda span: span.start_time or 0)

    def points(self, name: str) -> list[tuple[dict[str, Any], Any]]:
        """Attributes, and count or value, of a metric."""
        (scope,) = self.reader.get_metrics_data().resource_metrics[0].scope_metrics
        assert scope.scope.name == "anam_facade"
        points = [point for metric in scope.metrics if metric.name == name for point in metric.data.data_points]
        return [(dict(point.attributes), getattr(point, "count", getattr(point, "value", None))) for point in points]


@pytest.fixture
def seen() -> Iterator[Seen]:
    seen = Seen()
    seen.tracers.add_span_processor(SimpleSpanProcessor(seen.exporter))
    instrumentor = AnamInstrumentor()
    instrumentor.instrument(tracer_provider=seen.tracers, meter_provider=MeterProvider([seen.reader]))
    yield seen
    instrumentor.uninstrument()


@pytest.mark.every_transport
def test_a_start_that_is_retried(anam_sandbox: Sandbox, calls: Calls, seen: Seen) -> None:
    """One span per operation below the caller's own, one below that per attempt, one event per retry; no secret."""
    anam_sandbox.inject(Fault(operation=START, status=503, times=1))
    with seen.tracers.get_tracer("caller").start_as_current_span("caller"):
        session = calls("start_session", PERSONA, client_label="one")

    number = {span.context.span_id: n for n, span in enumerate(seen.spans)}
    assert [(span.name, span.parent and number[span.parent.span_id]) for span in seen.spans] == [
        ("caller", None),
        ("anam mint", 0),
        ("POST /v1/auth/session-token", 1),
        ("anam start_with_token", 0),
        ("POST /v1/engine/session", 3),
        ("POST /v1/engine/session", 3),
    ]
    _, _, minting, operation, refused, answered = seen.spans
    assert (operation.kind, operation.status.status_code) == (SpanKind.INTERNAL, StatusCode.UNSET)
    assert operation.attributes == {
        "anam.operation": "start_with_token",
        "anam.client_label": "one",
        "anam.session_id": session.session_id,
        "anam.attempts": 2,
        "anam.outcome": "ok",
    }
    (event,) = operation.events
    assert (event.name, event.attributes["anam.attempt"], event.attributes["error.type"]) == ("anam.retry", 1, "503")
    assert 0 < event.attributes["anam.retry.delay"] < 1

    assert (refused.kind, refused.status.status_code) == (SpanKind.CLIENT, StatusCode.ERROR)
    common = {
        "http.request.method": "POST",
        "url.template": "/v1/engine/session",
        "url.full": f"{anam_sandbox.base_url}/v1/engine/session",
        "server.address": "127.0.0.1",
        "server.port": int(anam_sandbox.base_url.rpartition(":")[2]),
    }
    assert refused.attributes == {**common, "http.response.status_code": 503, "error.type": "503"}
    assert answered.attributes == {**common, "http.response.status_code": 200, "http.request.resend_count": 1}
    assert minting.attributes["http.response.status_code"] == 200

    mint, start = {"anam.operation": "mint"}, {"anam.operation": "start_with_token"}
    ok = {"anam.outcome": "ok"}
    assert seen.points("anam.client.operation.duration") == [(mint | ok, 1), (start | ok, 1)]
    assert seen.points("anam.client.retries") == [(start | {"error.type": "503"}, 1)]
    assert seen.points("anam.client.retry_budget") == [(mint, 250), (start, 250)]
    assert [count for _, count in seen.points("http.client.request.duration")] == [1, 1, 1]
    assert [value for _, value in seen.points("http.client.active_requests")] == [0, 0]
    shown = "".join(span.to_json() for span in seen.spans)
    assert anam_sandbox.api_key not in shown
    assert "eyJ" not in shown  # which every token begins with


@pytest.mark.parametrize(
    ("fault", "outcome", "raised", "met"),
    [
        ({"status": 429, "body": {"error": "Spend cap reached"}}, "error", "SpendCapError", "429"),
        ({"close": "after"}, "uncertain", "SessionStartUncertainError", "AnamConnectionError"),
        ({"status": 201, "body": "no JSON"}, "uncertain", "SessionStartUncertainError", "AnamResponseError"),
    ],
)
def test_a_start_that_fails(
    anam_sandbox: Sandbox, calls: Calls, seen: Seen, fault: dict[str, Any], outcome: str, raised: str, met: str
) -> None:
    """What the caller gets stands in the operation's span and metric; what the attempt met, in the attempt's."""
    anam_sandbox.inject(Fault(operation=START, **fault))
    error = calls.outcome("direct")

    operation, sent = seen.spans
    attributes = {"anam.operation": "start_direct", "anam.outcome": outcome, "error.type": raised}
    assert attributes.items() <= operation.attributes.items()
    assert (operation.status.status_code, operation.status.description) == (StatusCode.ERROR, str(error))
    assert sent.attributes["error.type"] == met
    assert seen.points("anam.client.operation.duration") == [(attributes, 1)]


def test_a_start_that_is_cut_off(seen: Seen) -> None:
    """Cancellation and Ctrl-C leave no span open and no request counted as under way."""

    def interrupted(request: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    client = AnamClient("the-key", "https://a.example", transport=httpx.MockTransport(interrupted))
    with pytest.raises(KeyboardInterrupt):
        client.start_session(PERSONA, direct=True)
    operation, sent = seen.spans
    assert (operation.attributes["anam.outcome"], sent.attributes["error.type"]) == ("cut_off", "KeyboardInterrupt")
    assert [value for _, value in seen.points("http.client.active_requests")] == [0]
    assert get_current_span().is_recording() is False


def test_many_at_once_keep_their_spans_apart(anam_sandbox: Sandbox, seen: Seen) -> None:
    """Tasks that share a client: each attempt lies below its own operation. Without a budget there is none to show."""
    key, retry = anam_sandbox.api_key, RetryPolicy(budget=None)

    async def many() -> None:
        async with AsyncAnamClient(key, anam_sandbox.base_url, retry=retry) as client:
            await asyncio.gather(*(client.create_session_token(PERSONA) for _ in range(8)))

    asyncio.run(many())
    operations = {span.context.span_id for span in seen.spans if span.kind is SpanKind.INTERNAL}
    assert len(operations) == 8
    assert {span.parent.span_id for span in seen.spans if span.kind is SpanKind.CLIENT} == operations
    assert seen.points("anam.client.retry_budget") == []


def test_an_instrumentation_of_the_http_library_lies_below(anam_sandbox: Sandbox, calls: Calls, seen: Seen) -> None:
    """OpenTelemetry's own for httpx: its span is a child of the attempt's, and its `traceparent` names it."""
    httpx_instrumentor = HTTPXClientInstrumentor()
    httpx_instrumentor.instrument(tracer_provider=seen.tracers)
    try:
        calls.configure()
        calls("create_session_token", PERSONA)
    finally:
        httpx_instrumentor.uninstrument()

    _, attempt, below = seen.spans
    assert below.parent == attempt.context
    (request,) = anam_sandbox.requests
    assert f"{below.context.span_id:016x}" in request.headers["traceparent"]


def test_it_is_switched_on_once_and_off_again(calls: Calls, seen: Seen) -> None:
    """OpenTelemetry finds it by its entry point; a second time changes nothing; a client that exists hears of it."""
    (registered,) = entry_points(group="opentelemetry_instrumentor", name="anam_facade")
    instrumentor = registered.load()()
    instrumentor.instrument(skip_dep_check=True)
    calls("create_session_token", PERSONA)
    assert len(seen.spans) == 2
    instrumentor.uninstrument()
    calls("create_session_token", PERSONA)
    assert len(seen.spans) == 2
