"""Around the two operations: other paths and methods, browsers, what is on record, and the control.

What the sandbox says about the requests it saw is everything but credentials, in memory, in logs and over HTTP.
"""

import logging
import time
from email.utils import parsedate_to_datetime

import httpx
import pytest

from anam_facade.sandbox import Fault
from anam_facade.sandbox.masking import masked, masked_headers
from anam_facade.sandbox.state import REQUESTS_KEPT, State
from tests.sandbox.support import EXAMPLES, INLINE, MINT, SAVED, START, Clock, eventually, exchanged

SECRETS = ["livekit-secret.a.b", "webhook-secret-value", "daily-secret-value", "stranger-secret-value"]
LIVEKIT, WEBHOOK, DAILY, STRANGER = SECRETS
HEADERS = {"Authorization": WEBHOOK, "X-Key": WEBHOOK}
PARAMETERS = {"type": "object", "properties": {"token": {"type": "string"}}}
TOOL = {"type": "server", "subtype": "webhook", "name": "order", "headers": HEADERS, "parameters": PARAMETERS}
PERSONA = {**INLINE, "enableAudioPassthrough": True, "tools": [TOOL]}
CONFIG = {
    "environment": {"livekitUrl": "wss://rooms.example.org", "livekitToken": LIVEKIT},
    "sessionOptions": {"egress": {"mode": "daily", "daily": {"roomUrl": "https://a.example.org", "token": DAILY}}},
}


def test_another_path_is_answered_404_and_another_method_405(api):
    """With a JSON body, and without a redirect to something similar; `Allow` names POST."""
    for path in ("/v1", "/v1/auth/session-token/", "/%00", "/_sandboxes", "/_sandbox/nothing"):
        for response in (api.http.post(path, json={}), api.http.get(path)):
            assert (response.status_code, response.json()) == (404, {"error": "Not Found"})
            assert response.headers["content-type"] == "application/json"
    for path in (MINT, START, "/_sandbox/reset"):
        for method in ("GET", "PUT", "HEAD", "OPTIONS", "QUERY"):
            response = api.http.request(method, path)
            assert (response.status_code, response.headers["allow"]) == (405, "POST")
            assert response.headers["content-type"] == "application/json"


def test_a_browser_may_call_it_from_anywhere(serve):
    """The preflight allows credential, gateway's header and JSON; every answer may be read, and has the date.

    The date is that of the sandbox's own clock, so that clients can be tested against a server whose clock is off.
    """
    api = serve(clock=(clock := Clock()))
    asked = {"Origin": "https://shop.example.org", "Access-Control-Request-Method": "POST"}
    preflight = api.http.options(START, headers=asked)
    assert preflight.status_code == 204
    assert "POST" in preflight.headers["access-control-allow-methods"]
    allowed = preflight.headers["access-control-allow-headers"].lower().split(", ")
    assert set(allowed) >= {"authorization", "content-type", "x-anam-target-url"}
    answers = [preflight, api.mint(), api.mint(bearer="wrong"), api.http.get("/nowhere")]
    for fault in (Fault(status=500, times=1), Fault(drip=0.0001, times=1)):
        api.sandbox.inject(fault)
        answers.append(api.mint())
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == "*"
        exposed = answer.headers["access-control-expose-headers"].split(", ")
        assert {"Retry-After", "X-RateLimit-Org-Hour-Reset"} <= set(exposed)
        assert parsedate_to_datetime(answer.headers["date"]).timestamp() == int(clock.now)


def test_a_failure_of_the_sandbox_itself_is_a_500(api, monkeypatch, caplog):
    """It is logged with its cause, and answered like any other error."""
    monkeypatch.setattr(api.sandbox.state, "identify", "not a function")
    assert api.mint().status_code == 500
    eventually(lambda: "'str' object is not callable" in caplog.text)


# --- Records and logs -------------------------------------------------------------------------------


def test_a_request_is_recorded_with_what_a_test_wants_to_know(serve):
    """Number, operation, time, status, credential, headers, and the bodies (unless very large), those held back too."""
    api = serve(check=False, clock=(clock := Clock()))
    api.mint(SAVED, clientLabel="x")
    target = "https://api.anam.ai/v1/engine/session"
    api.start(api.sandbox.mint_token(), {"clientMetadata": {"a": 1}}, headers={"X-Anam-Target-Url": target})
    api.post(START, b"{", "stranger")
    api.post(START, {}, None)
    api.http.get("/nowhere?api_key=secret")
    api.direct({**INLINE, "systemPrompt": "x" * 70_000})
    requests = api.sandbox.requests
    assert {(one.fault, one.received_at) for one in requests} == {(None, clock.now)}
    assert [(one.number, one.operation, one.status, one.credential, one.body) for one in requests] == [
        (1, "createSessionToken", 200, "api_key", {"personaConfig": SAVED, "clientLabel": "x"}),
        (2, "createEngineSession", 200, "session_token", {"clientMetadata": {"a": 1}}),
        (3, "createEngineSession", 401, "other", None),
        (4, "createEngineSession", 401, None, {}),
        (5, None, 404, None, None),
        (6, "createEngineSession", 201, "api_key", None),
    ]
    assert [(one.method, one.path) for one in requests[3:5]] == [("POST", START), ("GET", "/nowhere")]
    assert (requests[0].answer, requests[0].headers["authorization"]) == ({"sessionToken": "***"}, "Bearer ***")
    assert requests[1].headers["x-anam-target-url"] == target
    api.sandbox.inject(Fault(status=502, body="<h1>" + "x" * 1000, times=1))
    api.sandbox.inject(Fault(close="after"))
    api.direct()
    with pytest.raises(httpx.ReadError):
        api.direct()
    faulted, lost = api.sandbox.requests[-2:]
    assert (faulted.answer, lost.answer["sessionId"]) == ("<h1>" + "x" * 496, api.sandbox.sessions[-1].id)


def test_no_credential_stands_in_records_logs_or_the_control(serve, caplog):
    """After mint, start, direct start, refusals and faults none of them is anywhere it could be read."""
    caplog.set_level(logging.DEBUG)
    api = serve(check=False)
    sandbox = api.sandbox
    token = api.token(PERSONA, **CONFIG)
    api.start(token)
    api.start(token)
    api.direct(PERSONA, **CONFIG)
    api.mint(bearer=STRANGER)
    sandbox.inject(Fault(status=500, processed=True, body=b"\xff", times=1))
    api.direct(PERSONA, **CONFIG)
    assert [session.persona for session in sandbox.sessions] == [PERSONA] * 3, "what was sent is still at hand"
    for name in ("MintElevenLabsAgent", "StartDirectAgora"):
        config = {key: EXAMPLES[name][key] for key in ("personaConfig", "environment")}
        assert api.post(START, config, sandbox.api_key).status_code == 201
    shown = [
        api.http.get("/_sandbox/state").raise_for_status().text,
        repr((sandbox, sandbox.sessions, sandbox.tokens, sandbox.requests, sandbox.settings, sandbox.faults)),
        str([(seen.headers, seen.body, seen.answer) for seen in sandbox.requests]),
        caplog.text,
    ]
    assert "/v1/engine/session -> 200" in caplog.text
    for text in shown:
        for secret in [*SECRETS, token, token.rpartition(".")[2], sandbox.api_key, "a-signature", "an-agora-token"]:
            assert secret not in text


def test_masks_hide_values_and_keep_the_shape():
    """Names stay readable, and a JSON Schema that describes a token is no token."""
    assert masked(TOOL) == {**TOOL, "headers": {"Authorization": "***", "X-Key": "***"}}
    value = {"token": None, "sessionToken": "x", "list": [{"credential": 5}]}
    assert masked(value) == {"token": None, "sessionToken": "***", "list": [{"credential": "***"}]}
    headers = [(b"Authorization", b"Bearer x"), (b"Cookie", b"a=b"), (b"X-Api-Key", b"k"), (b"A", b"1"), (b"a", b"2")]
    assert masked_headers(headers) == {"authorization": "Bearer ***", "cookie": "***", "x-api-key": "***", "a": "1, 2"}
    assert masked_headers([(b"authorization", b"justthekey")]) == {"authorization": "***"}


def test_old_requests_are_forgotten():
    """The memory stays bounded, and the numbers go on."""
    state = State(api_key="k", clock=Clock())
    for _ in range(REQUESTS_KEPT + 5):
        state.arrived(method="POST", path="/", operation=None, headers={})
    state.learned(1, status=200)
    kept = state.requests
    assert (len(kept), kept[0].number, kept[-1].number) == (REQUESTS_KEPT, 6, REQUESTS_KEPT + 5)


def test_one_line_is_logged_per_request(api, caplog):
    """With who asked, label, session, fault or refusal; in quotes what can be taken for several words, or lines."""
    caplog.set_level(logging.INFO, logger="anam_facade.sandbox")
    api.sandbox.inject(Fault(status=500, body="quotes a credential", headers={"A": "another"}, times=1))
    api.http.post(MINT, headers={"Authorization": f"Bearer {api.sandbox.api_key}"})
    api.http.get("/a%0ab?secret=c")
    session = api.start(api.sandbox.mint_token(client_label="night shift\n2")).json()["sessionId"]
    api.direct({"nonsense": 1}, clientLabel="x")
    api.http.close()
    api.sandbox.stop()
    lines = [record.getMessage() for record in caplog.records if record.name == "anam_facade.sandbox"]
    assert [line.split(" in ")[0] + line.split(" ms")[1] for line in lines] == [
        f'POST {MINT} -> 500 by=api_key fault={{"times": 1, "status": 500}}',
        "GET /a%0ab -> 404",
        f'POST {START} -> 200 by=session_token label="night shift\\n2" session={session}',
        f'POST {START} -> 400 by=api_key label=x refused="personaConfig.nonsense: no such field here"',
    ]


# --- The control ------------------------------------------------------------------------------------


def test_the_state_tells_what_happened(api):
    """Settings, faults, sessions, tokens and requests, as Python sees them; asking is not itself a request."""
    fault = api.sandbox.inject(Fault(operation="createEngineSession", status=503, times=1))
    token = api.token(PERSONA, clientLabel="kiosk", **CONFIG)
    for start in (lambda: api.start(token), lambda: api.start(token), api.direct):
        start()
    first, second = api.sandbox.sessions
    api.sandbox.end_session(second.id)
    state = api.http.get("/_sandbox/state").json()
    assert (state["base_url"], state["active_sessions"]) == (api.sandbox.base_url, 1)
    assert (state["settings"]["latency"], state["faults"]) == ([0.0, 0.0], [fault.to_dict()])
    shown = ("id", "label", "mode", "active", "delivered", "token_id")
    assert [[session[name] for name in shown] for session in state["sessions"]] == [
        [first.id, "kiosk", "token", True, True, first.token_id],
        [second.id, None, "direct", False, True, None],
    ]
    assert state["sessions"][0]["persona"] == masked(PERSONA)
    assert [(t["id"], t["used_by"]) for t in state["tokens"]] == [(first.token_id, [first.id])]
    seen = [(request["number"], request["status"], request["fault"]) for request in state["requests"]]
    assert seen == [(1, 200, None), (2, 503, fault.to_dict()), (3, 200, None), (4, 201, None)]
    assert state["requests"][0]["body"]["environment"]["livekitToken"] == "***"


def test_the_control_does_what_python_does(api):
    """Faults are injected, one or several, listed and cleared; sessions ended, one (404 for no such) or all of them.

    Settings are changed, those that are named, and a reset undoes all of it. No fault touches the control.
    """
    one, two = {"status": 500, "times": 1}, {"close": "before", "rate": 0.5, "seed": 3}
    assert api.http.post("/_sandbox/faults", json=one).status_code == 201
    assert api.http.post("/_sandbox/faults", json=[two, one]).json() == [two, one]
    assert api.http.get("/_sandbox/faults").json() == [one, two, one]
    assert api.sandbox.faults[1] == Fault(close="before", rate=0.5, seed=3)
    assert api.mint().status_code == 500
    assert api.http.delete("/_sandbox/faults").status_code == 204
    assert api.sandbox.faults == ()
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


def test_an_outage_is_announced_before_it_begins(api):
    """The answer arrives, and its connection ends in an orderly way; then connecting is refused for a while."""

    def is_up():
        try:
            return api.http.get("/_sandbox/faults").is_success
        except httpx.TransportError:
            return False

    began = time.monotonic()
    asked = b'POST /_sandbox/outage HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n{"seconds": 0.3}'
    answer = exchanged(api, asked)
    assert answer.startswith(b"HTTP/1.1 202 Accepted\r\n")
    assert answer.endswith(b'{"seconds":0.3}')
    eventually(lambda: not is_up())
    eventually(is_up)
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(
    ("method", "path", "body", "reason"),
    [
        ("POST", "faults", b"{", "JSON"),
        ("POST", "faults", b'[{"status": 500}, {"sttaus": 500}]', "sttaus"),
        ("PUT", "settings", b"[]", "object"),
        ("PUT", "settings", b'{"stirct": true}', "stirct"),
        ("POST", "outage", b'{"seconds": -1}', "seconds"),
        ("POST", "outage", b'{"seconds": 1, "minutes": 1}', "seconds"),
    ],
)
def test_a_wrong_body_is_answered_with_the_reason(api, method, path, body, reason):
    """400, and nothing has changed: of several faults none is injected when one is wrong."""
    response = api.http.request(method, f"/_sandbox/{path}", content=body)
    assert response.status_code == 400
    assert reason in response.json()["message"]
    assert (api.sandbox.faults, api.sandbox.settings.strict) == ((), False)
