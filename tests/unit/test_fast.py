"""The fast transport's own parts; what it does as a whole is tested wherever the default is."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import anyio
import pytest
import trio
from anyio.abc import SocketAttribute, SocketListener

from anam_facade import AnamConfigError, AsyncAnamClient
from anam_facade.http.exchange import Request
from anam_facade.http.fast import MAX_HEAD, Origin, Parser, fast
from anam_facade.http.pool import AsyncPooled

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CLOSE = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


def request_to(where: str | SocketListener, content: bytes = b"{}", timeout: float = 5.0, **headers: str) -> Request:
    url = where if isinstance(where, str) else f"http://127.0.0.1:{where.extra(SocketAttribute.local_port)}"
    headers = {"Host": "h", "Content-Length": str(len(content)), **headers}
    return Request("POST", f"{url}/v1/engine/session", headers, content, timeout)


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8787", "http://[::1]:8787", "https://gw.example:8443/anam"])
def test_a_request_is_written_as_http_has_it(base_url):
    """Request line, the headers given, an empty line, the body; from then on it counts as sent."""
    request = request_to(base_url, b'{"a": 1}', Authorization="Bearer x")
    target = "/anam/v1/engine/session" if "anam" in base_url else "/v1/engine/session"
    head = f"POST {target} HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\nAuthorization: Bearer x\r\n\r\n"
    assert Origin(base_url, None).take(request) == head.encode() + b'{"a": 1}'
    assert request.taken


@pytest.mark.parametrize("value", ["a\r\nX-Injected: 1", "a\nb", "a\rb", "é"])
def test_a_header_that_would_break_out_is_not_written(value):
    """Should a check ever let it through, it ends here, before anything is sent."""
    request = request_to("http://h", Authorization=value)
    with pytest.raises(ValueError, match=r"line break|ascii"):
        Origin("http://h", None).take(request)
    assert not request.taken


ANSWERS = {
    # what the server sends, the body, whether the connection can take another request
    "length": (OK, b"{}", True),
    "close": (CLOSE, b"{}", False),
    "http10": (OK.replace(b"HTTP/1.1", b"HTTP/1.0"), b"{}", False),
    "chunked": (b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"1\r\n{\r\n1;x=y\r\n}\r\n0\r\nX-T: 1\r\n\r\n", b"{}", True),
    "error, broken off": (b"HTTP/1.1 502 Bad\r\n" + CHUNKED + b"2\r\nno\r\nnonsense\r\n", b"no", False),
    "no-content": (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
    "interim": (b"HTTP/1.1 100 Continue\r\nX-Not: mine\r\n\r\n" + OK, b"{}", True),
    "upgrade": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", b"", False),
    "two": (OK + b"HTTP/1.1 200 OK\r\n", b"{}", False),
    "garbage": (OK + b"\x00garbage", b"{}", False),
    "after-close": (CLOSE + b"garbage", b"{}", False),
    "until the server hangs up": (b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n{}", b"{}", False),
}


@pytest.mark.parametrize(("raw", "body", "reusable"), ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("bytewise", [False, True])
def test_an_answer_is_read_however_it_comes(raw, body, reusable, bytewise):
    """Whole or byte by byte: the same answer, and the same word on whether the connection is good for another."""
    parser, answer = Parser(), None
    parser.begin()
    for chunk in [raw[i : i + 1] for i in range(len(raw))] if bytewise else [raw]:
        answer = parser.feed(chunk) or answer
    answer = answer or parser.end()
    assert (answer.body, answer.complete, parser.reusable) == (body, b"502" not in raw, reusable)
    assert not {b"X-Not", b"X-T"} & dict(answer.raw_headers).keys()


@pytest.mark.parametrize("chunk", [b"X-A: " + b"a" * 1000 + b"\r\n", b"\r\nHTTP/1.1 100 Continue\r\n"])
def test_a_head_without_end_is_cut(chunk):
    """Headers have a ceiling, and so have interim answers, of which there could be any number."""
    parser, half = Parser(), chunk * (MAX_HEAD // len(chunk) // 2 + 1)
    parser.begin()
    assert parser.feed(b"HTTP/1.1 100 OK\r\n" + half) is None
    with pytest.raises(ConnectionError, match="head"):
        parser.feed(half)


# Connections.


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def listener() -> AsyncIterator[SocketListener]:
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as made:
        yield made.listeners[0]


@pytest.fixture
async def ours(listener: SocketListener) -> AsyncIterator[AsyncPooled]:
    """A transport that leads to the listener."""
    made = fast(request_to(listener).url, None, for_async=True)
    yield made
    await made.aclose()


@pytest.mark.anyio
async def test_what_nobody_asked_for_ends_the_connection(listener, ours):
    """Bytes that come while no request is under way never become an answer."""
    await ours.warm_up(lambda: request_to(listener), 1)
    async with await listener.accept() as first:
        await first.send(OK.replace(b"{}", b"no"))
        await asyncio.sleep(0.02)
        call = asyncio.create_task(ours.exchange(request_to(listener)))
        async with await listener.accept() as second:
            await second.receive()
            await second.send(OK)
            assert (await call).body == b"{}"


@pytest.mark.anyio
async def test_an_answer_before_the_request_was_sent_whole_uses_the_connection_up(listener, ours):
    """What is left of a long request would be read as the next one."""
    call = asyncio.create_task(ours.exchange(request_to(listener, b"x" * 50_000_000)))
    async with await listener.accept() as server:
        await server.receive(9999)
        await server.send(OK)
        assert (await call).status_code == 200
        assert not (await ours._here()).idle


@pytest.mark.anyio
async def test_a_connection_lost_before_its_first_use_was_never_sent_over(listener, ours):
    """A connection that dies between being made and being used counts as not made."""
    request = request_to(listener)
    await ours.warm_up(lambda: request_to(listener), 1)
    (connection,) = (await ours._here()).idle
    connection.eof_received()
    with pytest.raises(ConnectionError):
        await connection.exchange(request)
    assert not request.taken


@pytest.mark.anyio
async def test_each_exchange_has_its_own_time_out(listener, ours):
    """That of an exchange neither cuts the next on its connection short, nor gives it more time than it has."""

    async def serve() -> None:
        async with await listener.accept() as server:
            for delay in (0, 0.5, 1):
                await server.receive()
                await asyncio.sleep(delay)
                await server.send(OK)

    serving = asyncio.create_task(serve())
    seen: list[object] = []
    for timeout in (0.3, 30, 0.1):
        seen += await asyncio.gather(ours.exchange(request_to(listener, timeout=timeout)), return_exceptions=True)
    serving.cancel()
    assert [getattr(answer, "body", type(answer)) for answer in seen] == [b"{}", b"{}", TimeoutError]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("for_async", [False, True])
def test_what_was_late_before_it_was_sent_is_known_to_be_unsent(scheme, for_async):
    """A TLS handshake that stalls, or no time from the start; the socket is closed (an open one would be a warning)."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        request = request_to(url, timeout=0.1 if scheme == "https" else -1.0)
        transport = fast(url, None, for_async=for_async)
        with pytest.raises(TimeoutError):
            asyncio.run(transport.exchange(request)) if for_async else transport.exchange(request)
    assert not request.taken


def test_trio_is_refused_by_name():
    """What needs asyncio says so, before anything is sent."""

    async def run() -> None:
        async with AsyncAnamClient("key", "http://127.0.0.1:1", transport="fast") as client:
            await client.start_engine_session("a.b.c")

    with pytest.raises(AnamConfigError, match='"fast": needs asyncio'):
        trio.run(run)
