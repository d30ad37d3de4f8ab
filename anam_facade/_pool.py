"""The connection pools: httpcore's connections, kept in a stack, as httpx transports.

Not httpcore's own pool, which looks at every connection for every request: with hundreds open that took most of the
time. Kept apart from `_transport`, because importing httpcore takes a while and only a client needs it.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import anyio
import httpcore
import httpx

from ._network import AsyncBackend, Backend, as_httpx, core_options, time_left
from ._transport import Answer, Request, send, send_async, until

MAX_CONNECTIONS = 512
"""Connections open at once; calls beyond wait for one, within their time-out."""

_POOL_IS_FULL = f"none of {MAX_CONNECTIONS} connections became free in time"


class Connection(Protocol):
    """What a pool has to know of a connection."""

    def has_expired(self) -> bool:
        """Whether it was idle for too long, or the server has hung up."""
        ...

    def is_available(self) -> bool:
        """Whether it can take another request."""
        ...

    def close(self) -> None:
        """Ends it."""


class AsyncConnection(Protocol):
    """The same without blocking."""

    def has_expired(self) -> bool:
        """Whether it was idle for too long, or the server has hung up."""
        ...

    def is_available(self) -> bool:
        """Whether it can take another request."""
        ...

    async def aclose(self) -> None:
        """Ends it, and whatever is under way on it."""


C = TypeVar("C", bound=Connection)
A = TypeVar("A", bound=AsyncConnection)


class Pool(Generic[C]):
    """Connections to one origin, the one used last first. For threads."""

    def __init__(self) -> None:
        self.idle: deque[C] = deque()
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._closed = False

    def take(self, connect: Callable[[], C]) -> C:
        """An idle connection, or else a new one; to be given back. Waits while too many are in use.

        Raises:
            httpx.PoolTimeout: None became free before the attempt's deadline.
        """
        if not self._slots.acquire(timeout=time_left(None, httpx.PoolTimeout)):
            raise httpx.PoolTimeout(_POOL_IS_FULL)
        try:
            while self.idle:
                with suppress(IndexError):  # another thread was quicker
                    connection = self.idle.pop()
                    if not connection.has_expired():
                        return connection
                    connection.close()
            return connect()
        except BaseException:
            self._slots.release()
            raise

    def give_back(self, connection: C) -> None:
        """Keeps the connection for the next call if it is still good, and closes it otherwise."""
        try:
            self.keep(connection)
            with suppress(IndexError):
                oldest = self.idle.popleft()  # idle for longer than all others
                if oldest.has_expired():
                    oldest.close()
                else:
                    self.idle.appendleft(oldest)
        finally:
            self._slots.release()

    def keep(self, connection: C) -> None:
        """The same for a connection that was not taken from here."""
        try:
            if connection.is_available():
                self.idle.append(connection)
            else:
                connection.close()
        finally:
            if self._closed:
                self.close()

    def close(self) -> None:
        """Closes the idle connections; those in use when they come back."""
        self._closed = True
        with suppress(IndexError):
            while True:
                self.idle.pop().close()


class AsyncPool(Generic[A]):
    """The same for tasks of one event loop."""

    def __init__(self) -> None:
        self.idle: deque[A] = deque()
        self.active: set[A] = set()
        self.slots: anyio.Semaphore | None = None
        self._closed = False

    async def take(self, connect: Callable[[], Awaitable[A]]) -> A:
        """An idle connection, or else a new one; to be given back. Waits while too many are in use.

        Raises:
            httpx.PoolTimeout: None became free before the attempt's deadline.
        """
        if self.slots is None:  # made here, because it belongs to the event loop
            self.slots = anyio.Semaphore(MAX_CONNECTIONS)
        try:
            self.slots.acquire_nowait()
        except anyio.WouldBlock:
            await self._wait_for(self.slots)
        try:
            connection = None
            while self.idle and connection is None:
                connection = self.idle.pop()
                if connection.has_expired():
                    await _close(connection)
                    connection = None
            if connection is None:
                connection = await connect()
        except BaseException:
            self.slots.release()
            raise
        self.active.add(connection)
        return connection

    async def _wait_for(self, slots: anyio.Semaphore) -> None:
        try:
            with anyio.fail_after(time_left(None, httpx.PoolTimeout)):
                await slots.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout(_POOL_IS_FULL) from None

    async def give_back(self, connection: A) -> None:
        """Keeps the connection for the next call if it is still good, and closes it otherwise."""
        assert self.slots is not None  # since it was taken from here
        self.slots.release()
        self.active.discard(connection)
        await self.keep(connection)
        if self.idle and self.idle[0].has_expired():  # idle for longer than all others
            await _close(self.idle.popleft())

    async def keep(self, connection: A) -> None:
        """The same for a connection that was not taken from here."""
        if connection.is_available() and not self._closed:
            self.idle.append(connection)
        else:
            await _close(connection)

    async def aclose(self) -> None:
        """Closes all connections, those in use too."""
        self._closed = True
        connections = [*self.idle, *self.active]
        self.idle.clear()
        for connection in connections:
            await _close(connection)


async def _close(connection: AsyncConnection) -> None:
    # Also, and above all, in a task that is being cancelled.
    with anyio.CancelScope(shield=True):
        await connection.aclose()


class PoolTransport(httpx.BaseTransport):
    """A pool of httpcore's connections as an httpx transport."""

    library = f"httpx/{httpx.__version__}"

    def __init__(self, base_url: str, ssl_context: ssl.SSLContext | None) -> None:
        options = core_options(base_url, ssl_context)
        self._ahead = _Ahead.of(base_url, options)
        self._origin = httpcore.URL(base_url).origin
        self._backend = Backend()
        self._factory = httpcore.ConnectionPool(network_backend=self._backend, **options)
        self.pool: Pool[httpcore.ConnectionInterface] = Pool()

    def exchange(self, request: Request, timeout: float) -> Answer:
        """Sends a request and reads the whole answer; see `send`."""
        return send(self, request, timeout)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request; the response's stream has to be read and closed."""
        connection = self.pool.take(lambda: self._factory.create_connection(self._origin))
        try:
            with as_httpx():
                response = connection.handle_request(_core_request(request))
        except BaseException:
            self.pool.give_back(connection)
            raise
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_Stream(response, partial(self.pool.give_back, connection)),
        )

    def warm_up(self, connections: int, timeout: float) -> None:
        """Makes connections until so many wait for calls."""
        with until(time.monotonic() + timeout), as_httpx():
            while len(self.pool.idle) + self._backend.ahead < connections:
                self._backend.connect_ahead(*self._ahead)

    def close(self) -> None:
        """Closes the connections. Calls under way fail."""
        self.pool.close()
        self._backend.close()


class AsyncPoolTransport(httpx.AsyncBaseTransport):
    """The same without blocking; on asyncio or trio."""

    library = f"httpx/{httpx.__version__}"

    def __init__(self, base_url: str, ssl_context: ssl.SSLContext | None) -> None:
        options = core_options(base_url, ssl_context)
        self._ahead = _Ahead.of(base_url, options)
        self._origin = httpcore.URL(base_url).origin
        self._backend = AsyncBackend()
        self._factory = httpcore.AsyncConnectionPool(network_backend=self._backend, **options)
        self.pool: AsyncPool[httpcore.AsyncConnectionInterface] = AsyncPool()

    async def exchange(self, request: Request, timeout: float) -> Answer:
        """Sends a request and reads the whole answer; see `send_async`."""
        return await send_async(self, request, timeout)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request; the response's stream has to be read and closed."""
        connection = await self.pool.take(self._connection)
        try:
            with as_httpx():
                response = await connection.handle_async_request(_core_request(request))
        except BaseException:
            await self.pool.give_back(connection)
            raise
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_AsyncStream(response, partial(self.pool.give_back, connection)),
        )

    async def _connection(self) -> httpcore.AsyncConnectionInterface:
        return self._factory.create_connection(self._origin)

    async def warm_up(self, connections: int, timeout: float) -> None:
        """Makes connections until so many wait for calls."""
        with until(time.monotonic() + timeout), as_httpx():
            while len(self.pool.idle) + self._backend.ahead < connections:
                await self._backend.connect_ahead(*self._ahead)

    async def aclose(self) -> None:
        """Closes the connections. Calls under way fail."""
        await self._backend.aclose()
        await self.pool.aclose()


class _Ahead(NamedTuple):
    """Where a connection made ahead leads: to the server, or to the proxy, behind which TLS begins later."""

    host: str
    port: int
    ssl_context: ssl.SSLContext | None

    @classmethod
    def of(cls, base_url: str, options: Mapping[str, Any]) -> _Ahead:
        url = options["proxy"].url if options["proxy"] else httpcore.URL(base_url)
        origin = url.origin
        secure = origin.scheme == b"https" and not options["proxy"]
        if secure:
            options["ssl_context"].set_alpn_protocols(["http/1.1"])  # as httpcore does for its own
        return cls(origin.host.decode("ascii"), origin.port, options["ssl_context"] if secure else None)


def _core_request(request: httpx.Request) -> httpcore.Request:
    url = request.url
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=_Body(request.read()),
        extensions=request.extensions,
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
        with as_httpx():
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
        self._ended = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        with as_httpx():
            try:
                return await anext(self._chunks)
            except StopAsyncIteration:
                self._ended = True
                raise

    async def aclose(self) -> None:
        try:
            with anyio.CancelScope(shield=True):
                await self._response.aclose()
                # httpcore's generators stand one in another; only running to their end finishes them all.
                with suppress(Exception):
                    while not self._ended:
                        await anext(self)
        finally:
            await self._give_back()
