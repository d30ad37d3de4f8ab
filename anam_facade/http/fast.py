"""The fast transport, for `transport="fast"`: the same exchange with less work around it.

llhttp, the parser that Node uses and httptools brings to Python, on a plain asyncio protocol or a socket. HTTP/1.1
only, as in the default; asyncio only; a proxy is not for here: the default is taken when the environment names one.
"""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import cast

import httptools
import httpx
from aiohappyeyeballs import start_connection

from ..errors import AnamConfigError, Problem
from .exchange import Answer, AsyncExchange, Exchange, Reader, Request
from .network import SOCKET_OPTIONS, PerLoop, PerProcess, trust_settings
from .pool import AsyncPool, Pool

MAX_HEAD = 100 * 1024
"""Bytes of a status line and headers at most; what httpcore allows too."""

BUFFER = 16 * 1024
"""Bytes read at a time; answers are smaller."""

_LATE = "the answer did not come in time"
_SILENT = "the server disconnected without sending a response"
_BROKEN_OFF = "the server disconnected in the middle of its answer"
_BODYLESS = (b"content-length", b"transfer-encoding")


class _Origin:
    """Where requests go, and how they are written."""

    library = f"httptools/{httptools.__version__}"

    def __init__(self, base_url: str, ssl_context: ssl.SSLContext | None) -> None:
        url = httpx.URL(base_url)
        self.host = url.raw_host.decode("ascii")
        self.port = url.port or (443 if url.scheme == "https" else 80)
        self.ssl_context = trust_settings(base_url, ssl_context) if url.scheme == "https" else None
        if self.ssl_context is not None:
            self.ssl_context.set_alpn_protocols(["http/1.1"])
        self._prefix = len(f"{url.scheme}://{url.netloc.decode('ascii')}")

    def take(self, request: Request) -> bytes:
        """The request as it goes over the wire; from here on it counts as sent."""
        lines = [f"{request.method} {request.url[self._prefix :]} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        head = "\r\n".join(lines)
        if head.count("\r") != len(lines) - 1 or head.count("\n") != len(lines) - 1:
            # All of it was checked before; should a check ever miss something, it ends here.
            raise ValueError("a header holds a line break")
        return b"%b\r\n\r\n%b" % (head.encode("ascii"), request.take())


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
        self._deadline = deadline
        self._headers: list[tuple[bytes, bytes]] = []
        self._reader: Reader | None = None
        self._head = 0
        self.finished = self.reusable = False

    def feed(self, data: bytes | memoryview) -> Answer | None:
        """Takes what came; returns the answer once it is there. Raises an `OSError` when it will never be."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if isinstance(error.__context__, TimeoutError):
                return self.broken(error.__context__)
            if not self.finished:
                return self.broken(ConnectionError(f"not HTTP: {error}"))
            self.reusable = False
        if self._reader is None:
            self._head += len(data)
            if self._head > MAX_HEAD:
                raise ConnectionError("the head of the answer is too long")
            return None
        return self._reader.answer() if self.finished else None

    def end(self) -> Answer:
        """The server has closed the connection: that may be the end of the answer."""
        if self._reader is None:
            raise ConnectionError(_BROKEN_OFF if self._head else _SILENT)
        if any(name.lower() in _BODYLESS for name, _ in self._headers):
            return self.broken(ConnectionError(_BROKEN_OFF))
        return self._reader.answer()

    def broken(self, error: OSError) -> Answer:
        """The rest will not come. After an error status, what came still counts."""
        if self._reader is None or not self._reader.survives_breaking_off():
            raise error
        return self._reader.answer()

    # What httptools calls.

    def on_message_begin(self) -> None:
        """A message begins: one more than was asked for, when the answer is there already."""
        self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._reader is None:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._reader is None and (status >= 200 or status == 101):
            self._reader = Reader(status, self._headers, self._deadline)

    def on_body(self, body: bytes) -> None:
        if not self.finished and self._reader is not None and not self._reader.take(body):
            self.finished = True

    def on_message_complete(self) -> None:
        """The message is whole; after an interim one (1xx) the answer is still to come."""
        if self._reader is None:
            self._headers.clear()
        elif not self.finished:
            self.finished, self.reusable = True, bool(self._parser.should_keep_alive())


def _news_of(sock: socket.socket, *, tickets: bool) -> Callable[[], bool]:
    """A function that tells whether the server has closed an idle connection, or said something that nobody asked for.

    With TLS 1.3 that may be session tickets, sent after the handshake and not read yet: with `tickets` only closing
    counts, where the system tells the two apart.
    """
    if sys.platform == "win32":
        return lambda: bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock, getattr(select, "POLLRDHUP", select.POLLIN) if tickets else select.POLLIN)
    return lambda: bool(poll.poll(0))


class Fast(_Origin, Exchange):
    """Exchanges over sockets, for threads."""

    def __init__(self, base_url: str, ssl_context: ssl.SSLContext | None) -> None:
        super().__init__(base_url, ssl_context)
        self._own: PerProcess[Pool[_Connection]] = PerProcess(Pool)

    def exchange(self, request: Request) -> Answer:
        pool = self._own.here()
        connection = pool.take(partial(self._connect, request.deadline), request.timeout)
        whole = False
        try:
            answer = connection.exchange(self, request)
            whole = connection.is_reusable()
            return answer
        finally:
            pool.give_back(connection, whole)

    def warm_up(self, make: Callable[[], Request], connections: int) -> None:
        pool = self._own.here()
        held: list[_Connection] = []
        try:
            while len(pool.idle) + len(held) < connections:
                asked = make()
                held.append(pool.take(partial(self._connect, asked.deadline), asked.timeout, new=True))
        finally:
            for connection in held:
                pool.give_back(connection, whole=True)

    def _connect(self, deadline: float) -> _Connection:
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        for number, (family, kind, protocol, _, address) in enumerate(found, 1):
            sock = socket.socket(family, kind, protocol)
            try:
                # An address may be dead: each gets its share of the time that is left.
                sock.settimeout(_left(deadline) / (len(found) - number + 1))
                sock.connect(address)
                for option in SOCKET_OPTIONS:
                    sock.setsockopt(*option)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self.ssl_context is not None:
                    sock = self.ssl_context.wrap_socket(sock, server_hostname=self.host)
                return _Connection(sock, secure=self.ssl_context is not None)
            except BaseException as error:
                sock.close()
                if number == len(found) or not isinstance(error, OSError) or isinstance(error, ssl.SSLError):
                    raise
        raise OSError(f"{self.host} has no address")

    def close(self) -> None:
        self._own.here().close()


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError(_LATE)
    return left


class _Connection:
    """One socket, and the exchange on it."""

    def __init__(self, sock: socket.socket, *, secure: bool) -> None:
        self._socket = sock
        self._parser = _Parser()
        self._may_have_tickets = secure
        self.idle_since = 0.0

    def exchange(self, origin: _Origin, request: Request) -> Answer:
        self._parser.begin(request.deadline)
        self._socket.settimeout(_left(request.deadline))
        self._socket.sendall(origin.take(request))
        answer = None
        while answer is None:
            try:
                self._socket.settimeout(_left(request.deadline))
                data = self._socket.recv(65_536)
            except OSError as error:
                return self._parser.broken(error)
            answer = self._parser.feed(data) if data else self._parser.end()
        self._may_have_tickets = False
        return answer

    def is_reusable(self) -> bool:
        return self._parser.reusable

    def is_alive(self) -> bool:
        return not _news_of(self._socket, tickets=self._may_have_tickets)()

    def wake(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._socket.close()


class AsyncFast(_Origin, AsyncExchange):
    """The same without blocking; on asyncio."""

    def __init__(self, base_url: str, ssl_context: ssl.SSLContext | None) -> None:
        super().__init__(base_url, ssl_context)
        self._own = PerLoop(_OneLoop)

    async def exchange(self, request: Request) -> Answer:
        own = await self._here()
        connection = await own.take(partial(self._connect, own, request.deadline), request.timeout)
        whole = False
        try:
            answer = await connection.exchange(self, request)
            whole = connection.is_reusable()
            return answer
        finally:
            await own.give_back(connection, whole)

    async def warm_up(self, make: Callable[[], Request], connections: int) -> None:
        own = await self._here()
        held: list[_AsyncConnection] = []
        try:
            while len(own.idle) + len(held) < connections:
                asked = make()
                held.append(await own.take(partial(self._connect, own, asked.deadline), asked.timeout, new=True))
        finally:
            for connection in held:
                await own.give_back(connection, connection.is_reusable())

    async def _here(self) -> _OneLoop:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            rule = "needs asyncio; on trio use the default"
            raise AnamConfigError(Problem("transport", '"fast"', rule)) from None
        return await self._own.here()

    async def _connect(self, own: _OneLoop, deadline: float) -> _AsyncConnection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(_left(deadline)):
            found = await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            # Not create_connection's own race between address families: cancelled, it can leave a socket open.
            sock = await start_connection(found, happy_eyeballs_delay=0.25)
            _, connection = await loop.create_connection(
                partial(_AsyncConnection, own, secure=self.ssl_context is not None),
                sock=sock,
                ssl=self.ssl_context,
                server_hostname=self.host if self.ssl_context else None,
            )
        return connection

    async def aclose(self) -> None:
        await self._own.aclose()


class _OneLoop(AsyncPool["_AsyncConnection"]):
    """The connections of one event loop, and what they share.

    The requests of all tasks that the loop runs in one turn are written one right after the other: a server that is
    woken once for many of them, instead of once for each, leaves both sides more time.
    """

    def __init__(self) -> None:
        super().__init__()
        # The loop fills it and hands it over for one connection at a time, and it stays in the CPU's cache.
        self.buffer = memoryview(bytearray(BUFFER))
        self._outbox: list[tuple[asyncio.Transport, bytes]] = []

    def write(self, transport: asyncio.Transport, request: bytes) -> None:
        if not self._outbox:
            asyncio.get_running_loop().call_soon(self._write)
        self._outbox.append((transport, request))

    def _write(self) -> None:
        for transport, request in self._outbox:
            if not transport.is_closing():  # the call was cancelled meanwhile
                transport.write(request)
        self._outbox.clear()


class _AsyncConnection(asyncio.BufferedProtocol):
    """One connection, and the exchange on it."""

    _transport: asyncio.Transport

    def __init__(self, own: _OneLoop, *, secure: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self._own = own
        self._secure = secure
        self._parser = _Parser()
        self._answer: asyncio.Future[Answer] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = self._timer_ends = 0.0
        self._lost: asyncio.Future[None] = self._loop.create_future()
        self._reusable = True
        self.idle_since = 0.0

    async def exchange(self, origin: _Origin, request: Request) -> Answer:
        if not self._reusable:
            raise ConnectionError("the connection was closed before it was used")
        self._reusable = False
        self._parser.begin(request.deadline)
        self._answer = self._loop.create_future()
        self._expire_at(request.deadline)
        try:
            self._own.write(self._transport, origin.take(request))
            answer = await self._answer
        finally:
            self._answer = None
        # What was not sent whole when the answer came would run into the next request.
        sent = self._transport.get_write_buffer_size() == 0
        self._reusable = self._parser.reusable and sent and not self._transport.is_closing()
        return answer

    def is_reusable(self) -> bool:
        return self._reusable

    def is_alive(self) -> bool:
        """Whether the server has not hung up, as far as the event loop has had the time to notice, or it shows."""
        return self._reusable and not self._news()

    async def aclose(self) -> None:
        self._reusable = False
        self._transport.abort()
        await asyncio.wait([self._lost], timeout=1)

    def _settle(self, make: Callable[[], Answer | None]) -> None:
        waiting = self._answer
        if waiting is None or waiting.done():
            return
        try:
            answer = make()
        except OSError as error:
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
        else:
            self._settle(partial(self._parser.broken, TimeoutError(_LATE)))

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        for option in SOCKET_OPTIONS:
            sock.setsockopt(*option)
        self._news = _news_of(sock, tickets=self._secure)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go: asyncio would allocate 256 KiB each time."""
        return self._own.buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._answer is None:  # unasked
            self._reusable = False
        self._settle(partial(self._parser.feed, self._own.buffer[:nbytes]))

    def eof_received(self) -> None:
        """The server will send no more; the event loop closes the connection."""
        self._reusable = False
        self._settle(self._parser.end)

    def connection_lost(self, exc: Exception | None) -> None:
        self._reusable = False
        self._settle(partial(self._parser.broken, ConnectionError(str(exc) if exc else _BROKEN_OFF)))
        if self._timer is not None:
            self._timer.cancel()
        self._lost.set_result(None)
