"""The fast transport's own parts; what it does as a whole is tested wherever the default is."""

from __future__ import annotations

import asyncio
import socket

import pytest
import trio

from anam_facade import AnamConfigError, AsyncAnamClient
from anam_facade.http.exchange import Request
from anam_facade.http.fast import MAX_HEAD, Origin, Parser, fast

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def request_to(url: str, content: bytes = b"{}", timeout: float = 5.0, **headers: str) -> Request:
    headers = {"Host": "h", "Content-Length": str(len(content)), **headers}
    return Request("POST", f"{url}/v1/engine/session", headers, content, timeout)


# What is written.


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8787", "http://[::1]:8787", "https://gw.example:8443/anam"])
def test_a_request_is_written_as_http_has_it(base_url):
    """Request line, the headers given, an empty line, the body; from then on it counts as sent."""
    request = request_to(base_url, b'{"a": 1}', Authorization="Bearer x")
    target = "/anam/v1/engine/session" if "anam" in base_url else "/v1/engine/session"
    assert Origin(base_url, None).take(request) == (
        f"POST {target} HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\nAuthorization: Bearer x\r\n\r\n".encode()
        + b'{"a": 1}'
    )
    assert request.taken


@pytest.mark.parametrize("value", ["a\r\nX-Injected: 1", "a\nb", "a\rb", "é"])
def test_a_header_that_would_break_out_is_not_written(value):
    """Should a check ever let it through, it ends here, before anything is sent."""
    request = request_to("http://h", Authorization=value)
    with pytest.raises(ValueError, match=r"line break|ascii"):
        Origin("http://h", None).take(request)
    assert not request.taken


# What is read.


def parse(*chunks: bytes, end: bool = False) -> tuple[object, Parser]:
    parser = Parser()
    parser.begin()
    answer = None
    for chunk in chunks:
        answer = parser.feed(chunk) or answer
    return (parser.end() if end else answer), parser


@pytest.mark.parametrize(
    ("raw", "body", "reusable"),
    [
        (OK, b"{}", True),
        (OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), b"{}", False),
        (OK.replace(b"HTTP/1.1", b"HTTP/1.0"), b"{}", False),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\nX-T: 1\r\n\r\n",
            b"{}",
            True,
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
        (b"HTTP/1.1 100 Continue\r\nX-Not: mine\r\n\r\n" + OK, b"{}", True),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", b"", False),
        (OK + b"HTTP/1.1 200 OK\r\n", b"{}", False),
        (OK + b"\x00garbage", b"{}", False),
        (OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + b"garbage", b"{}", False),
    ],
    ids=["length", "close", "http10", "chunked", "no-content", "interim", "upgrade", "two", "garbage", "after-close"],
)
@pytest.mark.parametrize("bytewise", [False, True])
def test_an_answer_is_read_however_it_comes(raw, body, reusable, bytewise):
    """Whole or byte by byte: the same answer, and the same word on whether the connection is good for another."""
    answer, parser = parse(*([raw[i : i + 1] for i in range(len(raw))] if bytewise else [raw]))
    assert answer.body == body
    assert answer.complete
    assert b"X-Not" not in dict(answer.raw_headers)
    assert b"X-T" not in dict(answer.raw_headers)
    assert parser.reusable is reusable


def test_an_answer_without_a_length_ends_with_the_connection():
    """Neither length nor chunks: what came until the server hung up is the body."""
    answer, parser = parse(b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n", b"{", b"}", end=True)
    assert (answer.body, answer.complete, parser.reusable) == (b"{}", True, False)


def test_after_an_error_status_what_came_still_counts():
    """A 502 that turns into nonsense is a 502."""
    answer, _ = parse(b"HTTP/1.1 502 Bad\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\nnonsense\r\n")
    assert (answer.status_code, answer.body, answer.complete) == (502, b"no", False)


def test_a_head_without_end_is_cut():
    """Headers have a ceiling, and so have interim answers, of which there could be any number."""
    for chunk in (b"X-A: " + b"a" * 1000 + b"\r\n", b"\r\nHTTP/1.1 100 Continue\r\n"):
        with pytest.raises(ConnectionError, match="head"):
            parse(b"HTTP/1.1 100 OK\r\n", *[chunk] * (MAX_HEAD // len(chunk) + 2))


# Connections.


def request_for(listener: socket.socket, content: bytes = b"{}", timeout: float = 5.0) -> Request:
    return request_to(f"http://127.0.0.1:{listener.getsockname()[1]}", content, timeout)


async def served(listener: socket.socket) -> socket.socket:
    listener.setblocking(False)
    connection, _ = await asyncio.get_running_loop().sock_accept(listener)
    return connection


def on_asyncio(test):
    """Runs a test with a listener, and a transport that leads to it."""

    async def run() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            transport = fast(request_for(listener).url.removesuffix("/v1/engine/session"), None, for_async=True)
            await test(listener, transport)
            await transport.aclose()

    def wrapped() -> None:
        asyncio.run(run())

    wrapped.__name__, wrapped.__doc__ = test.__name__, test.__doc__
    return wrapped


@on_asyncio
async def test_what_nobody_asked_for_ends_the_connection(listener, transport):
    """Bytes that come while no request is under way never become an answer."""
    loop = asyncio.get_running_loop()
    await transport.warm_up(lambda: request_for(listener), 1)
    with await served(listener) as first:
        await loop.sock_sendall(first, OK.replace(b"{}", b"no"))
        await asyncio.sleep(0.02)
        call = asyncio.create_task(transport.exchange(request_for(listener)))
        with await served(listener) as second:
            await loop.sock_recv(second, 9999)
            await loop.sock_sendall(second, OK)
            assert (await call).body == b"{}"


@on_asyncio
async def test_an_answer_before_the_request_was_sent_whole_uses_the_connection_up(listener, transport):
    """What is left of a long request would be read as the next one."""
    loop = asyncio.get_running_loop()
    call = asyncio.create_task(transport.exchange(request_for(listener, b"x" * 50_000_000)))
    with await served(listener) as connection:
        await loop.sock_recv(connection, 9999)
        await loop.sock_sendall(connection, OK)
        assert (await call).status_code == 200
        assert not (await transport._here()).idle


@on_asyncio
async def test_a_request_that_cannot_be_written_in_time_is_lost(listener, transport):
    """A server that does not read is given up on in time; part of the request may have arrived."""
    request = request_for(listener, b"x" * 50_000_000, timeout=0.2)
    with pytest.raises(TimeoutError):
        await transport.exchange(request)
    assert request.taken


@on_asyncio
async def test_a_connection_lost_before_its_first_use_was_never_sent_over(listener, transport):
    """A connection that dies between being made and being used counts as not made."""
    request = request_for(listener)
    await transport.warm_up(lambda: request_for(listener), 1)
    (connection,) = (await transport._here()).idle
    connection.eof_received()
    with pytest.raises(ConnectionError):
        await connection.exchange(request)
    assert not request.taken


@pytest.mark.parametrize("for_async", [False, True])
def test_a_tls_handshake_that_stalls_ends_in_time(for_async):
    """Nothing counts as sent, and the socket is closed (an open one would be a warning)."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        request = request_for(listener, timeout=0.1)
        transport = fast(request.url.replace("http:", "https:"), None, for_async=for_async)
        with pytest.raises(TimeoutError):
            asyncio.run(transport.exchange(request)) if for_async else transport.exchange(request)
        assert not request.taken


def test_a_connection_is_not_begun_when_the_time_is_over():
    """Nothing is sent, and that is known."""
    request = request_to("http://127.0.0.1:9", timeout=-1.0)
    with pytest.raises(TimeoutError):
        fast("http://127.0.0.1:9", None, for_async=False).exchange(request)
    assert not request.taken


def test_trio_is_refused_by_name():
    """What needs asyncio says so, before anything is sent."""

    async def run() -> None:
        async with AsyncAnamClient("key", "http://127.0.0.1:1", transport="fast") as client:
            await client.create_session_token({"personaId": "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"})

    with pytest.raises(AnamConfigError, match='"fast": needs asyncio'):
        trio.run(run)


@pytest.mark.parametrize(
    ("delays", "timeouts", "between", "outcomes"),
    [
        ([0, 60], [30, 0.1], 0, [b"{}", TimeoutError]),  # a short one after a long one holds
        ([0, 0.6], [0.4, 30], 0, [b"{}", b"{}"]),  # a long one after a short one is not cut
        ([0, 0], [0.4, 5], 0.5, [b"{}", b"{}"]),  # an idle connection outlives both
    ],
)
def test_each_exchange_has_its_own_time_out(delays, timeouts, between, outcomes):
    """Although one timer serves many."""
    seen: list[object] = []

    @on_asyncio
    async def run(listener, transport) -> None:
        async def serve() -> None:
            with await served(listener) as connection:
                for delay in delays:
                    await asyncio.get_running_loop().sock_recv(connection, 9999)
                    await asyncio.sleep(delay)
                    await asyncio.get_running_loop().sock_sendall(connection, OK)
                await asyncio.sleep(60)

        server = asyncio.create_task(serve())
        for timeout in timeouts:
            try:
                seen.append((await transport.exchange(request_for(listener, timeout=timeout))).body)
            except TimeoutError as error:
                seen.append(type(error))
            await asyncio.sleep(between)
        server.cancel()

    run()
    assert seen == outcomes
