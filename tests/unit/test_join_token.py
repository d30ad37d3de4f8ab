"""The avatar's access token for a LiveKit room."""

from __future__ import annotations

import jwt
import pytest

from anam_facade import AnamConfigError, LiveKitEnvironment

URL = "wss://rooms.example.org"
SECRET = "a-secret-of-livekit-of-at-least-32-characters"
ENVIRONMENT = {"LIVEKIT_URL": URL, "LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": SECRET}


@pytest.fixture(autouse=True)
def _no_livekit(monkeypatch):
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


def test_the_token_is_one_that_livekit_accepts(monkeypatch):
    """From the environment: signed with the secret, valid now (PyJWT checks it), and with LiveKit's claims."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    environment = LiveKitEnvironment.for_room(room="lobby", agent_identity="agent")
    claims = jwt.decode(environment.token.reveal(), SECRET, algorithms=["HS256"], issuer="key")
    assert (environment.url, environment.room) == (URL, "lobby")
    assert claims["exp"] - claims["nbf"] == 600
    assert {name: claims[name] for name in claims if name not in ("iss", "nbf", "exp")} == {
        "sub": "anam-avatar-agent",
        "name": "anam-avatar-agent",
        "kind": "agent",
        "video": {"roomJoin": True, "room": "lobby", "canPublish": True, "canSubscribe": True, "canPublishData": True},
        "attributes": {"lk.publish_on_behalf": "agent"},
    }


def test_arguments_go_before_the_environment(monkeypatch):
    """What is passed replaces every variable and default, and the secret stays out of what is shown."""
    for name in ENVIRONMENT:
        monkeypatch.setenv(name, "not-this")
    environment = LiveKitEnvironment.for_room(
        URL, room="lobby", agent_identity="agent", api_key="key", api_secret=SECRET, identity="cara", ttl=60
    )
    claims = jwt.decode(environment.token.reveal(), SECRET, algorithms=["HS256"], issuer="key")
    assert (environment.url, claims["sub"], claims["exp"] - claims["nbf"]) == (URL, "cara", 60)
    assert SECRET not in repr(environment) + str(claims)


def test_everything_that_is_wrong_is_told_at_once():
    """Missing, empty and impossible arguments, each by its name."""
    with pytest.raises(AnamConfigError) as caught:
        LiveKitEnvironment.for_room("rooms", room="", agent_identity="", identity="", ttl=0)
    assert [str(problem) for problem in caught.value.problems] == [
        "api_key: is missing: pass api_key, or set the environment variable LIVEKIT_API_KEY",
        "api_secret: is missing: pass api_secret, or set the environment variable LIVEKIT_API_SECRET",
        "url = rooms: must be an absolute URL such as wss://my-project.livekit.cloud",
        "room: must have at least 1 character",
        "agent_identity: must have at least 1 character",
        "identity: must have at least 1 character",
        "ttl = 0: must be a number of seconds of at least 1 and at most 86400",
    ]
    same = {"room": "lobby", "agent_identity": "same", "identity": "same", "api_key": "key", "api_secret": SECRET}
    with pytest.raises(AnamConfigError, match=r"url: is missing[^§]*must differ from agent_identity"):
        LiveKitEnvironment.for_room(**same)


def test_the_secret_is_in_no_frame():
    """A traceback with variables does not show the key that signs."""
    with pytest.raises(AnamConfigError) as caught:
        LiveKitEnvironment.for_room(URL, room="", agent_identity="agent", api_key="key", api_secret=SECRET)
    trace = caught.value.__traceback__
    while trace := trace.tb_next:  # the first frame is this test's
        assert SECRET not in repr(trace.tb_frame.f_locals)
