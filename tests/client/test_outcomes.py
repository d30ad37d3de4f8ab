"""That both clients do what is decided: from whatever becomes of a request to a result, a retry or a typed error.

The decisions are tested in `tests/unit/test_retry.py`, every cell of the table in `tests/e2e/test_retry_table.py`.
"""

from __future__ import annotations

from types import SimpleNamespace

import httpx
import pytest

from anam_facade import (
    AnamConnectionError,
    AnamError,
    AnamResponseError,
    AnamTimeoutError,
    ClientClosedError,
    RetryPolicy,
    ServiceBusyError,
    SessionStartUncertainError,
)
from tests.conftest import PERSONA

MINT, START = "/v1/auth/session-token", "/v1/engine/session"
BUSY = httpx.Response(503, json={"error": "Busy"})
OK = httpx.Response(200, json={"sessionToken": "head.payload.sign", "sessionId": "s-1"})
LOST = httpx.ReadError("reset")


class Mine(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport of the user's: does something before it takes the body, and something afterwards."""

    def __init__(self, *, before=lambda: None, after=lambda: None):
        self.before, self.after, self.closed = before, after, 0

    def handle_request(self, request):
        self.before()
        request.read()
        return self.after()

    async def handle_async_request(self, request):
        self.before()
        await request.aread()
        return self.after()

    def close(self):
        self.closed += 1

    async def aclose(self):
        self.closed += 1


def raising(error):
    def act():
        raise error

    return act


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize(
    ("error", "cls"),
    [
        (httpx.ConnectError("no route"), AnamConnectionError),
        (httpx.ReadTimeout("late"), AnamTimeoutError),
        (OSError("not mapped"), AnamConnectionError),
        (TimeoutError(), AnamTimeoutError),
    ],
)
def test_whether_it_was_sent_is_for_the_body_to_tell(connect, error, cls, taken):
    """Whatever a transport raises: what counts is whether it took the body. The cause does not keep the request."""
    calls = connect(transport=Mine(**{"after" if taken else "before": raising(error)}), retry=0)
    with pytest.raises(AnamConnectionError) as caught:
        calls("create_session_token", PERSONA)
    assert type(caught.value) is cls
    assert (caught.value.sent, caught.value.retryable) == (taken, True)
    assert caught.value.__cause__ is error
    assert vars(error).get("_request") is None
    with pytest.raises(SessionStartUncertainError if taken else cls):
        calls("start_session", PERSONA, direct=True)


def test_a_body_that_would_come_too_late_is_not_sent(connect, clock):
    """Nor is that of a client that was closed meanwhile; a bug in a transport would only be met again."""
    late = connect(transport=Mine(before=lambda: clock.sleep(11)), retry=0)
    with pytest.raises(AnamTimeoutError, match="all the time") as caught:
        late("start_engine_session", "a.b.c")
    assert caught.value.sent is False
    closed = connect(transport=Mine(before=lambda: closed.client._lifetime.end()))
    with pytest.raises(ClientClosedError) as caught:
        closed("start_engine_session", "a.b.c")
    assert caught.value.sent is False
    wrong = connect(transport=Mine(before=raising(ZeroDivisionError("a bug"))))
    with pytest.raises(AnamConnectionError, match="fault in the program") as caught:
        wrong("create_session_token", PERSONA)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert (caught.value.attempts, caught.value.permanent, caught.value.retryable) == (1, True, False)


def test_a_stream_of_the_users_need_not_end(connect):
    """Nor be a generator: what is too long is left half-way."""

    class Endless(httpx.SyncByteStream, httpx.AsyncByteStream):
        def __iter__(self):
            return self

        __aiter__ = __iter__

        def __next__(self):
            return b"x" * 10_000

        async def __anext__(self):
            return next(self)

    with pytest.raises(AnamResponseError, match="too long"):
        connect(lambda request: httpx.Response(200, stream=Endless()))("create_session_token", PERSONA)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(401), "401 Unauthorized; the API key came from the environment variable ANAM_API_KEY"),
        (httpx.Response(307, headers={"Location": "https://there.example/"}), "leads to https://there.example/"),
        (httpx.Response(407), "the proxy refuses"),
        (httpx.Response(400, headers={"X-Request-Id": "r-7"}), "(request id r-7)"),
        (httpx.Response(400, headers={"CF-Ray": "8f"}), "(request id 8f)"),
        (httpx.Response(200, text="<html>", headers={"X-Request-Id": "r-7"}), "(request id r-7)"),
    ],
)
def test_an_error_says_where_and_what_to_do(connect, server, monkeypatch, answer, words):
    """The URL that was really used, where the key came from, and what may help to find the cause."""
    monkeypatch.setenv("ANAM_API_KEY", "old-key")
    calls = connect(server(answer), api_key=None, gateway_url="https://gw.example/x")
    with pytest.raises(AnamError) as caught:
        calls("create_session_token", PERSONA)
    assert str(caught.value).startswith("POST https://gw.example/x/v1/auth/session-token: ")
    assert words in str(caught.value)
    assert caught.value.request_id == answer.headers.get("X-Request-Id", answer.headers.get("CF-Ray"))


# Retries.


def test_an_outage_is_outlasted(connect, server, clock):
    """Failures that pass are tried again after growing pauses, or those the server asks for, until it works."""
    hint = httpx.Response(429, headers={"Retry-After": "3"})
    answers = server(BUSY, httpx.ConnectError("refused"), hint, LOST, OK)
    token = connect(answers)("create_session_token", PERSONA)
    assert token.value == "head.payload.sign"
    assert clock.pauses == [0.25, 0.5, 3.0, 2.0]
    assert len({request.content for request in answers.requests}) == 1


def test_one_deadline_holds_for_both_steps(connect, server, clock):
    """Time spent minting is taken from the start; a start that would have no time to be answered is not sent."""
    retry = RetryPolicy(jitter=0, initial_backoff=2, max_backoff=2, deadline=4)
    with pytest.raises(ServiceBusyError):
        connect(server(BUSY, OK, BUSY), retry=retry)("start_session", PERSONA)
    assert clock.pauses == [2.0]

    def slow(request: httpx.Request) -> httpx.Response:
        clock.now += 3.7
        return OK

    answers = server(slow)
    with pytest.raises(AnamTimeoutError, match="no time") as caught:
        connect(answers, retry=retry)("start_session", PERSONA)
    assert (answers.paths, caught.value.sent, caught.value.attempts, caught.value.retryable) == ([MINT], False, 0, True)


def test_the_budget_stops_retries_for_all_calls_of_an_operation(connect, server):
    """When it is used up, calls fail at the first error, until one succeeds again; minting does not pay for starts.

    Views share the budget, lest they double the retries; a new `retry` brings a budget of its own.
    """
    answers = server(*[OK, BUSY, BUSY, BUSY], *[OK, BUSY], *[OK, OK], *[OK, BUSY])
    calls = connect(answers, retry=RetryPolicy(jitter=0, budget=2))

    def attempts(made) -> int:
        with pytest.raises(ServiceBusyError) as caught:
            made("start_session", PERSONA)
        return caught.value.attempts

    assert [attempts(calls), attempts(calls)] == [3, 1]
    calls("start_session", PERSONA)
    assert [attempts(calls)] == [2]
    answers.answers = [BUSY]
    views = [calls.view(timeout=5), calls.view(retry=3), calls.view(retry=0)]
    assert [attempts(view) for view in views] == [3, 4, 1]  # minting still has all of its budget
    assert attempts(calls) == 1


# The end of a client.


def test_a_view_has_other_settings_on_the_same_connections(connect, server):
    """What is given changes, what is not stays; the client itself does not change; closing either closes both."""
    answers = server()
    calls = connect(answers, client_label="desk", extra_headers={"X-A": "1", "X-B": "1"}, timeout=9)
    view = calls.view(timeout=2, client_label="till", extra_headers={"X-B": "2"})
    view("create_session_token", PERSONA)
    calls("create_session_token", PERSONA)
    assert [body["clientLabel"] for body in answers.bodies] == ["till", "desk"]
    assert [(r.headers["X-A"], r.headers["X-B"]) for r in answers.requests] == [("1", "2"), ("1", "1")]
    assert [r.extensions["timeout"]["connect"] for r in answers.requests] == [2, 9]
    view.close()
    with pytest.raises(ClientClosedError):
        calls("create_session_token", PERSONA)


def test_closing_between_attempts_ends_the_call(connect, server):
    """A client that is closed during a pause sends nothing more; what was in doubt stays in doubt."""
    calls = SimpleNamespace()

    def lose(request: httpx.Request) -> httpx.Response:
        calls.client._lifetime.end()
        raise LOST

    answers = server(lose)
    calls = connect(answers)
    with pytest.raises(SessionStartUncertainError) as caught:
        calls("start_engine_session", "head.payload.sign")
    assert isinstance(caught.value.__cause__, ClientClosedError)
    assert len(answers.requests) == 1


def test_a_closed_client_sends_nothing(connect):
    """The end of the block closes its transport, once; every call is refused as one for which nothing was sent."""
    transport = Mine(after=lambda: httpx.Response(200, content=OK.content))
    calls = connect(transport=transport)
    leave = "__aexit__" if calls.is_async else "__exit__"
    assert calls(leave.replace("exit", "enter")) is calls.client
    calls("create_session_token", PERSONA)
    assert transport.closed == 0
    calls(leave)
    calls.close()
    assert transport.closed == 1
    for method, argument in (
        ("create_session_token", PERSONA),
        ("start_engine_session", "a.b.c"),
        ("start_session", PERSONA),
    ):
        with pytest.raises(ClientClosedError, match="the client was closed") as caught:
            calls(method, argument)
        assert (caught.value.sent, caught.value.attempts, caught.value.may_have_started) == (False, 0, False)
