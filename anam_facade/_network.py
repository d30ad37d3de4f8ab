"""The network below a connection pool: sockets that know when the attempt must be over, trust, and proxies.

httpx's own transports offer no place for such sockets, and their read time-out starts anew with every byte that comes.
"""

from __future__ import annotations

import select
import socket
import ssl
import sys
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any, cast
from urllib.parse import urlsplit

import httpcore
import httpx

from ._transport import attempt_deadline, is_loopback
from .errors import AnamConfigError, Problem

KEEPALIVE_EXPIRY = 600.0
"""Seconds for which an idle connection is kept: agents start a session now and then, not every few seconds."""

CLOSED = "the client was closed"

# Idle connections are probed, so that a router in between neither forgets them nor hides that they are dead.
SOCKET_OPTIONS: list[httpcore.SOCKET_OPTION] = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), seconds)
        for name, seconds in (("TCP_KEEPIDLE", 45), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 3))
        if hasattr(socket, name)
    ),
]


def core_options(base_url: str, ssl_context: ssl.SSLContext | None) -> dict[str, Any]:
    """The arguments of an httpcore pool."""
    proxy = proxy_for(base_url)
    if proxy is not None:
        _check_proxy(proxy)
    return {
        "ssl_context": trust_settings(base_url, ssl_context),
        "proxy": proxy and _core_proxy(proxy),
        "keepalive_expiry": KEEPALIVE_EXPIRY,
    }


def trust_settings(base_url: str, ssl_context: ssl.SSLContext | None) -> ssl.SSLContext | None:
    """The TLS settings: the user's, or those that verify."""
    if ssl_context is not None or not base_url.startswith("https:"):
        # Making a context reads the whole bundle of certificates: not for a server on loopback.
        return ssl_context
    context = httpx.create_ssl_context()
    # Some distributions leave the floor to a configuration file.
    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    return context


def proxy_for(base_url: str) -> str | None:
    """The proxy that the environment asks for (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`), as httpx does."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _check_proxy(url: str) -> None:
    # The value is not shown: it may hold a password.
    where = "the proxy in the environment (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY)"
    try:
        scheme = httpx.Proxy(url).url.scheme
    except (ValueError, httpx.InvalidURL):
        raise AnamConfigError(Problem(where, "", "must be an http, https, socks5 or socks5h URL")) from None
    if scheme.startswith("socks") and find_spec("socksio") is None:
        raise AnamConfigError(Problem(where, "", 'needs SOCKS: pip install "httpx[socks]"'))


def _core_proxy(url: str) -> httpcore.Proxy:
    proxy = httpx.Proxy(url)
    return httpcore.Proxy(
        httpcore.URL(
            scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=proxy.url.raw_path
        ),
        auth=proxy.raw_auth,
    )


@contextmanager
def as_httpx() -> Iterator[None]:
    """httpx has every exception of httpcore's under the same name. The frames are dropped: they hold the bearer."""
    try:
        yield
    except _CORE_ERRORS as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from None


_CORE_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


def may_be_used(opened: float, stream: BoundedStream | AsyncBoundedStream) -> bool:
    """Whether a connection that was made ahead still stands."""
    if time.monotonic() - opened > KEEPALIVE_EXPIRY:
        return False
    return not news_of(stream.get_extra_info("socket"), tickets=stream.is_secure)()


def news_of(sock: socket.socket, *, tickets: bool) -> Callable[[], bool]:
    """A function that tells whether the server has closed an idle connection, or said something that nobody asked for.

    With TLS 1.3 that may be session tickets, sent after the handshake and not read yet: with `tickets` only closing
    counts, where the system tells the two apart.
    """
    if sys.platform == "win32":
        return lambda: bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock, getattr(select, "POLLRDHUP", select.POLLIN) if tickets else select.POLLIN)
    return lambda: bool(poll.poll(0))


class Backend(httpcore.NetworkBackend):
    """Opens sockets that keep to the attempt's deadline, and closes them all at once."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()
        self._lock = threading.Lock()
        self._streams: set[BoundedStream] = set()
        self._ready: deque[tuple[float, BoundedStream]] = deque()
        self._closed = False

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> BoundedStream:
        """One of the connections made ahead, or else a new one."""
        while self._ready:
            with suppress(IndexError):  # another thread was quicker
                opened, stream = self._ready.pop()
                if may_be_used(opened, stream):
                    return stream
                stream.close()
        wait = time_left(timeout, httpcore.ConnectTimeout)
        return self._opened(self._inner.connect_tcp(host, port, wait, local_address, SOCKET_OPTIONS))

    def connect_ahead(self, host: str, port: int, ssl_context: ssl.SSLContext | None) -> None:
        """Makes a connection that the next `connect_tcp` gets, with its TLS done if there is a context."""
        stream = self._opened(
            self._inner.connect_tcp(host, port, time_left(None, httpcore.ConnectTimeout), None, SOCKET_OPTIONS)
        )
        if ssl_context is not None:
            try:
                stream = stream.start_tls(ssl_context, host)
            except BaseException:
                stream.close()
                raise
            stream.is_secure = True
        self._ready.append((time.monotonic(), stream))
        if self._closed:
            self._close_ready()

    @property
    def ahead(self) -> int:
        """How many connections made ahead there are."""
        return len(self._ready)

    def _opened(self, inner: httpcore.NetworkStream) -> BoundedStream:
        # Keeps account of a stream until it is closed; refuses it when the client was closed meanwhile.
        stream = BoundedStream(inner, self)
        with self._lock:
            if not self._closed:
                self._streams.add(stream)
                return stream
        inner.close()
        raise httpcore.ConnectError(CLOSED)

    def secured(self, stream: BoundedStream, inner: httpcore.NetworkStream) -> BoundedStream:
        """The stream that stands in another's place once TLS is on."""
        self.forget(stream)
        return self._opened(inner)

    def forget(self, stream: BoundedStream) -> None:
        """The stream is closed."""
        with self._lock:
            self._streams.discard(stream)

    def close(self) -> None:
        """Wakes the threads that wait for an answer; closing a socket under them would not. Opens no more streams."""
        with self._lock:
            self._closed = True
            for stream in self._streams:
                with suppress(OSError):
                    stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._close_ready()

    def _close_ready(self) -> None:
        with suppress(IndexError):
            while True:
                self._ready.pop()[1].close()


class BoundedStream(httpcore.NetworkStream):
    """A socket whose every operation ends when the attempt does."""

    is_secure = False

    def __init__(self, inner: httpcore.NetworkStream, backend: Backend) -> None:
        self._inner = inner
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, time_left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), 65_536):
            self._inner.write(buffer[start : start + 65_536], time_left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._backend.forget(self)
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> BoundedStream:
        if self.is_secure:  # made ahead
            return self
        wait = time_left(timeout, httpcore.ConnectTimeout)
        return self._backend.secured(self, self._inner.start_tls(ssl_context, server_hostname, wait))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class AsyncBackend(httpcore.AsyncNetworkBackend):
    """The same without blocking; on asyncio or trio."""

    def __init__(self) -> None:
        self._inner = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
        self._ready: deque[tuple[float, AsyncBoundedStream]] = deque()
        self._closed = False

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> AsyncBoundedStream:
        """One of the connections made ahead, or else a new one."""
        while self._ready:
            opened, stream = self._ready.pop()
            if may_be_used(opened, stream):
                return stream
            await stream.aclose()
        wait = time_left(timeout, httpcore.ConnectTimeout)
        return await self._opened(await self._inner.connect_tcp(host, port, wait, local_address, SOCKET_OPTIONS))

    async def connect_ahead(self, host: str, port: int, ssl_context: ssl.SSLContext | None) -> None:
        """Makes a connection that the next `connect_tcp` gets, with its TLS done if there is a context."""
        wait = time_left(None, httpcore.ConnectTimeout)
        stream = await self._opened(await self._inner.connect_tcp(host, port, wait, None, SOCKET_OPTIONS))
        if ssl_context is not None:
            stream = await self._opened(await stream.start_tls(ssl_context, host))
            stream.is_secure = True
        self._ready.append((time.monotonic(), stream))

    @property
    def ahead(self) -> int:
        """How many connections made ahead there are."""
        return len(self._ready)

    async def _opened(self, inner: httpcore.AsyncNetworkStream) -> AsyncBoundedStream:
        if self._closed:  # meanwhile
            await inner.aclose()
            raise httpcore.ConnectError(CLOSED)
        return AsyncBoundedStream(inner)

    async def aclose(self) -> None:
        """Opens no more streams, and closes those made ahead."""
        self._closed = True
        while self._ready:
            await self._ready.pop()[1].aclose()


class AsyncBoundedStream(httpcore.AsyncNetworkStream):
    """The same without blocking."""

    is_secure = False

    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._inner.read(max_bytes, time_left(timeout, httpcore.ReadTimeout))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, time_left(timeout, httpcore.WriteTimeout))

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> AsyncBoundedStream:
        if self.is_secure:  # made ahead
            return self
        wait = time_left(timeout, httpcore.ConnectTimeout)
        return AsyncBoundedStream(await self._inner.start_tls(ssl_context, server_hostname, wait))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def time_left(timeout: float | None, expired: type[Exception]) -> float:
    """The time-out for one operation: the given one, or what is left until the attempt's deadline."""
    seconds = attempt_deadline.get() - time.monotonic()
    if seconds <= 0:
        raise expired("the time for this attempt is used up")
    return seconds if timeout is None else min(timeout, seconds)
