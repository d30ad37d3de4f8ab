"""What the sandbox says about the requests it saw: everything but credentials, in memory, logs and over HTTP."""

from __future__ import annotations

import base64
import logging

import httpx
import pytest

from anam_facade.sandbox import Fault
from anam_facade.sandbox.masking import masked, masked_headers
from anam_facade.sandbox.state import REQUESTS_KEPT, State
from tests.sandbox.support import EXAMPLES, INLINE, MINT, MINTING, SAVED, START, STARTING, Api, Clock, Serve

SECRETS = ["livekit-secret.a.b", "webhook-secret-value", "daily-secret-value", "stranger-secret-value"]
LIVEKIT, WEBHOOK, DAILY, STRANGER = SECRETS
TOOL = {
    "type": "server",
    "subtype": "webhook",
    "name": "order",
    "headers": {"Authorization": WEBHOOK, "X-Key": WEBHOOK},
    "parameters": {"type": "object", "properties": {"token": {"type": "string"}}},
}
PERSONA = {**INLINE, "enableAudioPassthrough": True, "tools": [TOOL]}
CONFIG = {
    "environment": {"livekitUrl": "wss://rooms.example.org", "livekitToken": LIVEKIT},
    "sessionOptions": {"egress": {"mode": "daily", "daily": {"roomUrl": "https://a.example.org", "token": DAILY}}},
}


def test_a_request_is_recorded_with_what_a_test_wants_to_know(serve: Serve) -> None:
    """Number, operation, time, status, credential, headers, body, unless it is very large."""
    api = serve(clock=(clock := Clock()))
    api.mint(SAVED, clientLabel="x")
    target = "https://api.anam.ai/v1/engine/session"
    api.start(api.sandbox.mint_token(), {"clientMetadata": {"a": 1}}, headers={"X-Anam-Target-Url": target})
    api.post(START, b"{", "stranger")
    api.post(START, {}, None)
    api.http.get("/nowhere?api_key=secret")
    api.direct({**INLINE, "systemPrompt": "x" * 70_000})
    first, second, third, fourth, fifth, sixth = api.sandbox.requests
    assert (first.number, first.operation, first.method, first.path) == (1, MINTING, "POST", MINT)
    assert (first.status, first.credential, first.fault, first.received_at) == (200, "api_key", None, clock.now)
    assert first.body == {"personaConfig": SAVED, "clientLabel": "x"}
    assert (first.answer, first.headers["authorization"]) == ({"sessionToken": "***"}, "Bearer ***")
    assert (second.operation, second.status, second.credential) == (STARTING, 200, "session_token")
    assert (second.body, second.headers["x-anam-target-url"]) == ({"clientMetadata": {"a": 1}}, target)
    assert (third.status, third.credential, third.body) == (401, "other", None)
    assert (fourth.status, fourth.credential) == (401, None)
    assert (fifth.number, fifth.operation, fifth.path, fifth.status) == (5, None, "/nowhere", 404)
    assert (sixth.status, sixth.body) == (201, None)


def test_what_a_fault_answered_or_held_back_is_remembered(serve: Serve) -> None:
    """Of a text the beginning."""
    api = serve(check=False)
    api.sandbox.inject(Fault(status=502, body="<h1>" + "x" * 1000, times=1))
    api.sandbox.inject(Fault(close="after"))
    api.direct()
    with pytest.raises(httpx.ReadError):
        api.direct()
    faulted, lost = api.sandbox.requests
    assert (faulted.answer, lost.answer["sessionId"]) == ("<h1>" + "x" * 496, api.sandbox.sessions[0].id)


def test_no_credential_stands_in_records_logs_or_the_control(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
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


def test_masks_hide_values_and_keep_the_shape() -> None:
    """Names stay readable, and a JSON Schema that describes a token is no token."""
    assert masked(TOOL) == {**TOOL, "headers": {"Authorization": "***", "X-Key": "***"}}
    value = {"token": None, "sessionToken": "x", "list": [{"credential": 5}]}
    assert masked(value) == {"token": None, "sessionToken": "***", "list": [{"credential": "***"}]}
    headers = [(b"Authorization", b"Bearer x"), (b"Cookie", b"a=b"), (b"X-Api-Key", b"k"), (b"A", b"1"), (b"a", b"2")]
    assert masked_headers(headers) == {"authorization": "Bearer ***", "cookie": "***", "x-api-key": "***", "a": "1, 2"}
    assert masked_headers([(b"authorization", b"justthekey")]) == {"authorization": "***"}


def test_old_requests_are_forgotten() -> None:
    """The memory stays bounded, and the numbers go on."""
    state = State(api_key="k", clock=Clock())
    for _ in range(REQUESTS_KEPT + 5):
        state.arrived(method="POST", path="/", operation=None, headers={})
    state.learned(1, status=200)
    kept = state.requests
    assert (len(kept), kept[0].number, kept[-1].number) == (REQUESTS_KEPT, 6, REQUESTS_KEPT + 5)


def test_an_api_key_looks_like_a_real_one(api: Api) -> None:
    """Base64 of an id and a secret."""
    identifier, _, secret = base64.b64decode(api.sandbox.api_key, validate=True).decode().partition(":")
    assert (len(identifier), len(secret) > 20) == (36, True)


def test_one_line_is_logged_per_request(api: Api, caplog: pytest.LogCaptureFixture) -> None:
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
