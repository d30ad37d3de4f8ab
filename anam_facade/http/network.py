"""What holds for every connection of the package's own: trust, proxies, keep-alive, and whose a connection is."""

from __future__ import annotations

import os
import socket
import ssl
import urllib.request
from collections.abc import AsyncGenerator, Callable, Hashable
from importlib.util import find_spec
from typing import Generic, Protocol, TypeVar
from urllib.parse import urlsplit

import httpx

from .._hosts import is_loopback
from ..errors import AnamConfigError, Problem

MAX_CONNECTIONS = 512
"""Connections open at once; calls beyond wait for one, within their time-out."""

KEEPALIVE_EXPIRY = 600.0
"""Seconds for which an idle connection is kept: agents start a session now and then, not every few seconds."""

# Idle connections are probed, so that a router in between neither forgets them nor hides that they are dead.
SOCKET_OPTIONS: list[tuple[int, int, int]] = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), seconds)
        for name, seconds in (("TCP_KEEPIDLE", 45), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 3))
        if hasattr(socket, name)
    ),
]


def trust_settings(base_url: str, ssl_context: ssl.SSLContext | None) -> ssl.SSLContext:
    """The TLS settings: the user's, or those that verify.

    Raises:
        AnamConfigError: What the environment says of certificates cannot be read.
    """
    if ssl_context is not None:
        return ssl_context
    if not base_url.startswith("https:"):
        # Trusts nobody, and is never asked to: making a real one reads the whole bundle of certificates.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context = httpx.create_ssl_context()
    except OSError as error:
        rule = f"must name readable certificates: {error.strerror or type(error).__name__}"
        raise AnamConfigError(Problem("SSL_CERT_FILE, SSL_CERT_DIR or SSLKEYLOGFILE", "", rule)) from error
    # Some distributions leave the floor to a configuration file.
    context.minimum_version = max(context.minimum_version, ssl.TLSVersion.TLSv1_2)
    return context


def proxy_for(base_url: str) -> httpx.Proxy | None:
    """The proxy that the environment asks for (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`), as httpx does.

    Raises:
        AnamConfigError: It cannot be used.
    """
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    url = proxies.get(parts.scheme) or proxies.get("all")
    if not url:
        return None
    # The value is not shown: it may hold a password.
    where = "the proxy in the environment (HTTPS_PROXY, HTTP_PROXY or ALL_PROXY)"
    try:
        proxy = httpx.Proxy(url if "://" in url else f"http://{url}")
    except (ValueError, httpx.InvalidURL):
        raise AnamConfigError(Problem(where, "", "must be an http, https, socks5 or socks5h URL")) from None
    if proxy.url.scheme.startswith("socks") and find_spec("socksio") is None:
        raise AnamConfigError(Problem(where, "", 'needs SOCKS: pip install "httpx[socks]"'))
    return proxy


class Closing(Protocol):
    """What is kept for an event loop."""

    async def aclose(self) -> None:
        """Closes it."""


P = TypeVar("P")
L = TypeVar("L", bound=Closing)


class PerProcess(Generic[P]):
    """One of something for every process: after a fork the child makes its own.

    The parent's is kept in the child, untouched: collecting it would close what the parent uses.
    """

    def __init__(self, make: Callable[[], P]) -> None:
        self._make = make
        self._made: dict[int, P] = {}

    def here(self) -> P:
        """This process's. No lock: one that was held at the fork would be held for ever."""
        pid = os.getpid()
        found = self._made.get(pid)
        return self._made.setdefault(pid, self._make()) if found is None else found


class PerLoop(Generic[L]):
    """One of something for every event loop (in every process), closed when its loop ends."""

    def __init__(self, make: Callable[[], L]) -> None:
        self._make = make
        self._made: dict[tuple[int, Hashable], tuple[L, AsyncGenerator[None]]] = {}

    async def here(self) -> L:
        """The running event loop's."""
        key = os.getpid(), _running()
        found = self._made.get(key)
        if found is None:
            for other in [other for other in list(self._made) if other[0] == key[0] and _is_over(other[1])]:
                self._made.pop(other, None)
            made = self._make()
            self._made[key] = found = made, self._until_the_loop_ends(key, made)
            await anext(found[1])
        return found[0]

    async def _until_the_loop_ends(self, key: tuple[int, Hashable], made: L) -> AsyncGenerator[None]:
        # `asyncio.run` and `trio.run` close the asynchronous generators that are left when all tasks are done.
        try:
            yield
        finally:
            self._made.pop(key, None)
            await made.aclose()

    async def aclose(self) -> None:
        """Closes them all; those of loops that run elsewhere, over there."""
        import asyncio  # in the functions that need it: importing the package stays cheap

        here = os.getpid(), _running()
        for key, (made, until) in list(self._made.items()):
            loop = key[1]
            if key == here:
                await until.aclose()
            elif key[0] == here[0] and isinstance(loop, asyncio.AbstractEventLoop) and loop.is_running():
                asyncio.run_coroutine_threadsafe(_close(made), loop)


async def _close(made: Closing) -> None:
    await made.aclose()


def _running() -> Hashable:
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        import trio  # it can be nothing else

        return trio.lowlevel.current_trio_token()


def _is_over(loop: Hashable) -> bool:
    import asyncio

    return isinstance(loop, asyncio.AbstractEventLoop) and loop.is_closed()
