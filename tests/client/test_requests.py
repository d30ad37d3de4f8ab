"""What travels: addresses, headers, labels, and which credential. Bodies are those of the test vectors."""

from __future__ import annotations

import copy
import platform

import httpx
import pytest
from pydantic import SecretStr

from anam_facade import AnamConfigError, PersonaConfig, SessionStartUncertainError, __version__
from tests.client.conftest import API_KEY
from tests.tokens import signed

ID = "30fa96d0-26c4-4e55-94a0-517025942e18"
PERSONA = PersonaConfig(voice_id=ID, llm_id=ID)
MINT, START = "/v1/auth/session-token", "/v1/engine/session"


def test_each_request_has_its_own_credential_and_the_usual_headers(connect, server):
    """Minting and a direct start use the API key; a start with a token uses the token. No cookie is sent back."""
    said = {"sessionToken": signed(type="ephemeral"), "sessionId": "s-1"}
    answers = server(httpx.Response(200, json=said, headers={"Set-Cookie": "a=b"}))
    calls = connect(answers)
    session = calls("start_session", PERSONA, client_label="desk-7", client_metadata={"a": 1})
    calls("start_session", PERSONA, client_label="desk-7", client_metadata={"a": 1}, direct=True)
    calls("start_engine_session", "head.payload.sign")
    assert session.session_id == "s-1"
    assert answers.paths == [MINT, START, START, START]
    assert answers.bearers == [API_KEY, said["sessionToken"], API_KEY, "head.payload.sign"]
    setup, metadata = {"personaConfig": PERSONA.to_dict(), "clientLabel": "desk-7"}, {"clientMetadata": {"a": 1}}
    assert answers.bodies == [setup, metadata, setup | metadata, {}]
    for request in answers.requests:
        assert request.method == "POST"
        assert dict(request.headers) == {
            "authorization": request.headers["Authorization"],
            "content-type": "application/json",
            "accept": "application/json",
            "accept-encoding": "identity",
            "content-length": str(len(request.content)),
            "host": "api.anam.ai",
            "user-agent": f"anam-facade/{__version__} python/{platform.python_version()} httpx/{httpx.__version__}",
        }


@pytest.mark.parametrize(
    ("base_url", "environment", "origin"),
    [
        (None, "", "https://api.anam.ai"),
        (None, "https://eu.example", "https://eu.example"),
        (httpx.URL("https://us.example/"), "https://eu.example", "https://us.example"),
        ("https://exämple.org", "", "https://xn--exmple-cua.org"),
        # The version, or an operation's path, copied along with the address, is taken off.
        ("https://eu.example/v1/", "", "https://eu.example"),
        ("https://eu.example/gate/v1/engine/session", "", "https://eu.example/gate"),
        ("https://eu.example/v2", "", "https://eu.example/v2"),
    ],
)
def test_where_it_goes(connect, server, monkeypatch, base_url, environment, origin):
    """The argument before the environment before Anam's public API; a gateway gets everything, and is told where to."""
    monkeypatch.setenv("ANAM_API_URL", environment)
    targets = [origin + MINT, origin + START]
    for gateway, urls, told in (
        (None, targets, [None, None]),
        ("https://gw.example/anam/", [f"https://gw.example/anam{path}" for path in (MINT, START)], targets),
    ):
        answers = server()
        connect(answers, base_url=base_url, gateway_url=gateway)("start_session", PERSONA)
        assert [str(request.url) for request in answers.requests] == urls
        assert [request.headers.get("X-Anam-Target-Url") for request in answers.requests] == told


@pytest.mark.parametrize(("given", "sent"), [("mine", "mine"), (SecretStr("mine"), "mine"), (None, "from-the-shell")])
def test_which_key_is_used(connect, server, monkeypatch, given, sent):
    """The argument, which may be another library's secret, comes before the environment."""
    monkeypatch.setenv("ANAM_API_KEY", "from-the-shell")
    answers = server()
    connect(answers, api_key=given)("create_session_token", PERSONA)
    assert answers.bearers == [sent]


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize(
    ("default", "given", "sent"),
    [(None, None, None), ("desk", None, "desk"), (None, "call", "call"), ("desk", "call", "call"), ("desk", "", "")],
)
def test_every_session_can_be_found_by_its_label(connect, server, default, given, sent, direct):
    """The call's label, or the client's, or else one of its own, if that is wanted; an uncertain start tells it."""
    answers = server()
    for auto_label in (False, True):
        calls = connect(answers, client_label=default, auto_label=auto_label)
        calls("start_session", PERSONA, client_label=given, direct=direct)
        calls("create_session_token", PERSONA, client_label=given)
    plain, minted, own, minted_too = [body.get("clientLabel") for body in answers.bodies if "personaConfig" in body]
    assert [plain, minted, minted_too] == [sent] * 3
    assert own == sent if sent is not None else own.startswith("af-") and len(own) == 39
    lost = server(httpx.ReadError("reset"))
    with pytest.raises(SessionStartUncertainError) as caught:
        connect(lost)("start_session", PERSONA, direct=True)
    assert own != caught.value.client_label == lost.bodies[0]["clientLabel"]


LIVEKIT = {"livekitUrl": "wss://rooms.example.org", "livekitToken": "t"}
AVATAR = {"avatarId": ID, "enableAudioPassthrough": True}


@pytest.mark.parametrize(
    ("persona", "setup", "words"),
    [
        # What the vendor's own examples send: audio from outside needs neither voice nor language model.
        (AVATAR, {}, None),
        ({"avatarId": ID, "metadata": {"a": [1]}}, {"environment": LIVEKIT}, None),
        # Kinds that are newer than the contract go under `extra`.
        ({**AVATAR, "tools": [{"extra": {"type": "dance"}}]}, {"environment": {"extra": {"zoomSettings": {}}}}, None),
        (AVATAR, {"environment": {"zoomSettings": {}}}, "extra="),
        # Who passes the body that the API takes is told which part of it is asked for.
        ({"personaConfig": AVATAR}, {}, "persona: is a whole body; pass what is under personaConfig"),
        (AVATAR, {"environment": {"environment": LIVEKIT}}, "environment: is a whole body; pass what is under env"),
        (AVATAR, {"client_metadata": {"a": {1}}}, "client_metadata.a: must be a JSON value"),  # of the second request
    ],
)
@pytest.mark.parametrize("flavour", ["sync"])
@pytest.mark.filterwarnings("error")
def test_mappings_are_sent_as_they_are_or_refused(connect, server, persona, setup, words):
    """What is right by the contract, or newer than it, is sent without a warning; else the error has the remedy."""
    answers, before = server(), copy.deepcopy((persona, setup))
    calls = connect(answers)
    if words is not None:
        with pytest.raises(AnamConfigError, match=words) as caught:
            calls("start_session", persona, **setup)
        assert (answers.requests, caught.value.attempts, caught.value.may_have_started) == ([], 0, False)
        return
    calls("create_session_token", persona, **setup)
    assert (persona, setup) == before
    (body,) = answers.bodies
    room = setup.get("environment", {})
    assert body.get("environment", {}) == room.get("extra", room)
    tools = {"tools": [tool["extra"] for tool in persona["tools"]]} if "tools" in persona else {}
    assert body["personaConfig"].items() >= (persona | tools).items()
