"""The clients' own pools, against small servers on this machine."""

from __future__ import annotations

import gc
import socket
import ssl
import threading
import warnings
from collections.abc import Callable

import anyio
import pytest

from anam_facade import (
    AnamConfigError,
    AnamConnectionError,
    AnamTimeoutError,
    AsyncAnamClient,
    ClientClosedError,
    PersonaConfig,
    RetryPolicy,
    ServerError,
    SessionStartUncertainError,
)
from anam_facade.http import network
from tests.client.conftest import Harness
from tests.client.servers import OK, running, scripted
from tests.hostile.certificates import self_signed

pytestmark = [pytest.mark.anyio, pytest.mark.every_transport]

ID = "30fa96d0-26c4-4e55-94a0-517025942e18"
PERSONA = PersonaConfig(voice_id=ID, llm_id=ID)
ONCE = RetryPolicy(max_attempts=1)


@pytest.fixture(autouse=True)
def clock():
    """Real time here: the sockets are real, and nothing waits for long."""


@pytest.fixture
def local():
    with running() as server:
        yield server


async def test_one_connection_serves_all_calls(connect, local):
    """Calls one after the other share a connection: a pool is kept, not made anew."""
    async with connect(base_url=local.url) as client:
        for _ in range(5):
            await client.start_session(PERSONA)
    assert (local.requests, local.connections) == (10, 1)
    assert local.paths[:2] == ["/v1/auth/session-token", "/v1/engine/session"]


async def test_a_connection_the_server_closed_is_replaced(connect, local):
    """A server that closes after each answer is met with a new connection, without an error."""
    local.keep_alive = False
    async with connect(base_url=local.url, retry=ONCE) as client:
        for _ in range(3):
            await client.create_session_token(PERSONA)
            await anyio.sleep(0.02)
    assert (local.requests, local.connections) == (3, 3)


@pytest.mark.own_only
async def test_a_connection_that_was_idle_too_long_is_replaced(connect, local, monkeypatch):
    """Connections are not kept longer than they are likely to live."""
    monkeypatch.setattr(network, "KEEPALIVE_EXPIRY", -1)
    async with connect(base_url=local.url, retry=ONCE) as client:
        for _ in range(3):
            await client.create_session_token(PERSONA)
    assert (local.requests, local.connections) == (3, 3)


@pytest.mark.parametrize("call", [("create_session_token", PERSONA), ("warm_up", 2)], ids=["mint", "warm-up"])
async def test_nothing_is_left_open(connect, local, call):
    """After closing, no socket of the client's is left to be collected; and a closed client opens none."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        client = connect(base_url=local.url)
        await client._call(*call)
        await client.close()
        await client.close()
        with pytest.raises(ClientClosedError):
            await client._call(*call)
        del client
        gc.collect()
    await until(lambda: local.given_up == local.connections)


@pytest.mark.own_only
async def test_calls_wait_for_a_free_connection(connect, local, monkeypatch):
    """With every connection in use, a call waits for one instead of opening more; each gets an answer."""
    monkeypatch.setattr(network, "MAX_CONNECTIONS", 2)
    async with connect(base_url=local.url, retry=ONCE) as client, anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(client.aside, "create_session_token", PERSONA)
    assert (local.requests, local.connections) == (20, 2)


@pytest.mark.own_only
async def test_a_call_that_waits_too_long_for_a_connection(connect, local, monkeypatch):
    """A call that gets no connection in time was never sent; the connection is usable afterwards."""
    monkeypatch.setattr(network, "MAX_CONNECTIONS", 1)
    local.hold = threading.Event()
    async with connect(base_url=local.url, retry=ONCE) as client:
        hurried = Harness(client.client.with_options(timeout=0.05))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.aside, "start_engine_session", "a.b.c")
            await local.holds_a_request()
            with pytest.raises(AnamTimeoutError) as caught:
                await hurried.start_engine_session("a.b.c")
            local.hold.set()
        assert caught.value.sent is False
        assert (await client.start_engine_session("a.b.c")).session_id == "s-1"
    assert (local.requests, local.connections) == (2, 1)


@pytest.mark.parametrize("call", [("start_engine_session", "a.b.c"), ("warm_up",)], ids=["start", "warm-up"])
async def test_nobody_listens(connect, call, transport):
    """A refused connection was never sent; opening one ahead fails as a call does."""
    if call == ("warm_up",) and transport not in ("httpx", "fast"):
        pytest.skip("what the client did not open it cannot open ahead")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with connect(base_url=url, retry=ONCE) as client:
        with pytest.raises(AnamConnectionError, match="could not be sent") as caught:
            await client._call(*call)
    assert caught.value.sent is False


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"SSH-2.0-OpenSSH\r\n",
    ],
    ids=["closed", "short", "half-chunk", "not-http"],
)
async def test_an_answer_that_breaks_off(connect, reply):
    """A connection that ends within the answer leaves a start's fate open."""
    with scripted(reply) as server:
        async with connect(base_url=server.url, retry=ONCE) as client:
            with pytest.raises(SessionStartUncertainError) as caught:
                await client.start_engine_session("a.b.c")
    assert isinstance(caught.value.__cause__, AnamConnectionError)
    assert caught.value.__cause__.sent
    assert b"\r\n\r\n{}" in server.requests[0]


@pytest.mark.parametrize("note", ["", "X-Note: stall\r\n"], ids=["breaks off", "stalls"])
async def test_an_error_that_does_not_come_whole_is_still_that_error(connect, note):
    """After an error status the status counts, whatever becomes of the body; the connection is done with."""
    head = f"HTTP/1.1 502 Bad Gateway\r\n{note}Content-Length: 500\r\n\r\n<html>".encode()
    with scripted(head, OK) as server:
        async with connect(base_url=server.url, retry=ONCE, timeout=0.5) as client:
            with pytest.raises(ServerError) as caught:
                await client.create_session_token(PERSONA)
            assert (await client.create_session_token(PERSONA)).value == "a.b.c"
    assert (caught.value.status_code, caught.value.body) == (502, "<html>")


async def test_closing_ends_the_calls_under_way(connect, local, flavour, transport):
    """At once, with an error that keeps their fate open; the client is of no use afterwards."""
    if (flavour, transport) == ("sync", "client"):
        pytest.skip("documented: threads that wait in a client of the user's are not woken")
    local.hold = threading.Event()
    client = connect(base_url=local.url, timeout=10)
    caught = []

    async def start() -> None:
        with pytest.raises(SessionStartUncertainError) as error:
            await client.aside("start_engine_session", "a.b.c")
        caught.append(type(error.value.__cause__))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(start)
            await local.holds_a_request()
            await client.close()
    assert caught == [ClientClosedError]
    with pytest.raises(ClientClosedError):
        await client.create_session_token(PERSONA)


@pytest.mark.parametrize("flavour", ["asyncio", "trio"])
async def test_a_cancelled_call_gives_its_connection_back(local, monkeypatch):
    """Cancelling a call frees its place in the pool, and the half-used connection is closed."""
    monkeypatch.setattr(network, "MAX_CONNECTIONS", 1)
    local.hold = threading.Event()
    async with AsyncAnamClient("key", local.url, retry=ONCE) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.create_session_token, PERSONA)
            await local.holds_a_request()
            tasks.cancel_scope.cancel()
        local.hold.set()
        assert (await client.create_session_token(PERSONA)).value == "a.b.c"
    assert local.connections == 2


# Connections made ahead.


async def until(holds: Callable[[], bool]) -> None:
    """Waits for what another thread does."""
    with anyio.fail_after(5):
        while not holds():  # noqa: ASYNC110 - what happens there tells nobody
            await anyio.sleep(0.005)


@pytest.mark.own_only
async def test_warming_up_opens_connections_and_sends_no_credential(connect, local, transport):
    """The connections stand before the first call, which then opens none; asking again adds only what is missing."""
    async with connect(base_url=local.url, retry=ONCE) as client:
        await client.warm_up()
        await client.warm_up()
        await until(lambda: local.connections == 1)
        await client.warm_up(3)
        await until(lambda: local.connections == 3)
        assert (local.requests, len(local.heads)) == (0, 3 if transport == "httpx" else 0)
        await client.start_session(PERSONA)
        await client.warm_up(3)
    assert (local.requests, local.connections) == (2, 3)
    assert not any("Authorization" in headers for headers in local.heads)


@pytest.mark.own_only
async def test_a_connection_made_ahead_that_the_server_closed_costs_no_error(connect, local):
    """The server had enough of waiting: the call opens a connection of its own, and no error is seen."""
    local.patience = 0.05
    async with connect(base_url=local.url, retry=ONCE) as client:
        await client.warm_up(2)
        await until(lambda: local.given_up == 2)
        local.patience = 10
        await anyio.sleep(0.02)
        assert (await client.create_session_token(PERSONA)).value == "a.b.c"
    assert (local.requests, local.connections) == (1, 3)


@pytest.mark.parametrize("number", [0, -1, 513, 1.5, "2", None, True])
@pytest.mark.httpx_only
async def test_how_many_connections_is_checked(connect, number):
    """From one to as many as a client opens at all."""
    async with connect(base_url="http://127.0.0.1:1") as client:
        with pytest.raises(AnamConfigError, match="connections"):
            await client.warm_up(number)


@pytest.mark.httpx_only
async def test_warming_up_a_transport_of_the_users_does_nothing(connect):
    """What the client did not open it cannot open ahead."""
    async with connect(lambda request: pytest.fail("a request was sent")) as client:
        await client.warm_up()


@pytest.mark.own_only
async def test_warming_up_does_the_tls_handshake(connect, tmp_path):
    """With TLS 1.3, whose session tickets wait unread on a connection made ahead, it is used all the same."""
    certificate = tmp_path / "certificate.pem"
    certificate.write_text(self_signed("localhost", days=1))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate)
    trust = ssl.create_default_context(cafile=certificate)
    with running(context) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        async with connect(base_url=url, ssl_context=trust, retry=ONCE) as client:
            await client.warm_up()
            await anyio.sleep(0.05)
            assert server.connections == 1
            await client.start_session(PERSONA)
            assert (server.requests, server.connections) == (2, 1)
        stranger = connect(base_url=url, retry=ONCE)
        async with stranger as client:
            with pytest.raises(AnamConnectionError, match="certificate"):
                await client.warm_up()


# Proxies.


@pytest.mark.own_only
async def test_the_environments_proxy_gets_the_request(connect, monkeypatch):
    """A plain request goes to the proxy that the environment names, with the proxy's own credentials."""
    with scripted(OK) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//user:pass@"))
        async with connect(base_url="http://anam.internal", allow_insecure_http=True) as client:
            assert (await client.create_session_token(PERSONA)).value == "a.b.c"
    assert proxy.requests[0].startswith(b"POST http://anam.internal/v1/auth/session-token HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic dXNlcjpwYXNz\r\n" in proxy.requests[0]


@pytest.mark.own_only
@pytest.mark.parametrize("call", [("create_session_token", PERSONA), ("warm_up",)], ids=["mint", "warm-up"])
async def test_a_proxy_that_refuses_has_not_sent_anything(connect, monkeypatch, call):
    """A tunnel that the proxy refuses is a connection error for which nothing was sent, told once with a remedy."""
    with scripted(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        async with connect(base_url="https://anam.internal") as client:
            with pytest.raises(AnamConnectionError, match=r"proxy http://127.0.0.1.*407.*HTTPS_PROXY") as caught:
                await client._call(*call)
    assert (caught.value.sent, caught.value.permanent, len(proxy.requests)) == (False, True, 1)
