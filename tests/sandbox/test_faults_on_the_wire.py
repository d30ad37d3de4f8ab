"""Faults as a client meets them, with the sessions that the server started meanwhile."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from anam_facade.sandbox import Fault
from tests.sandbox.support import EXAMPLES, GONE, INLINE, LIVEKIT, MINT, SAVED, START, Api, eventually

Serve = Callable[..., Api]
STARTING = "createEngineSession"


@pytest.fixture
def api(serve: Serve) -> Api:
    """A client that takes broken answers as they come."""
    return serve(check=False)


def test_a_status_alone_is_answered_in_the_contracts_words(api: Api) -> None:
    """Nothing is started, the connection is kept, and the next call works; the record names the fault."""
    fault = api.sandbox.inject(Fault(operation=STARTING, status=503, headers={"Retry-After": "1"}, times=1))
    token = api.token()
    refused = api.start(token)
    assert (refused.status_code, refused.json()) == (503, EXAMPLES["ErrorBusy"])
    assert refused.headers["retry-after"] == "1"
    assert "connection" not in refused.headers
    assert api.sandbox.sessions == ()
    assert api.start(token).status_code == 200
    assert [seen.fault for seen in api.sandbox.requests] == [None, fault, None]
    assert api.sandbox.faults == (fault,)
    api.sandbox.clear_faults()
    assert api.sandbox.faults == ()


@pytest.mark.parametrize(
    ("fault", "content_type", "content"),
    [
        (Fault(status=502, body="<html>Bad gateway</html>"), "text/html; charset=utf-8", b"<html>Bad gateway</html>"),
        (Fault(status=500, body="oops"), "text/plain; charset=utf-8", b"oops"),
        (Fault(status=500, body=""), "text/plain; charset=utf-8", b""),
        (Fault(status=200, body={"sessionToken": 5}), "application/json", b'{"sessionToken": 5}'),
        (Fault(status=200, body="{", content_type="application/json"), "application/json", b"{"),
        (Fault(status=500, body=b"\xff\x00"), "application/octet-stream", b"\xff\x00"),
        (Fault(status=500, body="x", headers={"content-TYPE": "a/b"}), "a/b", b"x"),
        (Fault(status=204, body="dropped"), None, b""),
        (Fault(status=302, headers={"Location": "https://elsewhere.example.org/"}), "application/json", b"{}"),
    ],
)
def test_a_body_arrives_as_it_was_given(api: Api, fault: Fault, content_type: str | None, content: bytes) -> None:
    """Text, HTML, JSON, bytes, nothing; a status that has no body gets none. It comes from in front of the API."""
    api.sandbox.inject(fault)
    response = api.mint(bearer="wrong")
    assert response.status_code == fault.status
    assert response.headers.get("content-type") == content_type
    assert response.content == content


NO, UNKNOWN, TOLD = [], [False], [True]
"""Whether the session that runs afterwards was told of; or that there is none."""


@pytest.mark.parametrize(
    ("fault", "met", "sessions", "recorded"),
    [
        (Fault(close="before"), GONE, NO, "closed"),
        (Fault(close="after"), GONE, UNKNOWN, "closed"),
        (Fault(status=500, processed=True), 500, UNKNOWN, 500),
        (Fault(truncate=True), GONE, UNKNOWN, 200),
        (Fault(status=502, body="<html>", truncate=True), GONE, NO, 502),
        (Fault(delay=3600), httpx.ReadTimeout, NO, "closed"),
        (Fault(delay_answer=3600), httpx.ReadTimeout, UNKNOWN, "closed"),
        (Fault(drip=3600), httpx.ReadTimeout, UNKNOWN, 200),
        (Fault(drip=0.0001), 200, TOLD, 200),
        (Fault(delay=0.01, delay_answer=0.01), 200, TOLD, 200),
    ],
    ids=lambda value: str(value.to_dict()) if isinstance(value, Fault) else "",
)
def test_what_a_client_meets_and_what_runs(api: Api, fault: Fault, met: Any, sessions: Any, recorded: Any) -> None:
    """The work is done with all its checks, or not at all, whatever becomes of the answer; the ledger knows."""
    tokens = [api.sandbox.mint_token(), api.sandbox.mint_token(persona={"personaId": "bogus"})]
    api.sandbox.inject(fault)
    if isinstance(met, int):
        assert api.start(tokens[0]).status_code == met
    else:
        with pytest.raises(met):
            api.start(tokens[0], timeout=1 if met is httpx.ReadTimeout else 10)
    eventually(lambda: api.sandbox.requests[0].status == recorded)
    with contextlib.suppress(httpx.TransportError):
        api.start(tokens[1], timeout=0.1)
    assert [session.delivered for session in api.sandbox.sessions] == sessions
    api.sandbox.clear_faults()
    assert api.start(tokens[0]).status_code == (401 if sessions else 200)


def test_a_close_is_a_tcp_reset(api: Api) -> None:
    """Not an orderly end: the socket reports ECONNRESET."""
    api.sandbox.inject(Fault(close="after"))
    with socket.create_connection(api.address, timeout=5) as raw:
        raw.sendall(b"POST /v1/auth/session-token HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            raw.recv(1)


def test_a_truncated_answer_announces_more_than_it_sends(api: Api) -> None:
    """The headers are those of the whole answer, half of the body comes."""
    api.sandbox.inject(Fault(status=502, body="<html>" * 10, truncate=True))
    with pytest.raises(httpx.RemoteProtocolError, match=r"received 30 bytes, expected 60"):
        api.direct()


def test_latency_is_an_answer_that_takes_its_time(serve: Serve) -> None:
    """Mint and start have their own, which can be changed while the sandbox runs."""
    api = serve(latency=(0.0, 0.2))

    def takes_long(call: Callable[[], object]) -> bool:
        began = time.monotonic()
        call()
        return time.monotonic() - began >= 0.2

    assert takes_long(api.direct)
    assert api.sandbox.sessions[0].delivered is True
    api.sandbox.latency = (0.2, 0.0)
    assert api.sandbox.latency == (0.2, 0.0)
    assert takes_long(api.token)


def test_a_dripping_answer_comes_byte_by_byte(api: Api) -> None:
    """Headers included."""
    api.sandbox.inject(Fault(status=500, body="x" * 100, drip=0.0005))
    began = time.monotonic()
    assert api.direct().text == "x" * 100
    assert time.monotonic() - began > 0.0005 * 150


@pytest.mark.parametrize(
    ("fault", "unit"),
    [
        ({}, b" "),
        ({"body": ""}, b" "),
        ({"body": "ha"}, b"ha"),
        ({"body": "x" * 50_000}, b"x"),
        ({"status": 502, "body": "<html>"}, b"<html>"),
    ],
)
def test_an_endless_answer_never_ends(api: Api, fault: dict[str, Any], unit: bytes) -> None:
    """Megabytes of the body given, or of blanks after the real answer, until the client has had enough."""
    api.sandbox.inject(Fault(endless=True, **fault))
    received = bytearray()
    headers = {"Authorization": f"Bearer {api.sandbox.api_key}"}
    with api.http.stream("POST", START, json={"personaConfig": SAVED}, headers=headers) as response:
        assert response.headers["transfer-encoding"] == "chunked"
        assert response.status_code == fault.get("status", 201)
        for chunk in response.iter_bytes():
            received += chunk
            if len(received) > 4_000_000:
                break
    assert received[-1000:].strip(unit) == b""
    assert len(api.sandbox.sessions) == (response.status_code == 201)
    if not fault:
        assert json.loads(received)["sessionId"] == api.sandbox.sessions[0].id


def test_faults_leave_other_paths_alone(api: Api) -> None:
    """Unknown paths and methods are answered as usual, and are not counted."""
    api.sandbox.inject(Fault(status=503, times=1))
    assert api.http.get("/nowhere").status_code == 404
    assert api.http.get(START).status_code == 405
    assert api.mint().status_code == 503


@pytest.mark.parametrize("label", [True, False])
def test_a_session_is_known_by_its_label_or_its_room(api: Api, label: bool) -> None:
    """The calls of another are not counted with its own, whether a token or the key makes them."""
    api.sandbox.inject(Fault(operation=STARTING, status=503, per_session=True, after=1, times=1))
    room = {"environment": {**LIVEKIT, "livekitUrl": "wss://a.example"}}
    one, other = ({"clientLabel": "wss://a.example"} if label else room), {"environment": LIVEKIT}
    token = api.token(INLINE, **one)
    assert [api.direct(INLINE, **config).status_code for config in (one, other)] == [201, 201]
    assert api.start(token).status_code == 503


def test_a_status_that_the_contract_does_not_name_has_the_form_of_every_error(serve: Serve) -> None:
    """Words or no words for it."""
    api = serve()
    for status, words in ((418, "I'm a Teapot"), (599, "Status 599")):
        api.sandbox.inject(Fault(status=status, times=1))
        answer = api.http.post(MINT)
        assert (answer.status_code, answer.json()["error"]) == (status, words)
