"""A client's own arguments: what is refused, in which words; and HTTP clients of the user's own."""

from __future__ import annotations

import math
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest

from anam_facade import DEFAULT_BASE_URL, AnamConfigError, PersonaConfig, SessionToken, _settings
from tests.client.conftest import API_KEY
from tests.client.servers import OK
from tests.tokens import signed

PERSONA = PersonaConfig.saved("8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506")

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
PROXY = "the proxy in the environment (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY):"
# Arguments, and environment variables in capitals → the problems that they are.
REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({"api_key": ""}, [MISSING]),
    ({"api_key": None, "ANAM_API_KEY": ""}, [MISSING]),
    ({"api_key": None, "ANAM_API_KEY": "key\n"}, [f"ANAM_API_KEY: {KEY}"]),
    ({"api_key": "two words"}, [f"api_key: {KEY}"]),
    ({"api_key": "kéy"}, [f"api_key: {KEY}"]),
    ({"api_key": b"key"}, ["api_key: must be a string or a Secret, not bytes"]),
    *(
        ({"api_key": key}, [f"api_key: {AS_WRITTEN}"])
        for key in ('"key"', "ANAM_API_KEY=key", "${ANAM_API_KEY}", "<key>", "%ANAM_API_KEY%")
    ),
    *(({"api_key": signed(type=kind)}, [f"api_key: {TOKEN}"]) for kind in ("ephemeral", "stateful", "legacy")),
    ({"api_key": SessionToken("a.b.c")}, [f"api_key: {TOKEN}"]),
    ({"ANAM_API_URL": "nowhere"}, [f"ANAM_API_URL: {URL}"]),
    *(({"base_url": url}, [f"base_url: {URL}"]) for url in ("", "api.anam.ai", 5, "https://api.anam.ai:99999")),
    ({"base_url": "https://me@api.anam.ai"}, ["base_url: must not contain a user name or password"]),
    *(
        ({"base_url": url}, [f"base_url = '{url}': must have neither query nor fragment"])
        for url in ("https://a.b/?x=1", "https://a.b/#x", "https://a.b?")
    ),
    (
        {"base_url": "https://☃.example"},
        ["base_url = 'https://☃.example': must be a valid URL: Invalid IDNA hostname: '☃.example'"],
    ),
    ({"base_url": "ftp://a.b"}, ["base_url = 'ftp://a.b': must start with https:// (or http://, for this machine)"]),
    ({"base_url": "HTTP://api.anam.ai"}, [f"base_url = 'HTTP://api.anam.ai': {CLEAR}"]),
    (
        {"gateway_url": "http://10.0.0.1", "ANAM_ALLOW_INSECURE_HTTP": "1", "allow_insecure_http": False},
        [f"gateway_url = 'http://10.0.0.1': {CLEAR}"],
    ),
    ({"retry": 2.5}, ["retry: must be a RetryPolicy or a number of retries, not float"]),
    ({"retry": -1}, ["retry = -1: must be a number of retries from 0 to 999999"]),
    *(({"timeout": wrong}, [f"timeout = {wrong!r}: {SECONDS}"]) for wrong in (0, 86401, "1", math.nan, True)),
    ({"client_label": "x" * 129}, ["client_label = 129 characters: must have at most 128 characters"]),
    *(
        ({"extra_headers": {name: value}}, [f"extra_headers[{name!r}]: {rule}"])
        for name, value, rule in (
            ("x-anam-target-url", "x", "is a header that the client sets itself"),
            ("a b", "x", "must be named by letters, digits and hyphens"),
            ("X-A", "a\nb", "must be visible ASCII characters, without line breaks"),
        )
    ),
    *(
        ({"HTTPS_PROXY": proxy}, [f"{PROXY} must be an http, https, socks5 or socks5h URL"])
        for proxy in ("ftp://a:1", "http://[::1", "://")
    ),
    ({"HTTPS_PROXY": "socks5://127.0.0.1:1"}, [f'{PROXY} needs SOCKS: pip install "httpx[socks]"']),
    ({"transport": "FAST"}, ["transport = 'FAST': must be httpx or fast, or an httpx.BaseTransport"]),
    ({"transport": object()}, ["transport: must be an httpx.BaseTransport, not object"]),
    ({"http_client": httpx.Client}, ["http_client: must be an httpx.Client (or httpx2's), not type"]),
    ({"http_client": httpx.AsyncClient()}, ["http_client: must be an httpx.Client (or httpx2's), not AsyncClient"]),
    (
        {"http_client": httpx2.Client(), "transport": "httpx"},
        ["http_client: cannot be used together with transport: choose one"],
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
@pytest.mark.parametrize("flavour", ["sync"])
def test_what_is_wrong_is_named_with_its_rule(connect, monkeypatch, settings, expected):
    """All at once, by argument or variable, and never with the key. (Both clients are configured by one function.)"""
    for name in [name for name in settings if name.isupper()]:
        monkeypatch.setenv(name, settings[name])
    assert problems_of(connect, **{name: settings[name] for name in settings if not name.isupper()}) == expected


@pytest.mark.parametrize("flavour", ["asyncio"])
def test_the_async_client_wants_async_things(connect):
    """In its own words; a view is checked as a client is."""
    theirs, transport = httpx.Client(), httpx.HTTPTransport()
    assert problems_of(connect, http_client=theirs) == [
        "http_client: must be an httpx.AsyncClient (or httpx2's) or an aiohttp.ClientSession, not Client"
    ]
    assert problems_of(connect, transport=transport) == [
        "transport: must be an httpx.AsyncBaseTransport, not HTTPTransport"
    ]
    calls = connect(base_url="http://localhost")
    assert problems_of(calls.client.with_options, timeout=0) == [f"timeout = 0: {SECONDS}"]


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


# Ways of sending, and clients of the user's own.


def test_a_transport_is_chosen_by_name(connect, monkeypatch):
    """`httpx` is the default by its name, `fast` the other, but behind a proxy; the agent's name tells which."""
    how = {"base_url": "http://anam.internal", "allow_insecure_http": True}
    for name, proxy, library in (("httpx", "", "httpx/"), ("fast", "", "httptools/"), ("fast", "http://a:1", "httpx/")):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        assert library in connect(transport=name, **how).client._settings.user_agent
    for missing in ("httptools", "aiohappyeyeballs"):
        monkeypatch.setattr(_settings, "find_spec", lambda name, missing=missing: name != missing)
        with pytest.raises(AnamConfigError, match=r"pip install .anam-facade\[fast\]"):
            connect(transport="fast")


@pytest.mark.parametrize(
    ("flavour", "argument", "make"),
    [
        ("sync", "http_client", httpx2.Client),
        ("asyncio", "http_client", httpx2.AsyncClient),
        ("asyncio", "http_client", lambda: aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))),
        ("sync", "transport", httpx2.HTTPTransport),
        ("asyncio", "transport", httpx2.AsyncHTTPTransport),
    ],
    ids=["httpx2", "async-httpx2", "aiohttp", "httpx2-transport", "async-httpx2-transport"],
)
def test_other_libraries_do(connect, portal, local, argument, make):
    """A client is left open; cookies that a server sets are not sent back, nor is anything opened ahead."""
    local.answer(OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b; Path=/\r\n\r\n"))
    theirs = portal.call(make)
    calls = connect(base_url=local.url, **{argument: theirs})
    assert calls("start_session", PERSONA).session_id == "s-1"
    calls("warm_up")
    calls.close()
    assert type(theirs).__module__.partition(".")[0] in calls.client._settings.user_agent
    assert len(local.requests) == 2
    assert not any("Cookie" in headers for headers in local.headers)
    if argument == "http_client":
        assert not (theirs.closed if isinstance(theirs, aiohttp.ClientSession) else theirs.is_closed)
        portal.call(getattr(theirs, "aclose", None) or theirs.close)
