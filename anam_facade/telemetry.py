"""Traces and metrics for OpenTelemetry. It needs the extra `[otel]`; nothing else of the package imports it.

```python
from anam_facade.telemetry import AnamInstrumentor

AnamInstrumentor().instrument()
```

`opentelemetry-instrument` does this by itself. One span per operation, below it one of kind CLIENT per attempt, the
same over every transport; names are those of OpenTelemetry's conventions for HTTP, and `anam.…` where they have none.
No credential is in any of it. See docs/observability.md.
"""

from __future__ import annotations

import time
from contextvars import Token
from typing import Any
from urllib.parse import urlsplit

import attrs
from opentelemetry import context, metrics, trace
from opentelemetry.trace import SpanKind, StatusCode

from ._observer import OBSERVERS, Observer, Outcome, Run
from ._version import __version__
from .errors import AnamError

SCOPE = "anam_facade"

Attributes = dict[str, str | int | float]

DURATIONS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
"""Bounds of the histograms, in seconds."""


@attrs.define
class _Open:
    """A span under way, and what takes it back as the current one."""

    span: trace.Span
    token: Token[context.Context]
    attributes: Attributes
    began: float = attrs.field(factory=time.monotonic)

    @classmethod
    def of(cls, span: trace.Span, attributes: Attributes) -> _Open:
        return cls(span, context.attach(trace.set_span_in_context(span)), attributes)

    def end(self) -> float:
        context.detach(self.token)
        self.span.end()
        return time.monotonic() - self.began


@attrs.define
class _Notes:
    operation: _Open
    attempt: _Open | None = None


class Telemetry(Observer):
    """Turns the course of operations into spans and metrics.

    Args:
        tracer_provider: Where the spans go.
        meter_provider: Where the metrics go.
    """

    def __init__(self, tracer_provider: trace.TracerProvider, meter_provider: metrics.MeterProvider) -> None:
        self._tracer = tracer_provider.get_tracer(SCOPE, __version__)
        meter = meter_provider.get_meter(SCOPE, __version__)
        self._operations = meter.create_histogram(
            "anam.client.operation.duration",
            "s",
            "Operations, attempts and pauses included",
            explicit_bucket_boundaries_advisory=DURATIONS,
        )
        self._requests = meter.create_histogram(
            "http.client.request.duration", "s", "Attempts", explicit_bucket_boundaries_advisory=DURATIONS
        )
        self._retries = meter.create_counter("anam.client.retries", "{retry}", "Attempts that are repeated")
        self._active = meter.create_up_down_counter(
            "http.client.active_requests", "{request}", "Attempts under way, each of which has a connection"
        )
        self._budget = meter.create_gauge(
            "anam.client.retry_budget", "{retry}", "Retries a client may still make before it fails at the first error"
        )

    def started(self, run: Run) -> None:
        """Opens the operation's span, and makes it the current one."""
        attributes: Attributes = {"anam.operation": run.operation.name.lower()}
        span = self._tracer.start_span(f"anam {run.operation.name.lower()}", attributes=attributes)
        for name, value in (("anam.client_label", run.client_label), ("anam.livekit.room", run.livekit_room)):
            if value is not None:
                span.set_attribute(name, value)
        run.notes[self] = _Notes(_Open.of(span, attributes))

    def sending(self, run: Run) -> None:
        """Opens the attempt's span."""
        url = urlsplit(run.url)
        attributes: Attributes = {
            "http.request.method": run.method,
            "url.template": url.path,
            "server.address": url.hostname or "",
            "server.port": url.port or {"http": 80}.get(url.scheme, 443),
        }
        span = self._tracer.start_span(
            f"{run.method} {url.path}", kind=SpanKind.CLIENT, attributes={**attributes, "url.full": run.url}
        )
        if run.attempts > 1:
            span.set_attribute("http.request.resend_count", run.attempts - 1)
        run.notes[self].attempt = _Open.of(span, attributes)
        self._active.add(1, attributes)

    def answered(self, run: Run, status_code: int) -> None:
        """Notes the status."""
        attempt = run.notes[self].attempt
        attempt.span.set_attribute("http.response.status_code", status_code)
        attempt.attributes = {**attempt.attributes, "http.response.status_code": status_code}

    def failed(self, run: Run, error: AnamError, delay: float | None) -> None:
        """Ends the attempt's span; tells of the pause in the operation's."""
        notes: _Notes = run.notes[self]
        self._end_attempt(notes, error)
        if delay is not None:
            event: Attributes = {"anam.attempt": run.attempts, "anam.retry.delay": delay, "error.type": _kind(error)}
            notes.operation.span.add_event("anam.retry", event)
            self._retries.add(1, {**notes.operation.attributes, "error.type": _kind(error)})

    def finished(self, run: Run, outcome: Outcome, error: BaseException | None) -> None:
        """Ends what is open, and counts."""
        notes: _Notes = run.notes.pop(self)
        self._end_attempt(notes, error)
        attributes = {**notes.operation.attributes, "anam.outcome": outcome.replace(" ", "_")}
        span = notes.operation.span
        if error is not None:
            attributes["error.type"] = type(error).__name__
            span.set_status(StatusCode.ERROR, str(error) if isinstance(error, AnamError) else None)
        span.set_attributes({**attributes, "anam.attempts": run.attempts})
        if run.session_id is not None:
            span.set_attribute("anam.session_id", run.session_id)
        self._operations.record(notes.operation.end(), attributes)
        if run.retries_left is not None:
            self._budget.set(run.retries_left, notes.operation.attributes)

    def _end_attempt(self, notes: _Notes, error: BaseException | None) -> None:
        attempt, notes.attempt = notes.attempt, None
        if attempt is None:
            return
        labels = attempt.attributes
        self._active.add(-1, {name: value for name, value in labels.items() if name != "http.response.status_code"})
        if error is not None:
            labels = {**labels, "error.type": _kind(error)}
            attempt.span.set_attribute("error.type", _kind(error))
            attempt.span.set_status(StatusCode.ERROR)
        self._requests.record(attempt.end(), labels)


def _kind(error: BaseException) -> str:
    """`error.type`: the status of an answer, or else what was raised."""
    status: int | None = getattr(error, "status_code", None)
    if status is not None and status >= 400:
        return str(status)
    return type(error).__name__


class AnamInstrumentor:
    """Switches traces and metrics on and off, for all clients of the process, those that exist included.

    It has the shape of OpenTelemetry's own instrumentors, and is registered as one under the name `anam_facade`.
    """

    def instrument(
        self,
        *,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
        **_: Any,
    ) -> None:
        """Switches them on; does nothing when they are.

        Args:
            tracer_provider: Where the spans go; the global one when not given.
            meter_provider: Where the metrics go; the global one when not given.
        """
        if not any(isinstance(observer, Telemetry) for observer in OBSERVERS):
            OBSERVERS.append(
                Telemetry(
                    tracer_provider or trace.get_tracer_provider(), meter_provider or metrics.get_meter_provider()
                )
            )

    def uninstrument(self, **_: Any) -> None:
        """Switches them off; operations under way end as they began."""
        OBSERVERS[:] = [observer for observer in OBSERVERS if not isinstance(observer, Telemetry)]
