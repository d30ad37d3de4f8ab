"""What is not one of the two operations: other paths and methods, browsers, and the control for other languages."""

from __future__ import annotations

import socket
import time
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from anam_facade.sandbox import Fault
from tests.sandbox.support import INLINE, LIVEKIT, MINT, START, STARTING, Api, Clock, Serve, eventually


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/auth/session-token/", "/%00", "/_sandboxes", "/docs/", "/_sandbox/nothing"]
)
def test_an_unknown_path_is_answered_404_as_the_contract_words_errors(api: Api, path: str) -> None:
    """With a JSON body, and without a redirect to something similar."""
    for response in (api.http.post(path, json={}), api.http.get(path)):
        assert (response.status_code, response.json()) == (404, {"error": "Not Found"})
        assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", [MINT, START, "/_sandbox/reset"])
def test_another_method_is_answered_405_and_told_which_one_works(api: Api, path: str) -> None:
    """`Allow` names POST."""
    for method in ("GET", "PUT", "HEAD", "OPTIONS", "QUERY"):
        response = api.http.request(method, path)
        assert (response.status_code, response.headers["allow"]) == (405, "POST")
        assert response.headers["content-type"] == "application/json"
    assert api.http.head("/_sandbox/state").status_code == 200


def test_a_browser_may_call_it_from_anywhere(api: Api) -> None:
    """The preflight allows the credential, the gateway's header and JSON; every answer may be read."""
    asked = {"Origin": "https://shop.example.org", "Access-Control-Request-Method": "POST"}
    preflight = api.http.options(START, headers=asked)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, "*")
    assert "POST" in preflight.headers["access-control-allow-methods"]
    allowed = preflight.headers["access-control-allow-headers"].lower().split(", ")
    assert set(allowed) >= {"authorization", "content-type", "x-anam-target-url"}
    answers = [api.mint(), api.mint(bearer="wrong"), api.http.get("/nowhere")]
    for fault in (Fault(status=500, times=1), Fault(drip=0.0001, times=1)):
        api.sandbox.inject(fault)
        answers.append(api.mint())
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == "*"
        exposed = answer.headers["access-control-expose-headers"].split(", ")
        assert {"Retry-After", "X-RateLimit-Org-Hour-Reset"} <= set(exposed)


def test_answers_carry_the_date(serve: Serve) -> None:
    """By the sandbox's own clock, so that clients can be tested against a server whose clock is off."""
    api = serve(clock=(clock := Clock()))
    api.sandbox.inject(Fault(drip=0.0001, times=1))
    for _ in range(2):
        assert parsedate_to_datetime(api.mint().headers["date"]).timestamp() == int(clock.now)


def test_a_failure_of_the_sandbox_itself_is_a_500(api: Api, monkeypatch: Any, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged with its cause, and answered like any other error."""

    def fail(bearer: str | None) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(api.sandbox.state, "identify", fail)
    assert api.mint().status_code == 500
    eventually(lambda: "a defect" in caplog.text)


# --- The control ------------------------------------------------------------------------------------


def test_the_state_tells_what_happened(api: Api) -> None:
    """Settings, faults, sessions, tokens and requests, as Python sees them; asking is not itself a request."""
    sandbox = api.sandbox
    fault = sandbox.inject(Fault(operation=STARTING, status=503, times=1))
    token = api.token({**INLINE, "metadata": {"a": 1}}, clientLabel="kiosk", environment=LIVEKIT)
    for start in (lambda: api.start(token), lambda: api.start(token), api.direct):
        start()
    sandbox.end_session(sandbox.sessions[1].id)
    state = api.http.get("/_sandbox/state").json()
    assert (state["base_url"], state["active_sessions"]) == (sandbox.base_url, 1)
    assert (state["settings"]["latency"], state["faults"]) == ([0.0, 0.0], [fault.to_dict()])
    first, second = state["sessions"]
    assert [first["id"], second["id"]] == [session.id for session in sandbox.sessions]
    assert (first["label"], first["mode"], first["active"], first["delivered"]) == ("kiosk", "token", True, True)
    assert first["persona"]["metadata"] == {"a": 1}
    assert (second["mode"], second["active"], second["token_id"]) == ("direct", False, None)
    assert [(t["id"], t["used_by"]) for t in state["tokens"]] == [(first["token_id"], [first["id"]])]
    assert [(r["number"], r["status"]) for r in state["requests"]] == [(1, 200), (2, 503), (3, 200), (4, 201)]
    assert [r["fault"] for r in state["requests"]] == [None, fault.to_dict(), None, None]
    assert state["requests"][0]["body"]["environment"]["livekitToken"] == "***"


def test_faults_are_injected_listed_and_cleared(api: Api) -> None:
    """One or several at a time; none of them touches the control."""
    one, two = {"status": 500, "times": 1}, {"close": "before", "rate": 0.5, "seed": 3}
    assert api.http.post("/_sandbox/faults", json=one).status_code == 201
    assert api.http.post("/_sandbox/faults", json=[two, one]).json() == [two, one]
    assert api.http.get("/_sandbox/faults").json() == [one, two, one]
    assert api.sandbox.faults[1] == Fault(close="before", rate=0.5, seed=3)
    assert api.mint().status_code == 500
    assert api.http.delete("/_sandbox/faults").status_code == 204
    assert api.sandbox.faults == ()


def test_sessions_are_ended_settings_changed_and_all_of_it_reset(api: Api) -> None:
    """A session by its id (404 for no such), or all of them; those settings that are named."""
    ids = [api.direct().json()["sessionId"] for _ in range(4)]
    assert api.http.post(f"/_sandbox/sessions/{ids[0]}/end").json() == {"ended": True}
    assert api.http.delete(f"/_sandbox/sessions/{ids[0]}/end").json() == {"ended": False}
    assert api.http.post("/_sandbox/sessions/nobody/end").status_code == 404
    assert api.http.post("/_sandbox/sessions/end").json() == {"ended": 3}
    assert api.sandbox.active_sessions == ()
    changes = {"max_sessions": 0, "latency": [0, 0.1], "gated_models": ["cara-4"]}
    changed = api.http.put("/_sandbox/settings", json=changes)
    assert (changed.status_code, changed.json()["strict"]) == (200, False)
    assert (api.sandbox.latency, api.sandbox.settings.gated_models) == ((0, 0.1), ("cara-4",))
    assert api.direct().status_code == 429
    assert api.http.post("/_sandbox/reset").status_code == 204
    assert (api.sandbox.settings.max_sessions, api.sandbox.sessions) == (None, ())


def test_an_outage_is_announced_before_it_begins(api: Api) -> None:
    """The answer arrives, and its connection ends in an orderly way; then connecting is refused for a while."""
    began = time.monotonic()
    with socket.create_connection(api.address, timeout=5) as raw:
        raw.sendall(b'POST /_sandbox/outage HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n{"seconds": 0.3}')
        answer = b"".join(iter(lambda: raw.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 202 Accepted\r\n")
    assert answer.endswith(b'{"seconds":0.3}')

    def is_up() -> bool:
        try:
            return api.http.get("/_sandbox/faults").is_success
        except httpx.TransportError:
            return False

    eventually(lambda: not is_up())
    eventually(is_up)
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(
    ("method", "path", "body", "reason"),
    [
        ("POST", "faults", b"{", "JSON"),
        ("POST", "faults", b"5", "object"),
        ("POST", "faults", b'[{"status": 500}, {"sttaus": 500}]', "sttaus"),
        ("PUT", "settings", b"[]", "object"),
        ("PUT", "settings", b'{"stirct": true}', "stirct"),
        ("PUT", "settings", b'{"strict": 1}', "strict"),
        ("POST", "outage", b'{"seconds": -1}', "seconds"),
        ("POST", "outage", b'{"seconds": 1, "minutes": 1}', "seconds"),
    ],
)
def test_a_wrong_body_is_answered_with_the_reason(api: Api, method: str, path: str, body: bytes, reason: str) -> None:
    """400, and nothing has changed: of several faults none is injected when one is wrong."""
    response = api.http.request(method, f"/_sandbox/{path}", content=body)
    assert response.status_code == 400
    assert reason in response.json()["message"]
    assert api.sandbox.faults == ()
    assert api.sandbox.settings.strict is False
