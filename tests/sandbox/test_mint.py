"""Minting a token: what it takes, what the token says, and how little is checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jwt
import pytest

from anam_facade.sandbox import contract
from anam_facade.sandbox.service import bearer_of, parse_duration, token_type
from tests.sandbox.support import EXAMPLES, INLINE, MINT, SAVED, START, UUID, Api, Clock

Serve = Callable[..., Api]


def test_a_token_is_a_signed_jwt_with_the_claims_seen_in_the_wild(serve: Serve) -> None:
    """The claims are account, type, issue and expiry (one hour later), and an id that the ledger knows."""
    api = serve(clock=(clock := Clock()))
    token = api.token()
    claims = jwt.decode(token, options={"verify_signature": False})
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    assert set(claims) == {"accountId", "type", "iat", "exp", "jti"}
    assert (claims["iat"], claims["exp"]) == (int(clock.now), int(clock.now) + 3600)
    (record,) = api.sandbox.tokens
    assert (record.id, record.type, record.minted_at) == (claims["jti"], claims["type"], clock.now)
    assert record.expires_at == clock.now + 3600
    assert token not in repr(api.sandbox.tokens)


@pytest.mark.parametrize(
    ("persona", "environment", "kind"),
    [
        (SAVED, None, "stateful"),
        (INLINE, None, "ephemeral"),
        ({"voiceId": UUID}, None, "ephemeral"),
        ({"llmId": "CUSTOMER_CLIENT_V1"}, None, "ephemeral"),
        ({"brainType": UUID}, None, "ephemeral"),
        ({"avatarId": UUID, "enableAudioPassthrough": True}, None, "ephemeral"),
        ({"avatarId": UUID}, EXAMPLES["MintElevenLabsAgent"]["environment"], "ephemeral"),
        ({"avatarId": UUID}, EXAMPLES["StartDirectAgora"]["environment"], "ephemeral"),
        ({"avatarId": UUID, "enableAudioPassthrough": False, "llmId": ""}, None, "legacy"),
        ({}, None, "legacy"),
        *((value, value, "legacy") for value in (None, 5, [])),
    ],
)
def test_the_type_follows_the_persona(persona: Any, environment: Any, kind: str) -> None:
    """Inline without llmId and voiceId it is a legacy token, unless audio or agent come from outside."""
    assert token_type({"personaConfig": persona, "environment": environment}) == kind


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"personaConfig": {**INLINE, "avatarId": "bogus", "tools": [{"type": "nonsense", "name": "a\x00b"}]}},
        {"personaConfig": SAVED, "environment": 5, "clientLabel": ["a"], "something": "else"},
    ],
)
def test_minting_validates_almost_nothing(api: Api, config: dict[str, Any]) -> None:
    """What the start refuses is accepted here."""
    assert api.post(MINT, config, api.sandbox.api_key).status_code == 200


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "at line 1, column 2"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": 1e999}', "out of range"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "out of range"),
        (b'{"a": "\\ud800"}', "lone surrogate"),
        (b"[" * 100_000, "nests deeper"),
    ],
)
def test_json_is_read_as_strictly_as_the_standard(body: bytes, reason: str) -> None:
    """A reason, which does not quote the body."""
    with pytest.raises(contract.NotJson, match=reason):
        contract.parse_json(body)


def test_json_may_nest_so_deep_and_no_deeper() -> None:
    """80 levels."""
    assert contract.parse_json(b"[" * 80 + b"1" + b"]" * 80)
    with pytest.raises(contract.NotJson, match="80 levels"):
        contract.parse_json(b"[" * 81 + b"1" + b"]" * 81)


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"personaConfig": null}', "application/json", 400),
        (b'{"personaConfig": {}}', "text/plain", 400),
        (b'{"personaConfig": {}}', "application/json; charset=utf-8", None),
        (b'{"personaConfig": "' + b"x" * (1 << 20) + b'"}', "application/json", 413),
    ],
)
def test_what_is_no_json_object_is_refused(api: Api, body: bytes, content_type: str, status: int | None) -> None:
    """By either operation; nothing is minted, and the connection goes on working."""
    for path, otherwise in ((MINT, 200), (START, 201)):
        answer = api.post(path, body, api.sandbox.api_key, headers={"Content-Type": content_type})
        assert answer.status_code == (status or otherwise)
    assert len(api.sandbox.tokens) == (status is None)
    assert api.mint().status_code == 200


@pytest.mark.parametrize(
    ("header", "bearer"),
    [
        (None, None),
        ("", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("bearer  a ", "a"),
        ("Basic a", None),
        ("a", None),
    ],
)
def test_the_bearer_is_what_stands_behind_the_scheme(header: str | None, bearer: str | None) -> None:
    """The scheme's letters may be small or large."""
    assert bearer_of(header) == bearer


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *[("90s", 90), ("30m", 1800), ("1h", 3600), ("2d", 172_800), ("2w", 1_209_600), ("1.5h", 5400), (" 5 m ", 300)],
        *[(wrong, None) for wrong in ("soon", "1y", "", "-1h", "1e9d", "367d", "\u0661s", 60, None, [])],
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: object, seconds: float | None) -> None:
    """Seconds, minutes, hours, days and weeks, up to a year; anything else is none."""
    assert parse_duration(text) == seconds


def test_a_lifetime_that_is_none_is_ignored_unless_strict(serve: Serve) -> None:
    """Leniently the usual lifetime applies; strictly it is answered 400, naming the field."""
    lenient = serve(token_lifetime=60, clock=(clock := Clock()))
    for expires_in, seconds in (("soon", 60), ("2h", 7200)):
        lenient.token(expiresIn=expires_in)
        assert lenient.sandbox.tokens[-1].expires_at == clock.now + seconds
    refused = serve(strict=True).mint(expiresIn="soon")
    assert [problem["path"] for problem in refused.json()["details"]] == ["expiresIn"]
