"""The seam for whoever watches: logs, traces, metrics.

`_operations` tells every operation's course to the observers in the client's settings, which are those in `OBSERVERS`
unless a client was made with others. One operation is one `Run`: minting, or a start (`start_session` makes two). The
order is

    started, then for every attempt: sending, and answered or failed, and at the end: finished

All are called in the thread or task of the caller, between the same two of the caller's own statements: a context
variable that `started` sets (OpenTelemetry's current span, say) holds while the attempts are sent, and `finished` can
reset it. Observers must be quick and must not raise. What they are told holds no credential.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
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
        max_attempts: How often it is sent at most.
        began: When it began, on the clock of `time.monotonic`.
        observers: Who hears of it, from its beginning to its end.
        find_room: Reads the LiveKit room's name, which takes a while.
        attempts: How often it was sent so far; the number of the attempt that is being told of.
        sent: When that attempt was sent, on the same clock.
        taken: Whether the attempt's body was taken by the transport, so that the server may have acted on it.
        session_id: The session that was started.
        retries_left: What is left of the client's retry budget at the end; None when there is none, or before.
        notes: For observers to keep what is theirs, such as a span.
    """

    operation: Operation
    method: str
    url: str
    client_label: str | None
    max_attempts: int
    observers: tuple[Observer, ...] = attrs.field(repr=False)
    began: float
    find_room: Callable[[], str | None] = attrs.field(repr=False)
    attempts: int = 0
    sent: float = 0.0
    session_id: str | None = None
    retries_left: int | None = None
    taken: bool = False
    notes: dict[Any, Any] = attrs.field(factory=dict, repr=False)

    @property
    def livekit_room(self) -> str | None:
        """The LiveKit room, as far as it is known."""
        return self.find_room()


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
    """The logger `anam_facade`; nothing of a body, a header or a credential is in a line.

    DEBUG has each request and answer; INFO each session that was started; WARNING each attempt that is repeated, and
    each start that was cut off by its caller.
    """

    def sending(self, run: Run) -> None:
        """A request."""
        if logger.isEnabledFor(logging.DEBUG):
            text = "%s %s: attempt %d of %d"
            self._log(logging.DEBUG, run, text, run.method, run.url, run.attempts, run.max_attempts)

    def answered(self, run: Run, status_code: int) -> None:
        """An answer."""
        if logger.isEnabledFor(logging.DEBUG):
            took = time.monotonic() - run.sent
            text = "%s %s: %d after %.3f s"
            self._log(logging.DEBUG, run, text, run.method, run.url, status_code, took, status=status_code)

    def failed(self, run: Run, error: AnamError, delay: float | None) -> None:
        """A retry, which is told before its pause; or the end."""
        level, text = logging.DEBUG, "%s: attempt %d of %d failed (%s)"
        arguments: list[object] = [run.operation.value, run.attempts, run.max_attempts, error]
        if delay is not None:
            level, text = logging.WARNING, text + "; trying again in %.2f s"
            arguments.append(delay)
        self._log(level, run, text, *arguments, status=getattr(error, "status_code", None), delay=delay)

    def finished(self, run: Run, outcome: Outcome, error: BaseException | None) -> None:
        """A session that was started; or a start whose caller went away, which may have its effect all the same."""
        what, where = run.operation.value, "(client label %r, LiveKit room %r)"
        if run.session_id is not None and logger.isEnabledFor(logging.INFO):
            took, text = time.monotonic() - run.began, f"%s: %s after %.3f s {where}"
            self._log(logging.INFO, run, text, what, run.session_id, took, run.client_label, run.livekit_room)
        elif outcome == "cut off" and run.taken and run.operation is not Operation.MINT:
            text = f"%s: cut off by %s after it was sent: a session may have been started, and be billed {where}"
            self._log(logging.WARNING, run, text, what, type(error).__name__, run.client_label, run.livekit_room)

    @staticmethod
    def _log(
        level: int, run: Run, text: str, *arguments: object, status: int | None = None, delay: float | None = None
    ) -> None:
        fields = {
            "anam_operation": run.operation.name.lower(),
            "anam_attempt": run.attempts,
            "anam_url": run.url,
            "anam_client_label": run.client_label,
            "anam_livekit_room": run.livekit_room,
            "anam_session_id": run.session_id,
            "anam_status": status,
            "anam_delay": delay,
        }
        logger.log(level, text, *arguments, extra=fields)


class _Stderr(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to standard error, unless the program has set up logging, which then decides."""

    def emit(self, record: logging.LogRecord) -> None:
        if not logging.root.handlers:
            super().emit(record)


def follow(level: str) -> None:
    """Shows the log from this level on, as `ANAM_LOG` asks; does nothing when it is empty or no level of logging's."""
    if level.upper() in logging.getLevelNamesMapping():
        handler = _Stderr()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(level.upper())


follow(os.environ.get("ANAM_LOG", ""))

OBSERVERS: list[Observer] = [Log()]
"""Those of clients that are not made with others; what is appended here also hears of clients that exist already."""
