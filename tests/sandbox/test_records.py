"""What the sandbox says about the requests it saw: everything but credentials, in memory, logs and over HTTP."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable

import httpx
import pytest

from anam_facade.sandbox import Fault
from anam_facade.sandbox.masking import masked, masked_headers
from anam_facade.sandbox.state import REQUESTS_KEPT, State
from tests.sandbox.support import INLINE, MINT, SAVED, START, Api, Clock

Serve = Callable[..., Api]

SECRETS = {
    "livekit": "livekit-secret.a.b",
    "webhook": "webhook-secret-value",
    "daily": "daily-secret-value",
    "bearer": "stranger-secret-value",
}
PERSONA = {
    **INLINE,
    "enableAudioPassthrough": True,
    "tools": [
        {
            "type": "server",
            "subtype": "webhook",
            "name": "order",
            "headers": {"Authorization": SECRETS["webhook"], "X-Key": SECRETS["webhook"]},
            "parameters": {"type": "object", "properties": {"token": {"type": "string"}}},
        }
    ],
}
CONFIG = {
    "environment": {"livekitUrl": "wss://rooms.example.org", "livekitToken": SECRETS["livekit"]},
    "sessionOptions": {
        "egress": {"mode": "daily", "daily": {"roomUrl": "https://a.example.org", "token": SECRETS["daily"]}}
    },
}


def test_a_request_is_recorded_with_what_a_test_wants_to_know(serve: Serve) -> None:
    """Number, operation, time, status, credential, headers, body."""
    api = serve(clock=(clock := Clock()))
    api.mint(SAVED, clientLabel="x", bearer=None)
    token = api.sandbox.mint_token()
    api.start(
        token, {"clientMetadata": {"a": 1}}, headers={"X-Anam-Target-Url": "https://api.anam.ai/v1/engine/session"}
    )
    api.post(START, b"{", "stranger")
    api.post(START, {}, None)
    api.http.get("/nowhere?api_key=secret")
    first, second, third, fourth, fifth = api.sandbox.requests
    assert (first.number, first.operation, first.method, first.path) == (1, "createSessionToken", "POST", MINT)
    assert (first.status, first.credential, first.fault, first.received_at) == (200, "api_key", None, clock.now)
    assert first.body == {"personaConfig": SAVED, "clientLabel": "x"}
    assert first.headers["authorization"] == "Bearer ***"
    assert (second.operation, second.status, second.credential) == ("createEngineSession", 200, "session_token")
    assert second.body == {"clientMetadata": {"a": 1}}
    assert second.headers["x-anam-target-url"] == "https://api.anam.ai/v1/engine/session"
    assert (third.status, third.credential, third.body) == (401, "other", None)
    assert (fourth.status, fourth.credential) == (401, None)
    assert (fifth.number, fifth.operation, fifth.path, fifth.status) == (5, None, "/nowhere", 404)


def test_no_credential_stands_in_records_logs_or_the_control(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """After mint, start, direct start, refusals and faults none of them is anywhere it could be read."""
    caplog.set_level(logging.DEBUG)
    api = serve(check=False)
    sandbox = api.sandbox
    token = api.token(PERSONA, **CONFIG)
    api.start(token)
    api.start(token)
    api.direct(PERSONA, **CONFIG)
    api.mint(bearer=SECRETS["bearer"])
    sandbox.inject(Fault(status=500, processed=True, times=1))
    api.direct(PERSONA, **CONFIG)
    assert [session.persona for session in sandbox.sessions] == [PERSONA] * 3, "what was sent is still at hand"
    shown = [
        api.http.get("/_sandbox/state").text,
        repr((sandbox, sandbox.sessions, sandbox.tokens, sandbox.requests, sandbox.settings, sandbox.faults)),
        str([vars_of(record) for record in sandbox.requests]),
        caplog.text,
    ]
    assert "/v1/engine/session -> 200" in caplog.text
    for text in shown:
        for secret in [*SECRETS.values(), token, token.rpartition(".")[2], sandbox.api_key]:
            assert secret not in text


def vars_of(record: object) -> dict[str, object]:
    return {name: getattr(record, name) for name in record.__slots__}  # type: ignore[attr-defined]


def test_masks_hide_values_and_keep_the_shape() -> None:
    """Names stay readable, and a JSON Schema that describes a token is no token."""
    assert masked(PERSONA)["tools"][0]["headers"] == {"Authorization": "***", "X-Key": "***"}
    assert masked(PERSONA)["tools"][0]["parameters"] == PERSONA["tools"][0]["parameters"]
    assert masked({"token": None, "sessionToken": "x", "list": [{"credential": 5}]}) == {
        "token": None,
        "sessionToken": "***",
        "list": [{"credential": "***"}],
    }
    headers = [(b"Authorization", b"Bearer x"), (b"Cookie", b"a=b"), (b"X-Api-Key", b"k"), (b"A", b"1"), (b"a", b"2")]
    assert masked_headers(headers) == {"authorization": "Bearer ***", "cookie": "***", "x-api-key": "***", "a": "1, 2"}
    assert masked_headers([(b"authorization", b"justthekey")]) == {"authorization": "***"}


def test_a_large_body_is_not_kept(api: Api) -> None:
    """The request is, and the session has its persona."""
    api.direct({**INLINE, "systemPrompt": "x" * 70_000})
    assert api.sandbox.requests[0].body is None
    assert len(api.sandbox.sessions[0].persona["systemPrompt"]) == 70_000


def test_old_requests_are_forgotten() -> None:
    """The memory stays bounded, and the numbers go on."""
    state = State(api_key="k", clock=Clock())
    for _ in range(REQUESTS_KEPT + 5):
        state.arrived(method="POST", path="/", operation=None, headers={})
    state.learned(1, status=200)
    kept = state.requests
    assert (len(kept), kept[0].number, kept[-1].number) == (REQUESTS_KEPT, 6, REQUESTS_KEPT + 5)


def test_an_api_key_looks_like_a_real_one(api: Api) -> None:
    """Base64 of an id and a secret; one of one's own is taken as it is."""
    identifier, _, secret = base64.b64decode(api.sandbox.api_key, validate=True).decode().partition(":")
    assert len(identifier) == 36
    assert len(secret) > 20


def test_one_line_is_logged_per_request(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """With method, path, status, duration, and the fault that was at work."""
    caplog.set_level(logging.INFO, logger="anam_facade.sandbox")
    api.sandbox.inject(Fault(status=500, times=1))
    api.mint()
    api.http.get("/a%0ab?secret=c")
    api.http.close()
    api.sandbox.stop()
    first, second = [record.getMessage() for record in caplog.records if record.name == "anam_facade.sandbox"]
    assert first.startswith("POST /v1/auth/session-token -> 500 in ")
    assert first.endswith(' ms by=api_key fault={"times": 1, "status": 500}')
    assert second.startswith("GET /a%0ab -> 404 in ")


def test_the_line_names_session_label_and_the_reason_of_a_refusal(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """What can be taken for several words, or lines, stands in quotes."""
    caplog.set_level(logging.INFO, logger="anam_facade.sandbox")
    session = api.start(api.token(clientLabel="night shift\n2")).json()["sessionId"]
    api.direct({"nonsense": 1}, clientLabel="x")
    api.http.close()
    api.sandbox.stop()
    _, started, refused = [record.getMessage() for record in caplog.records if record.name == "anam_facade.sandbox"]
    assert started.endswith(f' by=session_token label="night shift\\n2" session={session}')
    assert refused.endswith(' by=api_key label=x refused="personaConfig.nonsense: no such field here"')


def test_what_was_answered_is_remembered(api: Api) -> None:
    """Masked; of a text the beginning; and what a fault held back."""
    api.mint()
    api.sandbox.inject(Fault(status=502, body="<h1>" + "x" * 1000, times=1))
    api.sandbox.inject(Fault(close="after", times=1))
    api.http.post("/v1/engine/session", headers={"Authorization": f"Bearer {api.sandbox.api_key}"})
    with pytest.raises(httpx.ReadError):
        api.direct()
    minted, faulted, lost = api.sandbox.requests
    assert minted.answer == {"sessionToken": "***"}
    assert faulted.answer == "<h1>" + "x" * 496
    assert lost.answer["sessionId"] == api.sandbox.sessions[0].id
