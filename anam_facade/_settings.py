"""What a client is made with: its arguments, filled in from the environment and checked, all at once."""

from __future__ import annotations

import os
import platform
import random
import re
import ssl
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

import attrs
import httpx
from attrs import field

from anam_api import models
from anam_api.support import Findings, Secret, as_secret, shown

from . import http
from ._hosts import is_loopback
from ._observer import OBSERVERS, Observer
from ._version import __version__
from .retry import A_DAY, Operation, RetryBudget, RetryPolicy
from .session import SessionToken, jwt_claims

DEFAULT_BASE_URL = "https://api.anam.ai"

PRODUCT = f"anam-facade/{__version__} python/{platform.python_version()}"

_LABEL = next(field for field in models.SessionTokenRequest.FIELDS if field.name == "client_label")

_TOKEN_TYPES = ("ephemeral", "stateful", "legacy")

# A key as it stands in a file or a shell that nothing has read: in quotes, with the variable's name, not filled in.
_AS_WRITTEN = re.compile(r"""["']|[A-Z_]+=|\$|<.*>$|%[A-Z_]+%$""")

# A base URL that was copied together with the path of an operation.
_TOO_MUCH = re.compile(r"/v1(/auth/session-token|/engine/session)?$")

_OURS = (
    *("authorization", "accept", "accept-encoding", "content-type", "content-length", "host", "user-agent", "cookie"),
    *("connection", "transfer-encoding", "te", "upgrade", "proxy-authorization", "x-anam-target-url"),
)
"""Headers that the client says itself, or that belong to the transport."""


@attrs.frozen
class Settings:
    """What a client was made with, shared by its calls.

    Attributes:
        api_key: The key, and where it came from.
        base_url: Where the API is.
        gateway_url: What everything is sent through, if anything.
        client_label: Label of sessions that are not given one.
        auto_label: Whether `start_session` makes a label when there is none.
        timeout: Seconds for one attempt.
        policy: When to try again.
        extra_headers: What is sent besides our own headers.
        proxy: The proxy that requests go through, as far as it is known.
        budgets: What is left of the retries, by operation.
        observers: Who is told of every operation's course.
        url: Where requests really go.
        headers: Our own of every request, credentials excepted.
    """

    api_key: Secret
    base_url: str
    gateway_url: str | None = None
    client_label: str | None = None
    auto_label: bool = True
    timeout: float = 10.0
    policy: RetryPolicy = field(factory=RetryPolicy)
    extra_headers: Mapping[str, Secret] = field(factory=dict)
    key_source: str = "api_key"
    user_agent: str = PRODUCT
    proxy: str | None = None
    observers: list[Observer] = field(factory=lambda: OBSERVERS, repr=False)
    # The system's: the state of any other would be the same in every forked worker.
    rng: random.Random = field(factory=random.SystemRandom, repr=False)
    budgets: Mapping[Operation, RetryBudget] = field(
        default=attrs.Factory(lambda self: budgets_of(self.policy), takes_self=True), repr=False
    )
    url: str = field(init=False, default=attrs.Factory(lambda self: self.gateway_url or self.base_url, takes_self=True))
    headers: Mapping[str, str] = field(
        init=False, default=attrs.Factory(lambda self: _headers(self.url, self.user_agent), takes_self=True)
    )

    def gateway_target(self, path: str) -> str | None:
        """Where a gateway, if there is one, shall forward to."""
        return None if self.gateway_url is None else self.base_url + path

    def where(self, method: str, path: str) -> str:
        """The request, for messages."""
        through = f" (through the proxy {self.proxy})" if self.proxy else ""
        return f"{method} {self.url}{path}{through}"


def _headers(url: str, user_agent: str) -> Mapping[str, str]:
    return {
        "Host": urlsplit(url).netloc,
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": user_agent,
    }


def budgets_of(policy: RetryPolicy) -> dict[Operation, RetryBudget]:
    """Full budgets, one for each operation: minting that works earns no retries for starts that are refused."""
    return {operation: RetryBudget(policy.budget) for operation in Operation}


def configure(
    *,
    api_key: Any,
    base_url: Any,
    gateway_url: Any,
    allow_insecure_http: bool | None,
    auto_label: bool,
    transport: Any,
    http_client: Any,
    ssl_context: ssl.SSLContext | None,
    for_async: bool,
    **options: Any,
) -> Settings:
    """The arguments of a client, filled in from the environment and checked.

    Raises:
        AnamConfigError: With everything that is wrong.
    """
    found = Findings()
    key = as_secret(os.environ.get("ANAM_API_KEY")) if api_key is None else api_key
    source = "ANAM_API_KEY" if api_key is None else "api_key"
    _check_key(key, source, found)
    if allow_insecure_http is None:
        allow_insecure_http = os.environ.get("ANAM_ALLOW_INSECURE_HTTP", "").lower() in ("1", "true", "yes")
    elif not isinstance(allow_insecure_http, bool):  # the text "false" is true
        rule = f"must be True or False, not {type(allow_insecure_http).__name__}"
        found.refuse("allow_insecure_http", rule, shown(allow_insecure_http))
        allow_insecure_http = False
    name = "base_url" if base_url is not None else "ANAM_API_URL"
    url = str(base_url) if base_url is not None else os.environ.get("ANAM_API_URL") or DEFAULT_BASE_URL
    _check_url(url, name, allow_insecure_http, found)
    if gateway_url is not None:
        gateway_url = str(gateway_url)
        _check_url(gateway_url, "gateway_url", allow_insecure_http, found)
    options = checked_options(found, **options)
    _check_way(transport, http_client, ssl_context, found, prefix="Async" if for_async else "")
    found.settle()
    return Settings(
        api_key=key,
        base_url=_TOO_MUCH.sub("", _ascii(url)),
        gateway_url=None if gateway_url is None else _ascii(gateway_url),
        key_source=f"the environment variable {source}" if api_key is None else f"the argument {source}",
        auto_label=auto_label,
        **options,
    )


def checked_options(
    found: Findings,
    *,
    timeout: Any = None,
    retry: Any = None,
    client_label: str | None = None,
    extra_headers: Any = None,
) -> dict[str, Any]:
    """What a view may change, as far as it is given, as fields of `Settings`."""
    if timeout is not None and (
        isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= A_DAY
    ):
        found.refuse("timeout", f"must be a number of seconds above 0 and at most {A_DAY:g}", shown(timeout))
    if isinstance(retry, int) and not isinstance(retry, bool):
        if 0 <= retry < 1_000_000:
            retry = RetryPolicy(max_attempts=retry + 1)
        else:
            found.refuse("retry", "must be a number of retries from 0 to 999999", shown(retry))
    elif retry is not None and not isinstance(retry, RetryPolicy):
        found.refuse("retry", f"must be a RetryPolicy or a number of retries, not {type(retry).__name__}")
    if client_label is not None:
        _LABEL.kind.take(client_label, "client_label", found)
    headers = None if extra_headers is None else _checked_headers(extra_headers, found)
    options = {"timeout": timeout, "policy": retry, "client_label": client_label, "extra_headers": headers}
    return {name: value for name, value in options.items() if value is not None}


def _checked_headers(given: Any, found: Findings) -> dict[str, Secret]:
    headers = {}
    for name, value in dict(given).items():
        text = value.reveal() if isinstance(value, Secret) else value
        where = f"extra_headers[{name!r}]"
        if not isinstance(name, str) or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            found.refuse(where, "must be named by letters, digits and hyphens")
        elif name.lower() in _OURS:
            found.refuse(where, "is a header that the client sets itself")
        elif not isinstance(text, str) or not re.fullmatch(r"[!-~]([ -~\t]*[!-~])?", text):
            found.refuse(where, "must be visible ASCII characters, without line breaks")
        else:
            headers[name] = Secret(text)
    return headers


def _check_way(transport: object, http_client: object, ssl_context: object, found: Findings, *, prefix: str) -> None:
    """What is wrong with the arguments that choose an exchange."""
    if transport is not None and http_client is not None:
        found.refuse("http_client", "cannot be used together with transport: choose one")
    if isinstance(transport, str) and transport not in http.TRANSPORTS:
        rule = f"must be {' or '.join(http.TRANSPORTS)}, or an httpx.{prefix}BaseTransport"
        found.refuse("transport", rule, repr(transport))
    elif transport == "fast" and not all(map(find_spec, ("httptools", "aiohappyeyeballs"))):
        found.refuse("transport", 'needs an extra: pip install "anam-facade[fast]"', "fast")
    elif transport is not None and not isinstance(transport, str) and not _is(transport, f"{prefix}BaseTransport"):
        found.refuse("transport", f"must be an httpx.{prefix}BaseTransport, not {type(transport).__name__}")
    if http_client is not None and not _is(http_client, f"{prefix}Client"):
        aiohttp = sys.modules.get("aiohttp") if prefix else None
        if aiohttp is None or not isinstance(http_client, aiohttp.ClientSession):
            rule = f"must be an httpx.{prefix}Client (or httpx2's){' or an aiohttp.ClientSession' * bool(prefix)}"
            found.refuse("http_client", f"{rule}, not {type(http_client).__name__}")
    if ssl_context is not None and not isinstance(ssl_context, ssl.SSLContext):
        found.refuse("ssl_context", f"must be an ssl.SSLContext, not {type(ssl_context).__name__}")


def _is(made: object, name: str) -> bool:
    """Whether something is an instance of the class of that name, of httpx or httpx2."""
    return any(isinstance(made, getattr(sys.modules[lib], name)) for lib in ("httpx", "httpx2") if lib in sys.modules)


def _check_key(key: object, name: str, found: Findings) -> None:
    # The value itself is never part of a problem.
    text = key.reveal() if isinstance(key, Secret) else None
    if key is None or text == "":
        found.refuse("api_key", "is missing: pass api_key, or set the environment variable ANAM_API_KEY")
    elif isinstance(key, SessionToken) or (text is not None and jwt_claims(text).get("type") in _TOKEN_TYPES):
        found.refuse(name, "must be an API key; this is a session token, which may not travel in its place")
    elif text is None:
        found.refuse(name, f"must be a string or a Secret, not {type(key).__name__}")
    elif _AS_WRITTEN.match(text):
        found.refuse(name, "must be the key alone; this has quotes, a variable's name or a placeholder around it")
    elif not re.fullmatch(r"[!-~]+", text):
        found.refuse(name, "must be visible ASCII characters, without blanks or line breaks")


def _check_url(url: str, name: str, allow_insecure_http: bool, found: Findings) -> None:
    rule = _broken_rule(url, allow_insecure_http)
    if rule is not None:
        # One with a password in it, or without a scheme, may be anything: it is not shown.
        found.refuse(name, rule, "" if rule in (_NOT_ABSOLUTE, _WITH_PASSWORD) else shown(url))


_NOT_ABSOLUTE = "must be an absolute URL such as https://api.anam.ai"
_WITH_PASSWORD = "must not contain a user name or password"  # noqa: S105 - words


def _broken_rule(url: str, allow_insecure_http: bool) -> str | None:
    """The first rule that a URL breaks."""
    try:
        parts = urlsplit(url)
        is_absolute = bool(parts.scheme and parts.hostname) and (parts.port is None or parts.port >= 0)
    except ValueError:
        return _NOT_ABSOLUTE
    # Nothing in it may break out of a line. And older Pythons pass over what follows a bracket without a colon, which
    # httpx takes for a port.
    breaks_out = re.search(r"[\s\x00-\x20\x7f-\x9f]", url) or not url.isprintable()
    if not is_absolute or breaks_out or re.search(r"\][^:]", parts.netloc):
        return _NOT_ABSOLUTE
    if parts.username is not None or parts.password is not None:
        return _WITH_PASSWORD
    if "?" in url or "#" in url:
        return "must have neither query nor fragment"
    if parts.scheme not in ("https", "http"):
        return "must start with https:// (or http://, for this machine)"
    if parts.scheme == "http" and not allow_insecure_http and not is_loopback(parts.hostname or ""):
        lifted = "allow_insecure_http=True, or the environment variable ANAM_ALLOW_INSECURE_HTTP=1, lifts this"
        return f"must be https:// unless the host is this machine: the key would travel in the clear ({lifted})"
    try:
        host = httpx.URL(url).raw_host.removesuffix(b".")
    except httpx.InvalidURL as error:
        return f"must be a valid URL: {str(error)[:100]}"
    if b":" not in host and not re.fullmatch(rb"[\w-]{1,63}(\.[\w-]{1,63})*", host):
        return "must have a host name whose parts are 1 to 63 letters, digits, hyphens or underscores"
    return None


def _ascii(url: str) -> str:
    """The URL as it goes over the wire: an international host name in its ASCII form, no slash at the end."""
    parsed = httpx.URL(url)
    return f"{parsed.scheme}://{parsed.netloc.decode('ascii')}{parsed.raw_path.decode('ascii')}".rstrip("/")
