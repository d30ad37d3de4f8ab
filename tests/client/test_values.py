"""Values as settings libraries, environment files and other programs' mappings bring them."""

from __future__ import annotations

import json
import traceback
import uuid
import warnings
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from anam_facade import (
    AnamClient,
    AnamConfigError,
    AnamConfigWarning,
    AsyncAnamClient,
    DailyEgress,
    LiveKitEnvironment,
    PersonaConfig,
    SessionOptions,
)

ID = "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"
SWORD = "swordfish-of-a-credential"
AVATAR = {"avatarId": ID, "enableAudioPassthrough": True}
ROOM = {"livekitUrl": "wss://rooms.example.org", "livekitToken": SWORD}


class SecretStr:
    """As pydantic has it."""

    def __init__(self, value: str) -> None:
        self._value = value

    def get_secret_value(self) -> str:
        return self._value


class Url(SimpleNamespace):
    """As pydantic, httpx and yarl have it: no string, but made of parts."""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}/"


def sent(persona: Any, client: dict[str, Any] | None = None, **setup: Any) -> Any:
    """The body that a mint sends."""
    bodies = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append((str(request.url), request.headers["Authorization"], json.loads(request.content)))
        return httpx.Response(200, json={"sessionToken": "a.b.c"})

    options = {"api_key": "local-key", "base_url": "https://a.example"} | (client or {})
    with AnamClient(**options, transport=httpx.MockTransport(answer)) as made:
        made.create_session_token(persona, **setup)
    return bodies[0]


def test_objects_of_settings_libraries_are_taken():
    """Secrets, URLs and UUIDs of other libraries do as well as strings, at every place where one belongs."""
    client = {"api_key": SecretStr("local-key"), "base_url": Url(scheme="https", host="b.example")}
    room = LiveKitEnvironment(Url(scheme="wss", host="rooms.example.org"), SecretStr(SWORD))
    options = SessionOptions(
        egress=DailyEgress(room_url=Url(scheme="https", host="x.daily.co"), token=SecretStr(SWORD))
    )
    persona = PersonaConfig(avatar_id=uuid.UUID(ID), enable_audio_passthrough=True)
    url, bearer, body = sent(persona, client, environment=room, session_options=options)
    assert (url, bearer) == ("https://b.example/v1/auth/session-token", "Bearer local-key")
    assert body["environment"] == {"livekitUrl": "wss://rooms.example.org/", "livekitToken": SWORD}
    assert body["sessionOptions"]["egress"]["daily"] == {"roomUrl": "https://x.daily.co/", "token": SWORD}
    assert body["personaConfig"]["avatarId"] == ID


def test_what_is_not_taken_is_refused_with_its_type_and_the_remedy():
    """A secret in the place of an open value is refused in words."""
    with pytest.raises(AnamConfigError, match=r"name: must be a string, not SecretStr; pass what its get_secret_value"):
        PersonaConfig(name=SecretStr("n"))  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ['"local-key"', "'local-key'", "ANAM_API_KEY=local-key", "${ANAM_API_KEY}", "<key>"])
@pytest.mark.parametrize("client", [AnamClient, AsyncAnamClient])
def test_a_key_as_it_stands_in_a_file_is_refused(client: Any, key: str):
    """Quotes, the variable's name or a placeholder around a key are noticed before a server refuses it."""
    with pytest.raises(AnamConfigError, match="must be the key alone"):
        client(key, "http://127.0.0.1:9")


def test_empty_ids_are_unset():
    """An id that an environment file leaves empty is as good as not given: LiveKit's needs are filled in."""
    room = LiveKitEnvironment("wss://rooms.example.org", SWORD)
    _, _, body = sent(PersonaConfig(avatar_id=ID, llm_id="", voice_id=""), environment=room)
    assert body["personaConfig"] == {"avatarId": ID, "type": "ephemeral", "llmId": "CUSTOMER_CLIENT_V1"}


@pytest.mark.parametrize(
    ("persona", "setup"),
    [
        (AVATAR, {}),
        ({"avatarId": ID}, {"environment": ROOM}),
        ({"avatarId": ID}, {"environment": {"elevenLabsAgentSettings": {"signedUrl": SWORD, "agentId": "a"}}}),
        (AVATAR, {"session_options": {"egress": {"mode": "daily", "daily": {"roomUrl": "https://x.daily.co/r"}}}}),
    ],
    ids=["passthrough", "livekit", "elevenlabs", "daily"],
)
def test_recipes_of_the_vendors_are_right(persona, setup):
    """What the vendor's own examples send is sent without a warning: audio from outside needs neither voice nor LLM."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, _, body = sent(persona, **setup)
    assert body["personaConfig"].items() >= persona.items()
    assert body.get("environment") == setup.get("environment")


def test_a_persona_without_voice_words_or_sound_is_warned_of():
    """Nothing comes from outside and nothing is chosen: such a token starts nothing."""
    with pytest.warns(AnamConfigWarning, match="neither llm_id nor voice_id, nor enable_audio_passthrough"):
        sent(PersonaConfig(avatar_id=ID))


@pytest.mark.parametrize(
    ("setup", "name"),
    [
        ({"persona": {"personaConfig": AVATAR}}, "persona: is a whole body; pass what is under personaConfig"),
        ({"environment": {"environment": ROOM}}, "environment: is a whole body; pass what is under environment"),
        ({"session_options": {"sessionOptions": {}}}, "session_options: is a whole body; pass what is under session"),
    ],
)
def test_a_whole_body_in_the_place_of_a_part_is_refused_in_words(setup, name):
    """Who passes the body that the API takes is told which part of it is asked for."""
    with pytest.raises(AnamConfigError, match=name):
        sent(**{"persona": AVATAR, **setup})


SECRETS: list[dict[str, Any]] = [
    {"environment": ROOM},
    {"environment": {"elevenLabsAgentSettings": {"signedUrl": SWORD, "agentId": "a"}}},
    {"environment": {**ROOM, "unknown": SWORD}},
    {"session_options": {"egress": {"mode": "daily", "daily": {"roomUrl": "https://a.b", "token": SWORD}}}},
    {"persona": {"tools": [{"type": "server", "subtype": "webhook", "name": "", "headers": {"Authorization": SWORD}}]}},
    {"persona": {"extra": {"apiKey": SWORD}, "avatarId": 1}},
]
CALLS = {
    "mint": lambda client, persona, setup: client.create_session_token(persona, **setup),
    "both": lambda client, persona, setup: client.start_session(persona, **setup),
    "direct": lambda client, persona, setup: client.start_session(persona, **setup, direct=True),
}


@pytest.mark.parametrize("strict", [False, True], ids=["refused", "warned-of"])
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("given", SECRETS, ids=range(len(SECRETS)))
def test_no_frame_of_ours_keeps_what_a_mapping_holds(given, call, strict):
    """A mapping is taken over at the door: neither a refusal nor a warning made an error leaves its secrets."""
    setup = dict(given)
    persona = setup.pop("persona", {"avatarId": "no uuid" if strict else 1})
    client = AnamClient("local-key", "http://127.0.0.1:9", retry=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error" if strict else "ignore", AnamConfigWarning)
        with pytest.raises((AnamConfigError, AnamConfigWarning)) as caught:
            CALLS[call](client, persona, setup)
    frames = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)]
    ours = [frame for frame in frames if frame.f_globals.get("__name__", "").startswith("anam_")]
    kept = [(f.f_code.co_name, name) for f in ours for name, value in f.f_locals.items() if SWORD in repr(value)]
    assert ours
    assert kept == []


def test_kinds_that_are_newer_than_the_contract_can_be_sent():
    """Where one of several kinds is expected, all of a new one goes under `extra`; without that it is refused."""
    zoom = {"zoomSettings": {"meeting": "1"}}
    tools = [{"extra": {"type": "dance"}}, {"extra": {"type": "sing"}}, {"type": "client", "name": "wave"}]
    _, _, body = sent({**AVATAR, "tools": tools}, environment={"extra": zoom})
    assert body["environment"] == zoom
    assert body["personaConfig"]["tools"] == [{"type": "dance"}, {"type": "sing"}, {"type": "client", "name": "wave"}]
    with pytest.raises(AnamConfigError, match="extra="):
        sent(AVATAR, environment=zoom)
