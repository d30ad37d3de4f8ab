"""What travels: addresses, bodies, headers, and which credential."""

from __future__ import annotations

import platform

import httpx
import pytest

from anam_facade import (
    CUSTOMER_CLIENT_V1,
    AnamConfigError,
    ClientTool,
    LiveKitEnvironment,
    PersonaConfig,
    SessionOptions,
    SessionStartUncertainError,
    SessionToken,
    __version__,
)

pytestmark = pytest.mark.anyio

ID = "30fa96d0-26c4-4e55-94a0-517025942e18"
PERSONA = PersonaConfig(voice_id=ID, llm_id=ID)
MINT, START = "/v1/auth/session-token", "/v1/engine/session"


async def test_minting_takes_the_api_key(connect, server, jwt, api_key):
    """Minting sends the setup, with the API key as bearer, and gives the token."""
    answers = server()
    token = await connect(answers).create_session_token(
        PERSONA,
        environment=LiveKitEnvironment("wss://r.example", "livekit"),
        session_options=SessionOptions(video_quality="high"),
        client_label="desk-7",
        expires_in="2h",
    )
    assert isinstance(token, SessionToken)
    assert (token.value, token.client_label) == (jwt(type="ephemeral"), "desk-7")
    assert (answers.paths, answers.bearers) == ([MINT], [api_key])
    assert answers.bodies == [
        {
            "personaConfig": {"voiceId": ID, "llmId": ID},
            "environment": {"livekitUrl": "wss://r.example", "livekitToken": "livekit"},
            "sessionOptions": {"videoQuality": "high"},
            "clientLabel": "desk-7",
            "expiresIn": "2h",
        }
    ]


@pytest.mark.parametrize("wrap", [str, SessionToken], ids=["string", "token"])
async def test_starting_takes_the_session_token(connect, server, wrap, api_key):
    """A start has the session token as bearer and `{}` as body, and the API key nowhere."""
    answers = server()
    session = await connect(answers).start_engine_session(wrap("head.payload.sign"))
    assert session.session_id == "s-1"
    assert (answers.paths, answers.bearers, answers.bodies) == ([START], ["head.payload.sign"], [{}])
    assert answers.requests[0].content == b"{}"
    assert api_key not in str(answers.requests[0].headers.raw) + str(answers.requests[0].url)


async def test_both_steps_each_with_its_own_credential(connect, server, jwt, api_key):
    """The two steps use the API key, then the token that was minted; the client's metadata goes with the start."""
    answers = server()
    session = await connect(answers).start_session(PERSONA, client_label="desk-7", client_metadata={"a": 1})
    assert session.session_id == "s-1"
    assert answers.paths == [MINT, START]
    assert answers.bearers == [api_key, jwt(type="ephemeral")]
    assert answers.bodies == [
        {"personaConfig": PERSONA.to_dict(), "clientLabel": "desk-7"},
        {"clientMetadata": {"a": 1}},
    ]


async def test_a_direct_start_takes_the_api_key(connect, server, api_key):
    """In one call, setup and metadata travel with the API key."""
    answers = server()
    session = await connect(answers, auto_label=False).start_session(
        PERSONA, session_options={"region": "eu"}, direct=True, client_metadata={"a": 1}
    )
    assert session.session_id == "s-1"
    assert (answers.paths, answers.bearers) == ([START], [api_key])
    assert answers.bodies == [
        {
            "personaConfig": PERSONA.to_dict(),
            "sessionOptions": {"region": "eu"},
            "clientMetadata": {"a": 1},
        }
    ]


async def test_the_headers_of_every_request(connect, server):
    """Each request says what it is, what it accepts, and who sends it."""
    answers = server()
    await connect(answers).start_session(PERSONA)
    for request in answers.requests:
        assert request.method == "POST"
        assert request.headers["Content-Type"] == "application/json"
        assert request.headers["Accept"] == "application/json"
        assert request.headers["Accept-Encoding"] == "identity"
        assert request.headers["Content-Length"] == str(len(request.content))
        assert request.headers["User-Agent"] == (
            f"anam-facade/{__version__} python/{platform.python_version()} httpx/{httpx.__version__}"
        )
        assert "X-Anam-Target-Url" not in request.headers
        assert len(request.headers.get_list("Authorization")) == 1


@pytest.mark.parametrize("gateway", ["https://gw.example/anam", "https://gw.example/anam/"])
async def test_a_gateway_gets_everything_and_is_told_where_it_goes(connect, server, gateway):
    """With a gateway both calls go there, with Anam's full URL in a header."""
    answers = server()
    client = connect(answers, gateway_url=gateway, base_url="https://eu.anam.example/")
    await client.start_session(PERSONA)
    await client.start_session(PERSONA, direct=True)
    assert [str(request.url) for request in answers.requests] == [
        f"https://gw.example/anam{path}" for path in (MINT, START, START)
    ]
    assert [request.headers["X-Anam-Target-Url"] for request in answers.requests] == [
        f"https://eu.anam.example{path}" for path in (MINT, START, START)
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
    ],
)
async def test_where_the_api_is(connect, server, monkeypatch, base_url, environment, origin):
    """The argument comes first, then the environment, then Anam's public API."""
    if environment is not None:
        monkeypatch.setenv("ANAM_API_URL", environment)
    answers = server()
    await connect(answers, base_url=base_url).create_session_token(PERSONA)
    assert str(answers.requests[0].url) == origin + MINT


async def test_a_gateway_can_forward_to_a_name_with_accents(connect, server):
    """An international host name behind a gateway is written so that a header can hold it."""
    answers = server()
    client = connect(answers, gateway_url="https://gw.example", base_url="https://exämple.org/")
    await client.create_session_token(PERSONA)
    assert answers.requests[0].headers["X-Anam-Target-Url"] == f"https://xn--exmple-cua.org{MINT}"


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


async def test_mappings_do_everywhere(connect, server):
    """Persona, room and options can be mappings in the wire's form, and are sent as they are."""
    answers = server()
    wire = {
        "persona": {
            "name": "é",
            "avatarId": ID,
            "tools": [{"type": "client", "name": "t", "new": 1}],
            "type": "ephemeral",
            "llmId": ID,
        },
        "environment": {"livekitUrl": "wss://r", "livekitToken": "t"},
        "session_options": {"videoWidth": 720, "videoHeight": 480, "sessionReplay": {"enableSessionReplay": False}},
    }
    await connect(answers).create_session_token(**wire)
    assert answers.bodies == [
        {
            "personaConfig": wire["persona"],
            "environment": wire["environment"],
            "sessionOptions": wire["session_options"],
        }
    ]


async def test_livekit_gets_what_it_needs(connect, server):
    """With a room, a persona without a language model is sent as LiveKit needs it, in both modes."""
    answers = server()
    client = connect(answers)
    room = {"livekitUrl": "wss://r", "livekitToken": "t"}
    for direct in (False, True):
        await client.start_session(PersonaConfig(avatar_id=ID), environment=room, direct=direct)
    personas = [body["personaConfig"] for body in answers.bodies if "personaConfig" in body]
    assert personas == [{"avatarId": ID, "llmId": CUSTOMER_CLIENT_V1, "type": "ephemeral"}] * 2


async def test_text_is_sent_in_utf8(connect, server):
    """Text of any language arrives as it was written."""
    answers = server()
    text = "Grüße, 你好, 👋, \u2028"
    await connect(answers).create_session_token(PersonaConfig(voice_id=ID, system_prompt=text))
    assert answers.bodies[0]["personaConfig"]["systemPrompt"] == text
    assert text.encode() in answers.requests[0].content


REFUSED = [
    ("create_session_token", {"persona": {"zzz": 1}}),
    ("create_session_token", {"persona": PERSONA, "client_label": "x" * 129}),
    ("create_session_token", {"persona": PERSONA, "expires_in": 60}),
    ("create_session_token", {"persona": PERSONA, "environment": {}}),
    (
        "create_session_token",
        {
            "persona": PERSONA,
            "session_options": SessionOptions(egress={"mode": "daily", "daily": {"roomUrl": "https://a.b"}}),
        },
    ),
    ("start_session", {"persona": PERSONA, "client_metadata": {"a": {1}}}),
    ("start_session", {"persona": PERSONA, "client_metadata": {"a": {1}}, "direct": True}),
    ("start_session", {"persona": {"tools": [{}]}, "direct": True}),
    ("start_engine_session", {"token": ""}),
    ("start_engine_session", {"token": "a\r\nX-Injected: 1"}),
    ("start_engine_session", {"token": "api-key/0123456789=="}),
    ("start_engine_session", {"token": SessionToken("api-key/0123456789==")}),
    ("start_engine_session", {"token": None}),
    ("start_engine_session", {"token": "a.b.c", "client_metadata": "text"}),
]


@pytest.mark.parametrize(("method", "arguments"), REFUSED, ids=map(str, range(len(REFUSED))))
async def test_nothing_is_sent_when_an_argument_is_wrong(connect, server, method, arguments):
    """What is refused never reaches the wire."""
    answers = server()
    with pytest.raises(AnamConfigError) as caught:
        await getattr(connect(answers), method)(**arguments)
    assert answers.requests == []
    assert (caught.value.attempts, caught.value.may_have_started) == (0, False)


async def test_a_legacy_token_is_refused_before_it_is_used(connect, server, jwt):
    """A token that cannot start anything costs no request, and the error says how to get a better one."""
    answers = server()
    with pytest.raises(AnamConfigError, match="voice_id or an llm_id"):
        await connect(answers).start_engine_session(jwt(type="legacy"))
    assert answers.requests == []


async def test_what_the_caller_passed_is_not_changed(connect, server):
    """Neither mappings nor parts are touched by sending them."""
    answers = server()
    persona = {"avatarId": ID, "metadata": {"a": [1]}, "tools": [{"type": "client", "name": "t"}]}
    room, metadata = {"livekitUrl": "wss://r", "livekitToken": "t"}, {"a": {"b": 1}}
    tool = ClientTool(name="t", parameters={"p": []})
    before = repr((persona, room, metadata, tool))
    client = connect(answers)
    await client.start_session(persona, environment=room, client_metadata=metadata)
    await client.start_session(PersonaConfig(voice_id=ID, tools=[tool]), client_metadata=metadata)
    assert repr((persona, room, metadata, tool)) == before
