"""The clients: one base, and two plain drivers, sync and async, around the decisions in `_operations` and `retry`."""

from __future__ import annotations

import copy
import ssl
import sys
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Self, TypeAlias, TypeVar

import attrs
import httpx

from anam_api.models import EngineSession, SessionOptions
from anam_api.support import Findings, Secret, as_secret

from . import _operations
from ._operations import Flow, Setup
from ._settings import DEFAULT_BASE_URL, PRODUCT, budgets_of, checked_options, configure
from .errors import AnamConfigError, AnamTimeoutError, ClientClosedError, Problem
from .http import open_async_exchange, open_exchange
from .http.exchange import Answer, AsyncExchange, Exchange, Request, connection_error, forget
from .http.network import MAX_CONNECTIONS, PerProcess
from .persona import PersonaConfig
from .retry import RetryPolicy
from .session import LiveKitEnvironment, SessionToken

if TYPE_CHECKING:
    import aiohttp

T = TypeVar("T")
HttpClient = TypeVar("HttpClient")
Transport = TypeVar("Transport")

AsyncHttpClient: TypeAlias = "httpx.AsyncClient | aiohttp.ClientSession"
TransportName = Literal["httpx", "fast"]

__all__ = ["DEFAULT_BASE_URL", "AnamClient", "AsyncAnamClient", "TransportName"]


class _Lifetime:
    """Whether a client, and with it every view of it, is still open; wakes the threads that pause."""

    def __init__(self) -> None:
        self.is_over = False
        self._bells = PerProcess(threading.Event)

    def end(self) -> None:
        self.is_over = True
        self._bells.here().set()

    def pause(self, seconds: float) -> None:
        self._bells.here().wait(seconds)


class _Client(Generic[HttpClient, Transport]):
    """What both clients do alike."""

    _is_async: ClassVar[bool]

    def __init__(
        self,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        *,
        retry: RetryPolicy | int | None = None,
        timeout: float = 10.0,
        client_label: str | None = None,
        auto_label: bool = True,
        extra_headers: Mapping[str, str | Secret] | None = None,
        gateway_url: str | None = None,
        http_client: HttpClient | None = None,
        transport: Transport | TransportName | None = None,
        ssl_context: ssl.SSLContext | None = None,
        allow_insecure_http: bool | None = None,
    ) -> None:
        # No frame of ours shows them from here on.
        key, api_key = as_secret(api_key), None
        headers, extra_headers = _operations.as_secrets(extra_headers), None
        way: dict[str, Any] = {"transport": transport, "http_client": http_client, "ssl_context": ssl_context}
        settings = configure(
            api_key=key,
            base_url=base_url,
            gateway_url=gateway_url,
            allow_insecure_http=allow_insecure_http,
            auto_label=auto_label,
            for_async=self._is_async,
            retry=retry,
            timeout=timeout,
            client_label=client_label,
            extra_headers=headers,
            **way,
        )
        made: Any = (open_async_exchange if self._is_async else open_exchange)(settings.url, **way)
        self._exchange = made
        self._settings = attrs.evolve(settings, user_agent=f"{PRODUCT} {made.library}", proxy=made.proxy)
        self._lifetime = _Lifetime()

    def with_options(
        self,
        *,
        timeout: float | None = None,
        retry: RetryPolicy | int | None = None,
        client_label: str | None = None,
        extra_headers: Mapping[str, str | Secret] | None = None,
    ) -> Self:
        """The same client with other settings: a view of it, on the same connections.

        Closing either closes both. What is not given stays as it is; a new `retry` has a budget of its own.

        Args:
            timeout: As for a new client.
            retry: As for a new client.
            client_label: As for a new client.
            extra_headers: Added to those that the client has, in place of any of the same name.

        Raises:
            AnamConfigError: An argument is not valid.
        """
        headers, extra_headers = _operations.as_secrets(extra_headers), None  # no frame of ours shows them from here on
        found = Findings()
        options = checked_options(found, timeout=timeout, retry=retry, client_label=client_label, extra_headers=headers)
        found.settle()
        if "extra_headers" in options:
            options["extra_headers"] = {**self._settings.extra_headers, **options["extra_headers"]}
        if "policy" in options:
            options["budgets"] = budgets_of(options["policy"])
        view = copy.copy(self)
        view._settings = attrs.evolve(self._settings, **options)
        return view

    def __repr__(self) -> str:
        # One that was refused half-way has no settings, and may still stand in a traceback.
        settings = getattr(self, "_settings", None)
        return f"{type(self).__name__}(base_url={settings and settings.base_url!r})"

    def _refuse_if_closed(self, request: Request) -> None:
        request.is_closed = lambda: self._lifetime.is_over
        if self._lifetime.is_over:
            raise ClientClosedError("the client is closed", sent=False)

    def _warm_up_request(self, connections: object) -> Callable[[], Request]:
        if isinstance(connections, bool) or not isinstance(connections, int) or not 1 <= connections <= MAX_CONNECTIONS:
            rule = f"must be a whole number from 1 to {MAX_CONNECTIONS}"
            raise AnamConfigError(Problem("connections", repr(connections), rule))
        if self._lifetime.is_over:
            raise ClientClosedError("the client is closed", sent=False)
        settings = self._settings
        headers = settings.headers
        ends = time.monotonic() + settings.timeout

        def make() -> Request:
            left = ends - time.monotonic()
            if left <= 0:
                raise AnamTimeoutError(f"connecting to {settings.url}: took all the time there was", sent=False)
            return Request("HEAD", settings.url, headers=headers, content=b"", timeout=left)

        return make

    def _not_warm(self, error: Exception) -> Exception:
        if isinstance(error, AnamTimeoutError):
            return error
        # Nothing counts as sent, since it carried nothing that could have an effect.
        request = Request("HEAD", self._settings.url, headers={}, content=b"", timeout=0)
        return connection_error(error, request, self._settings.where("connecting to", ""), ())


class AnamClient(_Client[httpx.Client, httpx.BaseTransport]):
    """A client for Anam, for threads.

    Its connections are opened as calls need them, and closed by `close()` or the end of a `with` block. It can be
    shared between threads; after a fork the child opens its own.

    Args:
        api_key: Anam's API key; `ANAM_API_KEY` when not given.
        base_url: Where the API is; `ANAM_API_URL`, or else `https://api.anam.ai`, when not given. A `/v1` at its end,
            or the path of an operation, is taken off.
        retry: When and how often to try again, or just how often; 0 switches it off. A `RetryPolicy` when not given.
        timeout: Seconds that one attempt may take, from connecting to the last byte of the answer; for threads up to a
            quarter of a second more. What it cannot bound for threads: looking up the host's name, and, with an
            `http_client` or `transport` of your own, an answer whose head comes in drops.
        client_label: Label of the sessions that are not given one of their own; at most 128 characters.
        auto_label: Whether `start_session` gives a label to a session that has none, so that it can be found if its
            start is uncertain.
        extra_headers: Sent with every request, such as a gateway's credentials. They are treated as secrets, and cannot
            replace what the client itself sends.
        gateway_url: Base URL of a gateway of your own to send everything through; it gets the full URL at Anam in the
            header `X-Anam-Target-Url`.
        http_client: An `httpx.Client` of your own (or httpx2's) to send with. It is used, and never closed. Its
            proxies, certificates, hooks, default headers and connections are yours; its redirects, cookies,
            authentication and time-outs do not apply.
        transport: What to send through if not through a client of yours. `httpx`, the default, is an `httpx.Client` of
            the package's own, which whatever is made for httpx can watch or intercept. `fast` takes a fraction of the
            CPU time for a start and behaves the same; it needs the extra `anam-facade[fast]`, and asyncio where it is
            async. Behind a proxy it is the default that is used. An httpx transport of your own, `httpx.MockTransport`
            for one, is closed with the client.
        ssl_context: Trust settings of your own. Verification is always on otherwise.
        allow_insecure_http: Permit a plain `http://` URL that is not this machine's. Credentials then travel in the
            clear. `ANAM_ALLOW_INSECURE_HTTP=1` permits it too when this is not given.

    Raises:
        AnamConfigError: An argument, or the environment variable that stands in for it, is missing or not valid.
    """

    _is_async = False
    _exchange: Exchange

    def create_session_token(
        self,
        persona: PersonaConfig | Mapping[str, Any],
        *,
        environment: LiveKitEnvironment | Mapping[str, Any] | None = None,
        session_options: SessionOptions | Mapping[str, Any] | None = None,
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
            AnamResponseError: The answer has an unusable body.
        """
        setup = Setup(persona, environment, session_options, client_label, expires_in=expires_in)
        del persona, environment, session_options  # no frame of ours shows them from here on
        return self._run(_operations.minting(self._settings, setup))

    def start_engine_session(
        self,
        token: SessionToken | str,
        *,
        client_metadata: Mapping[str, Any] | None = None,
        end_of_speech_sensitivity: float | None = None,
    ) -> EngineSession:
        """Starts the session that a token was minted for. This is billed.

        The session token is the bearer here; the API key does not travel. A token starts one session, so repeating a
        start with the same token, which this does when an answer is lost, cannot start a second.

        Args:
            token: From `create_session_token`.
            client_metadata: Facts about your program; any JSON object.
            end_of_speech_sensitivity: How readily a pause counts as the end of the user's turn; from 0 to 1, higher is
                sooner.

        Raises:
            AnamConfigError: The token is no session token, or the API key; nothing was sent.
            SessionStartUncertainError: The start was sent, but whether it took effect could not be learnt.
            AnamStatusError: The server refused, or failed until the retries were used up; see `may_have_started`.
            AnamConnectionError, AnamTimeoutError: The server could not be reached.
        """
        bearer = _operations.as_token(token)
        del token  # no frame of ours shows it from here on
        return self._run(_operations.starting(self._settings, bearer, client_metadata, end_of_speech_sensitivity))

    def start_session(
        self,
        persona: PersonaConfig | Mapping[str, Any],
        *,
        environment: LiveKitEnvironment | Mapping[str, Any] | None = None,
        session_options: SessionOptions | Mapping[str, Any] | None = None,
        client_label: str | None = None,
        direct: bool = False,
        client_metadata: Mapping[str, Any] | None = None,
    ) -> EngineSession:
        """Mints a token and starts its session, or does both in one call. This is billed.

        Args:
            persona: Who appears; a `PersonaConfig`, or a mapping in the wire's form.
            environment: The LiveKit room to join; without one the session waits for a browser.
            session_options: How the session is recorded, encoded, placed and delivered.
            client_label: A label to find the session by; at most 128 characters. When not given, the client's own, or
                else a new one, `af-` and a UUID: after `SessionStartUncertainError` the session can be looked up by it.
            direct: One call with the API key: a round trip less, but a lost answer cannot be repaired, since only a
                token protects from starting twice.
            client_metadata: Facts about your program; any JSON object.

        Raises:
            AnamConfigError: An argument is not valid and nothing was sent; or Anam minted a token of type `legacy`,
                which cannot start a session, since the persona has neither `voice_id` nor `llm_id`.
            SessionStartUncertainError: The start was sent, but whether it took effect could not be learnt.
            AnamStatusError: The server refused, or failed until the retries were used up; see `may_have_started`.
            AnamConnectionError, AnamTimeoutError: The server could not be reached, or minting was not answered in time.
            AnamResponseError: The answer to minting has an unusable body.
        """
        setup = Setup(persona, environment, session_options, client_label, client_metadata)
        del persona, environment, session_options  # no frame of ours shows them from here on
        return self._run(_operations.minting_and_starting(self._settings, setup, direct=direct))

    def warm_up(self, connections: int = 1) -> None:
        """Opens connections ahead, TLS included, so that the first calls take one round trip and no more.

        Over each goes one `HEAD` request for the base URL, without credentials, whatever it is answered; with `fast`,
        nothing is sent. A connection is kept for ten minutes of idleness, if the server lets it, and calls that come
        when it is closed open a new one. With a client or a transport of your own this does nothing.

        Args:
            connections: How many shall wait for calls, those that are open and idle already included; 1 to 512.

        Raises:
            AnamConfigError: The number is not valid.
            AnamConnectionError, AnamTimeoutError: The server cannot be reached. There are no retries here: calls make
                their own.
        """
        make = self._warm_up_request(connections)
        try:
            self._exchange.warm_up(make, connections)
        except Exception as error:
            raise self._not_warm(error) from error

    def close(self) -> None:
        """Closes the connections, those of all views too. Calls under way fail; later ones are refused."""
        if not self._lifetime.is_over:
            self._lifetime.end()
            self._exchange.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()

    def _run(self, flow: Flow[T]) -> T:
        outer = sys.exception()
        outcome: Answer | Exception | None = None
        try:
            while True:
                try:
                    step = flow.send(outcome)
                except StopIteration as done:
                    value: T = done.value
                    return value
                try:
                    outcome = self._do(step)
                except Exception as error:
                    outcome = error
                except BaseException as error:
                    flow.throw(error)
        except BaseException as error:
            forget(error, outer)
            raise

    def _do(self, step: Request | float) -> Answer | None:
        if isinstance(step, Request):
            self._refuse_if_closed(step)
            return self._exchange.exchange(step)
        self._lifetime.pause(step)
        return None


class AsyncAnamClient(_Client[AsyncHttpClient, httpx.AsyncBaseTransport]):
    """A client for Anam, for asyncio or trio. The arguments and methods are those of `AnamClient`.

    `http_client` may also be an `aiohttp.ClientSession`.

    Its connections are opened as calls need them, and closed by `aclose()` or the end of an `async with` block. It can
    be shared between tasks, and used in any number of event loops, one after the other or in threads at the same time:
    each has connections of its own, which end with it.
    """

    _is_async = True
    _exchange: AsyncExchange

    async def create_session_token(
        self,
        persona: PersonaConfig | Mapping[str, Any],
        *,
        environment: LiveKitEnvironment | Mapping[str, Any] | None = None,
        session_options: SessionOptions | Mapping[str, Any] | None = None,
        client_label: str | None = None,
        expires_in: str | None = None,
    ) -> SessionToken:
        """Mints a session token; see `AnamClient.create_session_token`."""
        setup = Setup(persona, environment, session_options, client_label, expires_in=expires_in)
        del persona, environment, session_options  # no frame of ours shows them from here on
        return await self._run(_operations.minting(self._settings, setup))

    async def start_engine_session(
        self,
        token: SessionToken | str,
        *,
        client_metadata: Mapping[str, Any] | None = None,
        end_of_speech_sensitivity: float | None = None,
    ) -> EngineSession:
        """Starts the session that a token was minted for; see `AnamClient.start_engine_session`.

        A task that is cancelled while this runs learns nothing of the start's fate: a session may have been started. A
        line in the log says so.
        """
        bearer = _operations.as_token(token)
        del token  # no frame of ours shows it from here on
        return await self._run(_operations.starting(self._settings, bearer, client_metadata, end_of_speech_sensitivity))

    async def start_session(
        self,
        persona: PersonaConfig | Mapping[str, Any],
        *,
        environment: LiveKitEnvironment | Mapping[str, Any] | None = None,
        session_options: SessionOptions | Mapping[str, Any] | None = None,
        client_label: str | None = None,
        direct: bool = False,
        client_metadata: Mapping[str, Any] | None = None,
    ) -> EngineSession:
        """Mints a token and starts its session, or does both in one call; see `AnamClient.start_session`.

        A task that is cancelled while this runs learns nothing of the start's fate: a session may have been started. A
        line in the log says so.
        """
        setup = Setup(persona, environment, session_options, client_label, client_metadata)
        del persona, environment, session_options  # no frame of ours shows them from here on
        return await self._run(_operations.minting_and_starting(self._settings, setup, direct=direct))

    async def warm_up(self, connections: int = 1) -> None:
        """Opens connections ahead, TLS included; see `AnamClient.warm_up`."""
        make = self._warm_up_request(connections)
        try:
            await self._exchange.warm_up(make, connections)
        except Exception as error:
            raise self._not_warm(error) from error

    async def aclose(self) -> None:
        """Closes the connections, those of all views too. Calls under way fail; later ones are refused."""
        if not self._lifetime.is_over:
            self._lifetime.end()
            await self._exchange.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()

    async def _run(self, flow: Flow[T]) -> T:
        outer = sys.exception()
        outcome: Answer | Exception | None = None
        try:
            while True:
                try:
                    step = flow.send(outcome)
                except StopIteration as done:
                    value: T = done.value
                    return value
                try:
                    outcome = await self._do(step)
                except Exception as error:
                    outcome = error
                except BaseException as error:
                    flow.throw(error)
        except BaseException as error:
            forget(error, outer)
            raise

    async def _do(self, step: Request | float) -> Answer | None:
        if isinstance(step, Request):
            self._refuse_if_closed(step)
            return await self._exchange.exchange(step)
        import anyio  # here, so that importing the package stays cheap

        await anyio.sleep(step)
        return None
