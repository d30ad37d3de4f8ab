"""Faults: what may be said, which calls are hit, how they travel as JSON, and what a client meets of them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import pickle
import socket
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from anam_facade.sandbox import Fault
from anam_facade.sandbox.faults import FaultPlan, chance
from tests.sandbox.support import EXAMPLES, GONE, INLINE, LIVEKIT, MINT, SAVED, START, Api, Serve, eventually

MINTING, STARTING = "createSessionToken", "createEngineSession"


def plan_of(*faults: Fault) -> FaultPlan:
    plan = FaultPlan()
    plan.add(*faults)
    return plan


def hits(plan: FaultPlan, calls: int, operation: str = STARTING) -> list[int]:
    return [n for n in range(calls) if plan.decide(operation) is not None]


RATE: dict[str, Any] = {"status": 500, "rate": 0.2, "seed": 7}
SEQUENCE = [n for n in range(100) if chance(7, n) < 0.2]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"status": 500}, list(range(110))),
        ({"status": 500, "times": 2}, [0, 1]),
        ({"status": 500, "times": 2, "after": 1}, [1, 2]),
        ({"status": 500, "after": 107}, [107, 108, 109]),
        ({"status": 500, "rate": 0.0}, []),
        ({"status": 500, "rate": 1.0}, list(range(110))),
        ({**RATE, "after": 10}, [n + 10 for n in SEQUENCE]),
        ({**RATE, "times": 3}, SEQUENCE[:3]),
        ({"status": 500, "operation": MINTING}, []),
    ],
)
def test_the_calls_that_a_fault_hits(fault: dict[str, Any], expected: list[int]) -> None:
    """`after` spares the first and shifts the sequence of a rate, `times` ends it; another operation's are spared."""
    assert hits(plan_of(Fault(**fault)), 110) == expected


def test_a_fault_without_an_operation_counts_the_calls_of_both_until_it_is_cleared() -> None:
    """Of several the first that is due takes the call, and does not use up the others."""
    first, second = Fault(status=500, times=1), Fault(status=502, times=2)
    plan = plan_of(first, second)
    assert [plan.decide(name) for name in (MINTING, STARTING)] == [first, second]
    plan.clear()
    assert plan.decide(STARTING) is None


def test_the_chance_is_what_the_documentation_says() -> None:
    """So that another language can foretell the sequence; the share is about right, another seed gives another."""
    bits = bin(int.from_bytes(hashlib.sha256(b"7:3").digest(), "big"))[2:].zfill(256)[:53]
    assert chance(7, 3) == sum(2.0 ** -(i + 1) for i, bit in enumerate(bits) if bit == "1")
    assert 340 < sum(chance(7, n) < 0.2 for n in range(2000)) < 460
    assert chance(8, 3) != chance(7, 3)


def test_a_session_meets_the_same_faults_however_calls_interleave() -> None:
    """With `per_session` each counts, and draws, by itself; `times` counts the hits of all."""
    fault = Fault(operation=STARTING, status=503, rate=0.5, seed=3, per_session=True)

    def drawn(plan: FaultPlan, calls: str) -> dict[str, list[bool]]:
        met: dict[str, list[bool]] = {name: [] for name in calls}
        for name in calls:
            met[name].append(plan.decide(STARTING, lambda name=name: name) is not None)  # type: ignore[misc]
        return met

    one_by_one = drawn(plan_of(fault), "a" * 8 + "b" * 8)
    assert (
        drawn(plan_of(fault), "ab" * 8)
        == one_by_one
        == {name: [chance(f"3:{name}", n) < 0.5 for n in range(8)] for name in "ab"}
    )
    assert one_by_one["a"] != one_by_one["b"]
    limited = Fault(status=503, per_session=True, after=1, times=1)
    assert drawn(plan_of(limited), "abab") == {"a": [False, True], "b": [False, False]}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(operation=MINTING, status=429, headers={"Retry-After": "1"}, times=3, after=2),
        Fault(status=502, body="<html>", content_type="text/html", rate=0.5, seed=3),
        Fault(status=500, body=b"\xff\x00", processed=True),
        Fault(status=200, body={"sessionToken": 5}),
        Fault(status=200, body=""),
        Fault(status=200, body=False),
        Fault(endless=True, body="ha", delay_answer=2),
        Fault(
            operation=STARTING, close="after", avatar_joins_after=1, avatar_leaves_after=0.0, avatar_never_finishes=True
        ),
    ],
)
def test_a_fault_survives_json(fault: Fault) -> None:
    """What to_dict writes, from_dict reads; it can be pickled, too, for a server in another process."""
    assert Fault.from_dict(json.loads(json.dumps(fault.to_dict()))) == fault
    assert pickle.loads(pickle.dumps(fault)) == fault


def test_only_what_is_set_is_written() -> None:
    """The defaults stay out of the JSON."""
    assert Fault(status=500, body=b"a").to_dict() == {"status": 500, "body_base64": "YQ=="}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ([], "object"),
        ({}, "must do something"),
        ({"status": 600}, "status"),
        ({"status": True}, "status"),
        ({"status": 503.0}, "status"),
        ({"status": 500, "times": 0}, "times"),
        ({"status": 500, "after": -1}, "after"),
        ({"status": 500, "rate": float("nan")}, "rate must be a finite"),
        ({"status": 500, "operation": "createPersona"}, "operation"),
        ({"status": 500, "per_session": 1}, "per_session"),
        ({"delay": -1}, "delay"),
        ({"delay_answer": float("inf")}, "delay_answer must be a finite"),
        ({"avatar_joins_after": 1, "status": 503, "operation": STARTING}, "avatar_joins_after"),
        ({"avatar_never_finishes": True}, "avatar_never_finishes"),
        ({"close": "later"}, "close"),
        ({"close": "after", "status": 500}, "close"),
        ({"close": "before", "delay_answer": 1}, "delay_answer"),
        ({"truncate": True, "endless": True}, "truncate"),
        ({"processed": True, "delay": 1}, "processed"),
        ({"body": "x", "truncate": True}, "body"),
        ({"content_type": "text/html", "delay": 1}, "content_type"),
        ({"status": 500, "content_type": "a\nb"}, "content_type"),
        ({"status": 500, "body": object()}, "body"),
        ({"status": 500, "body": "\ud800"}, "body"),
        ({"status": 500, "headers": {"a b": "c"}}, "headers"),
        ({"status": 500, "headers": {"a": "b\r\nc: d"}}, "headers"),
        ({"status": 500, "headers": ["a"]}, "headers"),
        ({"status": 500, "headers": {"Content-Length": "5"}}, "truncate"),
        ({"delay": 1, "headers": {"a": "b"}}, "headers"),
        ({"status": 500, "statsu": 1}, "statsu"),
        ({"status": 500, "body_base64": "é"}, "body_base64"),
        # A socket has no status and no headers, and one that was closed is told nothing.
        ({"operation": "signalling"}, "must do something"),
        ({"operation": "signalling", "status": 500}, "signalling"),
        ({"operation": "signalling", "headers": {"A": "b"}, "body": "x"}, "signalling"),
        ({"operation": "signalling", "body": "x", "close": "after"}, "close"),
    ],
)
def test_a_fault_that_cannot_happen_is_refused(wrong: Any, named: str) -> None:
    """The message names what is wrong, from Python and from JSON alike."""
    with pytest.raises((TypeError, ValueError), match=named):
        Fault.from_dict(wrong)


def test_a_fault_does_not_follow_the_mapping_it_was_made_from() -> None:
    """It is frozen as a whole."""
    headers = {"Retry-After": "1"}
    fault = Fault(status=429, headers=headers)
    headers["Retry-After"] = "2"
    assert fault.headers == {"Retry-After": "1"}


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
        assert (response.headers["transfer-encoding"], response.headers.get("content-length")) == ("chunked", None)
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
