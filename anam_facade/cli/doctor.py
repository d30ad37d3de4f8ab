"""What keeps a session from starting: one finding per thing that can be wrong, each with what to do.

A finding rests on those before it: what cannot be tried because of an earlier failure is skipped, not failed.
"""

from __future__ import annotations

import platform
import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import attrs
import httpx

from anam_facade import (
    DEFAULT_BASE_URL,
    AnamClient,
    AnamConfigError,
    AnamError,
    AnamStatusError,
    PersonaConfig,
    RetryPolicy,
    __version__,
)

TIMEOUT = 10.0
CLOCK_TOLERANCE = 60.0
"""Seconds that the clocks may differ; tokens live an hour, and the `Date` of an answer is a second wide."""

ANY_PERSONA = "00000000-0000-4000-8000-000000000000"
"""Minting checks little: any id does to try a key with."""


@attrs.frozen
class Finding:
    """What one check found.

    Attributes:
        check: What was looked at.
        passed: None when it does not apply, or could not be tried.
        detail: What was found; no secret.
        advice: What to do about it.
    """

    check: str
    passed: bool | None
    detail: str
    advice: str = ""

    @property
    def mark(self) -> str:
        """One character for `passed`."""
        return {True: "✓", False: "✗", None: "-"}[self.passed]

    @property
    def line(self) -> str:
        """The finding for people."""
        return f"{self.check:<13} {self.detail}" + (f". {self.advice}" if self.advice else "")

    def as_dict(self) -> dict[str, Any]:
        """The finding for programs."""
        status = {True: "passed", False: "failed", None: "skipped"}[self.passed]
        return {"check": self.check, "status": status, "detail": self.detail, "advice": self.advice}


def findings(
    environ: Mapping[str, str], url: str | None, file: str | None, persona_id: str | None
) -> Iterator[Finding]:
    """Everything, in the order in which it can go wrong."""
    yield versions()
    key = variable("ANAM_API_KEY", environ.get("ANAM_API_KEY"), secret=True)
    yield key
    there = variable("ANAM_API_URL", environ.get("ANAM_API_URL"))
    yield there
    who, found = persona(file, persona_id)
    yield from found
    base_url = url or environ.get("ANAM_API_URL") or DEFAULT_BASE_URL
    reached = True
    for finding in way(base_url):
        reached &= finding.passed is not False or finding.check == "clock"
        yield finding
    if key.passed and reached and who is not None:
        yield accepted(base_url, who, made_up=file is None and persona_id is None)
    else:
        yield Finding("key accepted", None, "not tried: something above comes first")


def way(url: str) -> Iterator[Finding]:
    """From here to the server's answer; ends where it ends."""
    try:
        AnamClient("any-key", url).close()  # this is about the address alone
    except AnamConfigError as error:
        yield Finding("address", False, "; ".join(map(str, error.problems)), "Correct --url or ANAM_API_URL")
        return
    yield (through := proxy(url))
    yield (resolved := address(url, proxied=through.passed is not None))
    if resolved.passed is not False:
        yield from connection(url, proxied=through.passed is not None)


def versions() -> Finding:
    """What runs here."""

    def installed(name: str) -> str:
        try:
            return f"{name} {version(name)}"
        except PackageNotFoundError:
            return ""

    optional = [installed(name) for name in ("aiohttp", "httptools", "livekit-agents", "opentelemetry-api")]
    parts = [f"anam_facade {__version__}", f"Python {platform.python_version()}", installed("httpx"), *optional]
    return Finding("versions", True, ", ".join(filter(None, [*parts, ssl.OPENSSL_VERSION])))


def variable(name: str, value: str | None, *, secret: bool = False) -> Finding:
    """Whether an environment variable holds what it seems to hold."""
    if not value:
        if secret:
            advice = f"Make a key in Anam's web app and set it: export {name}=…"
            return Finding(name, False, "is not set" if value is None else "is empty", advice)
        return Finding(name, None, f"is not set: {DEFAULT_BASE_URL}")
    shown = f"***, {len(value):,} characters" if secret else re.sub(r"//[^/]*@", "//***@", value)
    if value[0] in "\"'" or value[-1] in "\"'":
        advice = "Remove the quotes: a .env file or a docker -e keeps them as part of the value"
        return Finding(name, False, "has quotes around it", advice)
    if value.split() != [value]:
        return Finding(name, False, "has blanks or line breaks in it", "Set it anew, without them")
    return Finding(name, True, f"is set: {shown}")


def persona(file: str | None, persona_id: str | None) -> tuple[PersonaConfig | None, list[Finding]]:
    """The persona to mint a token for, and what is wrong with it if one was named."""
    if file is None and persona_id is None:
        return PersonaConfig.saved(ANY_PERSONA), []
    try:
        if file is None:
            return PersonaConfig.saved(persona_id or ""), []
        return PersonaConfig.load(file), [Finding("persona", True, f"{file} is valid")]
    except AnamConfigError as error:
        detail = "; ".join(map(str, error.problems))
        return None, [Finding("persona", False, detail, "Correct it; nothing was sent")]


def proxy(url: str) -> Finding:
    """Which proxy is in the way, by the variables that httpx reads too. Passed when there is one."""
    parts = urlsplit(url)
    proxies = getproxies()
    found = proxies.get(parts.scheme) or proxies.get("all")
    if found is None:
        return Finding("proxy", None, "none")
    if proxy_bypass(parts.netloc):
        return Finding("proxy", None, "none for this address, by NO_PROXY")
    where = urlsplit(found if "//" in found else f"//{found}")
    return Finding("proxy", True, f"{where.hostname}:{where.port or 80}")


def address(url: str, *, proxied: bool) -> Finding:
    """Whether the host's name is known."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or {"http": 80}.get(parts.scheme, 443)
    if proxied:
        return Finding("address", None, f"{host}:{port}, resolved by the proxy")
    try:
        found = sorted({str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
    except OSError as error:
        advice = "Check the spelling, the network and the DNS server"
        return Finding("address", False, f"{host} cannot be resolved: {error.strerror or error}", advice)
    return Finding("address", True, f"{host}:{port} is {', '.join(found)}")


def connection(url: str, *, proxied: bool = False) -> Iterator[Finding]:
    """Whether a server answers there, over which TLS, and what its clock says."""
    try:
        began = time.time()
        with httpx.Client(timeout=TIMEOUT) as client, client.stream("GET", f"{url.rstrip('/')}/") as response:
            ended = time.time()
            secured = response.extensions["network_stream"].get_extra_info("ssl_object")
    except (httpx.HTTPError, OSError) as error:
        yield unreachable(error, proxied=proxied)
        return
    yield Finding("connection", True, f"answered {response.status_code} in {ended - began:.2f} s")
    if secured is None:
        yield Finding("TLS", None, "none: plain HTTP")
    else:
        until = secured.getpeercert().get("notAfter", "?")
        yield Finding("TLS", True, f"{secured.version()}, certificate valid until {until}")
    yield clock(response.headers.get("Date"), (began + ended) / 2)


def unreachable(error: Exception, *, proxied: bool = False) -> Finding:
    """Why not, and what to do."""
    reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        advice = "Behind a company's proxy, name its certificate: export SSL_CERT_FILE=…; else the server's is wrong"
        return Finding("TLS", False, reason, advice)
    if "SSL" in reason:
        return Finding("TLS", False, reason, "Does the server speak TLS at this port? Check https:// and the port")
    if proxied or isinstance(error, httpx.ProxyError):
        return Finding("connection", False, reason, "Check HTTPS_PROXY, ALL_PROXY and NO_PROXY, credentials included")
    return Finding("connection", False, reason, "Is it running, and does a firewall stand in between?")


def clock(date: str | None, here: float) -> Finding:
    """Whether this machine's clock agrees with the server's."""
    try:
        there = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return Finding("clock", None, "not compared: the server sent no Date")
    ahead = here - there
    if abs(ahead) <= CLOCK_TOLERANCE:
        return Finding("clock", True, f"within {CLOCK_TOLERANCE:.0f} s of the server's")
    detail = f"is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the server's"
    return Finding("clock", False, detail, "Set it (NTP): tokens look expired, or not valid yet")


def accepted(url: str, who: PersonaConfig, *, made_up: bool) -> Finding:
    """Whether the key mints a token, which starts and bills nothing."""
    try:
        with AnamClient(base_url=url, retry=RetryPolicy(max_attempts=1), timeout=TIMEOUT) as client:
            token = client.create_session_token(who)
    except AnamStatusError as error:
        if error.status_code in (400, 404) and made_up:
            return Finding("key accepted", None, f"perhaps; minting needs a persona of yours: {error}", "Name one")
        refused = error.status_code in (401, 403)
        advice = "Check the key in Anam's web app" if refused else "This says nothing about the key; try again later"
        return Finding("key accepted", False, str(error), advice)
    except AnamError as error:
        return Finding("key accepted", False, str(error), "Correct what it names, or try again later")
    kind = token.claims.get("type")
    return Finding("key accepted", True, f"minted a token of type {kind}, which starts and bills nothing")
