"""The room where bytes move: the only one that knows an HTTP client's insides."""

from __future__ import annotations

import ssl
from typing import Any

from .exchange import AsyncExchange, Exchange
from .network import proxy_for

TRANSPORTS = ("httpx", "fast")


def open_exchange(
    base_url: str, *, transport: Any = None, http_client: Any = None, ssl_context: ssl.SSLContext | None = None
) -> Exchange:
    """The exchange that a client's arguments ask for."""
    if transport == "fast" and proxy_for(base_url) is None:
        from .fast import Fast

        return Fast(base_url, ssl_context)
    # Imported here, so that importing the package stays cheap.
    from .httpx_ import Default, Httpx, library_of

    if http_client is not None:
        return Httpx(http_client, ours=False)
    if transport is not None and transport not in TRANSPORTS:
        library = library_of(transport)
        assert library is not None
        return Httpx(library.Client(transport=transport, trust_env=False), ours=True)
    return Default(base_url, ssl_context)


def open_async_exchange(
    base_url: str, *, transport: Any = None, http_client: Any = None, ssl_context: ssl.SSLContext | None = None
) -> AsyncExchange:
    """The same for asyncio and trio."""
    if transport == "fast" and proxy_for(base_url) is None:
        from .fast import AsyncFast

        return AsyncFast(base_url, ssl_context)
    from .httpx_ import AsyncDefault, AsyncHttpx, library_of

    if http_client is not None:
        if library_of(http_client) is None:
            from .aiohttp_ import Aiohttp

            return Aiohttp(http_client)
        return AsyncHttpx(http_client, ours=False)
    if transport is not None and transport not in TRANSPORTS:
        library = library_of(transport)
        assert library is not None
        return AsyncHttpx(library.AsyncClient(transport=transport, trust_env=False), ours=True)
    return AsyncDefault(base_url, ssl_context)


def preload() -> None:
    """Loads what an async client's first call would load, 0.1 s of CPU time; for those who import ahead of the work."""
    from .httpx_ import preload

    preload()
