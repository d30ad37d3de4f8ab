"""The retry table of `docs/errors.md`, cell by cell, over a real socket: what is raised, what is repeated, and how many
sessions there are in the end.

Whether a request left, and whether its answer was lost, is told by who sends it: these rows are tried over each way of
sending. What a status means is decided without one.
"""

from __future__ import annotations

import socket
from typing import Any

import attrs
import pytest

from anam_facade import (
    AnamConnectionError,
    AnamError,
    AnamResponseError,
    AnamStatusError,
    AnamTimeoutError,
    AuthenticationError,
    BadRequestError,
    ConcurrencyLimitError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    PlanRequiredError,
    RateLimitError,
    RetryPolicy,
    ServerError,
    SessionStartUncertainError,
    SpendCapError,
)
from anam_facade.sandbox import Fault, Sandbox
from tests.conftest import Calls

MINT, START = "createSessionToken", "createEngineSession"
PERSONA = {"personaId": "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"}


@attrs.frozen
class Cell:
    """What comes of a call: how often it is sent, what is raised, and whether a session may run, and does."""

    sent: int
    error: type[AnamError] | None = None
    doubt: bool = False
    running: bool = False


AGAIN = Cell(sent=3)
WON = Cell(sent=2, error=SessionStartUncertainError, doubt=True, running=True)
"""The repeated token is refused, because the first try won."""
LOST = Cell(sent=1, error=SessionStartUncertainError, doubt=True, running=True)
MAY = Cell(sent=1, error=ServerError, doubt=True)

# What goes wrong → what comes of minting, of a start with a token, and of a direct start. None: does not apply.
Row = tuple[dict[str, Any], Cell | None, Cell | None, Cell | None]
STATUSES: dict[str, Row] = {
    **{f"{n}, twice": ({"status": n, "times": 2, "body": {}}, AGAIN, AGAIN, AGAIN) for n in (408, 429, 503)},
    **{f"{n}, twice": ({"status": n, "times": 2, "body": "<html>"}, AGAIN, AGAIN, MAY) for n in (500, 502, 504, 520)},
    "500, always": ({"status": 500}, Cell(5, ServerError), Cell(5, ServerError, doubt=True), MAY),
    "502 that hides a start": (
        {"status": 502, "processed": True, "times": 1},
        Cell(sent=2),
        WON,
        attrs.evolve(MAY, running=True),
    ),
    **{
        name: ({"status": 429, "body": {"error": words}, "headers": hint}, *[Cell(1, error)] * 3)
        for name, words, hint, error in (
            ("concurrency limit", "Concurrent session limit reached", {}, ConcurrencyLimitError),
            ("spend cap", "Spend cap reached", {"Retry-After": "0"}, SpendCapError),
            ("hint beyond the deadline", "Too Many Requests", {"Retry-After": "3600"}, RateLimitError),
        )
    },
    **{
        f"2xx, {body!r}": ({"status": 200, "body": body, "processed": True}, Cell(1, AnamResponseError), LOST, LOST)
        for body in ("<html>welcome</html>", "", '{"sessionId": "", "sessionToken": 7}')
    },
    **{
        str(status): ({"status": status}, *[Cell(1, error)] * 3)
        for status, error in {
            302: AnamStatusError,
            400: BadRequestError,
            401: AuthenticationError,
            402: PlanRequiredError,
            403: PermissionDeniedError,
            404: NotFoundError,
            409: ConflictError,
            422: AnamStatusError,
        }.items()
    },
}
DELIVERY: dict[str, Row] = {
    **{
        name: (fault | {"times": 1}, Cell(sent=2), WON, LOST)
        for name, fault in {
            "reset after": {"close": "after"},
            "time-out": {"delay_answer": 2.0},
            "truncated": {"truncate": True},
        }.items()
    },
    "reset before, twice": ({"close": "before", "times": 2}, AGAIN, AGAIN, attrs.evolve(LOST, running=False)),
    "reset before, always": (
        {"close": "before"},
        Cell(5, AnamConnectionError),
        Cell(5, SessionStartUncertainError, doubt=True),
        None,
    ),
}
MODES = ("mint", "token", "direct")


def cells(rows: dict[str, Row]) -> Any:
    """Every cell of the rows, as parameters of a test."""
    return pytest.mark.parametrize(
        ("mode", "name", "fault", "cell"),
        [
            pytest.param(mode, name, fault, cell, id=f"{name}-{mode}")
            for name, (fault, *row) in rows.items()
            for mode, cell in zip(MODES, row, strict=True)
            if cell is not None
        ],
    )


def sent(sandbox: Sandbox, operation: str) -> int:
    return sum(request.operation == operation for request in sandbox.requests)


def played(sandbox: Sandbox, calls: Calls, mode: str, name: str, fault: dict[str, Any], cell: Cell) -> None:
    token = calls("create_session_token", PERSONA, client_label="e2e") if mode == "token" else None
    if name == "time-out":
        calls.configure(timeout=1.0)
    operation = MINT if mode == "mint" else START
    sandbox.inject(Fault(operation=operation, **fault))
    error: AnamError | None = None
    try:
        if mode == "mint":
            calls("create_session_token", PERSONA)
        elif mode == "token":
            session = calls("start_engine_session", token)
        else:
            session = calls("start_session", PERSONA, client_label="e2e", direct=True)
    except AnamError as raised:
        error = raised

    assert sent(sandbox, operation) == cell.sent
    if error is None:
        assert cell.error is None
        assert [started.id for started in sandbox.sessions] == ([] if mode == "mint" else [session.session_id])
        return
    assert type(error) is cell.error
    assert (error.attempts, error.may_have_started) == (cell.sent, cell.doubt)
    assert len(sandbox.sessions) == cell.running
    assert ("may have been started" in str(error)) is cell.doubt
    if isinstance(error, SessionStartUncertainError):
        assert error.client_label == "e2e"
        assert error.token_claims.get("type") == ("stateful" if mode == "token" else None)
    if name == "time-out" and mode == "direct":
        assert isinstance(error.__cause__, AnamTimeoutError)


@cells(STATUSES)
def test_what_a_status_leads_to(
    anam_sandbox: Sandbox, calls: Calls, mode: str, name: str, fault: dict[str, Any], cell: Cell
) -> None:
    """Repeated or raised as the table says, as the error it says, and never a second session."""
    played(anam_sandbox, calls, mode, name, fault, cell)


@pytest.mark.every_transport
@cells(DELIVERY)
def test_what_a_lost_answer_leads_to(
    anam_sandbox: Sandbox, calls: Calls, mode: str, name: str, fault: dict[str, Any], cell: Cell
) -> None:
    """An answer that does not arrive, or not whole: repeated where that is safe, and told where it is not."""
    played(anam_sandbox, calls, mode, name, fault, cell)


@pytest.mark.every_transport
@pytest.mark.parametrize("reason", ["dns", "connect", "tls"])
def test_what_never_left_is_repeated_and_then_raised(anam_sandbox: Sandbox, calls: Calls, reason: str) -> None:
    """A name that does not resolve, a closed port: retried, then reported as not sent. No TLS there at all: once."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    base_url = {
        "dns": "https://no-such-host.invalid",
        "connect": f"http://127.0.0.1:{port}",
        "tls": anam_sandbox.base_url.replace("http:", "https:"),
    }[reason]
    calls.configure(base_url=base_url)
    for method, argument, options in (
        ("create_session_token", PERSONA, {}),
        ("start_engine_session", "a.b.c", {}),
        ("start_session", PERSONA, {"direct": True}),
    ):
        with pytest.raises(AnamConnectionError) as caught:
            calls(method, argument, **options)
        assert (caught.value.sent, caught.value.may_have_started) == (False, False)
        assert (caught.value.attempts, caught.value.retryable) == ((1, False) if reason == "tls" else (5, True))


@pytest.mark.every_transport
@pytest.mark.parametrize("direct", [False, True])
def test_a_server_that_is_down_is_waited_for(anam_sandbox: Sandbox, calls: Calls, direct: bool) -> None:
    """While connecting is refused nothing was sent, so any call is repeated and exactly one session starts."""
    calls.configure(retry=RetryPolicy(initial_backoff=0.1, max_backoff=0.2, max_attempts=10))
    anam_sandbox.outage(0.3)
    calls("start_session", PERSONA, direct=direct)
    assert len(anam_sandbox.sessions) == 1


@pytest.mark.parametrize("used", [401, 409])
def test_no_second_token_is_minted_for_a_start_that_was_sent(anam_sandbox: Sandbox, calls: Calls, used: int) -> None:
    """Both steps in one call: the same token is sent again, whichever status says that it was used."""
    anam_sandbox.configure(used_token_status=used)
    anam_sandbox.inject(Fault(operation=START, times=1, close="after"))
    with pytest.raises(SessionStartUncertainError) as caught:
        calls("start_session", PERSONA)
    assert isinstance(caught.value.__cause__, AnamStatusError)
    assert caught.value.__cause__.status_code == used
    assert (sent(anam_sandbox, MINT), sent(anam_sandbox, START), len(anam_sandbox.sessions)) == (1, 2, 1)


def test_the_servers_hint_is_slept_for(anam_sandbox: Sandbox, calls: Calls) -> None:
    """The second request comes no earlier than `Retry-After` asks, though the policy alone would come sooner."""
    anam_sandbox.inject(Fault(operation=START, status=429, body={"error": "x"}, times=1, headers={"Retry-After": "1"}))
    calls("start_session", PERSONA, direct=True)
    first, second = [request.received_at for request in anam_sandbox.requests]
    assert second - first >= 1.0


def test_a_slot_that_was_freed_can_be_used(anam_sandbox: Sandbox, calls: Calls) -> None:
    """The limit that the sandbox keeps, not one that it plays: raised at once, and gone when a session ends."""
    anam_sandbox.configure(max_sessions=1)
    first = calls("start_session", PERSONA)
    with pytest.raises(ConcurrencyLimitError):
        calls("start_session", PERSONA)
    anam_sandbox.end_session(first.session_id)
    calls("start_session", PERSONA)
    assert (sent(anam_sandbox, START), len(anam_sandbox.active_sessions)) == (3, 1)
