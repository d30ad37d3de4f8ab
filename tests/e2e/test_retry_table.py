"""The retry table, row by row, over a real socket: what is raised, what is repeated, how many sessions there are.

Whether a request left, and whether its answer was lost, is told by who sends it: these rows are tried over each way of
sending. What a status means is decided without one.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from anam_facade import (
    AnamConnectionError,
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
    ServerError,
    ServiceBusyError,
    SessionStartUncertainError,
    SpendCapError,
)
from anam_facade.sandbox import Fault, Sandbox

every_transport = pytest.mark.every_transport

MINT, START = "createSessionToken", "createEngineSession"
LOST = {
    "reset": {"close": "after"},
    "time-out": {"delay_answer": 1.0},
    "truncated": {"truncate": True},
}
"""Ways to lose an answer after the session was started."""
PATIENCE = {"reset": 10.0, "time-out": 0.5, "truncated": 10.0}


def statuses(sandbox: Sandbox, operation: str) -> list[Any]:
    return [request.status for request in sandbox.requests if request.operation == operation]


# The request never left.


@every_transport
@pytest.mark.parametrize("mode", ["token", "direct"])
def test_a_server_that_is_down_is_waited_for(anam_sandbox: Sandbox, calls: Any, start: Any, mode: str) -> None:
    """While connecting is refused nothing was sent, so any call is repeated and exactly one session starts."""
    from anam_facade import RetryPolicy

    calls.configure(retry=RetryPolicy(initial_backoff=0.1, max_backoff=0.2, max_attempts=10))
    anam_sandbox.outage(0.3)
    start(mode)
    assert len(anam_sandbox.sessions) == 1


@every_transport
@pytest.mark.parametrize("mode", ["token", "direct"])
@pytest.mark.parametrize("reason", ["dns", "connect", "tls"])
def test_what_never_left_is_repeated_and_then_raised(
    anam_sandbox: Sandbox, calls: Any, start: Any, mode: str, reason: str
) -> None:
    """A name that does not resolve, a closed port: retried, then reported as not sent. No TLS there at all: once."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    base_url = {
        "dns": "https://no-such-host.invalid",
        "connect": f"http://127.0.0.1:{port}",
        "tls": anam_sandbox.base_url.replace("http:", "https:"),
    }[reason]
    calls.configure(base_url=base_url)
    with pytest.raises(AnamConnectionError) as caught:
        start(mode)
    assert not caught.value.sent
    assert not caught.value.may_have_started
    assert (caught.value.attempts, caught.value.retryable) == ((1, False) if reason == "tls" else (5, True))
    assert anam_sandbox.sessions == ()


# 408, 429, 503: refused without effect.


@pytest.mark.parametrize("status", [408, 429, 503])
@pytest.mark.parametrize("mode", ["token", "direct"])
def test_a_start_that_was_refused_for_now_is_repeated(
    anam_sandbox: Sandbox, start: Any, mode: str, status: int
) -> None:
    """Two refusals are outlasted, and one session is started."""
    anam_sandbox.inject(Fault(operation=START, status=status, times=2, body={"error": "Too Many Requests"}))
    start(mode)
    assert statuses(anam_sandbox, START)[:2] == [status, status]
    assert len(statuses(anam_sandbox, START)) == 3
    assert len(anam_sandbox.sessions) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
def test_minting_is_repeated_after_any_of_the_servers_faults(anam_sandbox: Sandbox, calls: Any, status: int) -> None:
    """Minting starts nothing, so it is repeated after every 5xx, 408 and 429."""
    anam_sandbox.inject(Fault(operation=MINT, status=status, times=2, body={"error": "x"}))
    token = calls("create_session_token", {"personaId": "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"})
    assert token.claims["type"] == "stateful"
    assert len(statuses(anam_sandbox, MINT)) == 3
    assert anam_sandbox.sessions == ()


@pytest.mark.parametrize("mode", ["token", "direct"])
def test_the_servers_hint_is_obeyed(anam_sandbox: Sandbox, start: Any, mode: str) -> None:
    """The second request comes no earlier than `Retry-After` asks, though the policy alone would come sooner."""
    anam_sandbox.inject(Fault(operation=START, status=429, times=1, headers={"Retry-After": "1"}))
    start(mode)
    first, second = [request.received_at for request in anam_sandbox.requests if request.operation == START]
    assert second - first >= 1.0
    assert len(anam_sandbox.sessions) == 1


@pytest.mark.parametrize("mode", ["token", "direct"])
def test_a_hint_beyond_the_deadline_is_not_slept_for(anam_sandbox: Sandbox, start: Any, mode: str) -> None:
    """A wait that would outlast the deadline is not begun; the error says how long it would have been."""
    anam_sandbox.inject(Fault(operation=START, status=429, headers={"Retry-After": "3600"}))
    with pytest.raises(RateLimitError) as caught:
        start(mode)
    assert caught.value.retry_after == 3600
    assert caught.value.attempts == 1
    assert anam_sandbox.sessions == ()


# Plan limits.


@pytest.mark.parametrize("mode", ["token", "direct"])
def test_a_concurrency_limit_is_raised_at_once(anam_sandbox: Sandbox, start: Any, mode: str) -> None:
    """Waiting frees no slot: one request, a typed error, no second session; after one ends, the next may start."""
    anam_sandbox.configure(max_sessions=1)
    first = start(mode)
    with pytest.raises(ConcurrencyLimitError):
        start(mode)
    assert statuses(anam_sandbox, START)[1:] == [429]
    assert len(anam_sandbox.sessions) == 1
    anam_sandbox.end_session(first.session_id)
    start(mode)
    assert len(anam_sandbox.active_sessions) == 1


@pytest.mark.parametrize("mode", ["token", "direct"])
def test_a_spend_cap_is_raised_at_once(anam_sandbox: Sandbox, start: Any, mode: str) -> None:
    """Money does not come back by waiting, not even when a `Retry-After` comes along."""
    anam_sandbox.inject(
        Fault(operation=START, status=429, body={"error": "Spend cap reached"}, headers={"Retry-After": "0"})
    )
    with pytest.raises(SpendCapError):
        start(mode)
    assert statuses(anam_sandbox, START) == [429]
    assert anam_sandbox.sessions == ()


# Other 5xx.


@pytest.mark.parametrize("status", [500, 502, 504, 520])
def test_a_token_start_is_repeated_with_the_same_token(anam_sandbox: Sandbox, start: Any, status: int) -> None:
    """After a fault that started nothing, the same token starts the one session; no second token is minted."""
    anam_sandbox.inject(Fault(operation=START, status=status, times=2, body="<html>bad</html>"))
    start("token")
    assert statuses(anam_sandbox, MINT) == [200]
    assert len(statuses(anam_sandbox, START)) == 3
    assert len(anam_sandbox.sessions) == 1


@pytest.mark.parametrize("used", [401, 409])
def test_a_fault_that_hid_a_started_session_is_told(anam_sandbox: Sandbox, start: Any, used: int) -> None:
    """502, but the session was started: the same token is refused, which is told. One session, one token."""
    anam_sandbox.configure(used_token_status=used)
    anam_sandbox.inject(Fault(operation=START, status=502, processed=True, times=1))
    with pytest.raises(SessionStartUncertainError) as caught:
        start("token")
    assert caught.value.client_label == "e2e"
    assert caught.value.token_claims["type"] == "stateful"
    assert isinstance(caught.value.__cause__, AnamStatusError)
    assert statuses(anam_sandbox, START)[1:] == [used]
    assert statuses(anam_sandbox, MINT) == [200]
    assert len(anam_sandbox.sessions) == 1


def test_a_token_start_that_keeps_failing_says_that_it_may_have_started(anam_sandbox: Sandbox, start: Any) -> None:
    """Five 5xx: the last is raised, and says that one of them may have started the session."""
    anam_sandbox.inject(Fault(operation=START, status=500))
    with pytest.raises(ServerError) as caught:
        start("token")
    assert caught.value.may_have_started
    assert "may have been started" in str(caught.value)
    assert caught.value.attempts == 5


@pytest.mark.parametrize("processed", [False, True])
@pytest.mark.parametrize("status", [500, 502, 504, 520])
def test_a_direct_start_is_not_repeated_after_a_fault(
    anam_sandbox: Sandbox, start: Any, status: int, processed: bool
) -> None:
    """Nothing protects a direct start from starting twice: one request, and the error says that it may have started."""
    anam_sandbox.inject(Fault(operation=START, status=status, processed=processed, times=1))
    with pytest.raises(ServerError) as caught:
        start("direct")
    assert caught.value.may_have_started
    assert len(statuses(anam_sandbox, START)) == 1
    assert len(anam_sandbox.sessions) == int(processed)


# The answer was lost.


@every_transport
@pytest.mark.parametrize("how", LOST)
def test_a_lost_mint_is_repeated(anam_sandbox: Sandbox, calls: Any, how: str) -> None:
    """A minted token that nobody received costs nothing: another is minted."""
    calls.configure(timeout=PATIENCE[how])
    anam_sandbox.inject(Fault(operation=MINT, times=1, **LOST[how]))
    calls("create_session_token", {"personaId": "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"})
    assert len(statuses(anam_sandbox, MINT)) == 2
    assert anam_sandbox.sessions == ()


@every_transport
@pytest.mark.parametrize("used", [401, 409])
@pytest.mark.parametrize("how", LOST)
def test_a_lost_token_start_is_repeated_and_told(
    anam_sandbox: Sandbox, calls: Any, start: Any, how: str, used: int
) -> None:
    """The repeated token is refused because the first try won: uncertain, one session, and no second token."""
    calls.configure(timeout=PATIENCE[how])
    anam_sandbox.configure(used_token_status=used)
    anam_sandbox.inject(Fault(operation=START, times=1, **LOST[how]))
    with pytest.raises(SessionStartUncertainError) as caught:
        start("token")
    assert caught.value.attempts == 2
    assert caught.value.may_have_started
    assert statuses(anam_sandbox, MINT) == [200]
    assert len(anam_sandbox.sessions) == 1


@every_transport
def test_a_start_reset_before_it_took_effect_is_repaired(anam_sandbox: Sandbox, start: Any) -> None:
    """The same token works when the first try never took effect: one session, and the caller has its id."""
    anam_sandbox.inject(Fault(operation=START, close="before", times=2))
    session = start("token")
    assert [recorded.id for recorded in anam_sandbox.sessions] == [session.session_id]
    assert statuses(anam_sandbox, MINT) == [200]


@every_transport
def test_a_start_whose_every_answer_is_lost_is_told(anam_sandbox: Sandbox, start: Any) -> None:
    """When no try gets an answer the fate stays open, and that is what is raised."""
    anam_sandbox.inject(Fault(operation=START, close="before"))
    with pytest.raises(SessionStartUncertainError) as caught:
        start("token")
    assert caught.value.attempts == 5
    assert isinstance(caught.value.__cause__, AnamConnectionError)


@every_transport
@pytest.mark.parametrize("how", LOST)
def test_a_lost_direct_start_is_told_at_once(anam_sandbox: Sandbox, calls: Any, start: Any, how: str) -> None:
    """One request, one session, and the caller is told to look for it."""
    calls.configure(timeout=PATIENCE[how])
    anam_sandbox.inject(Fault(operation=START, times=1, **LOST[how]))
    with pytest.raises(SessionStartUncertainError) as caught:
        start("direct")
    assert isinstance(caught.value.__cause__, AnamTimeoutError if how == "time-out" else AnamConnectionError)
    assert caught.value.client_label == "e2e"
    assert caught.value.token_claims == {}
    assert len(statuses(anam_sandbox, START)) == 1
    assert len(anam_sandbox.sessions) == 1


@pytest.mark.parametrize("mode", ["token", "direct"])
@pytest.mark.parametrize("body", ["<html>welcome</html>", "", "[]", '{"sessionId": 7}', '{"sessionId": ""}', "{}"])
def test_a_success_that_makes_no_sense_is_told(anam_sandbox: Sandbox, start: Any, mode: str, body: str) -> None:
    """2xx means that the session was probably started, whatever the body is: told, and not repeated."""
    anam_sandbox.inject(Fault(operation=START, status=200, body=body, processed=True))
    with pytest.raises(SessionStartUncertainError):
        start(mode)
    assert len(statuses(anam_sandbox, START)) == 1
    assert len(anam_sandbox.sessions) == 1


# 401 and 409 on a first try, and everything else.


def test_an_expired_token_is_refused_plainly(anam_sandbox: Sandbox, calls: Any) -> None:
    """A 401 on the first try is no sign of a started session."""
    token = anam_sandbox.mint_token(expires_in=-1)
    with pytest.raises(AuthenticationError) as caught:
        calls("start_engine_session", token)
    assert not caught.value.may_have_started
    assert anam_sandbox.sessions == ()


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 408}, {"status": 429}])
def test_a_401_after_refusals_without_effect_is_plain(anam_sandbox: Sandbox, start: Any, fault: dict[str, Any]) -> None:
    """Nothing can have been started by a request that was refused, so a 401 that follows is no sign of it either."""
    anam_sandbox.inject(Fault(operation=START, times=1, **fault))
    anam_sandbox.inject(Fault(operation=START, times=1, after=0, status=401))
    with pytest.raises(AuthenticationError):
        start("token")
    assert anam_sandbox.sessions == ()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, BadRequestError),
        (401, AuthenticationError),
        (402, PlanRequiredError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (409, ConflictError),
        (422, AnamStatusError),
    ],
)
@pytest.mark.parametrize("mode", ["token", "direct"])
@pytest.mark.parametrize("operation", [MINT, START])
def test_other_refusals_are_raised_at_once(
    anam_sandbox: Sandbox, start: Callable[[str], Any], operation: str, mode: str, status: int, error: type[Exception]
) -> None:
    """A 4xx says that trying again changes nothing: one request, the typed error, no session."""
    if (operation, mode) == (MINT, "direct"):
        anam_sandbox.inject(Fault(operation=START, status=status))
    else:
        anam_sandbox.inject(Fault(operation=operation, status=status))
    with pytest.raises(error) as caught:
        start(mode)
    assert isinstance(caught.value, AnamStatusError)
    assert caught.value.status_code == status
    assert caught.value.attempts == 1
    assert not caught.value.may_have_started
    assert anam_sandbox.sessions == ()


def test_retries_can_be_switched_off(anam_sandbox: Sandbox, calls: Any, start: Any) -> None:
    """With `max_attempts=1` every failure is the caller's, at once."""
    from anam_facade import RetryPolicy

    calls.configure(retry=RetryPolicy(max_attempts=1))
    anam_sandbox.inject(Fault(operation=START, status=503, times=1))
    with pytest.raises(ServiceBusyError):
        start("token")
    assert len(statuses(anam_sandbox, START)) == 1
