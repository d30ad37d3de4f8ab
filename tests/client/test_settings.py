"""A client's own arguments: what is refused, in which words; views, headers and HTTP clients of the user's own."""

from __future__ import annotations

import math
import uuid
from types import SimpleNamespace
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest

from anam_facade import (
    DEFAULT_BASE_URL,
    AnamClient,
    AnamConfigError,
    AnamError,
    AnamTimeoutError,
    AsyncAnamClient,
    ClientClosedError,
    DailyEgress,
    LiveKitEnvironment,
    PersonaConfig,
    RetryPolicy,
    ServiceBusyError,
    SessionOptions,
    SessionToken,
    _settings,
)
from tests.client.conftest import Harness
from tests.client.servers import running, scripted
from tests.tokens import signed

pytestmark = pytest.mark.anyio

ID = "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"
PERSONA = PersonaConfig.saved(ID)
BUSY = httpx.Response(503)

KEY = "must be visible ASCII characters, without blanks or line breaks"
AS_WRITTEN = "must be the key alone; this has quotes, a variable's name or a placeholder around it"
MISSING = "api_key: is missing: pass api_key, or set the environment variable ANAM_API_KEY"
TOKEN = "api_key: must be an API key; this is a session token, which may not travel in its place"
URL = "must be an absolute URL such as https://api.anam.ai"
BARE = "must have neither query nor fragment"
USER = "base_url: must not contain a user name or password"
CLEAR = (
    "must be https:// unless the host is this machine: the key would travel in the clear"
    " (allow_insecure_http=True, or the environment variable ANAM_ALLOW_INSECURE_HTTP=1, lifts this)"
)
SECONDS = "must be a number of seconds above 0 and at most 86400"
OURS, NAMED, VISIBLE = (
    "is a header that the client sets itself",
    "must be named by letters, digits and hyphens",
    "must be visible ASCII characters, without line breaks",
)
REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({"api_key": None}, [MISSING]),
    ({"api_key": ""}, [MISSING]),
    ({"api_key": "two words"}, [f"api_key: {KEY}"]),
    ({"api_key": "key\n"}, [f"api_key: {KEY}"]),
    ({"api_key": "kéy"}, [f"api_key: {KEY}"]),
    ({"api_key": b"key"}, ["api_key: must be a string or a Secret, not bytes"]),
    *(
        ({"api_key": key}, [f"api_key: {AS_WRITTEN}"])
        for key in ('"key"', "'key'", "ANAM_API_KEY=key", "${ANAM_API_KEY}", "<key>", "%ANAM_API_KEY%")
    ),
    ({"base_url": ""}, [f"base_url: {URL}"]),
    ({"base_url": "api.anam.ai"}, [f"base_url: {URL}"]),
    ({"base_url": 5}, [f"base_url: {URL}"]),
    ({"base_url": "https://api.anam.ai:99999"}, [f"base_url: {URL}"]),
    ({"base_url": "https://me:pw@api.anam.ai"}, [USER]),
    ({"base_url": "https://me@api.anam.ai"}, [USER]),
    ({"base_url": "https://a.b/?x=1"}, [f"base_url = 'https://a.b/?x=1': {BARE}"]),
    ({"base_url": "https://a.b/#x"}, [f"base_url = 'https://a.b/#x': {BARE}"]),
    ({"base_url": "https://a.b?"}, [f"base_url = 'https://a.b?': {BARE}"]),
    (
        {"base_url": "https://☃.example"},
        ["base_url = 'https://☃.example': must be a valid URL: Invalid IDNA hostname: '☃.example'"],
    ),
    ({"base_url": "ftp://a.b"}, ["base_url = 'ftp://a.b': must start with https:// (or http://, for this machine)"]),
    *(
        ({name: url}, [f"{name} = '{url}': {CLEAR}"])
        for name, url in (
            ("base_url", "HTTP://api.anam.ai"),
            ("base_url", "http://10.0.0.1"),
            ("base_url", "http://localhost.example"),
            ("gateway_url", "http://gw.example"),
        )
    ),
    ({"gateway_url": ""}, [f"gateway_url: {URL}"]),
    ({"retry": 2.5}, ["retry: must be a RetryPolicy or a number of retries, not float"]),
    ({"retry": -1}, ["retry = -1: must be a number of retries from 0 to 999999"]),
    *(
        ({"timeout": wrong}, [f"timeout = {wrong!r}: {SECONDS}"])
        for wrong in (0, -1.5, 86401, "1", math.inf, math.nan, True)
    ),
    ({"client_label": "x" * 129}, ["client_label = 129 characters: must have at most 128 characters"]),
    *(
        ({"extra_headers": {name: value}}, [f"extra_headers[{name!r}]: {rule}"])
        for name, value, rule in (
            ("Authorization", "x", OURS),
            ("x-anam-target-url", "x", OURS),
            ("Content-Length", "9", OURS),
            ("a b", "x", NAMED),
            ("X-A", "a\nb", VISIBLE),
            ("X-A", "é", VISIBLE),
        )
    ),
    (
        {"api_key": "", "base_url": "x", "gateway_url": "y", "retry": "1", "timeout": 0, "client_label": 5},
        [
            MISSING,
            f"base_url: {URL}",
            f"gateway_url: {URL}",
            f"timeout = 0: {SECONDS}",
            "retry: must be a RetryPolicy or a number of retries, not str",
            "client_label = 5: must be a string, not int",
        ],
    ),
]


def problems_of(make: Any, **settings: Any) -> list[str]:
    with pytest.raises(AnamConfigError) as caught:
        make(**settings)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(("settings", "expected"), REFUSED, ids=range(len(REFUSED)))
@pytest.mark.parametrize("cls", [AnamClient, AsyncAnamClient])
def test_every_setting_is_checked(cls, settings, expected):
    """A wrong setting is named with its rule, all at once, and never with the key."""
    assert problems_of(cls, **{"api_key": "the-key", **settings}) == expected


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("ANAM_API_KEY", "", MISSING),
        ("ANAM_API_KEY", "key\n", f"ANAM_API_KEY: {KEY}"),
        ("ANAM_API_URL", "nowhere", f"ANAM_API_URL: {URL}"),
    ],
)
def test_what_comes_from_the_environment_is_named_so(monkeypatch, variable, value, expected):
    """When the environment is to blame, the error names the variable."""
    monkeypatch.setenv("ANAM_API_KEY", "key")
    monkeypatch.setenv(variable, value)
    assert problems_of(AnamClient) == [expected]


@pytest.mark.parametrize("kind", ["ephemeral", "stateful", "legacy"])
def test_a_session_token_is_no_api_key(kind):
    """As a string or as a token; only what is known to be one is refused, for a key may be a JWT of another kind."""
    text = signed(type=kind)
    assert problems_of(AnamClient, api_key=text) == [TOKEN]
    assert problems_of(AnamClient, api_key=SessionToken(text)) == [TOKEN]
    AnamClient(signed(type="service")).close()


def test_plain_http_elsewhere_can_be_permitted_by_the_environment(monkeypatch):
    """A compose file's `http://sandbox:8787` needs no code; an argument counts before it."""
    urls = {"base_url": "http://sandbox:8787", "gateway_url": "http://gw.internal"}
    monkeypatch.setenv("ANAM_ALLOW_INSECURE_HTTP", "1")
    AnamClient("key", **urls).close()
    assert len(problems_of(AnamClient, api_key="key", **urls, allow_insecure_http=False)) == 2


@pytest.mark.parametrize(
    "host", ["exämple.org", "EXAMPLE.org", "[::1]", "[2001:db8::1]", "127.0.0.1", "example.org.", "xn--exmple-cua.org"]
)
def test_hosts_of_every_form_can_be_connected_to(connect, host):
    """A client with a pool of its own can be made for every form of host."""
    assert connect(base_url=f"https://{host}/path").client is not None


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        *((proxy, "the proxy in the environment") for proxy in ("ftp://a:1", "http://[::1", "://", "socks9://a:1")),
        (
            "socks5://127.0.0.1:1",
            r"httpx\[socks\]",
        ),  # said when the client is made, not when a session is to be started
    ],
)
def test_a_proxy_that_makes_no_sense_is_a_config_error(connect, monkeypatch, proxy, words):
    """What the environment says about proxies is checked like everything else, and named."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(AnamConfigError, match=words):
        connect(base_url="https://api.example")


def test_a_client_shows_where_it_goes_and_nothing_else(connect, server, api_key):
    """A client's repr has the address and no key, and its settings mask the key."""
    client = connect(server()).client
    assert repr(client) == f"{type(client).__name__}(base_url='{DEFAULT_BASE_URL}')"
    assert api_key not in repr(vars(client))


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


@pytest.mark.parametrize("flavour", ["sync"])
async def test_objects_of_settings_libraries_are_taken(connect, server):
    """Secrets, URLs and UUIDs of other libraries do as well as strings, at every place where one belongs."""
    answers = server()
    room = LiveKitEnvironment(Url(scheme="wss", host="rooms.example.org"), SecretStr("t"))
    egress = DailyEgress(room_url=Url(scheme="https", host="x.daily.co"), token=SecretStr("t"))
    persona = PersonaConfig(avatar_id=uuid.UUID(ID), voice_id="", enable_audio_passthrough=True)
    client = connect(answers, api_key=SecretStr("local-key"), base_url=Url(scheme="https", host="b.example"))
    await client.create_session_token(persona, environment=room, session_options=SessionOptions(egress=egress))
    assert str(answers.requests[0].url) == "https://b.example/v1/auth/session-token"
    assert answers.bearers == ["local-key"]
    (body,) = answers.bodies
    assert body["environment"] == {"livekitUrl": "wss://rooms.example.org/", "livekitToken": "t"}
    assert body["sessionOptions"]["egress"]["daily"] == {"roomUrl": "https://x.daily.co/", "token": "t"}
    assert (body["personaConfig"]["avatarId"], "voiceId" in body["personaConfig"]) == (ID, False)
    with pytest.raises(AnamConfigError, match=r"name: must be a string, not SecretStr; pass what its get_secret_value"):
        PersonaConfig(name=SecretStr("n"))


# Views.


async def test_a_view_has_other_settings_on_the_same_connections(connect, server):
    """What is given changes, what is not stays; the client itself does not change; closing either closes both."""
    answers = server()
    client = connect(answers, client_label="desk", extra_headers={"X-A": "1", "X-B": "1"}, timeout=9)
    view = Harness(client.client.with_options(timeout=2, client_label="till", extra_headers={"X-B": "2"}))
    await view.create_session_token(PERSONA)
    await client.create_session_token(PERSONA)
    assert [body["clientLabel"] for body in answers.bodies] == ["till", "desk"]
    assert [(r.headers["X-A"], r.headers["X-B"]) for r in answers.requests] == [("1", "2"), ("1", "1")]
    assert [r.extensions["timeout"]["connect"] for r in answers.requests] == [2, 9]
    wrong = {"timeout": 0, "retry": "1", "client_label": "x" * 129}
    fields = [problem.partition(" ")[0].rstrip(":") for problem in problems_of(client.client.with_options, **wrong)]
    assert fields == ["timeout", "retry", "client_label"]
    await view.close()
    with pytest.raises(ClientClosedError):
        await client.create_session_token(PERSONA)


async def test_a_view_shares_the_budget_unless_it_has_a_policy_of_its_own(connect, server):
    """Two views of one client do not double its retries; a new `retry` brings a budget of its own."""
    client = connect(server(BUSY), retry=RetryPolicy(jitter=0, budget=1))
    for made, attempts in (
        (client, 2),
        (Harness(client.client.with_options(timeout=5)), 1),
        (Harness(client.client.with_options(retry=3)), 4),
        (Harness(client.client.with_options(retry=0)), 1),
    ):
        with pytest.raises(ServiceBusyError) as caught:
            await made.create_session_token(PERSONA)
        assert caught.value.attempts == attempts


# Ways of sending, and clients of the user's own.


async def test_a_transport_is_chosen_by_name(connect, monkeypatch):
    """`httpx` is the default by its name, `fast` the other, but behind a proxy; the agent's name tells which."""
    how = {"base_url": "http://anam.internal", "allow_insecure_http": True}
    for name, proxy, library in (("httpx", "", "httpx/"), ("fast", "", "httptools/"), ("fast", "http://a:1", "httpx/")):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        async with connect(transport=name, **how) as made:
            assert library in made.client._settings.user_agent


@pytest.mark.parametrize("missing", ["httptools", "aiohappyeyeballs"])
def test_the_fast_transport_needs_its_extra(connect, monkeypatch, missing):
    """Without it, the error says what to install."""
    monkeypatch.setattr(_settings, "find_spec", lambda name: None if name == missing else name)
    with pytest.raises(AnamConfigError, match=r"pip install .anam-facade\[fast\]"):
        connect(transport="fast")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"http_client": object()}, r"http_client: must be an httpx\."),
        ({"http_client": httpx.Client}, r"http_client: must be an httpx\."),
        ({"transport": object()}, r"transport: must be an httpx\."),
        ({"transport": "FAST"}, "transport.*must be httpx or fast"),
        ({"transport": ""}, "transport.*must be httpx or fast"),
        ({"http_client": httpx2.Client(), "transport": "httpx"}, "choose one"),
    ],
    ids=range(6),
)
def test_what_is_no_client_is_refused(connect, arguments, words):
    """The error names the argument, and what it takes."""
    with pytest.raises(AnamConfigError, match=words):
        connect(**arguments)


def test_a_session_of_aiohttps_is_for_async():
    """The sync client says so; an async client of httpx's is no sync one either."""
    for wrong in (aiohttp.ClientSession.__new__(aiohttp.ClientSession), httpx.AsyncClient()):
        wrong._connector = None
        with pytest.raises(AnamConfigError, match=r"must be an httpx.Client"):
            AnamClient("key", http_client=wrong)


@pytest.mark.parametrize("library", ["httpx2", "aiohttp"])
@pytest.mark.parametrize("flavour", ["asyncio"])
async def test_other_libraries_do(library, flavour):
    """Used and left open; cookies that their servers once set are not ours to send."""
    with running() as server:
        if library == "httpx2":
            theirs = httpx2.AsyncClient(cookies={"a": "b"})
        else:
            theirs = aiohttp.ClientSession(cookies={"a": "b"}, cookie_jar=aiohttp.CookieJar(unsafe=True))
        async with theirs:
            async with AsyncAnamClient("key", server.url, http_client=theirs) as client:
                assert (await client.start_session(PERSONA)).session_id == "s-1"
                await client.warm_up()
            assert not getattr(theirs, "is_closed", False)
            assert library in client._settings.user_agent
    assert not any("Cookie" in headers for headers in server.headers)


async def test_transports_and_clients_of_httpx2_do():
    """The same library, maintained elsewhere: its transports too, for threads and without."""
    with running() as server:
        with httpx2.Client() as theirs, AnamClient("key", server.url, http_client=theirs) as client:
            assert client.start_session(PERSONA).session_id == "s-1"
            client.warm_up()
        with AnamClient("key", server.url, transport=httpx2.HTTPTransport()) as client:
            assert client.start_session(PERSONA).session_id == "s-1"
        async with AsyncAnamClient("key", server.url, transport=httpx2.AsyncHTTPTransport()) as client:
            assert (await client.start_session(PERSONA)).session_id == "s-1"


# What errors say of where it happened.


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(401), "401 Unauthorized; the API key came from the argument api_key"),
        (httpx.Response(307, headers={"Location": "https://there.example/"}), "leads to https://there.example/"),
        (httpx.Response(407), "the proxy refuses"),
        (httpx.Response(400, headers={"X-Request-Id": "r-7"}), "(request id r-7)"),
        (httpx.Response(400, headers={"CF-Ray": "8f"}), "(request id 8f)"),
        (httpx.Response(200, text="<html>", headers={"X-Request-Id": "r-7"}), "(request id r-7)"),
    ],
)
async def test_an_error_says_where_and_what_to_do(connect, server, answer, words):
    """The URL that was really used, and what may help to find the cause."""
    client = connect(server(answer), gateway_url="https://gw.example/x")
    with pytest.raises(AnamError) as caught:
        await client.create_session_token(PERSONA)
    assert str(caught.value).startswith("POST https://gw.example/x/v1/auth/session-token: ")
    assert words in str(caught.value)
    assert caught.value.request_id == answer.headers.get("X-Request-Id", answer.headers.get("CF-Ray"))


async def test_where_a_key_came_from_the_environment_is_told(connect, server, monkeypatch):
    """The commonest cause of a 401: a variable that nobody thought of."""
    monkeypatch.setenv("ANAM_API_KEY", "old-key")
    with pytest.raises(AnamError, match="environment variable ANAM_API_KEY"):
        await connect(server(httpx.Response(401)), api_key=None).create_session_token(PERSONA)


async def test_an_answer_that_is_wrongly_compressed(connect):
    """What cannot be unpacked is no answer; an error status counts all the same."""
    for status in (200, 400):
        with scripted(b"HTTP/1.1 %d X\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc" % status) as server:
            async with connect(base_url=server.url, retry=0) as client:
                with pytest.raises(AnamError, match=str(status)):
                    await client.create_session_token(PERSONA)


@pytest.mark.parametrize("flavour", ["sync"])
async def test_connecting_that_takes_all_the_time_was_not_sent(connect, clock):
    """The body is not handed out when it would come too late, nor by a client that was closed meanwhile."""

    class Slow(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            act()
            request.read()
            return httpx.Response(200)

    client = connect(transport=Slow(), retry=0)
    act = lambda: setattr(clock, "now", clock.now + 11)  # noqa: E731
    with pytest.raises(AnamTimeoutError, match="all the time") as caught:
        await client.start_engine_session("a.b.c")
    assert caught.value.sent is False
    act = client.client.close
    with pytest.raises(ClientClosedError) as caught:
        await client.start_engine_session("a.b.c")
    assert caught.value.sent is False


async def test_warming_up_ends_in_time(connect, clock, monkeypatch):
    """Connections that take too long to open are not waited for."""
    client = connect(base_url="http://127.0.0.1:1", timeout=0.1)
    make = client.client._warm_up_request(3)
    assert 0 < make().timeout <= 0.1
    monkeypatch.setattr("anam_facade.client.time.monotonic", lambda: 1e12)
    with pytest.raises(AnamTimeoutError, match="all the time") as caught:
        make()
    assert client.client._not_warm(caught.value) is caught.value
    await client.close()
