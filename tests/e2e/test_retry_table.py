"""The retry table of `docs/errors.md`, cell by cell, over a real socket: what is raised, what is repeated, and how many
sessions there are in the end.

Whether a request left, and whether its answer was lost, is told by who sends it: these rows are tried over each way of
sending. What a status means is decided without one.
"""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from anam_facade import (
    AnamConnectionError,
    AnamError,
    AnamResponseError,
    AnamTimeoutError,
    AuthenticationError,
    BadRequestError,
    ConcurrencyLimitError,
    ConflictError,
    RateLimitError,
    ServerError,
    SessionStartUncertainError,
    SpendCapError,
)
from anam_facade.sandbox import Fault, Sandbox
from tests.conftest import WAYS, Calls

MINT, START = "createSessionToken", "createEngineSession"


@attrs.frozen
class Cell:
    """What comes of a call: how often it is sent, what is raised, and whether a session may run, and does."""

    sent: int
    error: type[AnamError] | None = None
    doubt: bool = False
    running: bool = False


AGAIN = Cell(sent=3)
OPEN = Cell(sent=1, error=SessionStartUncertainError, doubt=True)
LOST = attrs.evolve(OPEN, running=True)
WON = attrs.evolve(LOST, sent=2)
"""The repeated token is refused, because the first try won."""
MAY = Cell(sent=1, error=ServerError, doubt=True)
DOES = attrs.evolve(MAY, running=True)

# What goes wrong → what comes of minting, of minting and a start with that token, and of a direct start.
Row = tuple[dict[str, Any], Cell, Cell, Cell]
REFUSALS = {400: BadRequestError, 401: AuthenticationError, 409: ConflictError}
LIMITS = {
    "Concurrent session limit reached": ("0", ConcurrencyLimitError),
    "Spend cap reached": ("0", SpendCapError),
    "Come back in an hour": ("3600", RateLimitError),
}
STATUSES: dict[str, Row] = {
    **{f"{n}, twice": ({"status": n, "times": 2, "body": {}}, AGAIN, AGAIN, AGAIN) for n in (408, 429, 503)},
    **{f"{n}, twice": ({"status": n, "times": 2, "body": "<html>"}, AGAIN, AGAIN, MAY) for n in (500, 502, 504, 520)},
    "500, always": ({"status": 500}, Cell(5, ServerError), Cell(5, ServerError, doubt=True), MAY),
    "502 that hides a start": ({"status": 502, "processed": True, "times": 1}, Cell(sent=2), WON, DOES),
    **{
        words: ({"status": 429, "body": {"error": words}, "headers": {"Retry-After": wait}}, *[Cell(1, error)] * 3)
        for words, (wait, error) in LIMITS.items()
    },
    **{
        f"2xx, {body!r}": ({"status": 200, "body": body, "processed": True}, Cell(1, AnamResponseError), LOST, LOST)
        for body in ("<html>welcome</html>", "", '{"sessionId": "", "sessionToken": 7}')
    },
    **{str(status): ({"status": status}, *[Cell(1, error)] * 3) for status, error in REFUSALS.items()},
}
DELIVERY: dict[str, Row] = {
    "reset after": ({"close": "after", "times": 1}, Cell(sent=2), WON, LOST),
    "time-out": ({"delay_answer": 2.0, "times": 1}, Cell(sent=2), WON, LOST),
    "truncated": ({"truncate": True, "times": 1}, Cell(sent=2), WON, LOST),
    "reset before, twice": ({"close": "before", "times": 2}, AGAIN, AGAIN, OPEN),
    "reset before, always": ({"close": "before"}, Cell(5, AnamConnectionError), attrs.evolve(OPEN, sent=5), OPEN),
}
CELLS = [
    pytest.param(way, operation, name, fault, cell, id=f"{name}-{operation}-{way}")
    for rows, ways in ((STATUSES, ["httpx"]), (DELIVERY, WAYS))
    for name, (fault, *row) in rows.items()
    for operation, cell in zip(("mint", "both", "direct"), row, strict=True)
    for way in ways
]


def sent(sandbox: Sandbox, operation: str) -> int:
    return sum(request.operation == operation for request in sandbox.requests)


@pytest.mark.parametrize(("transport", "operation", "name", "fault", "cell"), CELLS, indirect=["transport"])
def test_every_cell_of_the_table(
    anam_sandbox: Sandbox, calls: Calls, operation: str, name: str, fault: dict[str, Any], cell: Cell
) -> None:
    """Repeated or raised as the table says; never is there a second session, nor a second token for one."""
    calls.configure(client_label="e2e", timeout=1.0 if name == "time-out" else 10.0)
    anam_sandbox.inject(Fault(operation=MINT if operation == "mint" else START, **fault))
    result = calls.outcome(operation)

    requests = {"mint": (cell.sent, 0), "both": (1, cell.sent), "direct": (0, cell.sent)}
    assert (sent(anam_sandbox, MINT), sent(anam_sandbox, START)) == requests[operation]
    if cell.error is None:
        ids = [] if operation == "mint" else [result.session_id]
        assert [session.id for session in anam_sandbox.sessions] == ids
        return
    assert type(result) is cell.error
    assert (result.attempts, result.may_have_started) == (cell.sent, cell.doubt)
    assert len(anam_sandbox.sessions) == cell.running
    assert ("may have been started" in str(result)) is cell.doubt
    if isinstance(result, SessionStartUncertainError):
        assert result.client_label == "e2e"
        assert result.token_claims.get("type") == ("stateful" if operation == "both" else None)
    if name == "time-out" and operation == "direct":
        assert isinstance(result.__cause__, AnamTimeoutError)


@pytest.mark.every_transport
@pytest.mark.parametrize("reason", ["dns", "tls"])
def test_what_never_left_is_repeated_and_then_raised(anam_sandbox: Sandbox, calls: Calls, reason: str) -> None:
    """A name that does not resolve: retried, then reported as not sent. A server that speaks no TLS: once."""
    encrypted = anam_sandbox.base_url.replace("http:", "https:")
    calls.configure(base_url=encrypted if reason == "tls" else "https://no-such-host.invalid")
    for operation in ("mint", "token", "direct"):
        error = calls.outcome(operation)
        assert type(error) is AnamConnectionError
        assert (error.sent, error.may_have_started) == (False, False)
        assert (error.attempts, error.retryable) == ((1, False) if reason == "tls" else (5, True))
        assert ("does the server speak TLS" in str(error)) is (reason == "tls")
