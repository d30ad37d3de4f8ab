"""A server that nobody vouches for gets nothing, and no switch turns that off."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from anam_facade import AnamClient, AnamConnectionError, AsyncAnamClient
from anam_facade.http.network import trust_settings
from tests.client.servers import running
from tests.hostile.certificates import self_signed
from tests.hostile.test_inputs import KEY, refusal

SAVED = {"personaId": "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"}


class Tls:
    """A server whose certificate vouches for itself, and who asked it."""

    def __init__(self, stack: contextlib.ExitStack, folder: Path, host: str = "localhost", days: int = 1) -> None:
        self.certificate = folder / f"{host}{days}.pem"
        self.certificate.write_text(self_signed(host, days=days))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        self._server = stack.enter_context(running(context))

    @property
    def bearers(self) -> list[str]:
        return [headers["Authorization"] for headers in self._server.headers]

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.certificate)

    def mint(self, kind: str, **client: Any) -> str:
        return mint(kind, self._server.url.replace("127.0.0.1", "localhost"), **client)


def mint(kind: str, base_url: str, **client: Any) -> str:
    if kind == "sync":
        with AnamClient(KEY, base_url, **client) as made:
            return made.create_session_token(SAVED).value

    async def mint_async() -> str:
        async with AsyncAnamClient(KEY, base_url, **client) as made:
            return (await made.create_session_token(SAVED)).value

    return asyncio.run(mint_async())


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[Callable[..., Tls]]:
    with contextlib.ExitStack() as stack:
        yield lambda *args, **kwargs: Tls(stack, tmp_path, *args, **kwargs)


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.every_transport
def test_a_server_that_nobody_vouches_for_gets_nothing(tls: Any, kind: str) -> None:
    """A certificate that signs itself is refused before the key is sent, and that counts as never sent."""
    server = tls()
    with pytest.raises(AnamConnectionError, match=r"certificate verify failed.*SSL_CERT_FILE") as caught:
        server.mint(kind)
    assert (caught.value.sent, caught.value.attempts, server.bearers) == (False, 1, [])


@pytest.mark.every_transport
def test_a_server_that_speaks_no_tls_is_asked_once(kind: str) -> None:
    """The other common mistake, plain HTTP at that port: one attempt, nothing sent, and what to look at."""
    with running() as server, pytest.raises(AnamConnectionError, match="does the server speak TLS") as caught:
        mint(kind, server.url.replace("http:", "https:"))
    assert (caught.value.sent, caught.value.attempts, server.requests) == (False, 1, 0)


@pytest.mark.every_transport
@pytest.mark.own_only
def test_who_trusts_a_certificate_says_so(tls: Any, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same server is accepted by a context that trusts it, and by `SSL_CERT_FILE`, which names whom to trust."""
    server = tls()
    assert server.mint(kind, ssl_context=server.trust()) == "a.b.c"
    monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
    assert server.mint(kind) == "a.b.c"
    assert server.bearers == [f"Bearer {KEY}"] * 2


@pytest.mark.every_transport
@pytest.mark.parametrize(("host", "days"), [("elsewhere.example", 1), ("localhost", -1)], ids=["name", "expired"])
def test_a_trusted_certificate_must_fit(tls: Any, kind: str, host: str, days: int) -> None:
    """Trust in a certificate is no trust in another's name, nor in one that has expired."""
    server = tls(host, days)
    with pytest.raises(AnamConnectionError, match="certificate verify failed"):
        server.mint(kind, ssl_context=server.trust())
    assert server.bearers == []


def test_no_switch_turns_verification_off(tls: Any, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither variables that other programs heed, nor Python's own global switch, nor an empty store."""
    server = tls()
    (tmp_path / "empty").mkdir()
    for name, value in (
        ("PYTHONHTTPSVERIFY", "0"),
        ("CURL_CA_BUNDLE", ""),
        ("REQUESTS_CA_BUNDLE", ""),
        ("NODE_TLS_REJECT_UNAUTHORIZED", "0"),
        ("GIT_SSL_NO_VERIFY", "1"),
        ("SSL_VERIFY", "false"),
        ("SSL_CERT_FILE", ""),
        ("SSL_CERT_DIR", str(tmp_path / "empty")),
        ("ANAM_VERIFY", "0"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(ssl, "_create_default_https_context", ssl._create_unverified_context)
    with pytest.raises(AnamConnectionError, match="certificate verify failed"):
        server.mint(kind)
    assert server.bearers == []


@pytest.mark.parametrize("client", [AnamClient, AsyncAnamClient])
@pytest.mark.parametrize("name", ["verify", "cert", "trust_env", "insecure", "ssl_verify", "check_hostname"])
def test_no_argument_turns_verification_off(client: Any, name: str) -> None:
    """Arguments by which other clients give up verification do not exist here."""
    with pytest.raises(TypeError, match=name):
        client(KEY, **{name: False})


@pytest.mark.parametrize(
    "value", [False, True, "", "/etc/ssl/certs", 0, {}, ssl.CERT_NONE, ssl.SSLContext], ids=itertools.count()
)
@pytest.mark.parametrize("client", [AnamClient, AsyncAnamClient])
def test_only_a_context_stands_in_for_the_default_trust(client: Any, value: Any) -> None:
    """False, a path or a constant in the place of a context is refused, rather than taken to mean something."""
    error = refusal(lambda: client(KEY, ssl_context=value))
    assert error is not None
    assert [problem.field for problem in error.problems] == ["ssl_context"]


def test_old_versions_of_tls_are_refused() -> None:
    """Whatever the distribution's configuration says: chain, name and at least TLS 1.2 are asked for."""
    context = trust_settings("https://anam.example", None)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SSL_CERT_FILE", "/missing/\n/certificates.pem"),
        ("SSL_CERT_FILE", "/"),
        ("SSL_CERT_FILE", __file__),
        ("SSLKEYLOGFILE", "/missing/keys"),
    ],
    ids=itertools.count(),
)
@pytest.mark.parametrize("client", [AnamClient, AsyncAnamClient])
def test_trust_that_cannot_be_read_is_a_config_error(
    client: Any, variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that points OpenSSL to nowhere is named when the client is made."""
    monkeypatch.setenv(variable, value)
    error = refusal(lambda: client(KEY))
    assert error is not None
    assert variable in error.problems[0].field
