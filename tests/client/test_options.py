"""Views of a client, headers and clients of the user's own, and what errors say of where it happened."""

from __future__ import annotations

import aiohttp
import httpx
import httpx2
import pytest

from anam_facade import (
    AnamClient,
    AnamConfigError,
    AnamError,
    AnamTimeoutError,
    AsyncAnamClient,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    PersonaConfig,
    RetryPolicy,
    ServiceBusyError,
)
from tests.client.conftest import Harness
from tests.client.servers import running, scripted

pytestmark = pytest.mark.anyio

PERSONA = PersonaConfig.saved("8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506")
BUSY = httpx.Response(503)


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


async def test_a_views_options_are_checked(connect, server):
    """All at once, as for a new client."""
    with pytest.raises(AnamConfigError) as caught:
        connect(server()).client.with_options(timeout=0, retry="1", client_label="x" * 129)
    assert [problem.field for problem in caught.value.problems] == ["timeout", "retry", "client_label"]


# Headers of the user's own.


@pytest.mark.parametrize(
    ("header", "value", "rule"),
    [
        ("Authorization", "x", "sets itself"),
        ("x-anam-target-url", "x", "sets itself"),
        ("Content-Length", "9", "sets itself"),
        ("a b", "x", "must be named by"),
        ("X-A", "a\nb", "visible ASCII"),
        ("X-A", "é", "visible ASCII"),
    ],
)
def test_headers_of_ones_own_are_checked(connect, server, header, value, rule):
    """Ours cannot be overwritten, nothing can break out, and no value is shown."""
    with pytest.raises(AnamConfigError, match=rule) as caught:
        connect(server(), extra_headers={header: value})
    assert repr(value)[1:-1] not in str(caught.value) or value in ("x", "9")


async def test_headers_of_ones_own_are_secrets(connect, server, caplog):
    """A gateway's credential that the server quotes is masked."""
    client = connect(server(httpx.Response(400, text="you sent gate-secret")), extra_headers={"X-Gate": "gate-secret"})
    with pytest.raises(BadRequestError) as caught:
        await client.create_session_token(PERSONA)
    assert "gate-secret" not in f"{caught.value!r} {vars(caught.value)} {caplog.text} {vars(client.client)}"


# Clients of the user's own.


@pytest.mark.parametrize(
    "arguments",
    [
        {"http_client": object()},
        {"http_client": httpx.Client},
        {"transport": object()},
        {"http_client": httpx2.Client(), "transport": "httpx"},
    ],
    ids=map(str, range(4)),
)
@pytest.mark.parametrize("client", [AnamClient, AsyncAnamClient])
def test_what_is_no_client_is_refused(client, arguments):
    """The error names the argument."""
    with pytest.raises(AnamConfigError, match=r"http_client|transport"):
        client("key", **arguments)


def test_a_session_of_aiohttps_is_for_async():
    """The sync client says so; an async client of httpx's is no sync one either."""
    for wrong in (aiohttp.ClientSession.__new__(aiohttp.ClientSession), httpx.AsyncClient()):
        wrong._connector = None
        with pytest.raises(AnamConfigError, match=r"must be an httpx.Client"):
            AnamClient("key", http_client=wrong)


@pytest.mark.parametrize("library", ["httpx2", "transport of httpx2", "aiohttp"])
@pytest.mark.parametrize("flavour", ["asyncio"])
async def test_other_libraries_do(library, flavour):
    """Used and left open; cookies that their servers once set are not ours to send."""
    with running() as server:
        if library == "transport of httpx2":
            async with AsyncAnamClient("key", server.url, transport=httpx2.AsyncHTTPTransport()) as client:
                assert (await client.start_session(PERSONA)).session_id == "s-1"
            return
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


def test_httpx2_for_threads():
    """The same client, maintained elsewhere; so are its transports."""
    with running() as server:
        with httpx2.Client() as theirs, AnamClient("key", server.url, http_client=theirs) as client:
            assert client.start_session(PERSONA).session_id == "s-1"
            client.warm_up()
        with AnamClient("key", server.url, transport=httpx2.HTTPTransport()) as client:
            assert client.start_session(PERSONA).session_id == "s-1"


# What errors say.


@pytest.mark.parametrize(
    ("base_url", "kept"),
    [
        ("https://eu.example/v1", "https://eu.example"),
        ("https://eu.example/v1/", "https://eu.example"),
        ("https://eu.example/gate/v1/engine/session", "https://eu.example/gate"),
        ("https://eu.example/v1/auth/session-token", "https://eu.example"),
        ("https://eu.example/v2", "https://eu.example/v2"),
    ],
)
async def test_a_base_url_with_too_much_is_corrected(connect, server, base_url, kept):
    """The version, or an operation's path, copied along with the address, is taken off."""
    answers = server()
    await connect(answers, base_url=base_url).create_session_token(PERSONA)
    assert str(answers.requests[0].url) == f"{kept}/v1/auth/session-token"


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
    with pytest.raises(AuthenticationError, match="environment variable ANAM_API_KEY") as caught:
        await connect(server(httpx.Response(401)), api_key=None).create_session_token(PERSONA)
    assert "old-key" not in str(caught.value)


def test_plain_http_can_be_permitted_by_the_environment(connect, server, monkeypatch):
    """A compose file's `http://sandbox:8787` needs no code."""
    monkeypatch.setenv("ANAM_ALLOW_INSECURE_HTTP", "1")
    assert connect(server(), base_url="http://sandbox:8787").client is not None
    with pytest.raises(AnamConfigError, match="ANAM_ALLOW_INSECURE_HTTP"):
        connect(server(), base_url="http://sandbox:8787", allow_insecure_http=False)


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
