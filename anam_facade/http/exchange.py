"""What all transports share: a request that knows whether it was taken, a bounded answer, errors by one rule.

The rule: believe no one's exception class, only whether our bytes were taken. A request whose body nobody asked for was
never sent. Once it was asked for, whatever is raised means that the answer was lost.
"""

from __future__ import annotations

import re
import ssl
import sys
import time
import traceback
import zlib
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs
import httpx

from anam_api.support import Secret, scrub

from ..errors import AnamConnectionError, AnamTimeoutError, ClientClosedError

MAX_BODY = 1024 * 1024
"""Bytes read of an answer at most; real ones have a few hundred."""

Headers = Sequence[tuple[bytes, bytes]]
"""Names and values as they came."""


@attrs.define(eq=False)
class Request:
    """One attempt's request, its bearer included.

    Attributes:
        method, url: Where it goes.
        headers: All of them, `Host` and `Content-Length` included.
        timeout: Seconds from now within which the answer has to be there.
        taken: Whether a transport has taken the body. Until then the server cannot have acted on the request.
    """

    method: str
    url: str
    headers: Mapping[str, str] = attrs.field(repr=False)
    content: bytes = attrs.field(repr=False)
    timeout: float
    is_closed: Callable[[], bool] = attrs.field(default=lambda: False, repr=False)
    taken: bool = False
    deadline: float = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.deadline = time.monotonic() + self.timeout

    def left(self) -> float:
        """Seconds left; a `TimeoutError` when there are none."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"it took all the time there was, {self.timeout:g} s")
        return left

    def take(self) -> bytes:
        """The body, for whoever sends it now: the last moment at which nothing has happened yet."""
        if self.is_closed():
            raise ClientClosedError("the client was closed", sent=False)
        self.left()
        self.taken = True
        return self.content


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


class Exchange:
    """A way to have requests answered, for threads.

    Attributes:
        library: What does it, for `User-Agent`.
        proxy: The proxy in between, without credentials; None when there is none, or it is the user's affair.
    """

    library = ""
    proxy: str | None = None

    @abstractmethod
    def exchange(self, request: Request) -> Answer:
        """Sends the request and reads the whole answer. Whatever it raises: `Request.taken` says what that means."""

    def warm_up(self, make: Callable[[], Request], connections: int) -> None:
        """Opens connections until so many are idle, if it is ours to do, by means of a harmless request each."""

    def close(self) -> None:
        """Closes what is ours, and wakes the threads that wait for it."""


class AsyncExchange:
    """The same without blocking."""

    library = ""
    proxy: str | None = None

    @abstractmethod
    async def exchange(self, request: Request) -> Answer:
        """Sends the request and reads the whole answer, in exactly the time there is."""

    async def warm_up(self, make: Callable[[], Request], connections: int) -> None:
        """Opens connections until so many are idle, if it is ours to do, by means of a harmless request each."""

    async def aclose(self) -> None:
        """Closes what is ours, and wakes the tasks that wait for it."""


class Reader:
    """Collects an answer, and no more of its body than `MAX_BODY`, also after decompression.

    Attributes:
        status_code: The HTTP status; 0 until it is there.
    """

    def __init__(self) -> None:
        self.status_code = 0
        self._headers: Headers = ()
        self._body = bytearray()
        self._inflate: Any = None
        self._complete = True

    def begin(self, status_code: int, headers: Headers, *, decoded: bool = False) -> None:
        """Takes the head of the answer."""
        self.status_code = status_code
        self._headers = headers
        encodings = [value for name, value in headers if len(name) == 16 and name.lower() == b"content-encoding"]
        # Compression is not asked for; what comes compressed all the same is undone with a bound. 32 + 15: gzip or
        # zlib.
        if not decoded and b", ".join(encodings).strip().lower() in (b"gzip", b"x-gzip", b"deflate"):
            self._inflate = zlib.decompressobj(32 + 15)

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
        return self._complete

    def broken(self, error: Exception) -> Answer:
        """The rest will not come: after an error status, what came still counts; an answer of 2xx is lost."""
        if self.status_code == 0 or 200 <= self.status_code < 300:
            raise error
        self._complete = False
        return self.answer()

    def answer(self) -> Answer:
        """What was collected."""
        return Answer(self.status_code, self._headers, bytes(self._body), self._complete)


# Errors.

_FAULTS = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, AssertionError, NameError, RuntimeError)
"""What a program raises that is wrong in itself: a second try runs into it again."""

_PASSING = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
"""TLS errors that only mean that the server went away."""


def forget(error: BaseException, outer: BaseException | None = None) -> None:
    """Empties the frames that an exception came through: their variables hold the request's bytes, bearer included.

    Where it came from stays readable; crash reporters, which send variables away, find none. What was being handled
    when the call was made, `outer`, is the caller's and stays as it is.
    """
    links: list[BaseException | None] = [error]
    seen = {id(outer)}
    while links:
        link = links.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            traceback.clear_frames(link.__traceback__)
            links += [link.__cause__, link.__context__]


def connection_error(error: Exception, request: Request, where: str, secrets: Iterable[Secret]) -> AnamConnectionError:
    """The typed error that means what a transport's exception, of whatever class, means for this request."""
    forget(error, sys.exception())
    if not request.taken and request.is_closed():
        typed: AnamConnectionError = ClientClosedError(f"{where}: the client was closed", sent=False)
    else:
        what = "the answer was lost" if request.taken else "the request could not be sent"
        words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        advice = None if request.taken else hopeless(error)
        late = time.monotonic() >= request.deadline or any("Timeout" in cls.__name__ for cls in type(error).__mro__)
        text = f"{where}: {what} ({scrub(words, secrets)}){f'; {advice}' if advice else ''}"
        typed = (AnamTimeoutError if late else AnamConnectionError)(text, sent=request.taken, permanent=bool(advice))
    typed.__cause__ = _without_credentials(error, secrets)
    return typed


def _without_credentials(error: Exception, secrets: Iterable[Secret]) -> Exception:
    # Several libraries hang the request, headers included, on their exceptions.
    if vars(error).get("_request") is not None:
        error._request = None  # type: ignore[attr-defined]
    shown = f"{error!r} {vars(error)!r}"
    if scrub(shown, secrets) == shown:
        return error
    return Exception(f"{type(error).__name__}: {scrub(str(error), secrets)}").with_traceback(error.__traceback__)


PROXY_ADVICE = "the proxy refuses: correct HTTPS_PROXY, HTTP_PROXY or ALL_PROXY (user and password too), or NO_PROXY"


def hopeless(error: BaseException) -> str | None:
    """What to do about a failure to connect that trying again will not cure; None when it may."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, ssl.SSLCertVerificationError):
            return "TLS: nobody known vouches for the certificate: set SSL_CERT_FILE to who does, or pass ssl_context"
        if isinstance(link, ssl.SSLError) and not isinstance(link, _PASSING):
            return "no TLS in common: does the server speak TLS at this port (or is it http://), and which version?"
        if "Proxy" in type(link).__name__ and re.match(r"4\d\d\b", str(getattr(link, "status", link))):
            return PROXY_ADVICE
        link = link.__cause__ or link.__context__
    return "this is a fault in the program: see the cause" if isinstance(error, _FAULTS) else None
