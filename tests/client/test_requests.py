"""What travels: addresses, headers, labels, and which credential. Bodies are those of the test vectors."""

from __future__ import annotations

import platform

import httpx
import pytest

from anam_facade import (
    AnamConfigError,
    ClientTool,
    PersonaConfig,
    SessionStartUncertainError,
    SessionToken,
    __version__,
)
from tests.tokens import signed

pytestmark = pytest.mark.anyio

ID = "30fa96d0-26c4-4e55-94a0-517025942e18"
PERSONA = PersonaConfig(voice_id=ID, llm_id=ID)
MINT, START = "/v1/auth/session-token", "/v1/engine/session"


async def test_each_request_has_its_own_credential(connect, server, api_key):
    """Minting and a direct start use the API key; a start with a token uses the token, and the key is nowhere in it."""
    answers = server()
    client = connect(answers)
    session = await client.start_session(PERSONA, client_label="desk-7", client_metadata={"a": 1})
    await client.start_session(PERSONA, client_label="desk-7", client_metadata={"a": 1}, direct=True)
    await client.start_engine_session("head.payload.sign")
    assert session.session_id == "s-1"
    assert answers.paths == [MINT, START, START, START]
    assert answers.bearers == [api_key, signed(type="ephemeral"), api_key, "head.payload.sign"]
    setup, metadata = {"personaConfig": PERSONA.to_dict(), "clientLabel": "desk-7"}, {"clientMetadata": {"a": 1}}
    assert answers.bodies == [setup, metadata, setup | metadata, {}]
    for request in (answers.requests[1], answers.requests[3]):
        assert api_key not in f"{request.headers.raw} {request.url} {request.content!r}"


async def test_the_headers_of_every_request(connect, server):
    """Each request says what it is, what it accepts, and who sends it; a server's cookies are not sent back."""
    answers = server(
        httpx.Response(200, json={"sessionToken": "a.b.c", "sessionId": "s"}, headers={"Set-Cookie": "a=b"})
    )
    await connect(answers).start_session(PERSONA)
    for request in answers.requests:
        assert request.method == "POST"
        assert len(request.headers.raw) == 7
        assert "Authorization" in request.headers
        assert {
            "content-type": "application/json",
            "accept": "application/json",
            "accept-encoding": "identity",
            "content-length": str(len(request.content)),
            "host": "api.anam.ai",
            "user-agent": f"anam-facade/{__version__} python/{platform.python_version()} httpx/{httpx.__version__}",
        }.items() <= request.headers.items()


async def test_a_gateway_gets_everything_and_is_told_where_it_goes(connect, server):
    """With a gateway both calls go there, with Anam's full URL, in letters that a header can hold."""
    answers = server()
    client = connect(answers, gateway_url="https://gw.example/anam/", base_url="https://exämple.org/")
    await client.start_session(PERSONA)
    assert [str(request.url) for request in answers.requests] == [
        f"https://gw.example/anam{path}" for path in (MINT, START)
    ]
    assert [request.headers["X-Anam-Target-Url"] for request in answers.requests] == [
        f"https://xn--exmple-cua.org{path}" for path in (MINT, START)
    ]


@pytest.mark.parametrize(
    ("base_url", "environment", "origin"),
    [
        (None, None, "https://api.anam.ai"),
        (None, "https://eu.example", "https://eu.example"),
        (None, "", "https://api.anam.ai"),
        ("https://us.example/", "https://eu.example", "https://us.example"),
        ("http://127.0.0.1:8787", None, "http://127.0.0.1:8787"),
        ("https://exämple.org", None, "https://xn--exmple-cua.org"),
        # The version, or an operation's path, copied along with the address, is taken off.
        ("https://eu.example/v1/", None, "https://eu.example"),
        ("https://eu.example/gate/v1/engine/session", None, "https://eu.example/gate"),
        ("https://eu.example/v1/auth/session-token", None, "https://eu.example"),
        ("https://eu.example/v2", None, "https://eu.example/v2"),
    ],
)
async def test_where_the_api_is(connect, server, monkeypatch, base_url, environment, origin):
    """The argument comes first, then the environment, then Anam's public API."""
    if environment is not None:
        monkeypatch.setenv("ANAM_API_URL", environment)
    answers = server()
    await connect(answers, base_url=base_url).create_session_token(PERSONA)
    assert str(answers.requests[0].url) == origin + MINT


@pytest.mark.parametrize(("given", "bearer"), [("mine", "mine"), (None, "from-the-shell")])
async def test_which_key_is_used(connect, server, monkeypatch, given, bearer):
    """The argument comes before the environment."""
    monkeypatch.setenv("ANAM_API_KEY", "from-the-shell")
    answers = server()
    await connect(answers, api_key=given).create_session_token(PERSONA)
    assert answers.bearers == [bearer]


@pytest.mark.parametrize(
    ("default", "given", "sent"),
    [(None, None, None), ("desk", None, "desk"), (None, "call", "call"), ("desk", "call", "call"), ("desk", "", "")],
)
@pytest.mark.parametrize("direct", [False, True])
async def test_the_clients_label_unless_the_call_has_one(connect, server, default, given, sent, direct):
    """A label given to the call replaces the client's."""
    answers = server()
    client = connect(answers, client_label=default, auto_label=False)
    await client.start_session(PERSONA, client_label=given, direct=direct)
    assert answers.bodies[0].get("clientLabel") == sent


@pytest.mark.parametrize("direct", [False, True])
async def test_every_session_can_be_found_by_its_label(connect, server, direct):
    """A start without a label is given one of its own, which an uncertain start tells; other calls are not."""
    answers = server()
    client = connect(answers)
    await client.start_session(PERSONA, direct=direct)
    await client.start_session(PERSONA, direct=direct)
    labels = [body["clientLabel"] for body in answers.bodies if "clientLabel" in body]
    assert len(set(labels)) == 2
    assert all(label.startswith("af-") and len(label) == 39 for label in labels)
    await client.create_session_token(PERSONA)
    assert "clientLabel" not in answers.bodies[-1]
    lost = server(httpx.ReadError("reset"))
    with pytest.raises(SessionStartUncertainError) as caught:
        await connect(lost).start_session(PERSONA, direct=True)
    assert caught.value.client_label == lost.bodies[0]["clientLabel"]


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("create_session_token", {"persona": PERSONA, "expires_in": 60}),
        ("start_session", {"persona": PERSONA, "client_metadata": {"a": {1}}}),
        ("start_session", {"persona": {"tools": [{}]}, "direct": True}),
        ("start_engine_session", {"token": SessionToken("api-key/0123456789==")}),
        ("start_engine_session", {"token": "a.b.c", "client_metadata": "text"}),
    ],
    ids=range(5),
)
async def test_nothing_is_sent_when_an_argument_is_wrong(connect, server, method, arguments):
    """What is refused never reaches the wire: not even the minting before a start that would be refused."""
    answers = server()
    with pytest.raises(AnamConfigError) as caught:
        await getattr(connect(answers), method)(**arguments)
    assert answers.requests == []
    assert (caught.value.attempts, caught.value.may_have_started) == (0, False)


async def test_what_the_caller_passed_is_not_changed(connect, server):
    """Neither mappings nor parts are touched by sending them."""
    persona = {"avatarId": ID, "metadata": {"a": [1]}, "tools": [{"type": "client", "name": "t"}]}
    room, metadata = {"livekitUrl": "wss://r", "livekitToken": "t"}, {"a": {"b": 1}}
    tool = ClientTool(name="t", parameters={"p": []})
    before = repr((persona, room, metadata, tool))
    client = connect(server())
    await client.start_session(persona, environment=room, client_metadata=metadata)
    await client.start_session(PersonaConfig(voice_id=ID, tools=[tool]), client_metadata=metadata)
    assert repr((persona, room, metadata, tool)) == before


LIVEKIT = {"livekitUrl": "wss://rooms.example.org", "livekitToken": "t"}
ELEVENLABS = {"elevenLabsAgentSettings": {"signedUrl": "s", "agentId": "a"}}
DAILY = {"egress": {"mode": "daily", "daily": {"roomUrl": "https://x.daily.co/r"}}}
AVATAR = {"avatarId": ID, "enableAudioPassthrough": True}


@pytest.mark.parametrize(
    ("persona", "setup", "words"),
    [
        # What the vendor's own examples send: audio from outside needs neither voice nor language model.
        (AVATAR, {}, None),
        ({"avatarId": ID}, {"environment": LIVEKIT}, None),
        ({"avatarId": ID}, {"environment": ELEVENLABS}, None),
        (AVATAR, {"session_options": DAILY}, None),
        # Kinds that are newer than the contract go under `extra`.
        ({**AVATAR, "tools": [{"extra": {"type": "dance"}}]}, {"environment": {"extra": {"zoomSettings": {}}}}, None),
        (AVATAR, {"environment": {"zoomSettings": {}}}, "extra="),
        # Who passes the body that the API takes is told which part of it is asked for.
        ({"personaConfig": AVATAR}, {}, "persona: is a whole body; pass what is under personaConfig"),
        (AVATAR, {"environment": {"environment": LIVEKIT}}, "environment: is a whole body; pass what is under env"),
        (AVATAR, {"session_options": {"sessionOptions": {}}}, "session_options: is a whole body; pass what is under s"),
    ],
    ids=range(9),
)
@pytest.mark.parametrize("flavour", ["sync"])
@pytest.mark.filterwarnings("error")
async def test_mappings_are_sent_as_they_are_or_refused(connect, server, persona, setup, words):
    """What is right by the contract, or newer than it, is sent without a warning; else the error has the remedy."""
    answers = server()
    minting = connect(answers).create_session_token(persona, **setup)
    if words is None:
        await minting
        (body,) = answers.bodies
        unwrapped = {key: value.get("extra", value) for key, value in setup.items()}
        assert body.get("environment") == unwrapped.get("environment")
        assert body.get("sessionOptions") == unwrapped.get("session_options")
        tools = [tool["extra"] for tool in persona.get("tools", [])]
        assert body["personaConfig"].items() >= (persona | ({"tools": tools} if tools else {})).items()
    else:
        with pytest.raises(AnamConfigError, match=words):
            await minting
