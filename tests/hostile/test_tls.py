"""A server that nobody vouches for gets nothing, and no switch turns that off."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from anam_facade import AnamClient, AnamConfigError, AnamConnectionError
from anam_facade.http.network import trust_settings
from tests.client.servers import Local, running
from tests.conftest import API_KEY, PERSONA, QUICK, Calls
from tests.hostile.certificates import certified


@pytest.fixture
def tls(calls: Calls) -> Iterator[Callable[..., tuple[Local, str]]]:
    """Makes a server to which the calls go, and gives the certificate of the authority that vouches for it too."""
    with contextlib.ExitStack() as stack:

        def make(host: str = "127.0.0.1", days: int = 1, *, trusted: bool = False) -> tuple[Local, str]:
            context, authority = certified(host, days=days)
            server = stack.enter_context(running(context))
            trust = ssl.create_default_context(cadata=authority) if trusted else None
            calls.configure(base_url=server.url, ssl_context=trust, retry=QUICK)
            return server, authority

        yield make


SWITCHES = {
    **dict.fromkeys(["PYTHONHTTPSVERIFY", "NODE_TLS_REJECT_UNAUTHORIZED", "ANAM_VERIFY", "SSL_VERIFY"], "0"),
    **dict.fromkeys(["CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"], ""),
    "GIT_SSL_NO_VERIFY": "1",
}


@pytest.mark.every_transport
@pytest.mark.parametrize("switched", [False, True])
def test_a_server_that_nobody_vouches_for_gets_nothing(
    tls: Any, calls: Calls, switched: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Refused before the key is sent, and not tried again, whatever variables other programs heed, or Python itself."""
    if switched:
        for name, value in (SWITCHES | {"SSL_CERT_DIR": str(tmp_path)}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(ssl, "_create_default_https_context", ssl._create_unverified_context)
    server, _ = tls()
    with pytest.raises(AnamConnectionError, match=r"certificate verify failed.*SSL_CERT_FILE") as caught:
        calls("create_session_token", PERSONA)
    assert (caught.value.sent, caught.value.attempts, server.requests) == (False, 1, [])
    with pytest.raises(TypeError, match="verify"):
        calls.configure(verify=False)


@pytest.mark.every_transport
@pytest.mark.own_only
def test_who_trusts_a_certificate_says_so(tls: Any, calls: Calls, tmp_path: Path, monkeypatch: Any) -> None:
    """The same server is accepted by a context that trusts it, and by `SSL_CERT_FILE`, which names whom to trust."""
    server, authority = tls(trusted=True)
    assert calls.outcome("mint").value == "a.b.c"
    (tmp_path / "authority.pem").write_text(authority)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    calls.configure(base_url=server.url)
    assert calls.outcome("mint").value == "a.b.c"
    assert [headers["Authorization"] for headers in server.headers] == [f"Bearer {API_KEY}"] * 2


@pytest.mark.every_transport
@pytest.mark.parametrize(("host", "days"), [("elsewhere.example", 1), ("127.0.0.1", -1)], ids=["name", "expired"])
def test_a_trusted_certificate_must_fit(tls: Any, calls: Calls, host: str, days: int) -> None:
    """Trust in a certificate is no trust in another's name, nor in one that has expired."""
    server, _ = tls(host, days, trusted=True)
    assert "certificate verify failed" in str(calls.outcome("mint"))
    assert server.requests == []


def test_old_versions_of_tls_are_refused() -> None:
    """Whatever the distribution's configuration says: chain, name and at least TLS 1.2 are asked for."""
    context = trust_settings("https://anam.example", None)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("settings", "environment", "named"),
    [
        ({"ssl_context": False}, {}, "ssl_context"),
        ({"ssl_context": "/etc/ssl/certs"}, {}, "ssl_context"),
        ({"ssl_context": ssl.SSLContext}, {}, "ssl_context"),
        ({}, {"SSL_CERT_FILE": "/missing/\n/some.pem"}, "SSL_CERT_FILE"),
        ({}, {"SSL_CERT_FILE": __file__}, "SSL_CERT_FILE"),
        ({}, {"SSLKEYLOGFILE": "/missing/keys"}, "SSLKEYLOGFILE"),
    ],
)
def test_trust_that_makes_no_sense_is_a_config_error(settings: Any, environment: Any, named: str, monkeypatch) -> None:
    """False or a path in the place of a context, or a variable that points OpenSSL to nowhere: named at once."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(AnamConfigError, match=named):
        AnamClient(API_KEY, **settings)
