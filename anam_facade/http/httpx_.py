"""Exchanges through httpx (or httpx2, which has the same API): the default, and whatever the user has made.

The default is an ordinary client over a stack of httpx's own transports with one connection each. Everything that
watches or intercepts httpx's clients or transports finds what it looks for, and httpcore never looks through many
connections for a free one, which with hundreds open takes most of the time.
"""

from __future__ import annotations

import socket
import ssl
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from functools import cache, lru_cache, partial
from http.cookiejar import DefaultCookiePolicy
from types import ModuleType
from typing import Any, TypeVar

import anyio
import httpx

from . import network
from .exchange import Answer, AsyncExchange, Exchange, Reader, Request, in_time
from .pool import AsyncPool, Pool

WATCH = 0.25
"""Seconds between two looks at the requests under way in threads, for those that are late."""

C = TypeVar("C", httpx.Client, httpx.AsyncClient)

_url = lru_cache(maxsize=16)(httpx.URL)  # reading one takes longer than all else about a request


def library_of(made: object) -> ModuleType | None:
    """The library whose class this is an instance of: httpx, httpx2, or None."""
    roots = {cls.__module__.partition(".")[0] for cls in type(made).__mro__}
    return next((sys.modules[name] for name in ("httpx", "httpx2") if name in roots), None)


@cache
def _bodies(library: ModuleType) -> tuple[type, type]:
    # One for each library, since their clients ask for instances of their own classes.
    def init(self: Any, request: Request) -> None:
        self._request = request

    both = (library.SyncByteStream,), {"__init__": init, "__iter__": lambda self: self._request.chunks()}
    alike = (library.AsyncByteStream,), {"__init__": init, "__aiter__": lambda self: self._request.async_chunks()}
    return type("Body", *both), type("AsyncBody", *alike)


def _as_httpx(library: ModuleType, request: Request, *, for_async: bool, headers: Any = None) -> Any:
    return library.Request(
        request.method,
        _url(request.url) if library is httpx else request.url,
        headers=request.headers if headers is None else headers,
        stream=_bodies(library)[for_async](request),
        extensions={"timeout": request.timeouts},
    )


class _Through:
    """What both kinds of client have in common."""

    def __init__(self, client: Any, *, ours: bool) -> None:
        self._library = library_of(client) or httpx
        self._client = client
        self._ours = ours
        self.library = f"{self._library.__name__}/{self._library.__version__}"

    def _as_theirs(self, request: Request, *, for_async: bool) -> Any:
        headers = None
        if not self._ours:
            # The user's default headers count, unless they are ours to say; the user's cookies do not.
            headers = self._library.Headers(self._client.headers)
            headers.update(request.headers)
            headers.pop("Cookie", None)
        return _as_httpx(self._library, request, for_async=for_async, headers=headers)


class Httpx(_Through, Exchange):
    """Exchanges through a client: the user's, or one around the user's transport."""

    def exchange(self, request: Request) -> Answer:
        asked = self._as_theirs(request, for_async=False)
        response = self._client.send(asked, stream=True, auth=None, follow_redirects=False)
        reader = _reader(response, request.deadline)
        try:
            if response.is_stream_consumed:  # by a hook of the user's
                reader.take(response.content)
            else:
                for chunk in response.stream:
                    if not reader.take(chunk):
                        break
        except Exception:
            if not reader.survives_breaking_off():
                raise
        finally:
            response.close()
        return reader.answer()

    def close(self) -> None:
        if self._ours:
            self._client.close()


class AsyncHttpx(_Through, AsyncExchange):
    """The same without blocking."""

    async def exchange(self, request: Request) -> Answer:
        return await in_time(request, partial(self._exchange, request))

    async def _exchange(self, request: Request, readers: list[Reader]) -> None:
        asked = self._as_theirs(request, for_async=True)
        response = await self._client.send(asked, stream=True, auth=None, follow_redirects=False)
        reader = _reader(response, float("inf"))
        readers.append(reader)
        if response.is_stream_consumed:  # by a hook of the user's
            reader.take(response.content)
            await response.aclose()
            return
        chunks = aiter(response.stream)
        try:
            async for chunk in chunks:
                if not reader.take(chunk):
                    break
        except Exception:
            if not reader.survives_breaking_off():
                raise
        finally:
            await response.aclose()
            # Generators stand one in another. Left to the garbage collector they end late, and trio complains.
            with suppress(Exception):
                await anext(chunks)
            await chunks.aclose()

    async def aclose(self) -> None:
        if self._ours:
            await self._client.aclose()


def _reader(response: Any, deadline: float) -> Reader:
    return Reader(response.status_code, response.headers.raw, deadline, decoded=response.is_stream_consumed)


# The default: a stack of transports with one connection each.


class _Line(httpx.HTTPTransport):
    """A transport with one connection, that knows its socket."""

    idle_since = deadline = 0.0
    _socket: Any = None

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """For httpx's extension of that name, which tells of new connections."""
        look_up = getattr(info.get("return_value"), "get_extra_info", None)
        if look_up is not None:
            self._socket = look_up("socket")

    def is_alive(self) -> bool:
        return True  # the transport will see for itself

    def wake(self) -> None:
        """Ends the waiting of the thread that reads here; closing the socket under it would not."""
        with suppress(OSError, AttributeError):  # there may be none yet
            self._socket.shutdown(socket.SHUT_RDWR)


class _AsyncLine(httpx.AsyncHTTPTransport):
    idle_since = 0.0

    def is_alive(self) -> bool:
        return True  # the transport will see for itself


class _Stream(httpx.SyncByteStream):
    """An answer's body; once it is closed, its connection goes back."""

    def __init__(self, stream: Any, give_back: Callable[[bool], None]) -> None:
        self._stream = stream
        self._give_back = give_back
        self._whole = False

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream
        self._whole = True

    def close(self) -> None:
        try:
            self._stream.close()
        finally:
            self._give_back(self._whole)


class _AsyncStream(httpx.AsyncByteStream):
    def __init__(self, stream: Any, give_back: Callable[[bool], Awaitable[None]]) -> None:
        self._stream = stream
        self._chunks = aiter(stream)
        self._give_back = give_back
        self._whole = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self  # no generator, see above

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._chunks)
        except StopAsyncIteration:
            self._whole = True
            raise

    async def aclose(self) -> None:
        whole = self._whole
        try:
            await self._stream.aclose()
            # httpcore's generators, too, stand one in another; only running to their end finishes them all.
            with suppress(Exception):
                while not self._whole:
                    await anext(self)
        finally:
            await self._give_back(whole)


class Stack(httpx.BaseTransport):
    """Transports with one connection each, for threads."""

    def __init__(self, options: dict[str, Any], host: str, port: int) -> None:
        self._options = options
        self._host, self._port = host, port
        self._addresses = 1
        self.pool: Pool[_Line] = Pool()
        self._lock = threading.Lock()
        self._is_watched = False

    def handle_request(self, request: httpx.Request, *, new: bool = False) -> httpx.Response:
        timeouts = request.extensions["timeout"]
        line = self.pool.take(self._line, timeouts["pool"], new=new)
        try:
            line.deadline = time.monotonic() + timeouts["pool"]
            self._watch()
            # An address may be dead. A socket tries one after the other, so each gets its share of the time.
            timeouts["connect"] /= self._addresses
            request.extensions["trace"] = line.trace
            response = line.handle_request(request)
            response.stream = _Stream(response.stream, partial(self.pool.give_back, line))
        except BaseException:
            self.pool.give_back(line, whole=False)
            raise
        return response

    def _watch(self) -> None:
        # httpx's time-outs begin anew with every byte: an answer whose head comes in drops would outlast them all.
        with self._lock:
            if not self._is_watched:
                self._is_watched = True
                threading.Thread(target=self._end_the_late, name="anam_facade time-outs", daemon=True).start()

    def _end_the_late(self) -> None:
        while self._is_watched:
            time.sleep(WATCH)
            for line in list(self.pool.busy):
                if line.deadline < time.monotonic():
                    line.wake()
            with self._lock:
                self._is_watched = bool(self.pool.busy)

    def _line(self) -> _Line:
        with suppress(OSError):  # connecting will say so itself
            self._addresses = len(socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)) or 1
        return _Line(**self._options)

    def warm_up(self, make: Callable[[], httpx.Request], connections: int) -> None:
        held: list[httpx.Response] = []
        try:
            while len(self.pool.idle) + len(held) < connections:
                held.append(self.handle_request(make(), new=True))
        finally:
            for response in held:
                response.read()
                response.close()

    def close(self) -> None:
        self.pool.close()


class AsyncStack(httpx.AsyncBaseTransport):
    """The same for the tasks of one event loop."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self.pool: AsyncPool[_AsyncLine] = AsyncPool()

    async def handle_async_request(self, request: httpx.Request, *, new: bool = False) -> httpx.Response:
        line = await self.pool.take(self._line, new=new)
        try:
            response = await line.handle_async_request(request)
        except BaseException:
            await self.pool.give_back(line, whole=False)
            raise
        response.stream = _AsyncStream(response.stream, partial(self.pool.give_back, line))
        return response

    async def _line(self) -> _AsyncLine:
        return _AsyncLine(**self._options)

    async def warm_up(self, make: Callable[[], httpx.Request], connections: int) -> None:
        held: list[httpx.Response] = []
        try:
            while len(self.pool.idle) + len(held) < connections:
                held.append(await self.handle_async_request(make(), new=True))
        finally:
            for response in held:
                await response.aread()
                await response.aclose()

    async def aclose(self) -> None:
        await self.pool.aclose()


class _Default:
    library = f"httpx/{httpx.__version__}"

    def __init__(self, base_url: str, ssl_context: ssl.SSLContext | None) -> None:
        proxy = network.proxy_for(base_url)
        self.proxy = None if proxy is None else str(proxy.url)
        self._options: dict[str, Any] = {
            "verify": network.trust_settings(base_url, ssl_context),
            "limits": httpx.Limits(max_connections=1, keepalive_expiry=network.KEEPALIVE_EXPIRY),
            "proxy": proxy,
            "trust_env": False,
            "socket_options": network.SOCKET_OPTIONS,
        }
        url = proxy.url if proxy else _url(base_url)
        self._host, self._port = url.host, url.port or (443 if url.scheme == "https" else 80)


class Default(_Default, Exchange):
    """Exchanges through the package's own client, for threads."""

    def __init__(self, base_url: str, ssl_context: ssl.SSLContext | None) -> None:
        super().__init__(base_url, ssl_context)
        self._own = network.PerProcess(self._make)

    def _make(self) -> tuple[Httpx, Stack]:
        stack = Stack(self._options, self._host, self._port)
        return Httpx(_without_cookies(httpx.Client(transport=stack, trust_env=False)), ours=True), stack

    def exchange(self, request: Request) -> Answer:
        return self._own.here()[0].exchange(request)

    def warm_up(self, make: Callable[[], Request], connections: int) -> None:
        self._own.here()[1].warm_up(lambda: _as_httpx(httpx, make(), for_async=False), connections)

    def close(self) -> None:
        self._own.here()[0].close()


class AsyncDefault(_Default, AsyncExchange):
    """The same without blocking; on asyncio or trio."""

    def __init__(self, base_url: str, ssl_context: ssl.SSLContext | None) -> None:
        super().__init__(base_url, ssl_context)
        self._own = network.PerLoop(self._make)

    def _make(self) -> _OnOneLoop:
        return _OnOneLoop(self._options)

    async def exchange(self, request: Request) -> Answer:
        return await (await self._own.here()).exchange(request)

    async def warm_up(self, make: Callable[[], Request], connections: int) -> None:
        stack = (await self._own.here()).stack
        with anyio.fail_after(make().timeout):
            await stack.warm_up(lambda: _as_httpx(httpx, make(), for_async=True), connections)

    async def aclose(self) -> None:
        await self._own.aclose()


class _OnOneLoop(AsyncHttpx):
    def __init__(self, options: dict[str, Any]) -> None:
        self.stack = AsyncStack(options)
        super().__init__(_without_cookies(httpx.AsyncClient(transport=self.stack, trust_env=False)), ours=True)


def _without_cookies(client: C) -> C:
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return client


def preload() -> None:
    """Loads what httpx and anyio load at their first use only."""
    import anyio._backends._asyncio  # noqa: F401
    import httpcore  # noqa: F401
