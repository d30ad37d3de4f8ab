"""What can go wrong, named by what the caller does next.

```
AnamError
├── AnamConfigError             (also ValueError) correct the arguments; nothing was started
├── AnamConnectionError         the server could not be reached, or went away
│   ├── AnamTimeoutError        it did not answer in time
│   └── ClientClosedError       the client was closed
├── AnamResponseError           it answered 2xx with an unusable body
├── SessionStartUncertainError  a session may be running and billed: look before starting another
└── AnamStatusError             it answered with an error status
    ├── BadRequestError         400  correct the persona or the options
    ├── AuthenticationError     401  wrong key; bad, expired or used token
    ├── PlanRequiredError       402  the account has no plan
    ├── PermissionDeniedError   403  the key or the plan does not allow it
    ├── NotFoundError           404  no such avatar: look up its id
    ├── ConflictError           409  the token was used: mint another
    ├── RateLimitError          429  slow down; see `retry_after`
    ├── ConcurrencyLimitError   429  every slot is in use; end a session first
    ├── SpendCapError           429  raise the spend cap
    └── ServerError             5xx  the server's fault
        └── ServiceBusyError    503  no engine is free; try later
```
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from http.client import responses
from typing import Any

import httpx

from anam_api.models import ErrorResponse
from anam_api.support import AnamConfigError, AnamError, Problem, Secret, scrub

__all__ = [
    "AnamConfigError",
    "AnamConnectionError",
    "AnamError",
    "AnamResponseError",
    "AnamStatusError",
    "AnamTimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "ClientClosedError",
    "ConcurrencyLimitError",
    "ConflictError",
    "NotFoundError",
    "PermissionDeniedError",
    "PlanRequiredError",
    "Problem",
    "RateLimitError",
    "ServerError",
    "ServiceBusyError",
    "SessionStartUncertainError",
    "SpendCapError",
]


class AnamConnectionError(AnamError):
    """The server could not be reached, or the connection broke before the answer was complete.

    Attributes:
        sent: False when the request certainly never left (DNS, connect, TLS, pool).
        permanent: Whether trying again changes nothing: a certificate that nobody trusts, a server that does not speak
            TLS, a proxy that refuses. The message says what to do.
    """

    def __init__(self, message: str, *, sent: bool, permanent: bool = False) -> None:
        self.sent = sent
        self.permanent = permanent
        super().__init__(message)


class AnamTimeoutError(AnamConnectionError):
    """The server could not be reached, or did not answer completely, in time."""


class ClientClosedError(AnamConnectionError):
    """The client was closed before, or while, the call was made."""


class AnamResponseError(AnamError):
    """The server answered 2xx, but not with what the contract promises (not JSON, no `sessionToken`, far too long).

    Attributes:
        status_code: The HTTP status.
        body: The body's text, secrets masked.
        headers: The response headers, secrets masked.
        request_id: What the server calls the request, from `X-Request-Id` or a header like it; None when it does not.
        truncated: The body begins like the JSON it should be, and breaks off.
    """

    def __init__(
        self, message: str, *, status_code: int, body: str, headers: httpx.Headers, truncated: bool = False
    ) -> None:
        self.truncated = truncated
        self.status_code = status_code
        self.body = body
        self.headers = headers
        self.request_id = request_id(headers)
        super().__init__(message + _quoted(self.request_id))


class SessionStartUncertainError(AnamError):
    """The start was sent and its answer was lost: a session may be running, and billed, or may not.

    It is not safe to start another before finding out. Look for the session by its client label or its LiveKit room, or
    wait until the token can no longer have an effect. What went wrong last is in `__cause__`.

    Attributes:
        token_claims: Claims of the session token the start was sent with; empty in direct mode. Never the token.
        client_label: The label the session was given, if any.
        livekit_url: Address of the LiveKit server the engine was to join, if any.
        livekit_room: Name of the room the engine was to join, as far as the LiveKit token tells.
    """

    may_have_started = True

    def __init__(
        self,
        message: str,
        *,
        token_claims: Mapping[str, Any],
        client_label: str | None,
        livekit_url: str | None,
        livekit_room: str | None,
    ) -> None:
        self.token_claims = dict(token_claims)
        self.client_label = client_label
        self.livekit_url = livekit_url
        self.livekit_room = livekit_room
        super().__init__(message)


class AnamStatusError(AnamError):
    """The server answered with a status that is not 2xx.

    Attributes:
        method: HTTP method of the request.
        path: Path of the request.
        status_code: The HTTP status.
        code: The server's `error` text, short and stable enough to match on; None when there is none.
        message: The server's `message` for people, or what stands in its place (`detail`, an object in `error`); of a
            list or an object, the words in it. None when there are none.
        answer: The server's answer as the contract has it, secrets masked; what this package does not know is in its
            `raw`. Its `reason`, `summary`, `details` and `supported_dimensions` are attributes of the error too.
        body: The body's text as it came (HTML, cut short, empty …), at most 1 MiB, secrets masked.
        headers: The response headers, secrets masked.
        retry_after: Seconds the server asks to wait, from `Retry-After` or `RateLimit-Reset`; None when it does not
            say.
        request_id: What the server calls the request, from `X-Request-Id` or a header like it; None when it does not.
    """

    def __init__(
        self,
        *,
        method: str,
        path: str,
        status_code: int,
        code: str | None = None,
        message: str | None = None,
        answer: ErrorResponse | None = None,
        body: str = "",
        headers: httpx.Headers | None = None,
        retry_after: float | None = None,
        where: str | None = None,
        advice: str | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self.status_code = status_code
        self.code = code
        self.message = message
        self.answer = ErrorResponse() if answer is None else answer
        self.body = body
        self.headers = httpx.Headers() if headers is None else headers
        self.retry_after = retry_after
        wait = "" if retry_after is None else f" (the server asks to wait {retry_after:g} s)"
        self.request_id = request_id(self.headers)
        text = f"{where or f'{method} {path}'}: {status_code}{self._words()}{wait}"
        super().__init__(f"{text}{f'; {_line(advice)}' if advice else ''}{_quoted(self.request_id)}")

    @property
    def reason(self) -> str | None:
        """The server's `reason`, such as `concurrent_limit`; None when there is none."""
        return self.answer.reason

    @property
    def summary(self) -> str | None:
        """The server's `summary` of the `details`; None when there is none."""
        return self.answer.summary

    @property
    def details(self) -> Any:
        """The server's `details`, in whatever shape; None when there are none."""
        return self.answer.details

    @property
    def supported_dimensions(self) -> tuple[str, ...]:
        """The video sizes that would be accepted, such as `1152x768`, when the server lists them."""
        return self.answer.supported_dimensions

    def _words(self) -> str:
        phrase = responses.get(self.status_code, "")
        texts = (self.code, self.message or self.summary or self.reason)
        shown = dict.fromkeys(_line(text) for text in texts if text and text != phrase)
        if not any(texts):
            shown = dict.fromkeys(filter(None, [_line(self.body)]))
        sizes = f" (supported: {', '.join(map(_line, self.supported_dimensions))})" if self.supported_dimensions else ""
        return (f" {phrase}" if phrase else "") + "".join(f": {text}" for text in shown) + sizes


class BadRequestError(AnamStatusError):
    """400: the persona, the options or the body are not valid. Repeating changes nothing."""


class AuthenticationError(AnamStatusError):
    """401: the API key is wrong, or the session token is malformed, expired or used."""


class PlanRequiredError(AnamStatusError):
    """402: the account has no active plan."""


class PermissionDeniedError(AnamStatusError):
    """403: the key lacks a permission, or the plan lacks a feature such as a gated avatar model."""


class NotFoundError(AnamStatusError):
    """404: there is no such avatar; an `avatarId` that is no UUID is answered so too. Nothing was started."""


class ConflictError(AnamStatusError):
    """409: the session token has already started a session. The vendor does not say whether this is 409 or 401."""


class RateLimitError(AnamStatusError):
    """429: too many requests. `retry_after` says for how long to wait, when the server does."""


class ConcurrencyLimitError(AnamStatusError):
    """429: all simultaneous sessions of the plan are in use. A slot frees when a session ends."""


class SpendCapError(AnamStatusError):
    """429: the account's spend cap is reached."""


class ServerError(AnamStatusError):
    """5xx: the server failed. After a start, see `may_have_started`."""


class ServiceBusyError(ServerError):
    """503: no engine is free. Nothing was started."""


_BY_STATUS: dict[int, type[AnamStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: PlanRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    429: RateLimitError,
    503: ServiceBusyError,
}

# The two 429s that waiting does not cure; the vendor's clients tell them apart by this text.
_PLAN_LIMITS: dict[str, type[AnamStatusError]] = {
    "concurrent session limit reached": ConcurrencyLimitError,
    "spend cap reached": SpendCapError,
}


def error_from_response(
    *,
    method: str,
    path: str,
    status_code: int,
    headers: httpx.Headers,
    body: bytes,
    secrets: Iterable[Secret] = (),
    where: str | None = None,
    advice: str | None = None,
) -> AnamStatusError:
    """The error that a response means. Works with any body: JSON, HTML, empty, cut short, not even text.

    `where` is the request in words, `advice` what to do about it; both are for the message.
    """
    secrets = tuple(secrets)
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    said = _json_object(text)
    error = said.get("error")
    code = error if isinstance(error, str) and error else None
    message = _words(said.get("message")) or _words(said.get("detail")) or (None if code else _words(error))
    cls = _BY_STATUS.get(status_code, ServerError if status_code >= 500 else AnamStatusError)
    if status_code == 429:
        for words in (code, message):
            cls = _PLAN_LIMITS.get((words or "").strip().rstrip(".").lower(), cls)
    return cls(
        method=method,
        path=path,
        status_code=status_code,
        code=code and scrub(code, secrets),
        message=message and scrub(message, secrets),
        answer=ErrorResponse.from_dict(_scrub_json(said, secrets)),
        body=scrub(text, secrets),
        headers=scrub_headers(headers, secrets),
        retry_after=retry_after(headers),
        where=where,
        advice=advice and scrub(advice, secrets),
    )


def _scrub_json(value: Any, secrets: tuple[Secret, ...]) -> Any:
    """After decoding, which may bring a secret to light that was written with escapes."""
    try:
        if isinstance(value, str):
            return scrub(value, secrets)
        if isinstance(value, dict):
            return {scrub(key, secrets): _scrub_json(inner, secrets) for key, inner in value.items()}
        return [_scrub_json(inner, secrets) for inner in value] if isinstance(value, list) else value
    except RecursionError:
        return None  # nested beyond reason: what cannot be searched is not shown


def scrub_headers(headers: httpx.Headers, secrets: Iterable[Secret]) -> httpx.Headers:
    """The headers with every secret masked."""
    secrets = tuple(secrets)

    def masked(raw: bytes) -> bytes:
        # Every byte is a character of Latin-1, so whatever a server sends comes through.
        return scrub(raw.decode("latin-1"), secrets).encode("latin-1")

    return httpx.Headers([(masked(name), masked(value)) for name, value in headers.raw])


def request_id(headers: Mapping[str, str]) -> str | None:
    """What the server, or a proxy in front of it, calls the request in its own logs."""
    names = ("X-Request-Id", "Request-Id", "X-Correlation-Id", "X-Amzn-RequestId", "X-Amz-Cf-Id", "CF-Ray")
    return next(filter(None, (_line(headers.get(name, "")) for name in names)), None)


def _quoted(request_id: str | None) -> str:
    return f" (request id {request_id})" if request_id else ""


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """How many seconds the server asks to wait, or None when it does not say, or says nonsense.

    `Retry-After` comes first: seconds, or an HTTP date, which is read against the response's own `Date` so that a wrong
    clock on this side does no harm. Else, when the organisation's hour is used up (`X-RateLimit-Org-Hour-Remaining` is
    0), `X-RateLimit-Org-Hour-Reset`; the minute's end would not help then. Else `RateLimit-Reset`, when
    `RateLimit-Remaining` is 0 or absent. Both in seconds.
    """
    value = headers.get("Retry-After")
    if value is not None:
        seconds = _seconds(value)
        if seconds is not None:
            return seconds
        when, sent = _http_date(value), _http_date(headers.get("Date"))
        if when is not None:
            return max(0.0, when - (sent if sent is not None else time.time() if now is None else now))
    if headers.get("X-RateLimit-Org-Hour-Remaining", "").strip() == "0":
        return _seconds(headers.get("X-RateLimit-Org-Hour-Reset"))
    if headers.get("RateLimit-Remaining", "0").strip() == "0":
        return _seconds(headers.get("RateLimit-Reset"))
    return None


def _seconds(value: str | None) -> float | None:
    # Digits only: float() would also take "nan", "inf", "1e9" and negative numbers.
    if value is None or not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,9})?", value.strip()):
        return None
    return float(value)


def _http_date(value: str | None) -> float | None:
    if value is None:
        return None
    try:
        seconds = parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None
    return seconds if math.isfinite(seconds) else None


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _line(text: str) -> str:
    """The beginning of a text, on one line and without what could fool a terminal or a log."""
    printable = "".join(character if character.isprintable() else " " for character in text[:400])
    return re.sub(r" +", " ", printable).strip()[:200]


def _words(value: object, depth: int = 3) -> str | None:
    """The words in what a server put in the place of a text, as the common frameworks for servers write it."""
    match value:
        case str():
            return value or None
        case list() if depth:
            return "; ".join(filter(None, (_words(item, depth - 1) for item in value[:50]))) or None
        case dict() if depth:
            keys = ("message", "msg", "detail", "error", "title", "description")
            return next(filter(None, (_words(value.get(key), depth - 1) for key in keys)), None)
    return None
