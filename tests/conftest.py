"""Both clients behind one face, over every way of sending: what holds for one holds for all.

The ways are the package's own httpx client, `fast`, an httpx client of the user's and, where it is async, an aiohttp
session. Tests that meet real sockets run over each of them.
"""

from __future__ import annotations

import copy
import functools
import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import aiohttp
import anyio.to_thread
import httpx
import jwt
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from anam_facade import AnamClient, AnamError, AsyncAnamClient, RetryPolicy, client, http
from anam_facade.http.aiohttp_ import Aiohttp
from anam_facade.http.httpx_ import AsyncHttpx, Httpx
from tests.client.servers import Local, running

if TYPE_CHECKING:
    from anam_facade.sandbox import Sandbox

OWN = ("httpx", "fast")
WAYS = (*OWN, "client", "aiohttp")
UNFIT = {("trio", "fast"), ("trio", "aiohttp"), ("sync", "aiohttp")}
trust = functools.cache(ssl.create_default_context)
"""Certificates are read once, not for each client."""


class OnAiohttp(Aiohttp):
    """With a session that is made in the first event loop it is used in, and closed with the client."""

    _session: aiohttp.ClientSession | None = None

    def __init__(self, ssl_context: ssl.SSLContext | None) -> None:
        self._trust = True if ssl_context is None else ssl_context

    async def exchange(self, request: Any) -> Any:
        if self._session is None:
            super().__init__(aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self._trust)))
        return await super().exchange(request)

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


def pytest_configure(config: pytest.Config) -> None:
    """Measures what runs in the workers, not in the programs that tests start."""
    if hasattr(config, "workerinput"):
        os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


@pytest.fixture(autouse=True)
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How clients send that are not told how."""
    way: str = getattr(request, "param", "httpx")

    def opened(original: Callable[..., Any], on_theirs: Callable[[ssl.SSLContext | None], Any]) -> Callable[..., Any]:
        def made(base_url: str, **how: Any) -> Any:
            if how["transport"] or how["http_client"]:
                return original(base_url, **how)
            return original(base_url, **how | {"transport": way}) if way in OWN else on_theirs(how["ssl_context"])

        return made

    def on_client(trusted: ssl.SSLContext | None) -> Httpx:
        return Httpx(httpx.Client(verify=trusted or trust()), ours=True)

    def on_async_client(trusted: ssl.SSLContext | None) -> AsyncHttpx:
        return AsyncHttpx(httpx.AsyncClient(verify=trusted or trust()), ours=True)

    monkeypatch.setattr(client, "open_exchange", opened(http.open_exchange, on_client))
    on_theirs = OnAiohttp if way == "aiohttp" else on_async_client
    monkeypatch.setattr(client, "open_async_exchange", opened(http.open_async_exchange, on_theirs))
    return way


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marked = metafunc.definition.get_closest_marker
    if marked("every_transport") and not marked("httpx_only"):
        metafunc.parametrize("transport", OWN if marked("own_only") else WAYS, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`fast` and aiohttp are for asyncio; aiohttp is async only."""
    kept, dropped = [], []
    for item in items:
        values = getattr(getattr(item, "callspec", None), "params", {})
        combination = (values.get("flavour"), values.get("transport"))
        (dropped if combination in UNFIT else kept).append(item)
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept


PERSONA = {"personaId": "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"}
OPERATIONS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "mint": ("create_session_token", PERSONA, {}),
    "token": ("start_engine_session", "header.payload.signature", {}),
    "direct": ("start_session", PERSONA, {"direct": True}),
    "both": ("start_session", PERSONA, {}),
}
"""What a client can be asked for: the method, and its arguments."""

API_KEY = "api-key/0123456789=="
QUICK = RetryPolicy(initial_backoff=0.01, max_backoff=0.02)
"""The default policy but for its pauses."""


def signed(claims: Mapping[str, object] | None = None, /, **more: object) -> str:
    """A token that says so much, as Anam and LiveKit make them: a JWT, with a key that nobody here checks."""
    return jwt.encode({**(claims or {}), **more}, "k" * 32)


class Calls:
    """Either client behind one synchronous face: `calls("start_session", persona, direct=True)`.

    Attributes:
        client: The client; what the async one is asked for runs in an event loop of the test's own.
    """

    def __init__(self, flavour: str, portal: BlockingPortal, settings: dict[str, Any]) -> None:
        self._portal, self._settings = portal, settings
        self.is_async = flavour != "sync"
        self.client: Any = None
        self.configure()

    def configure(self, **options: Any) -> None:
        """Makes the client that the calls go through anew, with other settings."""
        self.close()
        self.client = (AsyncAnamClient if self.is_async else AnamClient)(**self._settings | options)

    def view(self, **options: Any) -> Calls:
        """The same with `with_options`."""
        view = copy.copy(self)
        view.client = self.client.with_options(**options)
        return view

    def __call__(self, method: str, *args: Any, **kwargs: Any) -> Any:
        call = functools.partial(getattr(self.client, method), *args, **kwargs)
        return self._portal.call(call) if self.is_async else call()

    def outcome(self, operation: str) -> Any:
        """What comes of an operation: the result, or the typed error."""
        method, argument, options = OPERATIONS[operation]
        try:
            return self(method, argument, **options)
        except AnamError as error:
            return error

    def aside(self, method: str, *args: Any) -> Future[Any]:
        """The call, not waited for."""
        call = functools.partial(getattr(self.client, method), *args)
        return self._portal.start_task_soon(*([call] if self.is_async else [anyio.to_thread.run_sync, call]))

    def close(self) -> None:
        if self.client is not None:
            self("aclose" if self.is_async else "close")


Connect = Callable[..., Calls]


@pytest.fixture(params=["sync", "asyncio"])
def flavour(request: pytest.FixtureRequest) -> str:
    """Which client: the sync one, or the async one on asyncio (or on trio, where a test says so)."""
    kind: str = request.param
    return kind


@pytest.fixture
def portal(flavour: str) -> Iterator[BlockingPortal]:
    """An event loop in a thread beside the test."""
    with start_blocking_portal("trio" if flavour == "trio" else "asyncio") as portal:
        yield portal


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes away what a client would read from the environment."""
    for name in ("ANAM_API_KEY", "ANAM_API_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def connect(flavour: str, portal: BlockingPortal, bare_environment: None) -> Iterator[Connect]:
    """Makes clients of the flavour under test, closed at the end; what answers, if no server does, comes first."""
    with ExitStack() as clients:

        def make(handler: Callable[[httpx.Request], httpx.Response] | None = None, **settings: Any) -> Calls:
            if handler is not None:
                settings["transport"] = httpx.MockTransport(handler)
            made = Calls(flavour, portal, {"api_key": API_KEY, "retry": RetryPolicy(jitter=0)} | settings)
            clients.callback(made.close)
            return made

        yield make


@pytest.fixture
def calls(connect: Connect, anam_sandbox: Sandbox) -> Calls:
    """A client, over a real socket, against a sandbox of the test's own; it retries without waiting long."""
    return connect(api_key=anam_sandbox.api_key, base_url=anam_sandbox.base_url, retry=QUICK)


@pytest.fixture
def raw_server() -> Iterator[Local]:
    """Sends whatever bytes a test wants, and takes one request for each connection."""
    with running(keep_alive=False) as made:
        yield made
