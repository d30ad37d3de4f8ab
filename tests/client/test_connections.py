"""The clients' own connections, against small servers on this machine."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace

import anyio
import pytest

from anam_facade import (
    AnamConfigError,
    AnamConnectionError,
    AnamStatusError,
    AnamTimeoutError,
    AsyncAnamClient,
    ClientClosedError,
    SessionStartUncertainError,
)
from anam_facade.http import network
from tests.client.servers import OK, running
from tests.conftest import PERSONA
from tests.hostile.certificates import certified

pytestmark = pytest.mark.every_transport


def until(holds: Callable[[], bool]) -> None:
    """Waits for what another thread does."""
    end = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


@pytest.mark.own_only
@pytest.mark.parametrize(("keep_alive", "expiry", "connections"), [(True, 600, 1), (False, 600, 3), (True, -1, 3)])
def test_a_connection_is_kept_while_it_is_good(connect, local, monkeypatch, keep_alive, expiry, connections):
    """Calls share one; one that the server closed, or that was idle too long, is replaced without an error."""
    monkeypatch.setattr(network, "KEEPALIVE_EXPIRY", expiry)
    local.keep_alive = keep_alive
    calls = connect(base_url=local.url, retry=0)
    for _ in range(3):
        calls("create_session_token", PERSONA)
        time.sleep(0.02)  # for the client to see what the server did
    assert (len(local.requests), local.connections) == (3, connections)


@pytest.mark.own_only
def test_calls_wait_for_a_free_connection(connect, local, monkeypatch):
    """With all in use no more are opened: a call that gets none in time was never sent, the others get answers."""
    monkeypatch.setattr(network, "MAX_CONNECTIONS", 1)
    local.hold = threading.Event()
    calls = connect(base_url=local.url, retry=0)
    under_way = [calls.aside("start_engine_session", "a.b.c")]
    assert local.holds_a_request()
    with pytest.raises(AnamTimeoutError) as caught:
        calls.view(timeout=0.05)("start_engine_session", "a.b.c")
    assert caught.value.sent is False
    under_way += [calls.aside("start_engine_session", "a.b.c") for _ in range(20)]
    local.hold.set()
    assert [call.result(5).session_id for call in under_way] == ["s-1"] * 21
    assert (len(local.requests), local.connections) == (21, 1)


@pytest.mark.parametrize(
    ("reply", "stalls", "body"),
    [
        (b"200 OK\r\nContent-Length: 500\r\n\r\n{", False, None),
        (b"200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", False, None),
        (b"200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", False, None),
        (b"400 X\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", False, ""),
        (b"502 X\r\nContent-Length: 500\r\n\r\n<html>", False, "<html>"),
        (b"502 X\r\nContent-Length: 500\r\n\r\n<html>", True, "<html>"),
    ],
    ids=["short", "half-chunk", "no-gzip", "400-no-gzip", "502-breaks-off", "502-stalls"],
)
def test_an_answer_that_does_not_come_whole(connect, local, reply, stalls, body):
    """It leaves a start's fate open; but after an error status the status counts. The connection is done with."""
    local.keep_alive = stalls
    local.answer(b"HTTP/1.1 " + reply, OK)
    calls = connect(base_url=local.url, retry=0, timeout=0.5)
    with pytest.raises(SessionStartUncertainError if body is None else AnamStatusError) as caught:
        calls("start_engine_session", "a.b.c")
    assert getattr(caught.value, "body", None) == body
    assert calls("start_engine_session", "a.b.c").session_id == "s-1"
    assert local.connections == 2


# The end.


@pytest.mark.parametrize("call", [("create_session_token", PERSONA), ("warm_up", 2)], ids=["mint", "warm-up"])
def test_nothing_is_left_open(connect, local, call):
    """After closing, no socket of the client's is left to be collected; and a closed client opens none."""
    calls = connect(base_url=local.url)
    calls(*call)
    calls.close()
    with pytest.raises(ClientClosedError):
        calls(*call)
    until(lambda: local.closed == local.connections)


def test_closing_ends_the_calls_under_way(connect, local, flavour, transport):
    """At once, with an error that keeps their fate open; the client is of no use afterwards."""
    if (flavour, transport) == ("sync", "client"):
        pytest.skip("documented: threads that wait in a client of the user's are not woken")
    local.hold = threading.Event()
    calls = connect(base_url=local.url)
    start = calls.aside("start_engine_session", "a.b.c")
    assert local.holds_a_request()
    calls.close()
    with pytest.raises(SessionStartUncertainError) as caught:
        start.result(5)
    assert isinstance(caught.value.__cause__, ClientClosedError)
    with pytest.raises(ClientClosedError):
        calls("create_session_token", PERSONA)


@pytest.mark.own_only
@pytest.mark.parametrize("flavour", ["asyncio", "trio"])
@pytest.mark.parametrize("latency", [0.0, 0.02])
def test_a_cancelled_start_leaves_nothing_behind(portal, local, monkeypatch, latency):
    """Cancelled after 0, 1, 2 … steps of the event loop, in every phase of both requests: its place is free again."""
    monkeypatch.setattr(network, "MAX_CONNECTIONS", 1)
    answer = local.behave
    local.behave = lambda connection, request: (time.sleep(latency), answer(connection, request))
    finished = []

    async def run() -> None:
        async with AsyncAnamClient("key", local.url, retry=0) as client:

            async def start() -> None:
                finished.append(await client.start_session(PERSONA))

            await start()
            for steps in range(80):
                async with anyio.create_task_group() as group:
                    group.start_soon(start)
                    for _ in range(steps):
                        await anyio.lowlevel.checkpoint()
                    if latency and steps % 4 == 3:
                        await anyio.sleep(latency * (steps % 8) / 4)  # into the waiting for either answer
                    group.cancel_scope.cancel()
            await anyio.to_thread.run_sync(until, lambda: local.connections - local.closed <= 1)
            await start()

    portal.call(run)
    assert len(finished) < 82
    until(lambda: local.closed == local.connections)


# Connections made ahead.


@pytest.mark.own_only
def test_warming_up_opens_connections_and_sends_no_credential(connect, local, transport):
    """The connections stand before the first call, which then opens none; asking again adds only what is missing."""
    calls = connect(base_url=local.url, retry=0)
    for connections in (1, 1, 3):
        calls("warm_up", connections)
        until(lambda wanted=connections: local.connections == wanted)
    assert [request[:5] for request in local.requests] == ([b"HEAD "] * 3 if transport == "httpx" else [])
    assert not any("Authorization" in headers for headers in local.headers)
    calls("start_session", PERSONA)
    calls("warm_up", 3)
    assert local.connections == 3


@pytest.mark.own_only
def test_warming_up_does_the_tls_handshake(connect):
    """With TLS 1.3, whose session tickets wait unread on a connection made ahead, it is used all the same."""
    context, authority = certified()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with running(context) as server:
        trust = ssl.create_default_context(cadata=authority)
        calls = connect(base_url=server.url, ssl_context=trust, retry=0)
        calls("warm_up")
        time.sleep(0.05)
        calls("start_session", PERSONA)
        assert server.connections == 1
        with pytest.raises(AnamConnectionError, match="certificate"):
            connect(base_url=server.url)("warm_up")


@pytest.mark.own_only
def test_what_cannot_be_warmed_up(connect):
    """Too many or too few connections, and a server that is not there, are errors; a transport of the user's is not."""
    calls = connect(base_url="http://127.0.0.1:1")
    for number in (0, 513, 1.5, True):
        with pytest.raises(AnamConfigError, match="connections"):
            calls("warm_up", number)
    with pytest.raises(AnamConnectionError, match="could not be sent") as caught:
        calls("warm_up")
    assert caught.value.sent is False
    connect(lambda request: pytest.fail("a request was sent"))("warm_up")


@pytest.mark.httpx_only
def test_warming_up_ends_in_time(connect, local, monkeypatch):
    """All connections together have the time of one attempt."""
    clock = SimpleNamespace(monotonic=iter([0.0, 0.0, 11.0]).__next__)  # when it begins, and before each connection
    monkeypatch.setattr("anam_facade.client.time", clock)
    with pytest.raises(AnamTimeoutError, match=r"\d: took all the time") as caught:
        connect(base_url=local.url)("warm_up", 2)
    assert (caught.value.sent, local.connections) == (False, 1)


# Proxies.


@pytest.mark.own_only
def test_the_environments_proxy_gets_the_request(connect, local, monkeypatch):
    """A plain request goes to the proxy that the environment names, with the proxy's own credentials."""
    monkeypatch.setenv("HTTP_PROXY", local.url.replace("//", "//user:pass@"))
    calls = connect(base_url="http://anam.internal", allow_insecure_http=True)
    assert calls("create_session_token", PERSONA).value == "a.b.c"
    assert local.requests[0].startswith(b"POST http://anam.internal/v1/auth/session-token HTTP/1.1\r\n")
    assert local.headers[0]["Proxy-Authorization"] == "Basic dXNlcjpwYXNz"


@pytest.mark.own_only
@pytest.mark.parametrize("call", [("create_session_token", PERSONA), ("warm_up",)], ids=["mint", "warm-up"])
def test_a_proxy_that_refuses_has_not_sent_anything(connect, local, monkeypatch, call):
    """A tunnel that the proxy refuses is a connection error for which nothing was sent, told once with a remedy."""
    local.answer(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
    monkeypatch.setenv("HTTPS_PROXY", local.url)
    with pytest.raises(AnamConnectionError, match=r"proxy http://127.0.0.1.*407.*HTTPS_PROXY") as caught:
        connect(base_url="https://anam.internal")(*call)
    assert (caught.value.sent, caught.value.permanent, len(local.requests)) == (False, True, 1)
