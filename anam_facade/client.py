"""The clients: two plain drivers, one sync and one async, around the decisions in `_calls` and `retry`."""

from __future__ import annotations

import os
import platform
import re
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, get_args
from urllib.parse import urlsplit

import httpx

from anam_api import models
from anam_api.support import Findings, Number, Secret, as_secret, plain, shown

from . import _calls
from ._calls import Flow, Send, Settings
from ._transport import (
    TRANSPORT_ERRORS,
    Answer,
    Request,
    connection_error,
    is_loopback,
    send,
    send_async,
)
from ._version import __version__
from .errors import AnamConfigError, AnamError, ClientClosedError, Problem
from .persona import PersonaConfig
from .retry import A_DAY, RetryBudget, RetryPolicy
from .session import LiveKitEnvironment, SessionToken, jwt_claims

if TYPE_CHECKING:
    from ._fast import AsyncFastTransport, FastTransport
    from ._pool import AsyncPoolTransport, PoolTransport

T = TypeVar("T")

DEFAULT_BASE_URL = "https://api.anam.ai"

PRODUCT = f"anam-facade/{__version__} python/{platform.python_version()}"
HTTPX = f"httpx/{httpx.__version__}"

TransportName = Literal["httpx", "fast"]
TRANSPORTS = get_args(TransportName)
DEFAULT_TRANSPORT: TransportName = "httpx"

CONNECTIONS = Number(ge=1, le=512, whole=True)


def _settings(
    api_key: Secret | None,
    base_url: str | None,
    retry: RetryPolicy,
    timeout: float,
    client_label: str | None,
    gateway_url: str | None,
    allow_insecure_http: bool,
    transport: object,
    transport_kind: type,
    ssl_context: ssl.SSLContext | None,
) -> Settings:
    """The arguments of a client, filled in from the environment and checked."""
    found = Findings()
    problems = found.problems
    name = "ANAM_API_KEY" if api_key is None else "api_key"
    key = as_secret(os.environ.get("ANAM_API_KEY")) if api_key is None else api_key
    problems += _key_problems(key, name)
    name = "base_url" if base_url is not None else "ANAM_API_URL"
    url = _url(base_url) if base_url is not None else os.environ.get("ANAM_API_URL") or DEFAULT_BASE_URL
    gateway_url = _url(gateway_url)
    problems += _url_problems(url, name, allow_insecure_http)
    if gateway_url is not None:
        problems += _url_problems(gateway_url, "gateway_url", allow_insecure_http)
    problems += _policy_problems(retry)
    problems += _timeout_problems(timeout)
    if client_label is not None:
        label = next(f for f in models.SessionTokenRequest.FIELDS if f.name == "client_label")
        label.kind.take(client_label, label.name, found)
    problems += _transport_problems(transport, transport_kind, ssl_context, allow_insecure_http)
    if problems or key is None:
        raise AnamConfigError(*problems)
    return Settings(
        api_key=key,
        base_url=_ascii(url),
        gateway_url=None if gateway_url is None else _ascii(gateway_url),
        client_label=plain(client_label),
        timeout=plain(timeout),
        policy=retry,
        budget=RetryBudget(retry.budget),
    )


def _own_transport(name: str, url: str, ssl_context: ssl.SSLContext | None) -> PoolTransport | FastTransport:
    # Imported here, so that importing the package stays cheap.
    from ._network import proxy_for
    from ._pool import PoolTransport

    with _trust_errors():
        if name == "fast" and proxy_for(url) is None:
            from ._fast import FastTransport

            return FastTransport(url, ssl_context)
        return PoolTransport(url, ssl_context)


def _own_async_transport(
    name: str, url: str, ssl_context: ssl.SSLContext | None
) -> AsyncPoolTransport | AsyncFastTransport:
    from ._network import proxy_for
    from ._pool import AsyncPoolTransport

    with _trust_errors():
        if name == "fast" and proxy_for(url) is None:
            from ._fast import AsyncFastTransport

            return AsyncFastTransport(url, ssl_context)
        return AsyncPoolTransport(url, ssl_context)


def _check_connections(connections: object) -> None:
    found = Findings()
    CONNECTIONS.take(connections, "connections", found)
    found.settle()


@contextmanager
def _trust_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        rule = f"must name readable certificates: {error.strerror or type(error).__name__}"
        raise AnamConfigError(Problem("SSL_CERT_FILE, SSL_CERT_DIR or SSLKEYLOGFILE", "", rule)) from error


def _timeout_problems(timeout: object) -> list[Problem]:
    seconds = plain(timeout)
    if type(seconds) in (int, float) and 0 < seconds <= A_DAY:
        return []
    return [Problem("timeout", shown(timeout), f"must be a number of seconds above 0 and at most {A_DAY:g}")]


def _policy_problems(retry: object) -> list[Problem]:
    if isinstance(retry, RetryPolicy):
        return []
    return [Problem("retry", "", f"must be a RetryPolicy, not {type(retry).__name__}")]


def _transport_problems(transport: object, kind: type, ssl_context: object, insecure: object) -> list[Problem]:
    problems: list[Problem] = []
    name = _name(transport)
    if name is not None and name not in TRANSPORTS:
        rule = f"must be {' or '.join(TRANSPORTS)}, or an httpx.{kind.__name__}"
        problems.append(Problem("transport", shown(name), rule))
    elif name == "fast" and not all(map(find_spec, ("httptools", "aiohappyeyeballs"))):
        problems.append(Problem("transport", "fast", 'needs an extra: pip install "anam-facade[fast]"'))
    elif transport is not None and name is None and not isinstance(transport, kind):
        rule = f"must be an httpx.{kind.__name__}, not {type(transport).__name__}"
        problems.append(Problem("transport", "", rule))
    if ssl_context is not None and not isinstance(ssl_context, ssl.SSLContext):
        rule = f"must be an ssl.SSLContext, not {type(ssl_context).__name__}"
        problems.append(Problem("ssl_context", "", rule))
    if type(insecure) is not bool:  # the text "false" is true
        rule = f"must be True or False, not {type(insecure).__name__}"
        problems.append(Problem("allow_insecure_http", shown(insecure), rule))
    return problems


def _key_problems(key: object, name: str) -> list[Problem]:
    # The value itself is never part of a problem.
    if key is None or (isinstance(key, Secret) and key == ""):
        return [Problem("api_key", "", "is missing: pass api_key, or set the environment variable ANAM_API_KEY")]
    text = key.reveal() if isinstance(key, Secret) else None
    if isinstance(key, SessionToken) or (text is not None and jwt_claims(text).get("type") in _TOKEN_TYPES):
        return [Problem(name, "", "must be an API key; this is a session token, which may not travel in its place")]
    if text is None or not re.fullmatch(r"[!-~]+", text):
        return [Problem(name, "", "must be visible ASCII characters, without blanks or line breaks")]
    return []


_TOKEN_TYPES = ("ephemeral", "stateful", "legacy")


def _url_problems(url: object, name: str, allow_insecure_http: bool) -> list[Problem]:
    if not isinstance(url, str) or not _absolute(url):
        return [Problem(name, "", "must be an absolute URL such as https://api.anam.ai")]
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        return [Problem(name, "", "must not contain a user name or password")]
    if parts.query or parts.fragment or "?" in url or "#" in url:
        return [Problem(name, shown(url), "must have neither query nor fragment")]
    if parts.scheme not in ("https", "http"):
        return [Problem(name, shown(url), "must start with https:// (or http://, for this machine)")]
    if parts.scheme == "http" and not allow_insecure_http and not is_loopback(parts.hostname or ""):
        rule = "must be https:// unless the host is this machine: the key would travel in the clear"
        return [Problem(name, shown(url), f"{rule} (allow_insecure_http=True lifts this)")]
    try:
        host = httpx.URL(url).raw_host.removesuffix(b".")
    except httpx.InvalidURL as error:
        return [Problem(name, shown(url), f"must be a valid URL: {str(error)[:100]}")]
    if b":" not in host and not re.fullmatch(rb"[\w-]{1,63}(\.[\w-]{1,63})*", host):
        rule = "must have a host name whose parts are 1 to 63 letters, digits, hyphens or underscores"
        return [Problem(name, shown(url), rule)]
    return []


def _url(url: Any) -> Any:
    """A URL, which may be one of the objects that libraries have for it, as a string."""
    return str(url) if hasattr(url, "host") and hasattr(url, "scheme") else plain(url)


def _absolute(url: str) -> bool:
    """Whether the text has a scheme and a host, and nothing that could break out of a line."""
    if re.search(r"[\s\x00-\x20\x7f]", url):
        return False
    try:
        parts = urlsplit(url)
        return bool(parts.scheme and parts.hostname) and (parts.port is None or parts.port >= 0)
    except ValueError:
        return False


def _name(transport: object) -> str | None:
    return plain(transport) if isinstance(transport, str) else None


def _ascii(url: str) -> str:
    """The URL as it goes over the wire: an international host name in its ASCII form, no slash at the end."""
    parsed = httpx.URL(url)
    return f"{parsed.scheme}://{parsed.netloc.decode('ascii')}{parsed.raw_path.decode('ascii')}".rstrip("/")


class AnamClient:
    """A client for Anam, for threads.

    One connection pool, opened by the constructor and closed by `close()` or the end of a `with` block. It can be
    shared between threads.

    Args:
        api_key: Anam's API key; `ANAM_API_KEY` when not given.
        base_url: Where the API is; `ANAM_API_URL`, or else `https://api.anam.ai`, when not given.
        retry: When and how often to try again; `RetryPolicy(max_attempts=1)` switches it off.
        timeout: Seconds that one attempt may take, from connecting to the last byte of the answer.
        client_label: Label of the sessions that are not given one of their own; at most 128 characters.
        gateway_url: Base URL of a gateway of your own to send everything through; it gets the full URL at Anam in the
            header `X-Anam-Target-Url`.
        transport: What to send through. `httpx`, the default, is the client's own pool of httpx's connections, which
            whatever is made for httpx can watch or intercept. `fast` takes about a seventh of the CPU time for a start
            and behaves the same; it needs the extra `anam-facade[fast]`, and asyncio where it is async. Behind a proxy
            it is the default that is used. An httpx transport of your own, `httpx.MockTransport` for one, is closed
            with the client.
        ssl_context: Trust settings of your own. Verification is always on otherwise.
        allow_insecure_http: Permit a plain `http://` URL that is not this machine's. Credentials then travel in the
            clear.

    Raises:
        AnamConfigError: An argument, or the environment variable that stands in for it, is missing or not valid.
    """

    def __init__(
        self,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        *,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - immutable
        timeout: float = 10.0,
        client_label: str | None = None,
        gateway_url: str | None = None,
        transport: httpx.BaseTransport | TransportName | None = None,
        ssl_context: ssl.SSLContext | None = None,
        allow_insecure_http: bool = False,
    ) -> None:
        key, api_key = as_secret(api_key), None  # no frame of ours shows it from here on
        self._settings = _settings(
            key,
            base_url,
            retry,
            timeout,
            client_label,
            gateway_url,
            allow_insecure_http,
            transport,
            httpx.BaseTransport,
            ssl_context,
        )
        self._url = self._settings.gateway_url or self._settings.base_url
        self._transport: httpx.BaseTransport | PoolTransport | FastTransport
        self._exchange: Callable[[Request, float], Answer]
        self._open: Callable[[int, float], None] | None = None
        library = HTTPX
        if isinstance(transport, httpx.BaseTransport):
            self._transport, self._exchange = transport, partial(send, transport)
        else:
            self._transport = own = _own_transport(_name(transport) or DEFAULT_TRANSPORT, self._url, ssl_context)
            self._exchange, self._open = own.exchange, own.warm_up
            library = own.library
        self._agent = f"{PRODUCT} {library}"
        self._closed = False

    def create_session_token(
        self,
        persona: PersonaConfig | Mapping[str, Any],
        *,
        environment: LiveKitEnvironment | Mapping[str, Any] | None = None,
        session_options: models.SessionOptions | Mapping[str, Any] | None = None,
        client_label: str | None = None,
        expires_in: str | None = None,
    ) -> SessionToken:
        """Mints a session token. Nothing is started and nothing billed; it took about 1.7 s in live calls.

        Args:
            persona: Who appears; a `PersonaConfig`, or a mapping in the wire's form.
            environment: The LiveKit room to join; without one the session waits for a browser.
            session_options: How the session is recorded, encoded, placed and delivered.
            client_label: A label to find the session by; at most 128 characters. The client's own when not given.
            expires_in: How long the token lives, such as `1h`, which is also Anam's default.

        Raises:
            AnamConfigError: An argument is not valid; nothing was sent.
            AnamStatusError: The server refused, or failed until the retries were used up; see its subclasses.
            AnamConnectionError, AnamTimeoutError: The server could not be reached, or did not answer in time.
            AnamResponseError: The answer makes no sense.
        """
        persona, environment, session_options = _calls.taken(persona, environment, session_options)
        call = _calls.mint(self._settings, persona, environment, session_options, client_label, expires_in)
        return self._run(_calls.minting(self._settings, call))

    def start_engine_session(
        self, token: SessionToken | str, *, client_metadata: Mapping[str, Any] | None = None
    ) -> models.EngineSession:
        """Starts the session that a token was minted for. This is billed.

        The session token is the bearer here; the API key does not travel. A token starts one session, so repeating a
        start with the same token, which this does when an answer is lost, cannot start a second.

        Args:
            token: From `create_session_token`.
            client_metadata: Facts about your program; any JSON object.

        Raises:
            AnamConfigError: The token is no session token, or the API key; nothing was sent.
            SessionStartUncertainError: The start was sent, but whether it took effect could not be learnt.
            AnamStatusError: The server refused, or failed until the retries were used up; see `may_have_started`.
            AnamConnectionError, AnamTimeoutError: The server could not be reached.
        """
        token = _calls.as_token(token)  # no frame of ours shows it from here on
        call = _calls.start_with_token(self._settings, token, client_metadata)
        return self._run(_calls.starting(self._settings, call))

    def start_session(
        self,
        persona: PersonaConfig | Mapping[str, Any],
        *,
        environment: LiveKitEnvironment | Mapping[str, Any] | None = None,
        session_options: models.SessionOptions | Mapping[str, Any] | None = None,
        client_label: str | None = None,
        direct: bool = False,
        client_metadata: Mapping[str, Any] | None = None,
    ) -> models.EngineSession:
        """Mints a token and starts its session, or does both in one call. This is billed.

        Args:
            persona: Who appears; a `PersonaConfig`, or a mapping in the wire's form.
            environment: The LiveKit room to join; without one the session waits for a browser.
            session_options: How the session is recorded, encoded, placed and delivered.
            client_label: A label to find the session by; at most 128 characters. The client's own when not given.
            direct: One call with the API key: a round trip less, but a lost answer cannot be repaired, since only a
                token protects from starting twice.
            client_metadata: Facts about your program; any JSON object.

        Raises:
            AnamConfigError: An argument is not valid and nothing was sent; or Anam minted a token of type `legacy`,
                which cannot start a session, since the persona has neither `voice_id` nor `llm_id`.
            SessionStartUncertainError: The start was sent, but whether it took effect could not be learnt.
            AnamStatusError: The server refused, or failed until the retries were used up; see `may_have_started`.
            AnamConnectionError, AnamTimeoutError: The server could not be reached, or minting was not answered in time.
            AnamResponseError: The answer to minting makes no sense.
        """
        persona, environment, session_options = _calls.taken(persona, environment, session_options)
        setup = (self._settings, persona, environment, session_options, client_label)
        if direct:
            return self._run(_calls.starting(self._settings, _calls.start_direct(*setup, client_metadata)))
        call = _calls.mint(*setup, client_metadata=client_metadata)
        return self._run(_calls.minting_and_starting(self._settings, call, client_metadata))

    def warm_up(self, connections: int = 1) -> None:
        """Opens connections ahead, TLS included, so that the first calls take one round trip and no more.

        Nothing is sent over them. A connection is kept for ten minutes of idleness, if the server lets it, and calls
        that come when it is closed open a new one. With a transport of your own this does nothing.

        Args:
            connections: How many shall wait for calls, those that are open and idle already included; 1 to 512.

        Raises:
            AnamConfigError: The number is not valid.
            AnamConnectionError, AnamTimeoutError: The server cannot be reached. There are no retries here: calls make
                their own.
        """
        _check_connections(connections)
        if self._closed:
            raise ClientClosedError("the client is closed", sent=False)
        if self._open is not None:
            try:
                self._open(connections, self._settings.timeout)
            except TRANSPORT_ERRORS as error:
                raise connection_error(error, "connecting to", self._url) from error

    def close(self) -> None:
        """Closes the connections. Calls under way fail; later ones are refused."""
        if not self._closed:
            self._closed = True
            self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        # One that was refused half-way has no settings, and may still stand in a traceback.
        settings = getattr(self, "_settings", None)
        return f"{type(self).__name__}(base_url={settings and settings.base_url!r})"

    def _run(self, flow: Flow[T]) -> T:
        outcome: Answer | AnamError | None = None
        while True:
            try:
                step = flow.send(outcome)
            except StopIteration as done:
                value: T = done.value
                return value
            if isinstance(step, Send):
                outcome = self._send(step)
            else:
                outcome = None
                time.sleep(step.seconds)

    def _send(self, step: Send) -> Answer | AnamError:
        if self._closed:
            return _closed(step)
        try:
            return self._exchange(step.call.http_request(self._url, self._agent), step.timeout)
        except TRANSPORT_ERRORS as error:
            return connection_error(error, step.call.method, step.call.path)


class AsyncAnamClient:
    """A client for Anam, for asyncio or trio. The arguments and methods are those of `AnamClient`.

    One connection pool, opened by the constructor and closed by `aclose()` or the end of an `async with` block. It can
    be shared between tasks of one event loop.
    """

    def __init__(
        self,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        *,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - immutable
        timeout: float = 10.0,
        client_label: str | None = None,
        gateway_url: str | None = None,
        transport: httpx.AsyncBaseTransport | TransportName | None = None,
        ssl_context: ssl.SSLContext | None = None,
        allow_insecure_http: bool = False,
    ) -> None:
        key, api_key = as_secret(api_key), None  # no frame of ours shows it from here on
        self._settings = _settings(
            key,
            base_url,
            retry,
            timeout,
            client_label,
            gateway_url,
            allow_insecure_http,
            transport,
            httpx.AsyncBaseTransport,
            ssl_context,
        )
        self._url = self._settings.gateway_url or self._settings.base_url
        self._transport: httpx.AsyncBaseTransport | AsyncPoolTransport | AsyncFastTransport
        self._exchange: Callable[[Request, float], Awaitable[Answer]]
        self._open: Callable[[int, float], Awaitable[None]] | None = None
        library = HTTPX
        if isinstance(transport, httpx.AsyncBaseTransport):
            self._transport, self._exchange = transport, partial(send_async, transport)
        else:
            self._transport = own = _own_async_transport(_name(transport) or DEFAULT_TRANSPORT, self._url, ssl_context)
            self._exchange, self._open = own.exchange, own.warm_up
            library = own.library
        self._agent = f"{PRODUCT} {library}"
        self._closed = False

    async def create_session_token(
        self,
        persona: PersonaConfig | Mapping[str, Any],
        *,
        environment: LiveKitEnvironment | Mapping[str, Any] | None = None,
        session_options: models.SessionOptions | Mapping[str, Any] | None = None,
        client_label: str | None = None,
        expires_in: str | None = None,
    ) -> SessionToken:
        """Mints a session token; see `AnamClient.create_session_token`."""
        persona, environment, session_options = _calls.taken(persona, environment, session_options)
        call = _calls.mint(self._settings, persona, environment, session_options, client_label, expires_in)
        return await self._run(_calls.minting(self._settings, call))

    async def start_engine_session(
        self, token: SessionToken | str, *, client_metadata: Mapping[str, Any] | None = None
    ) -> models.EngineSession:
        """Starts the session that a token was minted for; see `AnamClient.start_engine_session`.

        A task that is cancelled while this runs learns nothing of the start's fate: a session may have been started.
        """
        token = _calls.as_token(token)  # no frame of ours shows it from here on
        call = _calls.start_with_token(self._settings, token, client_metadata)
        return await self._run(_calls.starting(self._settings, call))

    async def start_session(
        self,
        persona: PersonaConfig | Mapping[str, Any],
        *,
        environment: LiveKitEnvironment | Mapping[str, Any] | None = None,
        session_options: models.SessionOptions | Mapping[str, Any] | None = None,
        client_label: str | None = None,
        direct: bool = False,
        client_metadata: Mapping[str, Any] | None = None,
    ) -> models.EngineSession:
        """Mints a token and starts its session, or does both in one call; see `AnamClient.start_session`.

        A task that is cancelled while this runs learns nothing of the start's fate: a session may have been started.
        """
        persona, environment, session_options = _calls.taken(persona, environment, session_options)
        setup = (self._settings, persona, environment, session_options, client_label)
        if direct:
            return await self._run(_calls.starting(self._settings, _calls.start_direct(*setup, client_metadata)))
        call = _calls.mint(*setup, client_metadata=client_metadata)
        return await self._run(_calls.minting_and_starting(self._settings, call, client_metadata))

    async def warm_up(self, connections: int = 1) -> None:
        """Opens connections ahead, TLS included; see `AnamClient.warm_up`."""
        _check_connections(connections)
        if self._closed:
            raise ClientClosedError("the client is closed", sent=False)
        if self._open is not None:
            try:
                await self._open(connections, self._settings.timeout)
            except TRANSPORT_ERRORS as error:
                raise connection_error(error, "connecting to", self._url) from error

    async def aclose(self) -> None:
        """Closes the connections. Calls under way fail; later ones are refused."""
        if not self._closed:
            self._closed = True
            await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        # One that was refused half-way has no settings, and may still stand in a traceback.
        settings = getattr(self, "_settings", None)
        return f"{type(self).__name__}(base_url={settings and settings.base_url!r})"

    async def _run(self, flow: Flow[T]) -> T:
        outcome: Answer | AnamError | None = None
        while True:
            try:
                step = flow.send(outcome)
            except StopIteration as done:
                value: T = done.value
                return value
            if isinstance(step, Send):
                outcome = await self._send(step)
            else:
                outcome = None
                import anyio  # here, so that importing the package stays cheap

                await anyio.sleep(step.seconds)

    async def _send(self, step: Send) -> Answer | AnamError:
        if self._closed:
            return _closed(step)
        try:
            return await self._exchange(step.call.http_request(self._url, self._agent), step.timeout)
        except TRANSPORT_ERRORS as error:
            return connection_error(error, step.call.method, step.call.path)


def _closed(step: Send) -> ClientClosedError:
    return ClientClosedError(f"{step.call.method} {step.call.path}: the client is closed", sent=False)
