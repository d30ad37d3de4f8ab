"""Minting a token: what it takes, what the token says, and how little is checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jwt
import pytest

from tests.sandbox.support import EXAMPLES, INLINE, MINT, SAVED, START, UUID, Api, Clock, assert_fits_contract

Serve = Callable[..., Api]


def claims(token: str) -> dict[str, Any]:
    said: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return said


def test_a_token_is_a_signed_jwt_with_the_claims_seen_in_the_wild(serve: Serve) -> None:
    """The claims are account, type, issue and expiry (one hour later), and an id that the ledger knows."""
    api = serve(clock=(clock := Clock()))
    token = api.token()
    said = claims(token)
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    assert set(said) == {"accountId", "type", "iat", "exp", "jti"}
    assert said["iat"] == int(clock.now)
    assert said["exp"] - clock.now == pytest.approx(3600, abs=1)
    (record,) = api.sandbox.tokens
    assert (record.id, record.type, record.minted_at) == (said["jti"], said["type"], clock.now)
    assert record.expires_at == clock.now + 3600
    assert token not in repr(api.sandbox.tokens)


@pytest.mark.parametrize(
    ("persona", "kind"),
    [
        (SAVED, "stateful"),
        (INLINE, "ephemeral"),
        ({"voiceId": UUID}, "ephemeral"),
        ({"llmId": "CUSTOMER_CLIENT_V1"}, "ephemeral"),
        ({"brainType": UUID}, "ephemeral"),
        ({"avatarId": UUID, "enableAudioPassthrough": True}, "ephemeral"),
        ({"avatarId": UUID, "enableAudioPassthrough": False, "llmId": ""}, "legacy"),
        ({"avatarId": UUID}, "legacy"),
        ({}, "legacy"),
    ],
)
def test_the_type_follows_the_persona(api: Api, persona: dict[str, Any], kind: str) -> None:
    """An inline persona without llmId and voiceId yields a legacy token, unless its audio comes from outside."""
    assert claims(api.token(persona))["type"] == kind


def test_another_providers_agent_needs_no_voice(api: Api) -> None:
    """With the environment of ElevenLabs or Agora the avatar is enough; its credentials are in no record."""
    for name in ("MintElevenLabsAgent", "StartDirectAgora"):
        config = {key: EXAMPLES[name][key] for key in ("personaConfig", "environment")}
        config["personaConfig"] = {"avatarId": UUID}
        assert claims(api.post(MINT, config, api.sandbox.api_key).json()["sessionToken"])["type"] == "ephemeral"
        assert api.post(START, config, api.sandbox.api_key).status_code == 201
    shown = repr((api.sandbox.requests, api.sandbox.sessions)) + api.http.get("/_sandbox/state").text
    assert "a-signature" not in shown
    assert "an-agora-token" not in shown


def test_no_persona_yields_a_legacy_token(api: Api) -> None:
    """Leaving personaConfig out is answered 200, with a token nobody can use."""
    response = api.post(MINT, {}, api.sandbox.api_key)
    assert response.status_code == 200
    assert claims(response.json()["sessionToken"])["type"] == "legacy"


@pytest.mark.parametrize(
    "config",
    [
        {"personaConfig": {**INLINE, "avatarId": "bogus", "avatarModel": "x", "nonsense": 1}},
        {"personaConfig": {**INLINE, "tools": [{"type": "nonsense", "name": "x"}]}},
        {"personaConfig": SAVED, "sessionOptions": {"videoWidth": 1, "videoHeight": 1}},
        {"personaConfig": SAVED, "environment": 5, "clientLabel": ["a"], "something": "else"},
    ],
)
def test_minting_validates_almost_nothing(api: Api, config: dict[str, Any]) -> None:
    """What the start refuses is accepted here."""
    assert api.post(MINT, config, api.sandbox.api_key).status_code == 200


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\x00", "not valid JSON"),
        (b'{"a": "\xff"}', "not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": 1e999}', "out of range"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "out of range"),
        (b'{"a": "\\ud800"}', "lone surrogate"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "nests deeper"),
        (b"[" * 100_000, "nests deeper"),
        (b"[]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b'{"personaConfig": 5}', "personaConfig"),
        (b'{"personaConfig": null}', "personaConfig"),
    ],
)
def test_what_is_no_json_object_is_refused(api: Api, body: bytes, reason: str) -> None:
    """Malformed bodies are answered 400 with the reason, and mint nothing."""
    response = api.post(MINT, body, api.sandbox.api_key)
    assert response.status_code == 400
    assert reason in response.json()["message"]
    assert api.sandbox.tokens == ()


def test_an_escaped_nul_is_text_like_any_other(api: Api) -> None:
    """JSON may carry U+0000 in a string."""
    assert api.mint({**INLINE, "name": "a\x00b"}).status_code == 200


def test_another_content_type_is_refused(api: Api) -> None:
    """A form or plain text is answered 400, whatever is in it; a charset parameter does no harm."""
    body = b'{"personaConfig": {}}'
    for content_type, status in [("text/plain", 400), ("application/json; charset=utf-8", 200)]:
        response = api.post(MINT, body, api.sandbox.api_key, headers={"Content-Type": content_type})
        assert response.status_code == status
    assert api.start(api.token(), headers={"Content-Type": "text/plain"}).status_code == 400


def test_a_body_of_more_than_a_mebibyte_is_refused(api: Api) -> None:
    """It is answered 413, and the connection goes on working."""
    large = {"name": "x" * (1 << 20)}
    assert api.mint(large).status_code == api.start(api.token(), large).status_code == 413
    assert api.mint().status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer wrong", "Basic {key}", "{key}", "Bearer {key}x", "Bearer \xff", "Bearer {token}"],
)
def test_only_the_api_key_may_mint(api: Api, authorization: str | None) -> None:
    """A missing, malformed or wrong credential is answered 401, and so is a session token."""
    token = api.sandbox.mint_token()
    headers = {"Content-Type": "application/json"}
    if authorization is not None:
        headers["Authorization"] = authorization.format(key=api.sandbox.api_key, token=token)
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    response = api.http.post(MINT, content=b"{}", headers=raw)
    assert response.status_code == 401
    assert_fits_contract(response)
    assert response.json()["error"] == EXAMPLES["ErrorBadKey"]["error"]
    assert response.headers["www-authenticate"] == "Bearer"
    assert len(api.sandbox.tokens) == 1


def test_the_credential_is_checked_before_the_body(api: Api) -> None:
    """Whoever has no key learns nothing about what is wrong with the body."""
    assert api.post(MINT, b"{", "wrong").status_code == 401


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [("90s", 90), ("30m", 1800), ("1h", 3600), ("2d", 172_800), ("2w", 1_209_600), ("1.5h", 5400), (" 5 m ", 300)],
)
def test_expires_in_sets_the_lifetime(serve: Serve, expires_in: str, seconds: float) -> None:
    """Seconds, minutes, hours, days and weeks are understood."""
    api = serve(clock=(clock := Clock()))
    api.token(expiresIn=expires_in)
    assert api.sandbox.tokens[0].expires_at == clock.now + seconds


@pytest.mark.parametrize("expires_in", ["soon", "1 fortnight", "", "-1h", "1e9d", "99999d", 60, None])
def test_a_lifetime_that_is_none_is_ignored_unless_strict(serve: Serve, expires_in: object) -> None:
    """Leniently the usual lifetime applies; strictly it is answered 400, naming the field."""
    lenient, strict = serve(token_lifetime=60), serve(strict=True)
    lenient.token(expiresIn=expires_in)
    (token,) = lenient.sandbox.tokens
    assert token.expires_at - token.minted_at == pytest.approx(60)
    if expires_in is not None:
        response = strict.mint(expiresIn=expires_in)
        assert response.status_code == 400
        assert [problem["path"] for problem in response.json()["details"]] == ["expiresIn"]


def test_strict_refuses_at_minting_what_the_start_would_refuse(serve: Serve) -> None:
    """The answer names the path of the field and the rule it breaks."""
    api = serve(strict=True)
    refused = api.mint({**INLINE, "tools": [{"type": "client", "name": "a"}, {"type": "nonsense", "name": "b"}]})
    assert refused.status_code == 400
    said = refused.json()
    (problem,) = said["details"]
    assert (problem["path"], problem["code"]) == ("personaConfig.tools[1].type", "enum")
    assert said["summary"] == "1 problem in the request"
    assert "personaConfig.tools[1].type" in said["message"]
    assert api.post(MINT, {}, api.sandbox.api_key).json()["details"][0]["path"] == "personaConfig"
    assert api.mint({**INLINE, "avatarModel": "cara-4-latest"}).status_code == 403
    assert api.mint(sessionOptions={"videoWidth": 1, "videoHeight": 1}).status_code == 400
    assert api.mint(unknown=1).status_code == 400
    assert api.sandbox.tokens == ()
    assert api.mint(INLINE, expiresIn="1h").status_code == 200


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name.startswith("Mint") and name != "Minted"])
def test_every_example_of_the_contract_can_be_minted_and_started(serve: Serve, name: str) -> None:
    """Strictly checked, the contract's own requests pass both operations."""
    api = serve(strict=True)
    minted = api.post(MINT, EXAMPLES[name], api.sandbox.api_key)
    assert minted.status_code == 200
    assert api.start(minted.json()["sessionToken"]).status_code == 200
