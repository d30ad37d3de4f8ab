"""Exchanges through httpx (or httpx2, which has the same API): the default, and whatever the user has made.

The default is a stack of ordinary clients with one connection each. Everything that watches or intercepts httpx's
clients or transports finds what it looks for, and httpcore never looks through many connections for a free one, which
with hundreds open takes most of the time.
"""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from functools import cache, lru_cache, partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import ModuleType
from typing import Any

import anyio
import httpx

from . import network
from .exchange import Answer, AsyncExchange, Exchange, Reader, Request
from .pool import AsyncConnection, AsyncPooled, Connection, Pooled

LIBRARY = f"httpx/{httpx.__version__}"
TIMEOUTS = ("connect", "read", "write", "pool")

DRAIN = 65_536
"""Chunks of an answer that was cut off that are looked at until none is left: as many as can have been read ahead."""

_url = lru_cache(maxsize=16)(httpx.URL)  # reading one takes longer than all else about a request


def library_of(made: object) -> ModuleType | None:
    """The library whose class this is an instance of: httpx, httpx2, or None."""
    roots = {cls.__module__.partition(".")[0] for cls in type(made).__mro__}
    return next((sys.modules[name] for name in ("httpx", "httpx2") if name in roots), None)


class _Body:
    """The request's body; knows when it is taken."""

    def __init__(self, request: Request, timeouts: dict[str, float]) -> None:
        self._request = request
        self._timeouts = timeouts

    def __iter__(self) -> Iterator[bytes]:
        content = self._request.take()
        self._timeouts.update(read=self._request.left(), write=self._request.left())  # looked up after this
        return iter((content,))

    # No generator: one that a cancelled task leaves half-way is cleaned up late, of which trio rightly complains.
    def __aiter__(self) -> AsyncIterator[bytes]:
        self._is_read = False
        return self

    async def __anext__(self) -> bytes:
        if self._is_read:
            raise StopAsyncIteration
        self._is_read = True
        return self._request.take()


@cache
def _body_of(library: ModuleType) -> type[Any]:
    # One for each library, since their clients ask for instances of their own classes.
    return type("Body", (_Body, library.SyncByteStream, library.AsyncByteStream), {})


class _Through:
    """What both kinds of client have in common."""

    def __init__(self, client: Any, *, ours: bool) -> None:
        self._library = library_of(client) or httpx
        self._client = client
        self._ours = ours
        self.library = f"{self._library.__name__}/{self._library.__version__}"

    def _sent(self, request: Request, **extensions: Any) -> Any:
        headers: Any = request.headers
        if not self._ours:
            # The user's default headers count, unless they are ours to say; the user's cookies do not.
            headers = self._library.Headers(self._client.headers)
            headers.update(request.headers)
            headers.pop("Cookie", None)
        timeouts = dict.fromkeys(TIMEOUTS, request.left())
        return self._library.Request(
            request.method,
            _url(request.url) if self._library is httpx else request.url,
            headers=headers,
            stream=_body_of(self._library)(request, timeouts),
            extensions={"timeout": timeouts, **extensions},
        )


def _begin(reader: Reader, response: Any) -> bool:
    """Takes the head of the answer; tells whether the body is still to be read, or a hook of the user's has done so."""
    is_read: bool = response.is_stream_consumed
    reader.begin(response.status_code, response.headers.raw, decoded=is_read)
    if is_read:
        reader.take(response.content)
    return not is_read


class Httpx(_Through, Exchange):
    """Exchanges through a client: the user's, or one around the user's transport."""

    def exchange(self, request: Request) -> Answer:
        reader, sent = Reader(), self._sent(request)
        try:
            with closing(self._client.send(sent, stream=True, auth=None, follow_redirects=False)) as response:
                for chunk in response.stream if _begin(reader, response) else ():
                    if not reader.take(chunk):
                        break
                    request.left()
        except Exception as error:
            return reader.broken(error)
        return reader.answer()

    def close(self) -> None:
        if self._ours:
            self._client.close()


class AsyncHttpx(_Through, AsyncExchange):
    """The same without blocking."""

    async def exchange(self, request: Request) -> Answer:
        reader = Reader()
        try:
            with anyio.fail_after(request.left()):  # httpx's own time-outs begin anew with every byte
                await self._exchange(request, reader)
        except Exception as error:
            return reader.broken(error)
        return reader.answer()

    async def _exchange(self, request: Request, reader: Reader) -> None:
        sent = self._sent(request)
        response = await self._client.send(sent, stream=True, auth=None, follow_redirects=False)
        chunks, is_cut = aiter(response.stream), False
        try:
            if _begin(reader, response):
                async for chunk in chunks:
                    if is_cut := not reader.take(chunk):
                        break
        finally:
            await response.aclose()
            # Generators stand one in another, and only running to their end finishes them all. Left to the garbage
            # collector they end late, and trio complains. A stream of the user's might never end.
            with suppress(Exception):
                for _ in range(DRAIN if is_cut else 0):
                    await anext(chunks)
            await chunks.aclose()

    async def aclose(self) -> None:
        if self._ours:
            await self._client.aclose()


# The default.


def _no_cookies() -> CookieJar:
    return CookieJar(DefaultCookiePolicy(allowed_domains=[]))


class _Line(Httpx, Connection):
    """A client with one connection, that knows its socket."""

    _socket: Any = None

    def __init__(self, options: dict[str, Any], host: str, port: int) -> None:
        transport = httpx.HTTPTransport(**options)
        super().__init__(httpx.Client(transport=transport, trust_env=False, cookies=_no_cookies()), ours=True)
        self._addresses = network.addresses(host, port)

    def exchange(self, request: Request) -> Answer:
        self.reusable = False
        answer = super().exchange(request)
        self.reusable = True
        return answer

    open = exchange

    def _sent(self, request: Request, **extensions: Any) -> Any:
        sent = super()._sent(request, trace=self._trace)
        # An address may be dead. A socket tries one after the other, so each gets its share of the time.
        sent.extensions["timeout"]["connect"] /= self._addresses
        return sent

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        # httpx's extension of that name tells of new connections.
        look_up = getattr(info.get("return_value"), "get_extra_info", None)
        if look_up is not None:
            self._socket = look_up("socket")

    def wake(self) -> None:
        with suppress(OSError, AttributeError):  # there may be none yet
            self._socket.shutdown(socket.SHUT_RDWR)


class _AsyncLine(AsyncHttpx, AsyncConnection):
    def __init__(self, options: dict[str, Any]) -> None:
        transport = httpx.AsyncHTTPTransport(**options)
        super().__init__(httpx.AsyncClient(transport=transport, trust_env=False, cookies=_no_cookies()), ours=True)

    async def exchange(self, request: Request) -> Answer:
        self.reusable = False
        answer = await super().exchange(request)
        self.reusable = True
        return answer

    open = exchange


def default(base_url: str, ssl_context: ssl.SSLContext | None, *, for_async: bool) -> Pooled | AsyncPooled:
    """Exchanges through clients of the package's own: for threads, or on asyncio or trio."""
    proxy = network.proxy_for(base_url)
    options = {
        "verify": network.trust_settings(base_url, ssl_context),
        "limits": httpx.Limits(max_connections=1, keepalive_expiry=network.KEEPALIVE_EXPIRY),
        "proxy": proxy,
        "trust_env": False,
        "socket_options": network.SOCKET_OPTIONS,
    }
    shown = None if proxy is None else str(proxy.url)
    if for_async:
        return AsyncPooled(partial(_AsyncLine, options), LIBRARY, shown)
    url = proxy.url if proxy else _url(base_url)
    port = url.port or (443 if url.scheme == "https" else 80)
    return Pooled(partial(_Line, options, url.host, port), LIBRARY, shown)
