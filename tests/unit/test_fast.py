"""The fast transport's own parts; what it does as a whole is tested wherever the default is."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import socket
import ssl
import time
import traceback

import httpx
import pytest
import trio

from anam_facade import AnamConfigError, AsyncAnamClient, _fast
from anam_facade._fast import MAX_HEAD, AsyncFastTransport, FastTransport, _Origin, _Parser
from anam_facade._transport import MAX_BODY, Request

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


def request_to(url: str, content: bytes = b"{}", **headers: str) -> Request:
    return Request("POST", f"{url}/v1/engine/session", headers, content)


# What is written.


@pytest.mark.parametrize(
    ("base_url", "host", "target"),
    [
        ("http://127.0.0.1:8787", "127.0.0.1:8787", "/v1/engine/session"),
        ("http://[::1]:8787", "[::1]:8787", "/v1/engine/session"),
        ("https://api.anam.ai", "api.anam.ai", "/v1/engine/session"),
        ("https://gw.example:8443/anam", "gw.example:8443", "/anam/v1/engine/session"),
    ],
)
def test_a_request_is_written_as_http_has_it(base_url, host, target):
    """Request line, host, length, the headers given, an empty line, the body."""
    written = _Origin(base_url, None).bytes_of(request_to(base_url, b'{"a": 1}', Authorization="Bearer x"))
    assert written == (
        f"POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 8\r\nAuthorization: Bearer x\r\n\r\n".encode()
        + b'{"a": 1}'
    )


@pytest.mark.parametrize("value", ["a\r\nX-Injected: 1", "a\nb", "a\rb", "é"])
def test_a_header_that_would_break_out_is_not_written(value):
    """Should a check ever let it through, it ends here, before anything is sent."""
    with pytest.raises(httpx.LocalProtocolError):
        _Origin("http://h", None).bytes_of(request_to("http://h", Authorization=value))


# What is read.


def parser_until(deadline: float) -> _Parser:
    parser = _Parser()
    parser.begin(deadline)
    return parser


def parse(*chunks: bytes, end: bool = False) -> tuple[object, _Parser]:
    parser = parser_until(time.monotonic() + 60)
    answer = None
    for chunk in chunks:
        answer = parser.feed(chunk)
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
    parser, answer = parser_until(time.monotonic() + 60), None
    for chunk in [raw[i : i + 1] for i in range(len(raw))] if bytewise else [raw]:
        answer = parser.feed(chunk) or answer
    assert answer.body == body
    assert answer.complete
    assert b"X-Not" not in dict(answer.raw_headers)
    assert b"X-T" not in dict(answer.raw_headers)
    assert parser.reusable is reusable


def test_an_answer_without_a_length_ends_with_the_connection():
    """Neither length nor chunks: what came until the server hung up is the body."""
    answer, parser = parse(b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n", b"{", b"}", end=True)
    assert (answer.body, answer.complete, parser.reusable) == (b"{}", True, False)


@pytest.mark.parametrize(
    ("chunks", "said"),
    [
        ((), "without sending a response"),
        ((b"HTTP/1.1 200",), "without sending complete"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",), "without sending complete"),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",), "without sending complete"),
    ],
)
def test_an_answer_that_breaks_off_is_an_error(chunks, said):
    """A connection that ends too early is told, unless an error status is there already."""
    with pytest.raises(httpx.RemoteProtocolError, match=said):
        parse(*chunks, end=True)


def test_after_an_error_status_what_came_still_counts():
    """A 502 that breaks off is a 502."""
    answer, _ = parse(b"HTTP/1.1 502 Bad\r\nContent-Length: 9\r\n\r\nno", end=True)
    assert (answer.status_code, answer.body, answer.complete) == (502, b"no", False)
    answer, _ = parse(b"HTTP/1.1 502 Bad\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\nnonsense\r\n")
    assert (answer.status_code, answer.body, answer.complete) == (502, b"no", False)


@pytest.mark.parametrize(
    "raw",
    [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 20x OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", b"\x00"],
)
def test_what_is_not_http_is_an_error(raw):
    """Anything but HTTP is refused as soon as it shows."""
    with pytest.raises(httpx.RemoteProtocolError):
        parse(raw)


def test_a_head_without_end_is_cut():
    """Headers have a ceiling, and so have interim answers, of which there could be any number."""
    for chunk in (b"X-A: " + b"a" * 1000 + b"\r\n", b"\r\nHTTP/1.1 100 Continue\r\n"):
        with pytest.raises(httpx.RemoteProtocolError, match="head"):
            parse(b"HTTP/1.1 100 OK\r\n", *[chunk] * (MAX_HEAD // len(chunk) + 2))


def test_a_body_without_end_is_cut():
    """The ceiling of the body is the default transport's."""
    for length in (MAX_BODY + 1, 9_000_000):
        answer, parser = parse(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length, b"x" * (MAX_BODY + 1))
        assert (len(answer.body), answer.complete, parser.reusable) == (MAX_BODY, False, False)


def test_a_body_that_comes_too_late_is_a_time_out():
    """What still comes after the deadline is not waited for; an error status counts all the same."""
    late = parser_until(time.monotonic() - 1)
    late.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
    with pytest.raises(httpx.ReadTimeout):
        late.feed(b"x")
    failed = parser_until(time.monotonic() - 1)
    failed.feed(b"HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\n")
    assert failed.feed(b"x").status_code == 503


# Connections.


def accepting(*answers: bytes) -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(5)
    return listener


def url_of(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


async def served(listener: socket.socket) -> socket.socket:
    listener.setblocking(False)
    connection, _ = await asyncio.get_running_loop().sock_accept(listener)
    return connection


def test_what_nobody_asked_for_ends_the_connection():
    """Bytes that come while no request is under way never become an answer."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        with accepting() as listener:
            transport = AsyncFastTransport(url_of(listener), None)
            await transport.warm_up(1, 5)
            with await served(listener) as first:
                await loop.sock_sendall(first, OK.replace(b"{}", b"no"))
                await asyncio.sleep(0.02)
                call = asyncio.create_task(transport.exchange(request_to(url_of(listener)), 5))
                with await served(listener) as second:
                    await loop.sock_recv(second, 9999)
                    await loop.sock_sendall(second, OK)
                    assert (await call).body == b"{}"
            await transport.aclose()

    asyncio.run(run())


def test_an_answer_before_the_request_was_sent_whole_uses_the_connection_up():
    """What is left of a long request would be read as the next one."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        with accepting() as listener:
            transport = AsyncFastTransport(url_of(listener), None)
            call = asyncio.create_task(transport.exchange(request_to(url_of(listener), b"x" * 50_000_000), 5))
            with await served(listener) as connection:
                await loop.sock_recv(connection, 9999)
                await loop.sock_sendall(connection, OK)
                assert (await call).status_code == 200
                assert not transport.pool.idle
            await transport.aclose()

    asyncio.run(run())


def test_a_request_that_cannot_be_written_in_time_says_so():
    """A server that does not read is given up on as a write that took too long."""

    async def run() -> None:
        with accepting() as listener:
            transport = AsyncFastTransport(url_of(listener), None)
            with pytest.raises(httpx.WriteTimeout):
                await transport.exchange(request_to(url_of(listener), b"x" * 50_000_000), 0.2)
            await transport.aclose()

    asyncio.run(run())


@pytest.mark.parametrize("phase", ["connect", "tls"])
def test_a_connection_that_takes_too_long_was_never_sent_over(phase, monkeypatch):
    """Neither a host that does not answer nor a TLS handshake that stalls holds a call for longer than its time-out."""

    async def never(*args: object, **kwargs: object) -> None:
        await asyncio.sleep(60)

    async def run() -> None:
        with accepting() as listener:
            url = url_of(listener)
            if phase == "connect":
                monkeypatch.setattr(_fast, "start_connection", never)
            else:
                url = url.replace("http:", "https:")
            transport = AsyncFastTransport(url, None)
            with pytest.raises(httpx.ConnectTimeout):
                await transport.exchange(request_to(url), 0.1)
            await transport.aclose()

    asyncio.run(run())


def test_closing_while_a_connection_is_made_wins():
    """A connection that stands when the client is closed already is closed, and nothing is sent over it."""

    async def run() -> None:
        with accepting() as listener:
            transport = AsyncFastTransport(url_of(listener), None)
            transport._closed = True
            with pytest.raises(httpx.ConnectError, match="closed"):
                await transport.exchange(request_to(url_of(listener)), 5)
            with await served(listener) as connection:
                assert await asyncio.get_running_loop().sock_recv(connection, 99) == b""

    asyncio.run(run())


def test_a_connection_lost_before_its_first_use_was_never_sent_over():
    """A connection that dies between being made and being used counts as not made."""

    async def run() -> None:
        with accepting() as listener:
            transport = AsyncFastTransport(url_of(listener), None)
            await transport.warm_up(1, 5)
            (connection,) = transport.pool.idle
            connection.eof_received()
            with pytest.raises(httpx.ConnectError):
                await connection.exchange(b"", time.monotonic() + 5)
            await transport.aclose()

    asyncio.run(run())


def test_connections_of_another_event_loop_are_left_alone():
    """A client that outlives its event loop opens new connections in the next."""
    with accepting() as listener:
        transport = AsyncFastTransport(url_of(listener), None)
        connections: list[socket.socket] = []

        async def call() -> bytes:
            exchange = asyncio.create_task(transport.exchange(request_to(url_of(listener)), 5))
            connections.append(await served(listener))
            await asyncio.get_running_loop().sock_recv(connections[-1], 9999)
            await asyncio.get_running_loop().sock_sendall(connections[-1], OK)
            return (await exchange).body

        loops = [asyncio.new_event_loop(), asyncio.new_event_loop()]
        try:
            for loop in loops:
                assert loop.run_until_complete(call()) == b"{}"
            loops[1].run_until_complete(transport.aclose())
        finally:
            for loop, connection in zip(loops, connections, strict=True):
                connection.close()
                for _ in range(3):
                    loop.run_until_complete(asyncio.sleep(0))
                loop.close()


def test_closing_after_the_event_loop_has_ended_is_harmless():
    """A client that was not closed in its event loop can still be closed in another: there is nothing left to end."""
    ended = asyncio.new_event_loop()
    ended.close()

    async def run() -> None:
        with accepting() as listener:
            transport = AsyncFastTransport(url_of(listener), None)
            await transport.warm_up(1, 5)
            (connection,) = transport.pool.idle
            connection._loop, its_own = ended, connection._loop
            await transport.aclose()
            assert not transport.pool.idle
            connection._loop = its_own
            await connection.aclose()

    asyncio.run(run())


def test_trio_is_refused_by_name():
    """What needs asyncio says so, before anything is sent."""

    async def run() -> None:
        async with AsyncAnamClient("key", "http://127.0.0.1:1", transport="fast") as client:
            await client.create_session_token({"personaId": "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"})

    with pytest.raises(AnamConfigError, match='"fast": needs asyncio'):
        trio.run(run)


def test_a_tls_handshake_that_fails_closes_its_socket():
    """Sync: what was opened for a handshake that fails is closed."""
    with accepting() as listener:
        transport = FastTransport(url_of(listener).replace("http:", "https:"), None)
        with contextlib.closing(transport), pytest.raises(httpx.ConnectTimeout):
            transport.warm_up(1, 0.1)
        assert not transport._backend._streams


def test_both_kinds_have_the_same_trust():
    """A context of the user's own is used, and otherwise one that verifies."""
    own = ssl.create_default_context()
    for kind in (FastTransport, AsyncFastTransport):
        assert kind("https://h", own)._origin.ssl_context is own
        assert kind("https://h", None)._origin.ssl_context.verify_mode is ssl.CERT_REQUIRED
        assert kind("http://h", None)._origin.ssl_context is None


def test_no_frame_of_a_time_out_shows_what_was_sent():
    """A task's traceback goes to logs: what the client raises has no frame that holds the request."""

    async def run() -> None:
        with accepting() as listener:
            async with AsyncAnamClient("swordfish-key", url_of(listener), transport="fast", timeout=0.05) as client:
                await client.start_engine_session("swordfish.swordfish.swordfish")

    try:
        asyncio.run(run())
    except Exception as error:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "SessionStartUncertainError" in shown
    own = inspect.getsource(run)
    assert "swordfish" not in shown.replace(own, "").replace(
        'start_engine_session("swordfish.swordfish.swordfish")', ""
    )


# Writing together.


class Wire:
    """Stands for an open transport of asyncio's; keeps what is written."""

    def __init__(self, log: list[bytes], closing: bool = False) -> None:
        self._log, self._closing = log, closing

    def is_closing(self) -> bool:
        return self._closing

    def write(self, data: bytes) -> None:
        self._log.append(data)


def test_the_requests_of_one_turn_are_written_together():
    """Nothing is written before all tasks that could run have run; then all of it is, in order."""
    log: list[bytes] = []

    async def run() -> None:
        outbox = _fast._Outbox()

        async def task(request: bytes) -> None:
            outbox.put(Wire(log), request)
            assert log == []

        await asyncio.gather(*map(task, (b"a", b"b", b"c")))
        await asyncio.sleep(0)
        assert log == [b"a", b"b", b"c"]
        outbox.put(Wire(log), b"d")
        await asyncio.sleep(0)

    asyncio.run(run())
    assert log == [b"a", b"b", b"c", b"d"]


def test_a_request_cancelled_before_it_was_written_is_not():
    """A connection that closed meanwhile is left alone; the others are not."""
    log: list[bytes] = []

    async def run() -> None:
        outbox = _fast._Outbox()
        outbox.put(Wire(log, closing=True), b"cancelled")
        outbox.put(Wire(log), b"kept")
        await asyncio.sleep(0)

    asyncio.run(run())
    assert log == [b"kept"]


def test_a_loop_that_ended_before_writing_holds_up_no_other():
    """What an event loop left unwritten is gone with it; the next one writes its own."""
    log: list[bytes] = []
    outbox = _fast._Outbox()
    outbox._loop, outbox._requests = object(), [(Wire(log), b"lost")]

    async def run() -> None:
        outbox.put(Wire(log), b"new")
        await asyncio.sleep(0)

    asyncio.run(run())
    assert log == [b"new"]


# Time-outs: one timer, many exchanges.


def answering(delays: list[float], timeouts: list[float], between: float = 0.0) -> list[object]:
    """Exchanges over one connection to a server that answers after these delays; what came of each."""

    async def run() -> list[object]:
        loop = asyncio.get_running_loop()
        outcomes: list[object] = []
        with accepting() as listener:
            transport = AsyncFastTransport(url_of(listener), None)

            async def serve() -> None:
                with await served(listener) as connection:
                    for delay in delays:
                        await loop.sock_recv(connection, 9999)
                        await asyncio.sleep(delay)
                        await loop.sock_sendall(connection, OK)
                    await asyncio.sleep(60)

            server = asyncio.create_task(serve())
            for timeout in timeouts:
                try:
                    outcomes.append((await transport.exchange(request_to(url_of(listener)), timeout)).body)
                except httpx.TimeoutException as error:
                    outcomes.append(type(error))
                await asyncio.sleep(between)
            server.cancel()
            await transport.aclose()
        return outcomes

    return asyncio.run(run())


def test_a_later_exchange_may_end_sooner():
    """A short time-out after a long one holds."""
    began = time.monotonic()
    assert answering([0, 60], [30, 0.1]) == [b"{}", httpx.ReadTimeout]
    assert time.monotonic() - began < 10


def test_a_later_exchange_may_take_longer():
    """A long time-out after a short one is not cut at the short one's end."""
    assert answering([0, 0.3], [0.1, 30]) == [b"{}", b"{}"]


def test_the_end_of_a_time_out_that_nobody_waits_for_passes():
    """An idle connection outlives the time-out of its last exchange."""
    assert answering([0, 0], [0.05, 5], between=0.1) == [b"{}", b"{}"]
