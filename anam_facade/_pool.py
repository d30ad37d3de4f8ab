"""The connection pools: httpcore's, with a network backend that knows when the attempt must be over.

httpx's own transports offer no place for such a backend, and their read time-out starts anew with every byte that
comes. Kept apart from `_transport`, because importing httpcore takes a while and only a client needs it.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
import urllib.request
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib.util import find_spec
from typing import Any, cast
from urllib.parse import urlsplit

import anyio
import httpcore
import httpx

from ._transport import attempt_deadline, is_loopback
from .errors import AnamConfigError, Problem

MAX_CONNECTIONS = 512
"""Connections open at once; calls beyond wait for one, within their time-out."""

KEEPALIVE_EXPIRY = 30.0
"""Seconds for which an idle connection is kept."""

_CLOSED = "the client was closed"
_POOL_IS_FULL = f"none of {MAX_CONNECTIONS} connections became free in time"


class PoolTransport(httpx.BaseTransport):
    """Connections to one origin, the one used last first, as an httpx transport."""

    def __init__(self, base_url: str, ssl_context: ssl.SSLContext | None) -> None:
        self._backend = _Backend()
        self._origin = httpcore.URL(base_url).origin
        self._factory = httpcore.ConnectionPool(network_backend=self._backend, **_options(base_url, ssl_context))
        self._idle: deque[httpcore.ConnectionInterface] = deque()
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not self._slots.acquire(timeout=_left(None, httpx.PoolTimeout)):
            raise httpx.PoolTimeout(_POOL_IS_FULL)
        connection = None
        try:
            connection = self._take()
            with _as_httpx():
                response = connection.handle_request(_core_request(request))
        except BaseException:
            self._give_back(connection)
            raise
        return httpx.Response(
            response.status, headers=response.headers, stream=_Stream(response, partial(self._give_back, connection))
        )

    def _take(self) -> httpcore.ConnectionInterface:
        while self._idle:
            with suppress(IndexError):  # another thread was quicker
                connection = self._idle.pop()
                if not connection.has_expired():
                    return connection
                connection.close()
        return self._factory.create_connection(self._origin)

    def _give_back(self, connection: httpcore.ConnectionInterface | None) -> None:
        try:
            if connection is not None and connection.is_available():
                self._idle.append(connection)
            elif connection is not None:
                connection.close()
            with suppress(IndexError):
                oldest = self._idle.popleft()  # idle for longer than all others
                if oldest.has_expired():
                    oldest.close()
                else:
                    self._idle.appendleft(oldest)
        finally:
            self._slots.release()
            if self._closed:
                self._close_idle()

    def _close_idle(self) -> None:
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def close(self) -> None:
        self._closed = True
        self._close_idle()
        self._backend.close()


class AsyncPoolTransport(httpx.AsyncBaseTransport):
    """The same without blocking; on asyncio or trio."""

    def __init__(self, base_url: str, ssl_context: ssl.SSLContext | None) -> None:
        options = _options(base_url, ssl_context)
        self._origin = httpcore.URL(base_url).origin
        self._backend = _AsyncBackend()
        self._factory = httpcore.AsyncConnectionPool(network_backend=self._backend, **options)
        self._idle: deque[httpcore.AsyncConnectionInterface] = deque()
        self._active: set[httpcore.AsyncConnectionInterface] = set()
        self._slots: anyio.Semaphore | None = None
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        slots = await self._wait_for_slot()
        connection = None
        try:
            connection = await self._take()
            self._active.add(connection)
            with _as_httpx():
                response = await connection.handle_async_request(_core_request(request))
        except BaseException:
            await self._give_back(connection, slots)
            raise
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_AsyncStream(response, partial(self._give_back, connection, slots)),
        )

    async def _wait_for_slot(self) -> anyio.Semaphore:
        if self._slots is None:  # made here, because it belongs to the event loop
            self._slots = anyio.Semaphore(MAX_CONNECTIONS)
        try:
            self._slots.acquire_nowait()
        except anyio.WouldBlock:
            try:
                with anyio.fail_after(_left(None, httpx.PoolTimeout)):
                    await self._slots.acquire()
            except TimeoutError:
                raise httpx.PoolTimeout(_POOL_IS_FULL) from None
        return self._slots

    async def _take(self) -> httpcore.AsyncConnectionInterface:
        while self._idle:
            connection = self._idle.pop()
            if not connection.has_expired():
                return connection
            await _close(connection)
        return self._factory.create_connection(self._origin)

    async def _give_back(self, connection: httpcore.AsyncConnectionInterface | None, slots: anyio.Semaphore) -> None:
        slots.release()
        if connection is not None:
            self._active.discard(connection)
            if connection.is_available() and not self._closed:
                self._idle.append(connection)
            else:
                await _close(connection)
        if self._idle and self._idle[0].has_expired():  # idle for longer than all others
            await _close(self._idle.popleft())

    async def aclose(self) -> None:
        self._closed = self._backend.closed = True
        connections = [*self._idle, *self._active]
        self._idle.clear()
        for connection in connections:
            await _close(connection)


async def _close(connection: httpcore.AsyncConnectionInterface) -> None:
    # Also, and above all, in a task that is being cancelled.
    with anyio.CancelScope(shield=True):
        await connection.aclose()


def _core_request(request: httpx.Request) -> httpcore.Request:
    url = request.url
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=_Body(request.read()),
        extensions=request.extensions,
    )


def _options(base_url: str, ssl_context: ssl.SSLContext | None) -> dict[str, Any]:
    secure = base_url.startswith("https:")
    proxy = proxy_for(base_url)
    if proxy is not None:
        _check_proxy(proxy)
    return {
        # Making a context reads the whole bundle of certificates: not for a server on loopback.
        "ssl_context": ssl_context or (_verifying_context() if secure else None),
        "proxy": proxy and _core_proxy(proxy),
        "keepalive_expiry": KEEPALIVE_EXPIRY,
    }


def _verifying_context() -> ssl.SSLContext:
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
def _as_httpx() -> Iterator[None]:
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


class _Body:
    """A request's body, for both kinds of connection.

    No generator: one that a cancelled task leaves behind half-way is cleaned up late, of which trio rightly complains.
    """

    def __init__(self, content: bytes) -> None:
        self._chunks = [content] if content else []

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._chunks)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._chunks:
            raise StopAsyncIteration
        return self._chunks.pop()


class _Stream(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response, give_back: Callable[[], None]) -> None:
        self._response = response
        self._give_back = give_back

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx():
            yield from self._response.iter_stream()

    def close(self) -> None:
        try:
            self._response.close()
        finally:
            self._give_back()


class _AsyncStream(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response, give_back: Callable[[], Awaitable[None]]) -> None:
        self._response = response
        self._give_back = give_back
        self._chunks = response.aiter_stream()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        with _as_httpx():
            return await anext(self._chunks)

    async def aclose(self) -> None:
        try:
            with anyio.CancelScope(shield=True):
                await self._response.aclose()
                # httpcore's generators stand one in another; only running to their end finishes them all.
                with suppress(Exception):
                    async for _ in self._chunks:
                        pass
        finally:
            await self._give_back()


class _Backend(httpcore.NetworkBackend):
    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()
        self._lock = threading.Lock()
        self._streams: set[_BoundedStream] = set()
        self._closed = False

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return self.opened(self._inner.connect_tcp(host, port, left, local_address, socket_options))

    def opened(self, inner: httpcore.NetworkStream) -> httpcore.NetworkStream:
        """Keeps account of a stream until it is closed; refuses it when the client was closed meanwhile."""
        stream = _BoundedStream(inner, self)
        with self._lock:
            if not self._closed:
                self._streams.add(stream)
                return stream
        inner.close()
        raise httpcore.ConnectError(_CLOSED)

    def forget(self, stream: _BoundedStream) -> None:
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


class _BoundedStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, backend: _Backend) -> None:
        self._inner = inner
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), 65_536):
            self._inner.write(buffer[start : start + 65_536], _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._backend.forget(self)
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        secured = self._inner.start_tls(ssl_context, server_hostname, left)
        self._backend.forget(self)
        return self._backend.opened(secured)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _AsyncBackend(httpcore.AsyncNetworkBackend):
    def __init__(self) -> None:
        self._inner = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
        self.closed = False

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        stream = await self._inner.connect_tcp(host, port, left, local_address, socket_options)
        if self.closed:  # meanwhile
            await stream.aclose()
            raise httpcore.ConnectError(_CLOSED)
        return _AsyncBoundedStream(stream)


class _AsyncBoundedStream(httpcore.AsyncNetworkStream):
    def __init__(self, inner: httpcore.AsyncNetworkStream) -> None:
        self._inner = inner

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._inner.write(buffer, _left(timeout, httpcore.WriteTimeout))

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _AsyncBoundedStream(await self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _left(timeout: float | None, expired: type[Exception]) -> float:
    """The time-out for one operation: the given one, or what is left until the attempt's deadline."""
    left = attempt_deadline.get() - time.monotonic()
    if left <= 0:
        raise expired("the time for this attempt is used up")
    return left if timeout is None else min(timeout, left)
