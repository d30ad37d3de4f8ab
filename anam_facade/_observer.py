"""The seam for whoever watches: logs, traces, metrics.

`_calls` tells every operation's course to the observers in the client's settings, which are those in `OBSERVERS` unless
a client was made with others. One operation is one `Run`: minting, or a start (`start_session` makes two). The order is

    started, then for every attempt: sending, and answered or failed, and at the end: finished

All are called in the thread or task of the caller, between the same two of the caller's own statements: a context
variable that `started` sets (OpenTelemetry's current span, say) holds while the attempts are sent, and `finished` can
reset it. Observers must be quick and must not raise. What they are told holds no credential.
"""

from __future__ import annotations

import logging
from typing import Any, Literal

import attrs

from .errors import AnamError
from .retry import Operation

logger = logging.getLogger("anam_facade")

Outcome = Literal["ok", "error", "uncertain", "cut off"]
"""How a run ended: with a result; with an error; with `SessionStartUncertainError`; or by an exception of the caller's,
such as cancellation or `KeyboardInterrupt`."""


@attrs.define(eq=False)
class Run:
    """One operation, from before its first attempt to its end.

    Attributes:
        operation: What is done.
        method, url: The request, and where it really goes.
        client_label: The session's label, if it has one.
        livekit_room: The LiveKit room, as far as it is known.
        max_attempts: How often it is sent at most.
        began: When it began, on the clock of `time.monotonic`.
        attempts: How often it was sent so far; the number of the attempt that is being told of.
        taken: Whether the attempt's body was taken by the transport, so that the server may have acted on it.
        notes: For observers to keep what is theirs, such as a span.
    """

    operation: Operation
    method: str
    url: str
    client_label: str | None
    livekit_room: str | None
    max_attempts: int
    began: float
    attempts: int = 0
    taken: bool = False
    notes: dict[Any, Any] = attrs.field(factory=dict, repr=False)


class Observer:
    """Takes no notice of anything: override what you want to hear of."""

    def started(self, run: Run) -> None:
        """The operation begins; its arguments were valid."""

    def sending(self, run: Run) -> None:
        """Attempt number `run.attempts` is about to be sent."""

    def answered(self, run: Run, status_code: int) -> None:
        """The attempt was answered, with whatever status; an answer that is an error is told by `failed` as well."""

    def failed(self, run: Run, error: AnamError, delay: float | None) -> None:
        """The attempt failed; another follows after `delay` seconds, or none when that is None."""

    def finished(self, run: Run, outcome: Outcome, error: BaseException | None) -> None:
        """The operation is over; `error` is what its caller gets, if it is no result."""


class Log(Observer):
    """A line at WARNING for each retry, and for each start that was cut off by its caller."""

    def failed(self, run: Run, error: AnamError, delay: float | None) -> None:
        """A retry is told before its pause."""
        if delay is not None:
            logger.warning(
                "%s: attempt %d of %d failed (%s); trying again in %.2f s",
                run.operation.value,
                run.attempts,
                run.max_attempts,
                error,
                delay,
                extra=self.fields(run) | {"anam_delay": delay, "anam_status": getattr(error, "status_code", None)},
            )

    def finished(self, run: Run, outcome: Outcome, error: BaseException | None) -> None:
        """A start whose caller went away may have its effect all the same."""
        if outcome == "cut off" and run.taken and run.operation is not Operation.MINT:
            logger.warning(
                "%s: cut off by %s after it was sent: a session may have been started, and be billed"
                " (client label %r, LiveKit room %r)",
                run.operation.value,
                type(error).__name__,
                run.client_label,
                run.livekit_room,
                extra=self.fields(run),
            )

    @staticmethod
    def fields(run: Run) -> dict[str, Any]:
        """What a structured log has of every line."""
        return {
            "anam_operation": run.operation.name.lower(),
            "anam_attempt": run.attempts,
            "anam_url": run.url,
            "anam_client_label": run.client_label,
            "anam_livekit_room": run.livekit_room,
        }


OBSERVERS: list[Observer] = [Log()]
"""Those of clients that are not made with others; what is appended here also hears of clients that exist already."""
