"""That both clients do what is decided about a failed attempt: pauses, deadlines, budgets, and the end of a client.

The decisions are tested in `tests/unit/test_retry.py`, every cell of the table in `tests/e2e/test_retry_table.py`.
"""

from __future__ import annotations

import httpx
import pytest

from anam_facade import (
    AnamConnectionError,
    AnamTimeoutError,
    ClientClosedError,
    PersonaConfig,
    RetryPolicy,
    ServiceBusyError,
    SessionStartUncertainError,
)

pytestmark = pytest.mark.anyio

PERSONA = PersonaConfig.saved("8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506")
MINT = "/v1/auth/session-token"
BUSY = httpx.Response(503, json={"error": "Busy"})
OK = httpx.Response(200, json={"sessionToken": "head.payload.sign", "sessionId": "s-1"})
LOST = httpx.ReadError("reset")


async def test_an_outage_is_outlasted(connect, server, clock):
    """Failures that pass are tried again after growing pauses, or those the server asks for, until it works."""
    hint = httpx.Response(429, headers={"Retry-After": "3"})
    answers = server(BUSY, httpx.ConnectError("refused"), hint, LOST, OK)
    token = await connect(answers).create_session_token(PERSONA)
    assert token.value == "head.payload.sign"
    assert clock.pauses == [0.25, 0.5, 3.0, 2.0]
    assert len({request.content for request in answers.requests}) == 1


async def test_one_deadline_holds_for_both_steps(connect, server, clock):
    """Time spent minting is taken from the start; a start that would have no time to be answered is not sent."""
    retry = RetryPolicy(jitter=0, initial_backoff=2, max_backoff=2, deadline=4)
    with pytest.raises(ServiceBusyError):
        await connect(server(BUSY, OK, BUSY), retry=retry).start_session(PERSONA)
    assert clock.pauses == [2.0]

    def slow(request: httpx.Request) -> httpx.Response:
        clock.now += 3.7
        return OK

    answers = server(slow)
    with pytest.raises(AnamTimeoutError, match="no time") as caught:
        await connect(answers, retry=retry).start_session(PERSONA)
    assert (answers.paths, caught.value.sent, caught.value.attempts, caught.value.retryable) == ([MINT], False, 0, True)


async def test_the_budget_stops_retries_for_all_calls_of_an_operation(connect, server):
    """When it is used up, calls fail at the first error, until one succeeds again; minting does not pay for starts."""
    answers = server(*[OK, BUSY, BUSY, BUSY], *[OK, BUSY], *[OK, OK], *[OK, BUSY, BUSY])
    client = connect(answers, retry=RetryPolicy(jitter=0, budget=2))
    for attempts in (3, 1, None, 2):
        if attempts is None:
            await client.start_session(PERSONA)
            continue
        with pytest.raises(ServiceBusyError) as caught:
            await client.start_session(PERSONA)
        assert caught.value.attempts == attempts


async def test_closing_between_attempts_ends_the_call(connect, server):
    """A client that is closed during a pause sends nothing more; what was in doubt stays in doubt."""
    client = None

    def lose(request: httpx.Request) -> httpx.Response:
        client.client._lifetime.end()
        raise LOST

    answers = server(lose)
    client = connect(answers)
    with pytest.raises(SessionStartUncertainError) as caught:
        await client.start_engine_session("head.payload.sign")
    assert isinstance(caught.value.__cause__, ClientClosedError)
    assert len(answers.requests) == 1


async def test_a_bug_in_a_transport_is_raised_at_once_if_nothing_was_sent(connect):
    """A second try would run into the same bug; the cause is kept."""

    class Mine(httpx.BaseTransport, httpx.AsyncBaseTransport):
        def handle_request(self, request):
            raise ZeroDivisionError("a bug")

        async def handle_async_request(self, request):
            raise ZeroDivisionError("a bug")

    with pytest.raises(AnamConnectionError, match="fault in the program") as caught:
        await connect(transport=Mine()).create_session_token(PERSONA)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert (caught.value.attempts, caught.value.permanent, caught.value.retryable) == (1, True, False)
