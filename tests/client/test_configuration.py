"""A client's own arguments: what is refused, in which words, and what a client shows of itself."""

from __future__ import annotations

import math

import httpx
import pytest

from anam_facade import DEFAULT_BASE_URL, AnamConfigError, RetryPolicy, SessionToken, _settings

MISSING = "api_key: is missing: pass api_key, or set the environment variable ANAM_API_KEY"
KEY_RULE = "must be visible ASCII characters, without blanks or line breaks"
TOKEN_RULE = "must be an API key; this is a session token, which may not travel in its place"
URL_RULE = "must be an absolute URL such as https://api.anam.ai"
CLEAR = (
    "must be https:// unless the host is this machine: the key would travel in the clear"
    " (allow_insecure_http=True, or the environment variable ANAM_ALLOW_INSECURE_HTTP=1, lifts this)"
)


@pytest.fixture(params=["sync", "asyncio"])
def flavour(request):
    """Nothing is sent in this module, so one event loop is as good as the other."""
    return request.param


@pytest.fixture
def refused(connect, server):
    def problems(**settings):
        with pytest.raises(AnamConfigError) as caught:
            connect(server(), **settings)
        return [str(problem) for problem in caught.value.problems]

    return problems


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"api_key": ""}, [MISSING]),
        ({"api_key": "two words"}, [f"api_key: {KEY_RULE}"]),
        ({"api_key": "key\n"}, [f"api_key: {KEY_RULE}"]),
        ({"api_key": "kéy"}, [f"api_key: {KEY_RULE}"]),
        ({"api_key": b"key"}, ["api_key: must be a string or a Secret, not bytes"]),
        ({"base_url": ""}, [f"base_url: {URL_RULE}"]),
        ({"base_url": "api.anam.ai"}, [f"base_url: {URL_RULE}"]),
        ({"base_url": 5}, [f"base_url: {URL_RULE}"]),
        ({"base_url": "https://api.anam.ai:99999"}, [f"base_url: {URL_RULE}"]),
        ({"base_url": "https://me:pw@api.anam.ai"}, ["base_url: must not contain a user name or password"]),
        ({"base_url": "https://me@api.anam.ai"}, ["base_url: must not contain a user name or password"]),
        ({"base_url": "https://a.b/?x=1"}, ["base_url = 'https://a.b/?x=1': must have neither query nor fragment"]),
        ({"base_url": "https://a.b/#x"}, ["base_url = 'https://a.b/#x': must have neither query nor fragment"]),
        ({"base_url": "https://a.b?"}, ["base_url = 'https://a.b?': must have neither query nor fragment"]),
        (
            {"base_url": "https://☃.example"},
            ["base_url = 'https://☃.example': must be a valid URL: Invalid IDNA hostname: '☃.example'"],
        ),
        (
            {"base_url": "ftp://a.b"},
            ["base_url = 'ftp://a.b': must start with https:// (or http://, for this machine)"],
        ),
        ({"base_url": "http://api.anam.ai"}, [f"base_url = 'http://api.anam.ai': {CLEAR}"]),
        ({"base_url": "HTTP://api.anam.ai"}, [f"base_url = 'HTTP://api.anam.ai': {CLEAR}"]),
        ({"base_url": "http://10.0.0.1"}, [f"base_url = 'http://10.0.0.1': {CLEAR}"]),
        ({"base_url": "http://localhost.example"}, [f"base_url = 'http://localhost.example': {CLEAR}"]),
        ({"gateway_url": "http://gw.example"}, [f"gateway_url = 'http://gw.example': {CLEAR}"]),
        ({"gateway_url": ""}, [f"gateway_url: {URL_RULE}"]),
        ({"retry": 2.5}, ["retry: must be a RetryPolicy or a number of retries, not float"]),
        ({"retry": -1}, ["retry = -1: must be a number of retries from 0 to 999999"]),
        ({"timeout": 0}, ["timeout = 0: must be a number of seconds above 0 and at most 86400"]),
        ({"timeout": -1.5}, ["timeout = -1.5: must be a number of seconds above 0 and at most 86400"]),
        ({"timeout": "1"}, ["timeout = '1': must be a number of seconds above 0 and at most 86400"]),
        ({"timeout": math.inf}, ["timeout = inf: must be a number of seconds above 0 and at most 86400"]),
        ({"timeout": math.nan}, ["timeout = nan: must be a number of seconds above 0 and at most 86400"]),
        ({"timeout": True}, ["timeout = True: must be a number of seconds above 0 and at most 86400"]),
        ({"client_label": "x" * 129}, ["client_label = 129 characters: must have at most 128 characters"]),
        ({"client_label": 5}, ["client_label = 5: must be a string, not int"]),
        (
            {"api_key": "", "base_url": "x", "gateway_url": "y", "retry": "1", "timeout": 0, "client_label": 5},
            [
                MISSING,
                f"base_url: {URL_RULE}",
                f"gateway_url: {URL_RULE}",
                "timeout = 0: must be a number of seconds above 0 and at most 86400",
                "retry: must be a RetryPolicy or a number of retries, not str",
                "client_label = 5: must be a string, not int",
            ],
        ),
    ],
    ids=map(str, range(33)),
)
def test_every_setting_is_checked(refused, settings, expected):
    """A wrong setting is named with its rule, all at once, and never with the key."""
    assert refused(**settings) == expected


def test_a_missing_key_names_the_variable(refused):
    """Without any key the error says what to set."""
    assert refused(api_key=None) == [MISSING]


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("ANAM_API_KEY", "", [MISSING]),
        ("ANAM_API_KEY", "key\n", [f"ANAM_API_KEY: {KEY_RULE}"]),
        ("ANAM_API_URL", "nowhere", [f"ANAM_API_URL: {URL_RULE}"]),
    ],
)
def test_what_comes_from_the_environment_is_named_so(refused, monkeypatch, variable, value, expected):
    """When the environment is to blame, the error names the variable."""
    monkeypatch.setenv("ANAM_API_KEY", "key")
    monkeypatch.setenv(variable, value)
    assert refused(api_key=None) == expected


@pytest.mark.parametrize("kind", ["ephemeral", "stateful", "legacy"])
def test_a_session_token_is_no_api_key(refused, jwt, kind):
    """A session token in place of the key is refused before anything is sent, as a string or as a token."""
    text = jwt(type=kind)
    assert refused(api_key=text) == [f"api_key: {TOKEN_RULE}"]
    assert refused(api_key=SessionToken(text)) == [f"api_key: {TOKEN_RULE}"]


def test_a_key_may_be_a_jwt_of_another_kind(connect, server, jwt):
    """Only what is known to be a session token is refused as a key."""
    assert connect(server(), api_key=jwt(type="service")).client is not None


@pytest.mark.parametrize("url", ["http://localhost:8787", "http://127.0.0.1", "http://[::1]:1"])
def test_plain_http_is_for_this_machine(connect, server, url):
    """A server on this machine needs no TLS."""
    assert repr(connect(server(), base_url=url).client).endswith(f"AnamClient(base_url='{url}')")


def test_plain_http_elsewhere_must_be_asked_for(connect, server):
    """Credentials travel in the clear only when the program says so in so many words."""
    client = connect(
        server(), base_url="http://anam.internal", gateway_url="http://gw.internal", allow_insecure_http=True
    )
    assert "anam.internal" in repr(client.client)


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example"], ids=["long", "empty"])
@pytest.mark.parametrize("setting", ["base_url", "gateway_url"])
def test_a_host_that_cannot_exist_is_refused(refused, setting, host):
    """A host name that no resolver takes is refused when the client is made."""
    assert len(refused(**{setting: f"https://{host}"})) == 1


@pytest.mark.parametrize(
    "host", ["exämple.org", "EXAMPLE.org", "[::1]", "[2001:db8::1]", "127.0.0.1", "example.org.", "xn--exmple-cua.org"]
)
def test_hosts_of_every_form_can_be_connected_to(connect, host):
    """A client with a pool of its own can be made for every form of host."""
    assert connect(base_url=f"https://{host}/path").client is not None


@pytest.mark.parametrize("proxy", ["ftp://127.0.0.1:1", "http://[::1", "://", "socks9://127.0.0.1:1"])
def test_a_proxy_that_makes_no_sense_is_a_config_error(connect, monkeypatch, proxy):
    """What the environment says about proxies is checked like everything else, and named."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(AnamConfigError, match=r"(?i)proxy"):
        connect(base_url="https://api.example")


def test_a_socks_proxy_is_used_or_refused_by_name(connect, monkeypatch):
    """Without the package for SOCKS the client says so when it is made, not when a session is to be started."""
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(AnamConfigError, match=r"(?i)socks"):
        connect(base_url="https://api.example")


def test_a_client_shows_where_it_goes_and_nothing_else(connect, server, api_key):
    """A client's repr has the address and no key, and its settings mask the key."""
    client = connect(server()).client
    assert repr(client) == f"{type(client).__name__}(base_url='{DEFAULT_BASE_URL}')"
    assert api_key not in repr(vars(client))


def test_the_default_policy_is_shared_and_cannot_be_changed(connect, server):
    """The policy is immutable, so that sharing the default is safe."""
    with pytest.raises(AttributeError):
        RetryPolicy().max_attempts = 9
    assert connect(server(), retry=RetryPolicy()).client is not None


def test_trust_is_the_systems_unless_given(connect, monkeypatch):
    """A client of one's own trust settings uses them; otherwise certificates are verified as httpx does."""
    made = []
    original = httpx.create_ssl_context
    monkeypatch.setattr(httpx, "create_ssl_context", lambda *a, **k: made.append(original(*a, **k)) or made[-1])
    assert connect().client is not None
    assert connect(base_url="HTTPS://eu.example").client is not None
    assert [context.check_hostname for context in made] == [True, True]
    connect(ssl_context=made[0])
    connect(base_url="http://127.0.0.1:1")
    assert len(made) == 2


@pytest.mark.anyio
async def test_a_transport_is_chosen_by_name(connect):
    """`httpx` is the default by its name, `fast` the other; the agent's name tells which."""
    for name, library in (("httpx", "httpx/"), ("fast", "httptools/")):
        async with connect(transport=name, base_url="http://127.0.0.1:1") as made:
            assert library in made.client._settings.user_agent


@pytest.mark.parametrize("name", ["", "FAST", "requests", "fast "])
def test_other_names_of_transports_are_refused(connect, name):
    """A name that is none is told, with those there are."""
    with pytest.raises(AnamConfigError, match=r"transport.*must be httpx or fast"):
        connect(transport=name)


@pytest.mark.parametrize("missing", ["httptools", "aiohappyeyeballs"])
def test_the_fast_transport_needs_its_extra(connect, monkeypatch, missing):
    """Without it, the error says what to install."""
    monkeypatch.setattr(_settings, "find_spec", lambda name: None if name == missing else name)
    with pytest.raises(AnamConfigError, match=r"pip install .anam-facade\[fast\]"):
        connect(transport="fast")


@pytest.mark.anyio
async def test_behind_a_proxy_the_default_is_used(connect, monkeypatch):
    """The fast transport knows no proxies; nothing else changes."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with connect(transport="fast", base_url="http://anam.internal", allow_insecure_http=True) as made:
        assert "httpx/" in made.client._settings.user_agent
