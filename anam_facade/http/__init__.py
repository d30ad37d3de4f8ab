"""The room where bytes move: the only one that knows an HTTP client's insides."""

from __future__ import annotations

import ssl
import sys
from importlib.util import find_spec
from typing import Any

from ..errors import Problem
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


def problems(transport: object, http_client: object, ssl_context: object, *, for_async: bool) -> list[Problem]:
    """What is wrong with the arguments that choose an exchange."""
    found = []
    prefix = "Async" if for_async else ""
    if transport is not None and http_client is not None:
        found.append(Problem("http_client", "", "cannot be used together with transport: choose one"))
    if isinstance(transport, str) and transport not in TRANSPORTS:
        rule = f"must be {' or '.join(TRANSPORTS)}, or an httpx.{prefix}BaseTransport"
        found.append(Problem("transport", repr(transport), rule))
    elif transport == "fast" and not all(map(find_spec, ("httptools", "aiohappyeyeballs"))):
        found.append(Problem("transport", "fast", 'needs an extra: pip install "anam-facade[fast]"'))
    elif transport is not None and not isinstance(transport, str) and not _is(transport, f"{prefix}BaseTransport"):
        rule = f"must be an httpx.{prefix}BaseTransport, not {type(transport).__name__}"
        found.append(Problem("transport", "", rule))
    if http_client is not None and not _is(http_client, f"{prefix}Client"):
        aiohttp = sys.modules.get("aiohttp") if for_async else None
        if aiohttp is None or not isinstance(http_client, aiohttp.ClientSession):
            rule = f"must be an httpx.{prefix}Client (or httpx2's){' or an aiohttp.ClientSession' * for_async}"
            found.append(Problem("http_client", "", f"{rule}, not {type(http_client).__name__}"))
    if ssl_context is not None and not isinstance(ssl_context, ssl.SSLContext):
        rule = f"must be an ssl.SSLContext, not {type(ssl_context).__name__}"
        found.append(Problem("ssl_context", "", rule))
    return found


def _is(made: object, name: str) -> bool:
    """Whether something is an instance of the class of that name, of httpx or httpx2."""
    return any(isinstance(made, getattr(sys.modules[lib], name)) for lib in ("httpx", "httpx2") if lib in sys.modules)
