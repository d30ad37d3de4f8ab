"""The room where bytes move: the only one that knows an HTTP client's insides."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from .exchange import AsyncExchange, Exchange
from .network import proxy_for

TRANSPORTS = ("httpx", "fast")


def _open(
    base_url: str,
    *,
    for_async: bool,
    transport: Any = None,
    http_client: Any = None,
    ssl_context: ssl.SSLContext | None = None,
) -> Any:
    # Imported where they are needed, so that importing the package stays cheap.
    if transport == "fast" and proxy_for(base_url) is None:
        from .fast import fast

        return fast(base_url, ssl_context, for_async=for_async)
    from . import httpx_

    if http_client is not None:
        if httpx_.library_of(http_client) is None:
            from .aiohttp_ import Aiohttp

            return Aiohttp(http_client)
        return (httpx_.AsyncHttpx if for_async else httpx_.Httpx)(http_client, ours=False)
    if transport is None or transport in TRANSPORTS:
        return httpx_.default(base_url, ssl_context, for_async=for_async)
    library = httpx_.library_of(transport)
    assert library is not None
    if for_async:
        return httpx_.AsyncHttpx(library.AsyncClient(transport=transport, trust_env=False), ours=True)
    return httpx_.Httpx(library.Client(transport=transport, trust_env=False), ours=True)


open_exchange: Callable[..., Exchange] = partial(_open, for_async=False)
"""The exchange that a client's arguments ask for: `transport`, `http_client` and `ssl_context`."""

open_async_exchange: Callable[..., AsyncExchange] = partial(_open, for_async=True)
"""The same for asyncio and trio."""


def preload() -> None:
    """Loads what an async client's first call would load, 0.1 s of CPU time; for those who import ahead of the work."""
    for name in ("anyio._backends._asyncio", "httpcore", f"{__name__}.httpx_"):
        import_module(name)
