"""A client's arguments and its calls': what is refused, in which words, and what travels. Bodies are in the vectors."""

from __future__ import annotations

import copy
import math
import platform
from typing import Any

import httpx
import httpx2
import pytest
from pydantic import SecretStr

from anam_facade import (
    DEFAULT_BASE_URL,
    AnamConfigError,
    PersonaConfig,
    SessionStartUncertainError,
    SessionToken,
    __version__,
)
from tests.conftest import API_KEY, signed

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


# What a client is made with.

KEY = "must be visible ASCII characters, without blanks or line breaks"
AS_WRITTEN = "must be the key alone; this has quotes, a variable's name or a placeholder around it"
MISSING = "api_key: is missing: pass api_key, or set the environment variable ANAM_API_KEY"
TOKEN = "must be an API key; this is a session token, which may not travel in its place"
URL = "must be an absolute URL such as https://api.anam.ai"
CLEAR = (
    "must be https:// unless the host is this machine: the key would travel in the clear"
    " (allow_insecure_http=True, or the environment variable ANAM_ALLOW_INSECURE_HTTP=1, lifts this)"
)
SECONDS = "must be a number of seconds above 0 and at most 86400"
CHOOSE, TEXT = "cannot be used together with transport: choose one", "must be a string, not int"
PROXY = "the proxy in the environment (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY):"
# Arguments, and environment variables in capitals → the problems that they are, one a line.
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"api_key": ""}, MISSING),
    ({"api_key": None, "ANAM_API_KEY": ""}, MISSING),
    ({"api_key": None, "ANAM_API_KEY": "key\n"}, f"ANAM_API_KEY: {KEY}"),
    ({"api_key": "two words"}, f"api_key: {KEY}"),
    ({"api_key": "kéy"}, f"api_key: {KEY}"),
    ({"api_key": b"key"}, "api_key: must be a string or a Secret, not bytes"),
    *(
        ({"api_key": key}, f"api_key: {AS_WRITTEN}")
        for key in ('"key"', "ANAM_API_KEY=key", "${ANAM_API_KEY}", "<key>", "%ANAM_API_KEY%")
    ),
    *(({"api_key": signed(type=kind)}, f"api_key: {TOKEN}") for kind in ("ephemeral", "stateful", "legacy")),
    ({"api_key": SessionToken("a.b.c")}, f"api_key: {TOKEN}"),
    ({"ANAM_API_URL": "nowhere"}, f"ANAM_API_URL: {URL}"),
    *(
        ({"base_url": url}, f"base_url: {URL}")
        for url in ("", "api.anam.ai", 5, "https://api.anam.ai:99999", "http://[::1]8080")
    ),
    (
        {"base_url": "https://a..b"},
        "base_url = 'https://a..b': must have a host name whose parts are 1 to 63 letters, digits, hyphens or"
        " underscores",
    ),
    ({"base_url": "https://me@api.anam.ai"}, "base_url: must not contain a user name or password"),
    *(
        ({"base_url": url}, f"base_url = '{url}': must have neither query nor fragment")
        for url in ("https://a.b/?x=1", "https://a.b/#x", "https://a.b?")
    ),
    ({"base_url": "https://☃.a"}, "base_url = 'https://☃.a': must be a valid URL: Invalid IDNA hostname: '☃.a'"),
    ({"base_url": "ftp://a.b"}, "base_url = 'ftp://a.b': must start with https:// (or http://, for this machine)"),
    ({"base_url": "HTTP://api.anam.ai"}, f"base_url = 'HTTP://api.anam.ai': {CLEAR}"),
    (
        {"gateway_url": "http://10.0.0.1", "ANAM_ALLOW_INSECURE_HTTP": "1", "allow_insecure_http": False},
        f"gateway_url = 'http://10.0.0.1': {CLEAR}",
    ),
    ({"retry": 2.5}, "retry: must be a RetryPolicy or a number of retries, not float"),
    ({"retry": -1}, "retry = -1: must be a number of retries from 0 to 999999"),
    *(({"timeout": wrong}, f"timeout = {wrong!r}: {SECONDS}") for wrong in (0, 86401, "1", math.nan, True)),
    ({"client_label": "x" * 129}, "client_label = 129 characters: must have at most 128 characters"),
    *(
        ({"extra_headers": {name: value}}, f"extra_headers[{name!r}]: {rule}")
        for name, value, rule in (
            ("x-anam-target-url", "x", "is a header that the client sets itself"),
            ("a b", "x", "must be named by letters, digits and hyphens"),
            ("X-A", "a\nb", "must be visible ASCII characters, without line breaks"),
        )
    ),
    *(
        ({"HTTPS_PROXY": proxy}, f"{PROXY} must be an http, https, socks5 or socks5h URL")
        for proxy in ("ftp://a:1", "http://[::1", "://")
    ),
    ({"HTTPS_PROXY": "socks5://127.0.0.1:1"}, f'{PROXY} needs SOCKS: pip install "httpx[socks]"'),
    ({"transport": "FAST"}, "transport = 'FAST': must be httpx or fast, or an httpx.BaseTransport"),
    ({"transport": object()}, "transport: must be an httpx.BaseTransport, not object"),
    ({"http_client": httpx.Client}, "http_client: must be an httpx.Client (or httpx2's), not type"),
    ({"http_client": httpx.AsyncClient()}, "http_client: must be an httpx.Client (or httpx2's), not AsyncClient"),
    ({"http_client": httpx2.Client(), "transport": "httpx"}, f"http_client: {CHOOSE}"),
    (
        {"base_url": "x", "timeout": 0, "client_label": 5},
        f"base_url: {URL}\ntimeout = 0: {SECONDS}\nclient_label = 5: {TEXT}",
    ),
]
ASYNC = "http_client: must be an httpx.AsyncClient (or httpx2's) or an aiohttp.ClientSession, not Client"


def problems_of(make: Any, **settings: Any) -> str:
    with pytest.raises(AnamConfigError) as caught:
        make(**settings)
    return "\n".join(map(str, caught.value.problems))


@pytest.mark.parametrize(("settings", "expected"), REFUSED, ids=range(len(REFUSED)))
@pytest.mark.parametrize("flavour", ["sync"])
def test_what_is_wrong_is_named_with_its_rule(connect, monkeypatch, settings, expected):
    """All at once, by argument or variable, and never with the key. (Both clients are configured by one function.)"""
    for name in [name for name in settings if name.isupper()]:
        monkeypatch.setenv(name, settings[name])
    assert problems_of(connect, **{name: settings[name] for name in settings if not name.isupper()}) == expected


@pytest.mark.parametrize("flavour", ["asyncio"])
def test_the_async_client_wants_async_things(connect):
    """In its own words; a view is checked as a client is."""
    assert problems_of(connect, http_client=httpx.Client()) == ASYNC
    wrong = problems_of(connect, transport=httpx.HTTPTransport())
    assert wrong == "transport: must be an httpx.AsyncBaseTransport, not HTTPTransport"
    assert problems_of(connect().client.with_options, timeout=0) == f"timeout = 0: {SECONDS}"


@pytest.mark.parametrize(
    "settings",
    [
        *(
            {"base_url": f"https://{host}/path"}
            for host in ("EXAMPLE.org", "[::1]", "[2001:db8::1]", "example.org.", "xn--exmple-cua.org")
        ),
        {"api_key": signed(type="service")},  # a key may be a JWT of another kind than the session tokens
        {"base_url": "http://sandbox:8787", "gateway_url": "http://gw.internal"},  # for a compose file needs no code
    ],
    ids=range(7),
)
def test_what_is_right_can_be_connected_to(connect, monkeypatch, settings):
    """A client with a pool of its own can be made; it shows where it goes and nothing else."""
    monkeypatch.setenv("ANAM_ALLOW_INSECURE_HTTP", "1")
    client = connect(**settings).client
    url = settings.get("base_url", DEFAULT_BASE_URL)
    assert repr(client).lower() == f"{type(client).__name__}(base_url='{url}')".lower()
    assert API_KEY not in repr(vars(client))
