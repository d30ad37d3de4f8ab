"""The fast transport: the same exchange with less work around it, for `transport="fast"`.

llhttp, the parser that Node uses and httptools brings to Python, on a plain asyncio protocol or a socket: a start takes
about a seventh of the CPU time that it takes over httpx and httpcore (`make bench`).
What it says, when it gives up and which error it raises are
the default's, and the tests of the default run over both. HTTP/1.1 only, as there; asyncio only; a proxy is not for
here: the client takes the default when the environment names one.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from functools import partial
from typing import cast

import httptools
import httpx
from aiohappyeyeballs import start_connection

from . import _network
from ._network import (
    CLOSED,
    SOCKET_OPTIONS,
    Backend,
    BoundedStream,
    as_httpx,
    news_of,
    time_left,
    trust_settings,
)
from ._pool import AsyncPool, Pool
from ._transport import Answer, Reader, Request, until
from .errors import AnamConfigError, Problem

MAX_HEAD = 100 * 1024
"""Bytes of a status line and headers at most; what httpcore allows too."""

BUFFER = 16 * 1024
"""Bytes read at a time; answers are smaller."""

_SILENT = "Server disconnected without sending a response."
_BROKEN_OFF = "peer closed connection without sending complete message body"
_BODYLESS = (b"content-length", b"transfer-encoding")


class _Origin:
    """Where requests go, and how they are written."""

    def __init__(self, base_url: str, ssl_context: ssl.SSLContext | None) -> None:
        url = httpx.URL(base_url)
        self.host = url.raw_host.decode("ascii")
        self.port = url.port or (443 if url.scheme == "https" else 80)
        self.ssl_context = trust_settings(base_url, ssl_context)
        if self.ssl_context is not None:
            self.ssl_context.set_alpn_protocols(["http/1.1"])
        self._authority = url.netloc.decode("ascii")
        self._prefix = len(f"{url.scheme}://{self._authority}")

    def bytes_of(self, request: Request) -> bytes:
        """The request as it goes over the wire."""
        lines = [f"{name}: {value}" for name, value in request.headers.items()]
        lines[:0] = (
            f"{request.method} {request.url[self._prefix :]} HTTP/1.1",
            f"Host: {self._authority}",
            f"Content-Length: {len(request.content)}",
        )
        head = "\r\n".join(lines)
        if head.count("\r") != len(lines) - 1 or head.count("\n") != len(lines) - 1 or not head.isascii():
            # All of it was checked before; should a check ever miss something, it ends here.
            raise httpx.LocalProtocolError("a header holds a line break, or is not ASCII")
        return b"%b\r\n\r\n%b" % (head.encode("ascii"), request.content)


class _Parser:
    """Makes answers of the bytes that come over a connection, one after the other.

    Attributes:
        finished: Whether the answer is there.
        reusable: Whether the connection can take another request.
    """

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.finished = True
        self.reusable = True

    def begin(self, deadline: float) -> None:
        """The next answer is about to come."""
        self._deadline = deadline
        self._headers: list[tuple[bytes, bytes]] = []
        self._reader: Reader | None = None
        self._head = 0
        self.finished = self.reusable = False

    def feed(self, data: bytes | memoryview) -> Answer | None:
        """Takes what came; returns the answer once it is there.

        Raises:
            httpx.RemoteProtocolError: It is not HTTP.
            httpx.ReadTimeout: It is still coming when it should have ended.
        """
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if isinstance(error.__context__, httpx.TransportError):
                return self.broken(error.__context__)
            if not self.finished:
                return self.broken(httpx.RemoteProtocolError(str(error)))
            self.reusable = False
        if self._reader is None:
            self._head += len(data)
            if self._head > MAX_HEAD:
                raise httpx.RemoteProtocolError("the head of the answer is too long")
            return None
        return self._reader.answer() if self.finished else None

    def end(self) -> Answer:
        """The server has closed the connection: that may be the end of the answer."""
        if self._reader is None:
            raise httpx.RemoteProtocolError(_BROKEN_OFF if self._head else _SILENT)
        if any(name.lower() in _BODYLESS for name, _ in self._headers):
            return self.broken(httpx.RemoteProtocolError(_BROKEN_OFF))
        return self._reader.answer()

    def broken(self, error: httpx.TransportError) -> Answer:
        """The rest will not come. After an error status, what came still counts."""
        if self._reader is None or not self._reader.survives_breaking_off():
            raise error
        return self._reader.answer()

    # What httptools calls.

    def on_message_begin(self) -> None:
        """A message begins: one more than was asked for, when the answer is there already."""
        self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which is ignored."""
        if self._reader is None:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is there."""
        status = self._parser.get_status_code()
        if self._reader is None and (status >= 200 or status == 101):
            self._reader = Reader(status, self._headers, self._deadline)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if not self.finished and self._reader is not None and not self._reader.take(body):
            self.finished = True

    def on_message_complete(self) -> None:
        """The message is whole; after an interim one (1xx) the answer is still to come."""
        if self._reader is None:
            self._headers.clear()
        elif not self.finished:
            self.finished, self.reusable = True, bool(self._parser.should_keep_alive())


class FastTransport:
    """Exchanges over sockets, for threads."""

    library = f"httptools/{httptools.__version__}"

    def __init__(self, base_url: str, ssl_context: ssl.SSLContext | None) -> None:
        self._origin = _Origin(base_url, ssl_context)
        self._backend = Backend()
        self.pool: Pool[_Connection] = Pool()

    def exchange(self, request: Request, timeout: float) -> Answer:
        """Sends a request and reads the whole answer, all within `timeout` seconds. Raises what `send` raises."""
        deadline = time.monotonic() + timeout
        content = self._origin.bytes_of(request)
        with until(deadline):
            connection = self.pool.take(self._connect)
            try:
                return connection.exchange(content, deadline)
            finally:
                self.pool.give_back(connection)

    def warm_up(self, connections: int, timeout: float) -> None:
        """Makes connections until so many wait for calls."""
        with until(time.monotonic() + timeout):
            while len(self.pool.idle) < connections:
                self.pool.keep(self._connect())

    def _connect(self) -> _Connection:
        origin = self._origin
        with as_httpx():
            stream = self._backend.connect_tcp(origin.host, origin.port)
            if origin.ssl_context is not None:
                try:
                    stream = stream.start_tls(origin.ssl_context, origin.host)
                except BaseException:
                    stream.close()
                    raise
        return _Connection(stream, secure=origin.ssl_context is not None)

    def close(self) -> None:
        """Closes the connections. Calls under way fail."""
        self.pool.close()
        self._backend.close()


class _Connection:
    """One socket, and the exchange on it."""

    def __init__(self, stream: BoundedStream, *, secure: bool) -> None:
        self._stream = stream
        self._parser = _Parser()
        self._may_have_tickets = secure
        self._idle_since = time.monotonic()

    def exchange(self, request: bytes, deadline: float) -> Answer:
        """Sends the bytes and reads the answer."""
        parser = self._parser
        parser.begin(deadline)
        with as_httpx():
            self._stream.write(request)
        answer = None
        while answer is None:
            try:
                with as_httpx():
                    data = self._stream.read(65_536)
            except httpx.TransportError as error:
                return parser.broken(error)
            answer = parser.feed(data) if data else parser.end()
        self._may_have_tickets = False
        self._idle_since = time.monotonic()
        return answer

    def is_available(self) -> bool:
        """Whether it can take another request."""
        return self._parser.reusable

    def has_expired(self) -> bool:
        """Whether it was idle for too long, or the server has hung up."""
        if time.monotonic() - self._idle_since > _network.KEEPALIVE_EXPIRY:
            return True
        return news_of(self._stream.get_extra_info("socket"), tickets=self._may_have_tickets)()

    def close(self) -> None:
        """Ends it."""
        self._stream.close()


class AsyncFastTransport:
    """The same without blocking; on asyncio."""

    library = f"httptools/{httptools.__version__}"

    def __init__(self, base_url: str, ssl_context: ssl.SSLContext | None) -> None:
        self._origin = _Origin(base_url, ssl_context)
        self._closed = False
        # One for all connections: the event loop fills and hands over one at a time, and it stays in the CPU's cache.
        self._buffer = memoryview(bytearray(BUFFER))
        self._outbox = _Outbox()
        self.pool: AsyncPool[_AsyncConnection] = AsyncPool()

    async def exchange(self, request: Request, timeout: float) -> Answer:
        """Sends a request and reads the whole answer, all within `timeout` seconds. Raises what `send` raises."""
        deadline = time.monotonic() + timeout
        content = self._origin.bytes_of(request)
        with until(deadline):
            connection = await self.pool.take(self._connect)
            try:
                return await connection.exchange(content, deadline)
            finally:
                await self.pool.give_back(connection)

    async def warm_up(self, connections: int, timeout: float) -> None:
        """Makes connections until so many wait for calls."""
        with until(time.monotonic() + timeout):
            while len(self.pool.idle) < connections:
                await self.pool.keep(await self._connect())

    async def _connect(self) -> _AsyncConnection:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            rule = "needs asyncio; on trio use the default"
            raise AnamConfigError(Problem("transport", '"fast"', rule)) from None
        origin = self._origin
        try:
            async with asyncio.timeout(time_left(None, httpx.ConnectTimeout)):
                found = await loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
                # Not create_connection's own race between address families: cancelled, it can leave a socket open.
                sock = await start_connection(found, happy_eyeballs_delay=0.25)
                _, connection = await loop.create_connection(
                    partial(_AsyncConnection, loop, self._outbox, self._buffer, secure=origin.ssl_context is not None),
                    sock=sock,
                    ssl=origin.ssl_context,
                    server_hostname=origin.host if origin.ssl_context else None,
                )
        except TimeoutError:
            raise httpx.ConnectTimeout("no connection in time") from None
        except OSError as error:
            raise httpx.ConnectError(str(error)) from None
        if self._closed:  # meanwhile
            await connection.aclose()
            raise httpx.ConnectError(CLOSED)
        return connection

    async def aclose(self) -> None:
        """Closes the connections. Calls under way fail."""
        self._closed = True
        await self.pool.aclose()


class _Outbox:
    """Writes the requests of all tasks that the event loop runs in one turn, one right after the other.

    A server that is woken once for many requests, instead of once for each, leaves both sides more time.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._requests: list[tuple[asyncio.Transport, bytes]] = []

    def put(self, transport: asyncio.Transport, request: bytes) -> None:
        """Has the request written in the next turn of the event loop."""
        loop = asyncio.get_running_loop()
        if not self._requests or loop is not self._loop:
            self._loop, self._requests = loop, []
            loop.call_soon(self._write, self._requests)
        self._requests.append((transport, request))

    def _write(self, requests: list[tuple[asyncio.Transport, bytes]]) -> None:
        for transport, request in requests:
            if not transport.is_closing():  # the call was cancelled meanwhile
                transport.write(request)
        requests.clear()


class _AsyncConnection(asyncio.BufferedProtocol):
    """One connection, and the exchange on it."""

    _transport: asyncio.Transport

    def __init__(self, loop: asyncio.AbstractEventLoop, outbox: _Outbox, buffer: memoryview, *, secure: bool) -> None:
        self._loop = loop
        self._outbox = outbox
        self._secure = secure
        self._parser = _Parser()
        self._buffer = buffer
        self._answer: asyncio.Future[Answer] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = self._timer_ends = 0.0
        self._lost: asyncio.Future[None] = loop.create_future()
        self._reusable = True
        self._idle_since = time.monotonic()

    async def exchange(self, request: bytes, deadline: float) -> Answer:
        """Sends the bytes and waits for the answer."""
        if not self._reusable:
            raise httpx.ConnectError("the connection was closed before it was used")
        self._reusable = False
        self._parser.begin(deadline)
        self._answer = self._loop.create_future()
        self._expire_at(deadline)
        try:
            self._outbox.put(self._transport, request)
            answer = await self._answer
        finally:
            self._answer = None
        # What was not sent whole when the answer came would run into the next request.
        sent = self._transport.get_write_buffer_size() == 0
        self._reusable = self._parser.reusable and sent and not self._transport.is_closing()
        self._idle_since = time.monotonic()
        return answer

    def is_available(self) -> bool:
        """Whether it can take another request."""
        return self._reusable

    def has_expired(self) -> bool:
        """Whether it was idle for too long, belongs to another event loop, or the server has hung up."""
        if not self._reusable or time.monotonic() - self._idle_since > _network.KEEPALIVE_EXPIRY:
            return True
        if self._loop is not asyncio.get_running_loop():
            return True
        return self._news()  # what the event loop has had no time to notice yet

    async def aclose(self) -> None:
        """Ends it, and the exchange under way on it."""
        self._reusable = False
        if not self._loop.is_closed():
            self._transport.abort()
            await asyncio.wait([self._lost], timeout=1)

    def _settle(self, make: Callable[[_Parser], Answer | None]) -> None:
        """Ends the exchange with the answer, if it is there, or the error."""
        waiting = self._answer
        if waiting is None or waiting.done():
            return
        try:
            answer = make(self._parser)
        except httpx.TransportError as error:
            waiting.set_exception(error)
        else:
            if answer is not None:
                waiting.set_result(answer)

    def _expire_at(self, deadline: float) -> None:
        # One timer for many exchanges: it is left to run and looks again, for setting one and cancelling it each time
        # costs more than writing the request.
        self._deadline = deadline
        if self._timer is not None and self._timer_ends > deadline:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_later(deadline - time.monotonic(), self._expire)
            self._timer_ends = deadline

    def _expire(self) -> None:
        self._timer = None
        if self._answer is None:
            return
        if time.monotonic() < self._deadline:
            self._expire_at(self._deadline)
            return
        late = httpx.WriteTimeout if self._transport.get_write_buffer_size() else httpx.ReadTimeout
        self._settle(lambda parser: parser.broken(late("the time for this attempt is used up")))

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        for option in SOCKET_OPTIONS:
            sock.setsockopt(*option)
        self._news = news_of(sock, tickets=self._secure)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go: asyncio would allocate 256 KiB each time."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came."""
        if self._answer is None:  # unasked
            self._reusable = False
        self._settle(lambda parser: parser.feed(self._buffer[:nbytes]))

    def eof_received(self) -> None:
        """The server will send no more; the event loop closes the connection."""
        self._reusable = False
        self._settle(lambda parser: parser.end())

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._reusable = False
        self._settle(lambda parser: parser.broken(httpx.ReadError(str(exc) if exc else CLOSED)))
        if self._timer is not None:
            self._timer.cancel()
        self._lost.set_result(None)
