"""Traces and metrics of a start that is retried, with OpenTelemetry's SDK: `python examples/traces.py`.

A program of yours would export to a collector; this one prints what it would send, or with `--svg FILE` draws it.
It needs `pip install "anam-facade[otel,sandbox]" opentelemetry-sdk`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from anam_facade import AnamClient, PersonaConfig
from anam_facade.sandbox import Fault, Sandbox
from anam_facade.telemetry import AnamInstrumentor


def started(spans: InMemorySpanExporter, metrics: InMemoryMetricReader) -> Sequence[ReadableSpan]:
    """Starts a session whose engine is busy at first."""
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    instrumentor = AnamInstrumentor()
    instrumentor.instrument(tracer_provider=tracers, meter_provider=MeterProvider([metrics]))
    with Sandbox(latency=(0.05, 0.08)) as sandbox, AnamClient(sandbox.api_key, sandbox.base_url) as client:
        client.create_session_token(PersonaConfig.saved("8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"))  # connects
        spans.clear()
        sandbox.inject(Fault(operation="createEngineSession", status=503, times=1, delay=0.06))
        with tracers.get_tracer("my-program").start_as_current_span("GET /welcome"):
            client.start_session(PersonaConfig.saved("8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"), client_label="welcome-7")
    instrumentor.uninstrument()
    return spans.get_finished_spans()


def tree(
    spans: Sequence[ReadableSpan], parent: int | None = None, depth: int = 0
) -> Iterator[tuple[int, ReadableSpan]]:
    """Each span with how deep it lies, in the order of the calls."""
    for span in sorted(spans, key=lambda span: span.start_time or 0):
        if (span.parent.span_id if span.parent else None) == parent:
            yield depth, span
            yield from tree(spans, span.context.span_id if span.context else None, depth + 1)


def remark(span: ReadableSpan) -> str:
    """What is worth seeing of a span at a glance."""
    shown = ("http.response.status_code", "http.request.resend_count", "anam.attempts", "anam.outcome")
    known = span.attributes or {}
    return ", ".join(f"{name.rpartition('.')[2]} {known[name]!s}" for name in shown if name in known)


def svg(spans: Sequence[ReadableSpan]) -> str:
    """The trace as a picture: a bar for each span, a diamond for each retry."""
    rows = list(tree(spans))
    begin, end = rows[0][1].start_time or 0, rows[0][1].end_time or 0
    scale = 460 / (end - begin)
    height = 30 * len(rows) + 50
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1040 {height}" font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for row, (depth, span) in enumerate(rows):
        x = 270 + ((span.start_time or 0) - begin) * scale
        width = ((span.end_time or 0) - (span.start_time or 0)) * scale
        y = 20 + 30 * row
        colour = (
            "#c0392b"
            if span.status.status_code is StatusCode.ERROR
            else "#2471a3"
            if span.kind is SpanKind.CLIENT
            else "#85929e"
        )
        label = f"{width / scale / 1e6:.0f} ms" + (f" · {remark(span)}" if remark(span) else "")
        parts += [
            f'<text x="{12 + 18 * depth}" y="{y + 15}" fill="#17202a">{escape(span.name)}</text>',
            f'<rect x="{x:.1f}" y="{y}" width="{max(width, 2):.1f}" height="20" rx="3" fill="{colour}"/>',
            f'<text x="{x + width + 6:.1f}" y="{y + 15}" fill="#17202a">{escape(label)}</text>',
        ]
        for event in span.events:
            at = 270 + (event.timestamp - begin) * scale
            parts.append(f'<path d="M{at:.1f} {y - 5}l6 6-6 6-6-6z" fill="#d68910"><title>{event.name}</title></path>')
    pause = [event.attributes for _, span in rows for event in span.events if event.attributes]
    reason = ", ".join(
        f"anam.retry: {a['error.type']!s}, again in {float(str(a['anam.retry.delay'])):.2f} s" for a in pause
    )
    parts += [
        f'<path d="M18 {height - 23}l6 6-6 6-6-6z" fill="#d68910"/>',
        f'<text x="30" y="{height - 12}" fill="#17202a">{escape(reason)}</text></svg>',
    ]
    return "\n".join(parts) + "\n"


def main() -> None:
    spans, metrics = InMemorySpanExporter(), InMemoryMetricReader()
    finished = started(spans, metrics)
    if sys.argv[1:2] == ["--svg"]:
        Path(sys.argv[2]).write_text(svg(finished), "utf-8")
        return
    for depth, span in tree(finished):
        print("  " * depth + span.name, f"({remark(span)})" if remark(span) else "")
        for event in span.events:
            print("  " * depth + "  *", event.name, dict(event.attributes or {}))
    data = metrics.get_metrics_data()
    for metric in data.resource_metrics[0].scope_metrics[0].metrics if data else ():
        for point in metric.data.data_points:
            value = getattr(point, "count", None) or getattr(point, "value", None)
            print(f"{metric.name} {value} {dict(point.attributes or {})}")


if __name__ == "__main__":
    main()
