"""Retries as a user sees them: pauses, limits, log lines, and what is raised in the end."""

from __future__ import annotations

import logging

import httpx
import pytest

from anam_facade import (
    AnamConnectionError,
    AnamStatusError,
    AnamTimeoutError,
    BadRequestError,
    ClientClosedError,
    PersonaConfig,
    RateLimitError,
    RetryPolicy,
    ServiceBusyError,
    SessionStartUncertainError,
)

pytestmark = pytest.mark.anyio

ID = "30fa96d0-26c4-4e55-94a0-517025942e18"
PERSONA = PersonaConfig(voice_id=ID, llm_id=ID)
MINT, START = "/v1/auth/session-token", "/v1/engine/session"

BUSY = httpx.Response(503, json={"error": "Busy"})
OK = httpx.Response(200, json={"sessionToken": "head.payload.sign", "sessionId": "s-1"})
LOST = httpx.ReadError("reset")


async def test_an_outage_is_outlasted(connect, server, clock):
    """Failures that pass are tried again after growing pauses, until it works."""
    answers = server(BUSY, httpx.ConnectError("refused"), httpx.Response(500), LOST, OK)
    token = await connect(answers).create_session_token(PERSONA)
    assert token.value == "head.payload.sign"
    assert clock.pauses == [0.25, 0.5, 1.0, 2.0]
    assert len({request.content for request in answers.requests}) == 1


async def test_a_lost_start_is_repeated_with_the_same_token(connect, server):
    """After a lost answer the same token is sent again, and no other is minted."""
    answers = server(OK, LOST, httpx.Response(502), OK)
    session = await connect(answers).start_session(PERSONA)
    assert session.session_id == "s-1"
    assert answers.paths == [MINT, START, START, START]
    assert answers.bearers[1:] == ["head.payload.sign"] * 3


async def test_what_the_server_asks_for_is_obeyed(connect, server, clock):
    """Seconds, dates and rate-limit headers set the pause; an error whose hint is past the clamp is raised at once."""
    answers = server(
        httpx.Response(429, headers={"Retry-After": "3"}),
        httpx.Response(
            503, headers={"Retry-After": "Sun, 22 Nov 2026 09:00:05 GMT", "Date": "Sun, 22 Nov 2026 09:00:01 GMT"}
        ),
        httpx.Response(429, headers={"RateLimit-Reset": "5", "RateLimit-Remaining": "0"}),
        httpx.Response(408, headers={"Retry-After": "8"}),
        OK,
    )
    with pytest.raises(AnamStatusError) as caught:
        await connect(answers, retry=RetryPolicy(jitter=0, max_retry_after=7)).create_session_token(PERSONA)
    assert clock.pauses == [3.0, 4.0, 5.0]
    assert (caught.value.attempts, caught.value.retryable) == (4, True)


async def test_no_pause_passes_the_deadline(connect, server, clock):
    """The deadline ends a call before the pause that would pass it, and the error is the last one."""
    answers = server(httpx.Response(429, headers={"Retry-After": "4"}))
    with pytest.raises(RateLimitError) as caught:
        await connect(answers, retry=RetryPolicy(jitter=0, deadline=10)).create_session_token(PERSONA)
    assert (clock.pauses, caught.value.attempts, caught.value.retry_after) == ([4.0, 4.0], 3, 4.0)


async def test_slow_attempts_count_against_the_deadline(connect, server, clock):
    """Time spent waiting for answers is part of the call's time, and the last attempt gets what is left."""
    timeouts = []

    def slow(request: httpx.Request) -> httpx.Response:
        timeouts.append(request.extensions["timeout"]["read"])
        clock.now += 4
        raise httpx.ReadTimeout("late")

    client = connect(slow, timeout=4.0, retry=RetryPolicy(jitter=0, deadline=10))
    with pytest.raises(AnamTimeoutError) as caught:
        await client.create_session_token(PERSONA)
    assert timeouts == [4.0, 4.0, 1.25]
    assert caught.value.attempts == 3


async def test_no_attempt_is_begun_that_has_no_time(connect, clock):
    """A harmless 503 is not turned into an uncertain start by one last attempt of a few milliseconds."""
    timeouts = []

    def busy_then_cut_off(request: httpx.Request) -> httpx.Response:
        timeouts.append(request.extensions["timeout"]["read"])
        if len(timeouts) > 1:
            raise httpx.ReadTimeout("cut off")
        clock.now += 9.745
        return httpx.Response(503)

    client = connect(busy_then_cut_off, retry=RetryPolicy(jitter=0, deadline=10))
    with pytest.raises(ServiceBusyError):
        await client.start_session(PERSONA, direct=True)
    assert timeouts == [10.0]


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


async def test_one_operations_success_earns_the_other_no_retries(connect, server):
    """Minting that works does not pay for starts that are refused."""
    answers = server(*[OK, BUSY, BUSY, BUSY] * 2)
    client = connect(answers, retry=RetryPolicy(jitter=0, budget=2))
    for attempts in (3, 1):
        with pytest.raises(ServiceBusyError) as caught:
            await client.start_session(PERSONA)
        assert caught.value.attempts == attempts


async def test_the_budget_stops_retries_for_all_calls(connect, server, clock):
    """When the budget is used up, calls fail at the first error until something succeeds again."""
    answers = server(BUSY, BUSY, BUSY, BUSY, OK, BUSY, OK)
    client = connect(answers, retry=RetryPolicy(jitter=0, budget=2))
    for attempts in (3, 1):
        with pytest.raises(ServiceBusyError) as caught:
            await client.create_session_token(PERSONA)
        assert caught.value.attempts == attempts
    await client.create_session_token(PERSONA)
    await client.create_session_token(PERSONA)
    assert len(answers.requests) == 7


async def test_pauses_are_shortened_at_random(connect, server, clock):
    """With jitter no two clients come back at the same moment."""
    for _ in range(20):
        await connect(server(BUSY, OK), retry=RetryPolicy()).create_session_token(PERSONA)
    assert len(set(clock.pauses)) > 15
    assert all(0.1875 <= pause <= 0.25 for pause in clock.pauses)


async def test_each_retry_is_one_line_in_the_log(connect, server, caplog):
    """A warning per retry tells operation, attempt, reason and pause; a final failure is no warning."""
    caplog.set_level(logging.DEBUG, "anam_facade")
    answers = server(BUSY, OK, LOST, OK)
    await connect(answers).start_session(PERSONA)
    assert [(record.levelname, record.getMessage()) for record in caplog.records if record.levelno > logging.INFO] == [
        (
            "WARNING",
            "mint a session token: attempt 1 of 5 failed"
            " (POST https://api.anam.ai/v1/auth/session-token: 503 Service Unavailable: Busy);"
            " trying again in 0.25 s",
        ),
        (
            "WARNING",
            "start a session: attempt 1 of 5 failed"
            " (POST https://api.anam.ai/v1/engine/session: the answer was lost (ReadError: reset));"
            " trying again in 0.25 s",
        ),
    ]
    caplog.clear()
    with pytest.raises(BadRequestError):
        await connect(server(httpx.Response(400)), retry=RetryPolicy()).create_session_token(PERSONA)
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


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
