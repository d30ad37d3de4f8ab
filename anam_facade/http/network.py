"""What holds for every connection of the package's own: trust, proxies, keep-alive, and whose a connection is."""

from __future__ import annotations

import os
import socket
import ssl
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import Generic, TypeVar
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


def addresses(host: str, port: int) -> int:
    """How many addresses a host has; at least one, for connecting will say itself that it has none."""
    with suppress(OSError):
        return len(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)) or 1
    return 1


P = TypeVar("P")


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
