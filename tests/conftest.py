"""What holds for one way of sending holds for all: tests that meet real sockets run over each of them.

The ways are the package's own httpx client, `fast`, an httpx client of the user's and, where it is async, an aiohttp
session.
"""

from __future__ import annotations

import asyncio
import functools
import os
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import pytest

from anam_facade import AnamClient, AnamError, AsyncAnamClient, RetryPolicy, client, http
from anam_facade.http.aiohttp_ import Aiohttp
from anam_facade.http.exchange import AsyncExchange
from anam_facade.http.httpx_ import AsyncHttpx, Httpx
from tests.client.servers import RawServer

if TYPE_CHECKING:
    from anam_facade.sandbox import Sandbox

OWN = ("httpx", "fast")
WAYS = (*OWN, "client", "aiohttp")
trust = functools.cache(ssl.create_default_context)
"""Certificates are read once, not for each client."""


class OnAiohttp(AsyncExchange):
    """A session that is made in the first event loop it is used in, and closed with the client."""

    library = Aiohttp.library

    def __init__(self, ssl_context: ssl.SSLContext | None) -> None:
        self._ssl = ssl_context
        self._session: aiohttp.ClientSession | None = None

    async def exchange(self, request: Any) -> Any:
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=True if self._ssl is None else self._ssl)
            self._session = aiohttp.ClientSession(connector=connector)
        return await Aiohttp(self._session).exchange(request)

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

    def open_exchange(base_url: str, **how: Any) -> Any:
        if how.get("transport") or how.get("http_client") or way == "httpx":
            return http.open_exchange(base_url, **how)
        if way == "fast":
            return http.open_exchange(base_url, **how | {"transport": "fast"})
        return Httpx(httpx.Client(verify=how["ssl_context"] or trust()), ours=True)

    def open_async_exchange(base_url: str, **how: Any) -> Any:
        if how.get("transport") or how.get("http_client") or way == "httpx":
            return http.open_async_exchange(base_url, **how)
        if way == "fast":
            return http.open_async_exchange(base_url, **how | {"transport": "fast"})
        if way == "aiohttp":
            return OnAiohttp(how["ssl_context"])
        return AsyncHttpx(httpx.AsyncClient(verify=how["ssl_context"] or trust()), ours=True)

    monkeypatch.setattr(client, "open_exchange", open_exchange)
    monkeypatch.setattr(client, "open_async_exchange", open_async_exchange)
    return way


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marked = metafunc.definition.get_closest_marker
    if marked("every_transport") and not marked("httpx_only"):
        metafunc.parametrize("transport", OWN if marked("own_only") else WAYS, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`fast` and aiohttp are for asyncio; aiohttp is async only."""
    kept, dropped = [], []
    for item in items:
        values = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        way, kinds = values.get("transport"), {value for value in values.values() if isinstance(value, str)}
        unfit = ("trio" in kinds and way in ("fast", "aiohttp")) or ("sync" in kinds and way == "aiohttp")
        (dropped if unfit else kept).append(item)
    if dropped:
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

QUICK = RetryPolicy(initial_backoff=0.01, max_backoff=0.02)
"""The default policy but for its pauses."""


class Calls:
    """Both clients behind one synchronous face: calls a method of the sync or the async one by name."""

    def __init__(self, kind: str, sandbox: Sandbox) -> None:
        self._cls = AnamClient if kind == "sync" else AsyncAnamClient
        self._sandbox = sandbox
        self._runner = asyncio.Runner()
        self.client: Any = None
        self.configure()

    def configure(self, **options: Any) -> None:
        """Makes the client that the calls go through; by default it retries without waiting long."""
        self._close_client()
        where = {"api_key": self._sandbox.api_key, "base_url": self._sandbox.base_url}
        self.client = self._cls(**{**where, "retry": QUICK, **options})

    def __call__(self, method: str, *args: Any, **kwargs: Any) -> Any:
        result = getattr(self.client, method)(*args, **kwargs)
        return result if self._cls is AnamClient else self._runner.run(_awaited(result))

    def outcome(self, operation: str) -> Any:
        """What comes of an operation: the result, or the typed error."""
        method, argument, options = OPERATIONS[operation]
        try:
            return self(method, argument, **options)
        except AnamError as error:
            return error

    def _close_client(self) -> None:
        if self.client is not None:
            self("close" if self._cls is AnamClient else "aclose")

    def close(self) -> None:
        self._close_client()
        self._runner.close()


async def _awaited(awaitable: Any) -> Any:
    return await awaitable


@pytest.fixture(params=["sync", "async"])
def calls(request: pytest.FixtureRequest, anam_sandbox: Sandbox) -> Iterator[Calls]:
    """`calls("start_session", persona, direct=True)`, over a real socket, against a sandbox of the test's own."""
    made = Calls(request.param, anam_sandbox)
    yield made
    made.close()


@pytest.fixture
def raw_server() -> Iterator[RawServer]:
    """Sends whatever bytes a test wants."""
    made = RawServer()
    yield made
    made.stop()
