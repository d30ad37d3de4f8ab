"""The fast transport, for `transport="fast"`: the same exchange with less work around it.

llhttp, the parser that Node uses and httptools brings to Python, on a plain asyncio protocol or a socket. HTTP/1.1
only, as in the default; asyncio only; a proxy is not for here: the default is taken when the environment names one.
"""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, cast

import httptools
import httpx
from aiohappyeyeballs import start_connection

from ..errors import AnamConfigError, Problem
from .exchange import Answer, Reader, Request
from .network import SOCKET_OPTIONS, addresses, trust_settings
from .pool import AsyncConnection, AsyncPooled, Connection, Pooled

LIBRARY = f"httptools/{httptools.__version__}"

MAX_HEAD = 100 * 1024
"""Bytes of a status line and headers at most; what httpcore allows too."""

BUFFER = 4 * 1024
"""Bytes read at a time; answers are smaller."""

_SILENT = "the server disconnected without sending a response"
_BROKEN_OFF = "the server disconnected in the middle of its answer"
_BODYLESS = (b"content-length", b"transfer-encoding")


def fast(base_url: str, ssl_context: ssl.SSLContext | None, *, for_async: bool) -> Pooled | AsyncPooled:
    """Exchanges over sockets: for threads, or on asyncio."""
    origin = Origin(base_url, ssl_context)
    return AsyncPooled(partial(_Protocol, origin), LIBRARY) if for_async else Pooled(partial(_Socket, origin), LIBRARY)


class Origin:
    """Where requests go, and how they are written."""

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


class Parser:
    """Makes answers of the bytes that come over a connection, one after the other.

    Attributes:
        finished: Whether the answer is there.
        reusable: Whether the connection can take another request.
    """

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.finished = True
        self.reusable = True

    def begin(self) -> None:
        self._headers: list[tuple[bytes, bytes]] = []
        self._reader = Reader()
        self._head = 0
        self.finished = self.reusable = False

    def feed(self, data: bytes | memoryview) -> Answer | None:
        """Takes what came; returns the answer once it is there. Raises an `OSError` when it will never be."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.reusable = False
            if not self.finished:
                return self.broken(ConnectionError(f"not HTTP: {error}"))
        if self._reader.status_code == 0:
            self._head += len(data)
            if self._head > MAX_HEAD:
                raise ConnectionError("the head of the answer is too long")
        return self._reader.answer() if self.finished else None

    def end(self, _: object = None) -> Answer:
        """The server has closed the connection: that may be the end of the answer."""
        if self._reader.status_code == 0:
            raise ConnectionError(_BROKEN_OFF if self._head else _SILENT)
        if any(name.lower() in _BODYLESS for name, _ in self._headers):
            return self.broken(ConnectionError(_BROKEN_OFF))
        return self._reader.answer()

    def broken(self, error: OSError) -> Answer:
        """The rest will not come. After an error status, what came still counts."""
        return self._reader.broken(error)

    # What httptools calls.

    def on_message_begin(self) -> None:
        """A message begins: one more than was asked for, when the answer is there already."""
        self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._reader.status_code == 0:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._reader.status_code == 0 and (status >= 200 or status == 101):
            self._reader.begin(status, self._headers)

    def on_body(self, body: bytes) -> None:
        if not self.finished and not self._reader.take(body):
            self.finished = True

    def on_message_complete(self) -> None:
        """The message is whole; after an interim one (1xx) the answer is still to come."""
        if self._reader.status_code == 0:
            self._headers.clear()
        elif not self.finished:
            self.finished, self.reusable = True, bool(self._parser.should_keep_alive())


class _Socket(Connection):
    """One socket, and the exchanges on it."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._parser = Parser()
        self._socket: socket.socket | None = None

    def open(self, request: Request) -> None:
        host, port = self._origin.host, self._origin.port
        # An address may be dead. Python tries one after the other, so each gets its share of the time.
        self._socket = sock = socket.create_connection((host, port), request.left() / addresses(host, port))
        for option in (*SOCKET_OPTIONS, (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)):
            sock.setsockopt(*option)
        if self._origin.ssl_context is not None:
            sock.settimeout(request.left())
            self._socket = self._origin.ssl_context.wrap_socket(sock, server_hostname=host)
        self.reusable = True

    def exchange(self, request: Request) -> Answer:
        if self._socket is None:
            self.open(request)
        sock = cast("socket.socket", self._socket)
        sock.settimeout(request.left())
        self._parser.begin()
        self.reusable = False
        try:
            sock.sendall(self._origin.take(request))
            answer = None
            while answer is None:
                sock.settimeout(request.left())
                data = sock.recv(65_536)
                answer = self._parser.feed(data) if data else self._parser.end()
        except OSError as error:
            return self._parser.broken(error)
        self.reusable = self._parser.reusable
        return answer

    def is_alive(self) -> bool:
        sock = cast("socket.socket", self._socket)
        sock.settimeout(0)
        try:
            sock.recv(1)  # the end, or something that nobody asked for; TLS's session tickets do not count
        except OSError as error:
            return isinstance(error, (BlockingIOError, ssl.SSLWantReadError))
        return False

    def wake(self) -> None:
        with suppress(OSError, AttributeError):  # it may not be connected yet
            cast("socket.socket", self._socket).shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()


class _Protocol(AsyncConnection, asyncio.BufferedProtocol):
    """One connection of an event loop, and the exchanges on it."""

    def __init__(self, origin: Origin) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            rule = "needs asyncio; on trio use the default"
            raise AnamConfigError(Problem("transport", '"fast"', rule)) from None
        self._origin = origin
        self._parser = Parser()
        self._transport: asyncio.Transport | None = None
        self._buffer = memoryview(bytearray(BUFFER))  # asyncio would allocate 256 KiB for each answer
        self._answer: asyncio.Future[Answer] | None = None
        self._looks_at = math.inf
        self._timer: asyncio.TimerHandle | None = None

    async def open(self, request: Request) -> None:
        origin = self._origin
        async with asyncio.timeout(request.left()):
            found = await self._loop.getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
            # Not create_connection's own race between address families: cancelled, it can leave a socket open.
            sock = await start_connection(found, happy_eyeballs_delay=0.25)
            name = origin.host if origin.ssl_context else None
            await self._loop.create_connection(lambda: self, sock=sock, ssl=origin.ssl_context, server_hostname=name)

    async def exchange(self, request: Request) -> Answer:
        if self._transport is None:
            await self.open(request)
        if not self.reusable:
            raise ConnectionError("the connection was closed before it was used")
        transport = cast("asyncio.Transport", self._transport)
        self.reusable = False
        self._parser.begin()
        self._answer = self._loop.create_future()
        self._deadline = request.deadline
        if self._deadline < self._looks_at:
            self._look()
        try:
            # Not at once, but together with what other tasks send in this turn of the event loop: to wake the server
            # for many requests, not for each, took up to a quarter less CPU time. A view, for asyncio's debug mode
            # shows what is handed over.
            self._loop.call_soon(transport.write, memoryview(self._origin.take(request)))
            answer = await self._answer
        finally:
            self._answer = None
        # What was not sent whole when the answer came would run into the next request.
        sent = transport.get_write_buffer_size() == 0
        self.reusable = self._parser.reusable and sent and not transport.is_closing()
        return answer

    async def aclose(self) -> None:
        self.reusable = False
        if self._transport is not None:
            self._transport.abort()
            await asyncio.sleep(0)  # for the event loop to close the socket

    def _settle(self, made: Callable[[Any], Answer | None], of: object) -> None:
        waiting = self._answer
        if waiting is None or waiting.done():
            return
        try:
            answer = made(of)
        except OSError as error:
            waiting.set_exception(error)
        else:
            if answer is not None:
                waiting.set_result(answer)

    def _look(self) -> None:
        # Ends an exchange that is late. One timer serves many: it is left to run and looks again, for setting one and
        # cancelling it each time costs more than writing the request.
        if self._timer is not None:
            self._timer.cancel()
        left = self._deadline - time.monotonic()
        if left > 0:
            self._looks_at = self._deadline
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._looks_at = math.inf
            self._settle(self._parser.broken, TimeoutError("the answer did not come in time"))

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.reusable = True
        for option in SOCKET_OPTIONS:
            transport.get_extra_info("socket").setsockopt(*option)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._answer is None:  # unasked
            self.reusable = False
        self._settle(self._parser.feed, self._buffer[:nbytes])

    def eof_received(self) -> None:
        """The server will send no more; the event loop closes the connection."""
        self.reusable = False
        self._settle(self._parser.end, None)

    def connection_lost(self, exc: Exception | None) -> None:
        self.reusable = False
        self._settle(self._parser.broken, ConnectionError(str(exc) if exc else _BROKEN_OFF))
        if self._timer is not None:  # it would keep the connection in memory until then
            self._timer.cancel()
