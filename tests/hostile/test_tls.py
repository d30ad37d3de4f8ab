"""A server that nobody vouches for gets nothing, and no switch turns that off."""

from __future__ import annotations

import contextlib
import itertools
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from anam_facade import AnamClient, AnamConfigError, AnamConnectionError
from anam_facade.http.network import trust_settings
from tests.client.servers import Local, running
from tests.conftest import PERSONA, Calls
from tests.hostile.certificates import self_signed
from tests.hostile.conftest import KEY


@pytest.fixture
def tls(tmp_path: Path, calls: Calls) -> Iterator[Callable[..., tuple[Local, Path]]]:
    """Makes a server whose certificate vouches for itself, to which the calls go, and gives that certificate too."""
    with contextlib.ExitStack() as stack:

        def make(host: str = "localhost", days: int = 1, *, trusted: bool = False) -> tuple[Local, Path]:
            certificate = tmp_path / "certificate.pem"
            certificate.write_text(self_signed(host, days=days))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server = stack.enter_context(running(context))
            trust = ssl.create_default_context(cafile=certificate) if trusted else None
            calls.configure(base_url=server.url.replace("127.0.0.1", "localhost"), ssl_context=trust)
            return server, certificate

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
def test_who_trusts_a_certificate_says_so(tls: Any, calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same server is accepted by a context that trusts it, and by `SSL_CERT_FILE`, which names whom to trust."""
    server, certificate = tls(trusted=True)
    assert calls.outcome("mint").value == "a.b.c"
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    calls.configure(base_url=server.url.replace("127.0.0.1", "localhost"))
    assert calls.outcome("mint").value == "a.b.c"
    assert [headers["Authorization"] for headers in server.headers] == [f"Bearer {KEY}"] * 2


@pytest.mark.every_transport
@pytest.mark.parametrize(("host", "days"), [("elsewhere.example", 1), ("localhost", -1)], ids=["name", "expired"])
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


@pytest.mark.parametrize("value", [False, "/etc/ssl/certs", ssl.CERT_NONE, ssl.SSLContext], ids=itertools.count())
def test_only_a_context_stands_in_for_the_default_trust(value: Any) -> None:
    """False, a path or a constant in the place of a context is refused, rather than taken to mean something."""
    with pytest.raises(AnamConfigError, match="ssl_context: must be an ssl"):
        AnamClient(KEY, ssl_context=value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SSL_CERT_FILE", "/missing/\n/some.pem"),
        ("SSL_CERT_FILE", __file__),
        ("SSLKEYLOGFILE", "/missing/keys"),
    ],
)
def test_trust_that_cannot_be_read_is_a_config_error(variable: str, value: str, monkeypatch: Any) -> None:
    """A variable that points OpenSSL to nowhere is named when the client is made."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(AnamConfigError, match=variable):
        AnamClient(KEY)
