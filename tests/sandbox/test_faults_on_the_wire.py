"""Faults as a client meets them, with the sessions that the server started meanwhile."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from anam_facade.sandbox import Fault, Sandbox
from tests.sandbox.support import EXAMPLES, SAVED, START, Api, until

Serve = Callable[..., Api]
RESET = (httpx.ReadError, httpx.RemoteProtocolError)


@pytest.fixture
def api(serve: Serve) -> Api:
    """A client that takes broken answers as they come."""
    return serve(check=False)


def test_a_status_alone_is_answered_in_the_contracts_words(api: Api) -> None:
    """Nothing is started, the next call works, and the connection was kept."""
    api.sandbox.inject(Fault(operation="createEngineSession", status=503, times=1))
    token = api.token()
    refused = api.start(token)
    assert (refused.status_code, refused.json()) == (503, EXAMPLES["ErrorBusy"])
    assert "connection" not in refused.headers
    assert api.sandbox.sessions == ()
    assert api.start(token).status_code == 200


@pytest.mark.parametrize(
    ("fault", "content_type", "content"),
    [
        (Fault(status=502, body="<html>Bad gateway</html>"), "text/html; charset=utf-8", b"<html>Bad gateway</html>"),
        (Fault(status=500, body="oops"), "text/plain; charset=utf-8", b"oops"),
        (Fault(status=500, body=""), "text/plain; charset=utf-8", b""),
        (Fault(status=200, body={"sessionToken": 5}), "application/json", b'{"sessionToken": 5}'),
        (Fault(status=200, body=[]), "application/json", b"[]"),
        (Fault(status=200, body="{", content_type="application/json"), "application/json", b"{"),
        (Fault(status=500, body=b"\xff\x00"), "application/octet-stream", b"\xff\x00"),
        (Fault(status=500, body="x", headers={"content-TYPE": "a/b"}), "a/b", b"x"),
        (Fault(status=204, body="dropped"), None, b""),
        (Fault(status=304), None, b""),
        (Fault(status=302, headers={"Location": "https://elsewhere.example.org/"}), "application/json", b"{}"),
    ],
)
def test_a_body_arrives_as_it_was_given(api: Api, fault: Fault, content_type: str | None, content: bytes) -> None:
    """Text, HTML, JSON, bytes, nothing; a status that has no body gets none."""
    api.sandbox.inject(fault)
    response = api.mint()
    assert response.status_code == fault.status
    assert response.headers.get("content-type") == content_type
    assert response.content == content


def test_headers_are_added(api: Api) -> None:
    """Retry-After for instance, also to an answer that is real otherwise."""
    api.sandbox.inject(Fault(status=429, headers={"Retry-After": "1"}, times=1))
    assert api.mint().headers["retry-after"] == "1"


def test_close_before_resets_the_connection_and_starts_nothing(api: Api) -> None:
    """The client sees a reset, the ledger a closed request and no session."""
    api.sandbox.inject(Fault(operation="createEngineSession", close="before", times=1))
    token = api.token()
    with pytest.raises(RESET):
        api.start(token)
    assert api.sandbox.requests[-1].status == "closed"
    assert api.sandbox.sessions == ()
    assert api.start(token).status_code == 200


def test_close_after_resets_the_connection_when_the_session_runs(api: Api) -> None:
    """The client sees the same, but a session was started that it does not know of."""
    api.sandbox.inject(Fault(operation="createEngineSession", close="after", times=1))
    token = api.token()
    with pytest.raises(RESET):
        api.start(token)
    (session,) = api.sandbox.sessions
    assert session.delivered is False
    assert api.start(token).status_code == 401


def test_a_close_is_a_tcp_reset(api: Api) -> None:
    """Not an orderly end: the socket reports ECONNRESET."""
    api.sandbox.inject(Fault(close="after"))
    address = api.http.base_url.host, api.http.base_url.port or 0
    with socket.create_connection(address, timeout=5) as raw:
        raw.sendall(b"POST /v1/auth/session-token HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            raw.recv(1)


def test_a_truncated_answer_announces_more_than_it_sends(api: Api) -> None:
    """The headers are those of the whole answer, half of the body comes, and the session runs."""
    api.sandbox.inject(Fault(operation="createEngineSession", truncate=True, times=1))
    with pytest.raises(httpx.RemoteProtocolError) as broken:
        api.start(api.token())
    received, expected = (int(number) for number in re.findall(r"\d+", str(broken.value)))
    assert received == expected // 2 > 0
    (session,) = api.sandbox.sessions
    assert session.delivered is False
    assert api.sandbox.requests[-1].status == 200


def test_a_truncated_error_starts_nothing(api: Api) -> None:
    """With a status of its own the fault answers instead of doing the work."""
    api.sandbox.inject(Fault(status=502, body="<html>" * 10, truncate=True))
    with pytest.raises(httpx.RemoteProtocolError):
        api.direct()
    assert api.sandbox.sessions == ()


def test_a_processed_fault_starts_the_session_and_says_otherwise(api: Api) -> None:
    """A 500 behind which a session runs."""
    api.sandbox.inject(Fault(operation="createEngineSession", status=500, processed=True, times=1))
    assert api.direct().status_code == 500
    (session,) = api.sandbox.sessions
    assert (session.active, session.delivered) == (True, False)


def test_a_processed_fault_does_not_start_what_would_be_refused(api: Api) -> None:
    """The work is done with all its checks."""
    api.sandbox.inject(Fault(status=500, processed=True))
    assert api.direct({"personaId": "bogus"}).status_code == 500
    assert api.sandbox.sessions == ()


def test_a_delay_comes_before_the_work(api: Api) -> None:
    """A client that gives up meanwhile has started nothing, and never will."""
    api.sandbox.inject(Fault(operation="createEngineSession", delay=0.3, times=2))
    token = api.token()
    with pytest.raises(httpx.ReadTimeout):
        api.start(token, timeout=0.1)
    until(lambda: api.sandbox.requests[-1].status == "closed")
    began = time.monotonic()
    assert api.start(token).status_code == 200
    assert time.monotonic() - began >= 0.3
    assert len(api.sandbox.sessions) == 1


def test_a_delayed_answer_comes_after_the_work(api: Api) -> None:
    """A client that gives up meanwhile has started a session, which the ledger knows was not delivered."""
    api.sandbox.inject(Fault(operation="createEngineSession", delay_answer=0.3, times=1))
    with pytest.raises(httpx.ReadTimeout):
        api.start(api.token(), timeout=0.1)
    until(lambda: api.sandbox.requests[-1].status == "closed")
    (session,) = api.sandbox.sessions
    assert session.delivered is False


def test_latency_is_an_answer_that_takes_its_time(serve: Serve) -> None:
    """Mint and start have their own, which can be changed while the sandbox runs."""
    api = serve(latency=(0.0, 0.2))
    token = api.token()
    began = time.monotonic()
    assert api.start(token).status_code == 200
    assert time.monotonic() - began >= 0.2
    assert api.sandbox.sessions[0].delivered is True
    api.sandbox.latency = (0.2, 0.0)
    assert api.sandbox.latency == (0.2, 0.0)
    began = time.monotonic()
    api.token()
    assert time.monotonic() - began >= 0.2


def test_a_dripping_answer_comes_byte_by_byte(api: Api) -> None:
    """Headers included; it is whole in the end, and counts as delivered."""
    api.sandbox.inject(Fault(operation="createEngineSession", drip=0.0005, times=1))
    token = api.token()
    began = time.monotonic()
    response = api.start(token)
    assert response.json()["sessionId"] == api.sandbox.sessions[0].id
    assert time.monotonic() - began > 0.0005 * len(response.content)
    assert api.sandbox.sessions[0].delivered is True


def test_a_client_that_leaves_a_dripping_answer_was_not_told(api: Api) -> None:
    """The sandbox stops sending."""
    api.sandbox.inject(Fault(drip=0.05))
    with pytest.raises(httpx.ReadTimeout), api.http.stream("POST", START, timeout=0.02) as response:
        response.read()
    until(lambda: api.sandbox.requests[-1].status is not None)


@pytest.mark.parametrize(("body", "unit"), [(None, b" "), ("", b" "), ("ha", b"ha"), ("x" * 50_000, b"x")])
def test_an_endless_answer_never_ends(api: Api, body: str | None, unit: bytes) -> None:
    """Megabytes of the body given, or of blanks after the real answer, until the client has had enough."""
    api.sandbox.inject(Fault(endless=True, body=body))
    received = bytearray()
    with api.http.stream("POST", START, json={"personaConfig": SAVED}, headers=bearer(api.sandbox)) as response:
        assert response.headers["transfer-encoding"] == "chunked"
        for chunk in response.iter_bytes():
            received += chunk
            if len(received) > 4_000_000:
                break
    assert received[-1000:].strip(unit) == b""
    if body is None:
        assert json.loads(received)["sessionId"] == api.sandbox.sessions[0].id


def test_an_endless_error_keeps_its_status(api: Api) -> None:
    """And starts nothing."""
    api.sandbox.inject(Fault(status=502, body="<html>", endless=True))
    with api.http.stream("POST", START, json={"personaConfig": SAVED}, headers=bearer(api.sandbox)) as response:
        assert response.status_code == 502
        assert next(response.iter_bytes()).startswith(b"<html>")
    assert api.sandbox.sessions == ()


def test_faults_are_counted_over_all_connections(api: Api) -> None:
    """20 % of 200 concurrent calls are hit, exactly those that the seed says in number."""
    api.sandbox.inject(fault := Fault(operation="createEngineSession", status=503, rate=0.2, seed=1))
    expected = sum(fault_hits(fault, 200))

    def start(_: int) -> int:
        with (own := Api(api.sandbox)).http:
            return own.direct().status_code

    with ThreadPoolExecutor(16) as threads:
        statuses = list(threads.map(start, range(200)))
    assert statuses.count(503) == expected
    assert len(api.sandbox.sessions) == 200 - expected


def test_a_fault_is_met_before_the_credential_is_checked(api: Api) -> None:
    """An injected 503 comes from in front of the API."""
    api.sandbox.inject(Fault(status=503))
    assert api.mint(bearer="wrong").status_code == 503


def test_faults_leave_other_paths_alone(api: Api) -> None:
    """Unknown paths and methods are answered as usual, and are not counted."""
    api.sandbox.inject(Fault(status=503, times=1))
    assert api.http.get("/nowhere").status_code == 404
    assert api.http.get(START).status_code == 405
    assert api.mint().status_code == 503


def test_the_record_names_the_fault(api: Api) -> None:
    """So that a test can tell an injected 503 from a real one."""
    fault = api.sandbox.inject(Fault(status=503, times=1))
    api.mint()
    api.mint()
    assert [seen.fault for seen in api.sandbox.requests] == [fault, None]
    assert api.sandbox.faults == (fault,)
    api.sandbox.clear_faults()
    assert not api.sandbox.faults


def bearer(sandbox: Sandbox) -> dict[str, Any]:
    return {"Authorization": f"Bearer {sandbox.api_key}"}


def fault_hits(fault: Fault, calls: int) -> list[bool]:
    from anam_facade.sandbox.faults import chance

    return [chance(fault.seed, n) < (fault.rate or 0) for n in range(calls)]
