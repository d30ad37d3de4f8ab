"""Session tokens, and the avatar's access token for a LiveKit room."""

from __future__ import annotations

import base64
import copy
import itertools
import math
import pickle
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from anam_facade import AnamConfigError, LiveKitEnvironment, SessionToken
from anam_facade._hosts import is_loopback
from tests.conftest import signed

URL = "wss://rooms.example.org"


def test_only_this_machine_counts_as_such():
    """Its addresses and `localhost`; a name that begins like one may be anybody's."""
    hosts = ("localhost", "127.1.2.3", "::1", "127.example.org", "10.0.0.1", "localhost.example")
    assert [host for host in hosts if is_loopback(host)] == ["localhost", "127.1.2.3", "::1"]


@pytest.mark.parametrize(("video", "room"), [({"room": "lobby"}, "lobby"), ({"room": 5}, None), ("lobby", None)])
def test_the_room_is_read_from_the_livekit_token(video, room):
    """The room's name is what the token says, as far as it says."""
    assert LiveKitEnvironment(URL, signed(video=video)).room == room


# Session tokens.


@pytest.mark.parametrize(
    ("token", "claims"),
    [
        (signed(type="ephemeral", é=1), {"type": "ephemeral", "é": 1}),
        *((text, {}) for text in ("", "a.b.c.d", "a.!!!.c", "a.AAAA.c")),
        *((f"a.{base64.urlsafe_b64encode(data).decode()}.c", {}) for data in (b"[1]", b"\xff\xff", b"[" * 100_000)),
    ],
    ids=itertools.count(),
)
def test_claims_of_what_is_no_jwt_are_empty(token, claims):
    """Claims are read leniently: a string that is no JWT has none."""
    assert SessionToken(token).claims == claims


def test_a_token_shows_what_it_is_for_and_not_itself():
    """The repr tells type and expiry; the token itself only comes out by its name, is copied, and never pickled."""
    text = signed(type="ephemeral", exp=1_800_000_000)
    token = SessionToken(text)
    assert repr(token) == "SessionToken('***', type='ephemeral', expires_at=2027-01-15T08:00:00+00:00)"
    assert repr(SessionToken("opaque")) == "SessionToken('***', type=None, expires_at=None)"
    assert token.value == copy.deepcopy(token).value == text
    assert text not in f"{token} {token!r} {[token]}"
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(token)
    with pytest.raises(AnamConfigError, match=r"SessionToken.value: must be a string, not int"):
        SessionToken(5)


@pytest.mark.parametrize(
    ("seconds", "leeway", "expired"),
    [(60, 0, False), (60, 30, False), (60, 90, True), (-1, 0, True), (-60, -120, False)],
)
def test_expiry_is_told_with_leeway(seconds, leeway, expired):
    """Expired from `leeway` seconds before the expiry, which is in UTC; one that makes no sense is none."""
    token = SessionToken(signed(exp=(datetime.now(UTC) + timedelta(seconds=seconds)).timestamp()))
    assert (token.is_expired(leeway), token.expires_at.tzinfo) == (expired, UTC)
    for nonsense in (None, True, "soon", math.nan, 1e300, 10**400, -1e300):
        token = SessionToken(signed(exp=nonsense))
        assert (token.expires_at, token.is_expired(leeway)) == (None, False)


# Access tokens for rooms.

SECRET = "swordfish-of-livekit-of-at-least-32-characters"
VARIABLES = {"LIVEKIT_URL": URL, "LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": SECRET}


def test_the_access_token_is_one_that_livekit_accepts(monkeypatch):
    """Signed with the secret, valid now (PyJWT checks it), with LiveKit's claims; arguments go before variables."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    made = LiveKitEnvironment.for_room(room="lobby", agent_identity="agent")
    claims = jwt.decode(made.token.reveal(), SECRET, algorithms=["HS256"], issuer="key")
    assert (made.url, made.room, claims.pop("exp") - claims.pop("nbf")) == (URL, "lobby", 600)
    assert claims == {
        "iss": "key",
        "sub": "anam-avatar-agent",
        "name": "anam-avatar-agent",
        "kind": "agent",
        "video": {"roomJoin": True, "room": "lobby", "canPublish": True, "canSubscribe": True, "canPublishData": True},
        "attributes": {"lk.publish_on_behalf": "agent"},
    }
    mine = {"api_key": "mine", "api_secret": SECRET[::-1], "identity": "cara", "ttl": 60}
    made = LiveKitEnvironment.for_room("wss://mine", room="lobby", agent_identity="agent", **mine)
    claims = jwt.decode(made.token.reveal(), SECRET[::-1], algorithms=["HS256"], issuer="mine")
    assert (made.url, claims["sub"], claims["exp"] - claims["nbf"]) == ("wss://mine", "cara", 60)


def test_everything_that_is_wrong_with_a_room_is_told_at_once(monkeypatch, problems):
    """Missing, empty and impossible arguments, each by its name."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert problems(lambda: LiveKitEnvironment.for_room("rooms", room="", agent_identity="", identity="", ttl=0)) == [
        "api_key: is missing: pass api_key, or set the environment variable LIVEKIT_API_KEY",
        "api_secret: is missing: pass api_secret, or set the environment variable LIVEKIT_API_SECRET",
        "url = rooms: must be an absolute URL such as wss://my-project.livekit.cloud",
        *(f"{name}: must have at least 1 character" for name in ("room", "agent_identity", "identity")),
        "ttl = 0: must be a number of seconds of at least 1 and at most 86400",
    ]
    same = {"room": "lobby", "agent_identity": "same", "identity": "same", "api_key": "key", "api_secret": SECRET}
    assert problems(lambda: LiveKitEnvironment.for_room(**same)) == [
        "url: is missing: pass url, or set the environment variable LIVEKIT_URL",
        "identity = same: must differ from agent_identity: a room holds each identity once",
    ]
