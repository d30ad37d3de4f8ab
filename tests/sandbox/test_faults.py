"""Faults: what may be said, which calls are hit, how they travel as JSON, and what a client meets of them."""

import contextlib
import hashlib
import json
import pickle
import time

import httpx
import pytest

from anam_facade.sandbox import Fault
from anam_facade.sandbox.faults import FaultPlan, chance
from tests.sandbox.support import EXAMPLES, INLINE, LIVEKIT, SAVED, START, eventually

MINTING, STARTING = "createSessionToken", "createEngineSession"
SEQUENCE = [n for n in range(100) if chance(7, n) < 0.2]


def met(faults, calls):
    """The faults that calls meet, one after the other; each call is of an operation, for a session."""
    plan = FaultPlan()
    plan.add(*faults)
    return [plan.decide(operation, lambda session=session: session) for operation, session in calls]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({}, list(range(110))),
        ({"times": 2, "after": 1}, [1, 2]),
        ({"after": 107}, [107, 108, 109]),
        ({"rate": 0.0}, []),
        ({"rate": 1.0}, list(range(110))),
        ({"rate": 0.2, "seed": 7, "after": 10}, [n + 10 for n in SEQUENCE]),
        ({"rate": 0.2, "seed": 7, "times": 3}, SEQUENCE[:3]),
        ({"operation": MINTING}, []),
    ],
)
def test_the_calls_that_a_fault_hits(fault, expected):
    """`after` spares the first and shifts the sequence of a rate, `times` ends it; another operation's are spared."""
    faults = met([Fault(status=500, **fault)], [(STARTING, "")] * 110)
    assert [n for n, fault in enumerate(faults) if fault] == expected


def test_of_several_faults_the_first_that_is_due_takes_the_call():
    """It does not use up the others. Without an operation it counts the calls of both."""
    first, second = Fault(status=500, times=1), Fault(status=502, times=1)
    assert met([first, second], [(MINTING, ""), (STARTING, ""), (STARTING, "")]) == [first, second, None]


def test_the_chance_is_what_the_documentation_says():
    """So that another language can foretell the sequence; the share is about right."""
    bits = bin(int.from_bytes(hashlib.sha256(b"7:3").digest(), "big"))[2:].zfill(256)[:53]
    assert chance(7, 3) == sum(2.0 ** -(i + 1) for i, bit in enumerate(bits) if bit == "1")
    assert 340 < sum(chance(7, n) < 0.2 for n in range(2000)) < 460


def test_a_session_meets_the_same_faults_however_calls_interleave():
    """With `per_session` each counts, and draws, by itself; `times` counts the hits of all."""
    one, other = ([chance(f"3:{name}", n) < 0.5 for n in range(8)] for name in "ab")
    fault = Fault(status=503, rate=0.5, seed=3, per_session=True)
    in_turns = [hit is not None for hit in met([fault], [(STARTING, name) for name in "ab" * 8])]
    assert (in_turns[::2], in_turns[1::2]) == (one, other)
    assert one != other
    limited = Fault(status=503, per_session=True, after=1, times=1)
    assert met([limited], [(STARTING, name) for name in "abab"]) == [None, None, limited, None]


def test_a_fault_survives_json_and_pickle():
    """With what is set and nothing else; frozen as a whole, for it does not follow the mapping it was made from."""
    headers = {"Retry-After": "1"}
    shown = [
        {"rate": 0.5, "seed": 3, "status": 502, "body": "<html>", "content_type": "text/html"},
        {"status": 200, "body": False},
        {"endless": True, "body": "", "delay_answer": 2},
        {"operation": STARTING, "close": "after", "avatar_joins_after": 1, "avatar_leaves_after": 0.0},
        {"status": 500, "processed": True, "body_base64": "/wA="},
        {"operation": STARTING, "times": 3, "after": 2, "status": 429, "headers": {"Retry-After": "1"}},
    ]
    faults = [Fault.from_dict(fault) for fault in [*shown[:-1], {**shown[-1], "headers": headers}]]
    headers.clear()
    assert faults[-2].body == b"\xff\x00"
    assert [json.loads(json.dumps(fault.to_dict())) for fault in faults] == shown
    assert pickle.loads(pickle.dumps(faults)) == faults


STATUS = {"status": 500}
SOCKET = {"operation": "signalling"}
WRONG = {
    "object": [[]],
    "must do something": [{}, SOCKET],
    "status": [{"status": 600}, {"status": 503.0}, {**STATUS, "statsu": 1}],
    "times": [{**STATUS, "times": 0}],
    "after": [{**STATUS, "after": -1}],
    "rate": [{**STATUS, "rate": 1.5}],
    "operation": [{**STATUS, "operation": "createPersona"}],
    "delay must be a finite": [{"delay": float("nan")}],
    "avatar_joins_after": [{"avatar_joins_after": 1, "status": 503, "operation": STARTING}],
    "avatar_never_finishes": [{"avatar_never_finishes": True}],
    "close": [{"close": "later"}, {"close": "after", **STATUS}, {**SOCKET, "body": "x", "close": "after"}],
    "delay_answer": [{"close": "before", "delay_answer": 1}],
    "truncate": [{"truncate": True, "endless": True}, {**STATUS, "headers": {"Content-Length": "5"}}],
    "processed": [{"processed": True, "delay": 1}],
    "content_type": [{"content_type": "text/html", "delay": 1}, {**STATUS, "content_type": "a\nb"}],
    "body": [{"body": "x", "truncate": True}, {**STATUS, "body": object()}, {**STATUS, "body": "\ud800"}],
    "body_base64": [{**STATUS, "body_base64": "é"}],
    "headers": [
        *({**STATUS, "headers": headers} for headers in ({"a b": "c"}, {"a": "b\r\nc: d"}, ["a"])),
        {"delay": 1, "headers": {"a": "b"}},
    ],
    # A socket has no status and no headers.
    "signalling": [{**SOCKET, **STATUS}, {**SOCKET, "headers": {"A": "b"}, "body": "x"}],
}


@pytest.mark.parametrize(("named", "wrong"), [(named, wrong) for named, all_ in WRONG.items() for wrong in all_])
def test_a_fault_that_cannot_happen_is_refused(named, wrong):
    """The message names what is wrong, from Python and from JSON alike."""
    with pytest.raises((TypeError, ValueError), match=named):
        Fault.from_dict(wrong)


# --- Over the wire ----------------------------------------------------------------------------------


@pytest.fixture
def api(serve):
    """A client that takes broken answers as they come."""
    return serve(check=False)


def test_a_status_alone_is_answered_in_the_contracts_words(api):
    """Nothing is started, the connection is kept, and the next call works; other paths and methods do not count."""
    fault = api.sandbox.inject(Fault(operation=STARTING, status=503, headers={"Retry-After": "1"}, times=1))
    token = api.token()
    assert (api.http.get("/nowhere").status_code, api.http.get(START).status_code) == (404, 405)
    refused = api.start(token)
    assert (refused.status_code, refused.json()) == (503, EXAMPLES["ErrorBusy"])
    assert refused.headers["retry-after"] == "1"
    assert "connection" not in refused.headers
    assert api.sandbox.sessions == ()
    assert api.start(token).status_code == 200
    assert [seen.fault for seen in api.sandbox.requests] == [None, None, None, fault, None]


@pytest.mark.parametrize(
    ("fault", "content_type", "content"),
    [
        (Fault(status=502, body="<html>Bad gateway</html>"), "text/html; charset=utf-8", b"<html>Bad gateway</html>"),
        (Fault(status=500, body=""), "text/plain; charset=utf-8", b""),
        (Fault(status=200, body={"sessionToken": 5}), "application/json", b'{"sessionToken": 5}'),
        (Fault(status=200, body="{", content_type="application/json"), "application/json", b"{"),
        (Fault(status=500, body=b"\xff\x00"), "application/octet-stream", b"\xff\x00"),
        (Fault(status=500, body="x", headers={"content-TYPE": "a/b"}), "a/b", b"x"),
        (Fault(status=204, body="dropped"), None, b""),
        (Fault(status=302, headers={"Location": "https://elsewhere.example.org/"}), "application/json", b"{}"),
        # What the contract does not name has the form of every error, with words or without.
        (Fault(status=418), "application/json", b'{"error":"I\'m a Teapot"}'),
        (Fault(status=599), "application/json", b'{"error":"Status 599"}'),
    ],
)
def test_a_body_arrives_as_it_was_given(api, fault, content_type, content):
    """Text, HTML, JSON, bytes, nothing; a status that has no body gets none. It comes from in front of the API."""
    api.sandbox.inject(fault)
    response = api.mint(bearer="wrong")
    assert response.status_code == fault.status
    assert response.headers.get("content-type") == content_type
    assert response.content == content


RESET, WAITING = pytest.raises(httpx.ReadError), pytest.raises(httpx.ReadTimeout)
CUT_OFF = pytest.raises(httpx.RemoteProtocolError, match=r"received 30 bytes, expected 60")
NO, UNKNOWN, TOLD = [], [False], [True]  # whether the session that runs was told of; or that there is none


@pytest.mark.parametrize(
    ("fault", "met", "sessions", "recorded"),
    [
        (Fault(close="before"), RESET, NO, "closed"),
        (Fault(close="after"), RESET, UNKNOWN, "closed"),
        (Fault(status=500, processed=True), 500, UNKNOWN, 500),
        (Fault(truncate=True), pytest.raises(httpx.RemoteProtocolError), UNKNOWN, 200),
        (Fault(status=502, body="<html>" * 10, truncate=True), CUT_OFF, NO, 502),
        (Fault(delay=3600), WAITING, NO, "closed"),
        (Fault(delay_answer=3600), WAITING, UNKNOWN, "closed"),
        (Fault(drip=3600), WAITING, UNKNOWN, 200),
        (Fault(drip=0.0001), 200, TOLD, 200),
        (Fault(delay=0.01, delay_answer=0.01), 200, TOLD, 200),
    ],
    ids=lambda value: str(value.to_dict()) if isinstance(value, Fault) else "",
)
def test_what_a_client_meets_and_what_runs(api, fault, met, sessions, recorded):
    """The work is done with all its checks, or not at all, whatever becomes of the answer; the ledger knows."""
    tokens = [api.sandbox.mint_token(), api.sandbox.mint_token(persona={"personaId": "bogus"})]
    api.sandbox.inject(fault)
    if isinstance(met, int):
        assert api.start(tokens[0]).status_code == met
    else:
        with met:
            api.start(tokens[0], timeout=1 if met is WAITING else 10)
    eventually(lambda: api.sandbox.requests[0].status == recorded)
    with contextlib.suppress(httpx.TransportError):
        api.start(tokens[1], timeout=0.1)
    assert [session.delivered for session in api.sandbox.sessions] == sessions
    api.sandbox.clear_faults()
    assert api.start(tokens[0]).status_code == (401 if sessions else 200)


def test_what_takes_its_time(api):
    """Mint and start have a latency of their own, which can be changed; an answer drips byte by byte, headers too."""
    api.sandbox.latency = (0.1, 0.2)
    api.sandbox.inject(Fault(operation=STARTING, status=500, body="x" * 100, drip=0.0005, after=1))
    for call, seconds in ((api.token, 0.1), (api.direct, 0.2), (api.direct, 0.0005 * 150)):
        began = time.monotonic()
        call()
        assert time.monotonic() - began >= seconds


@pytest.mark.parametrize(
    ("fault", "unit"), [({}, b" "), ({"body": "x" * 50_000}, b"x"), ({"status": 502, "body": "<html>"}, b"<html>")]
)
def test_an_endless_answer_never_ends(api, fault, unit):
    """Megabytes of the body given, or of blanks after the real answer, until the client has had enough."""
    api.sandbox.inject(Fault(endless=True, **fault))
    received = bytearray()
    headers = {"Authorization": f"Bearer {api.sandbox.api_key}"}
    with api.http.stream("POST", START, json={"personaConfig": SAVED}, headers=headers) as response:
        framing = [response.headers.get(name) for name in ("transfer-encoding", "connection", "content-length")]
        assert framing == ["chunked", "close", None]
        assert response.status_code == fault.get("status", 201)
        for chunk in response.iter_bytes():
            received += chunk
            if len(received) > 4_000_000:
                break
    assert received[-1000:].strip(unit) == b""
    assert len(api.sandbox.sessions) == (response.status_code == 201)
    if not fault:
        assert json.loads(received)["sessionId"] == api.sandbox.sessions[0].id


@pytest.mark.parametrize("label", [True, False])
def test_a_session_is_known_by_its_label_or_its_room(api, label):
    """The calls of another are not counted with its own, whether a token or the key makes them."""
    api.sandbox.inject(Fault(operation=STARTING, status=503, per_session=True, after=1, times=1))
    rooms = [{"environment": {**LIVEKIT, "livekitUrl": url}} for url in ("wss://a.example", "wss://b.example")]
    one, other = [{"clientLabel": "a"}, {"clientLabel": "b"}] if label else rooms
    token = api.token(INLINE, **one)
    assert [api.direct(INLINE, **config).status_code for config in (one, other)] == [201, 201]
    assert api.start(token).status_code == 503
