"""Where HTTP is met: one exchange, with a time-out that holds and a ceiling on what is read.

A transport is an httpx transport, so that anything made for httpx fits: respx, `httpx.MockTransport`, a transport of
the user's own; `_fast` is the one exception. `httpx.Client` itself is left out: it would follow redirects, keep cookies
and decompress without bound, none of which belongs on this road.
"""

from __future__ import annotations

import ipaddress
import time
import zlib
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextvars import ContextVar
from functools import lru_cache

import attrs
import httpx

from .errors import AnamConnectionError, AnamTimeoutError

MAX_BODY = 1024 * 1024
"""Bytes read of an answer at most; real ones have a few hundred."""

NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
"""What can only happen before the first byte of a request was sent."""

TRANSPORT_ERRORS = (httpx.TransportError, httpx.StreamError)


@attrs.frozen
class Request:
    """One HTTP request, its bearer included."""

    method: str
    url: str
    headers: Mapping[str, str] = attrs.field(repr=False)
    content: bytes = attrs.field(repr=False)


Headers = Sequence[tuple[bytes, bytes]]
"""Names and values as they came."""


@attrs.frozen
class Answer:
    """A response, read to its end or to where it broke off.

    Attributes:
        status_code: The HTTP status.
        raw_headers: The response headers, as they came.
        body: What was read of the body, decompressed.
        complete: False when the body was longer than `MAX_BODY`, or broke off after an error status.
    """

    status_code: int
    raw_headers: Headers = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    complete: bool = True

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status_code < 300

    @property
    def headers(self) -> httpx.Headers:
        """The response headers. Made when asked for: after a success nobody does."""
        return httpx.Headers(self.raw_headers)


attempt_deadline: ContextVar[float] = ContextVar("anam_facade_attempt_deadline")
"""When the attempt under way must be over, on `time.monotonic`'s clock; for the network backends of `_pool`."""


class until:  # noqa: N801 - a context manager; as a generator it would take four times as long
    """Sets `attempt_deadline` for a block."""

    __slots__ = ("_deadline", "_reset")

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def __enter__(self) -> None:
        self._reset = attempt_deadline.set(self._deadline)

    def __exit__(self, *exc: object) -> None:
        attempt_deadline.reset(self._reset)


_url = lru_cache(maxsize=16)(httpx.URL)  # reading one takes longer than all else about a request


def _as_httpx(request: Request, timeout: float) -> httpx.Request:
    return httpx.Request(
        request.method,
        _url(request.url),
        headers=request.headers,
        content=request.content,
        extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), timeout)},
    )


def send(transport: httpx.BaseTransport, request: Request, timeout: float) -> Answer:
    """Sends a request and reads the whole answer, all within `timeout` seconds.

    Raises:
        One of `TRANSPORT_ERRORS`: see `NEVER_SENT` for what that means for the request.
    """
    deadline = time.monotonic() + timeout
    with until(deadline):
        response = transport.handle_request(_as_httpx(request, timeout))
        reader = Reader(response.status_code, response.headers.raw, deadline)
        try:
            assert isinstance(response.stream, httpx.SyncByteStream)
            for chunk in response.stream:
                if not reader.take(chunk):
                    break
        except TRANSPORT_ERRORS:
            if not reader.survives_breaking_off():
                raise
        finally:
            response.close()
        return reader.answer()


async def send_async(transport: httpx.AsyncBaseTransport, request: Request, timeout: float) -> Answer:
    """The same without blocking."""
    deadline = time.monotonic() + timeout
    with until(deadline):
        response = await transport.handle_async_request(_as_httpx(request, timeout))
        reader = Reader(response.status_code, response.headers.raw, deadline)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        chunks = aiter(response.stream)
        try:
            async for chunk in chunks:
                if not reader.take(chunk):
                    break
        except TRANSPORT_ERRORS:
            if not reader.survives_breaking_off():
                raise
        finally:
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()  # left to the garbage collector it is closed late, and trio complains
            await response.aclose()
        return reader.answer()


class Reader:
    """Collects a body. No more than `MAX_BODY` of it, also after decompression, and no longer than the deadline."""

    def __init__(self, status_code: int, headers: Headers, deadline: float) -> None:
        self._status_code = status_code
        self._headers = headers
        self._deadline = deadline
        self._body = bytearray()
        self._complete = True
        encodings = [value for name, value in headers if len(name) == 16 and name.lower() == b"content-encoding"]
        # Compression is not asked for; what comes compressed all the same is undone with a bound. 32 + 15: gzip or
        # zlib.
        compressed = b", ".join(encodings).strip().lower() in (b"gzip", b"x-gzip", b"deflate")
        self._inflate = zlib.decompressobj(32 + 15) if compressed else None

    def take(self, chunk: bytes) -> bool:
        """Adds a chunk; False when no more should be read."""
        room = MAX_BODY + 1 - len(self._body)
        if self._inflate is not None:
            try:
                chunk = self._inflate.decompress(chunk, room)
            except zlib.error:
                self._complete = False
                return False
        self._body += chunk[:room]
        if len(self._body) > MAX_BODY:
            del self._body[MAX_BODY:]
            self._complete = False
        elif time.monotonic() >= self._deadline:
            # A transport of our own has noticed already; this is for a user's.
            self._complete = False
            if self._is_success():
                raise httpx.ReadTimeout("the answer did not end in time")
        return self._complete

    def survives_breaking_off(self) -> bool:
        """Whether what was read still counts: after an error status the status does; an answer of 2xx is lost."""
        self._complete = False
        return not self._is_success()

    def answer(self) -> Answer:
        """What was collected."""
        return Answer(self._status_code, self._headers, bytes(self._body), self._complete)

    def _is_success(self) -> bool:
        return 200 <= self._status_code < 300


def connection_error(error: Exception, method: str, path: str) -> AnamConnectionError:
    """The typed error that a transport's error means."""
    sent = not isinstance(error, NEVER_SENT)
    what = "the answer was lost" if sent else "the request could not be sent"
    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    cls = AnamTimeoutError if isinstance(error, httpx.TimeoutException) else AnamConnectionError
    typed = cls(f"{method} {path}: {what} ({reason})", sent=sent)
    # The cause keeps its type and words, but neither the frames, whose variables hold the bearer, nor the request.
    error.__traceback__ = error.__context__ = error.__cause__ = None
    if isinstance(error, httpx.RequestError):
        error._request = None
    typed.__cause__ = error
    return typed


def is_loopback(host: str) -> bool:
    """Whether a host name or address certainly means this machine."""
    if host == "localhost":  # not *.localhost: some resolvers ask the network for it
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
