"""What a client is told to send to: it is refused by name, or it is one host to everyone, and not in the clear."""

from __future__ import annotations

import ipaddress
import itertools
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anam_facade import AnamClient, AsyncAnamClient
from tests.hostile.test_inputs import ANY_TEXT, KEY, refusal, tries, visible

HOSTS = (
    *("localhost", "LOCALHOST", "127.0.0.1", "127.1", "127.8.9.1", "0x7f000001", "2130706433", "0177.0.0.1", "0"),
    *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[::]", "[fe80::1%25lo]", "0.0.0.0"),
    *("localhost.", "localhost.evil.example", "evil.example", "127.0.0.1.evil.example", "xn--exmple-cua.org"),
    *("127\u30020\u30020\u30021", "localhost\u3002", "\u24db\u24de\u24d2alhost", "localho\u017ft", "\u00e4.org"),
    *("1\u0662\u0667.0.0.1", "127.0.0.1%00", "127.0.0.1%2eevil.example", "%6cocalhost", "[v1.x]", "[::1", "::1"),
    *("", ".", "a..b", "-a.example", "a_b.example", "a" * 64 + ".example", "[::1]x", "x[::1]", "[127.0.0.1]"),
)
SCHEMES = (
    *("http:", "https:", "HTTP:", "hTTps:", "http :", " http:", "http\n:", "\u210cttp:"),
    *("ws:", "wss:", "ftp:", "javascript:", "file:", "", ":"),
)  # fmt: skip
SLASHES = ("//", "//", "//", "//", "/", "", "///", "\\\\", "//\\", "/\t/")
USERS = (
    *("", "", "", "", "", "localhost@", "127.0.0.1@", "a:b@", "@", "a%40b@"),
    *("localhost\\@", "localhost#@", "localhost?@", "localhost/@", "[::1]@"),
)  # fmt: skip
PORTS = (
    *("", "", "", ":8080", ":0", ":", ":65535", ":65536", ":-1", ":80:80", ":\u0661", ":8 0", ":http"),
    ":" + "9" * 5000,
)  # fmt: skip
PATHS = (
    *("", "", "", "/", "/base", "/base/", "//x", "/..", "/a/../b", "/%0d%0aX-Injected:%201", "/\r\nX: 1", "/ "),
    *("/\u00e9", "?x=1", "#x", "?", "#", ";x", "\\@evil.example", "@evil.example", "/{x}", "/%", "/\ud800"),
    *("/" + "x" * 70_000,),
)  # fmt: skip
URLS = st.builds(
    lambda *parts: "".join(parts),
    st.sampled_from(SCHEMES),
    st.sampled_from(SLASHES),
    st.sampled_from(USERS),
    st.sampled_from(HOSTS) | st.sampled_from(HOSTS) | ANY_TEXT,
    st.sampled_from(PORTS),
    st.sampled_from(PATHS) | ANY_TEXT,
)


@tries(150)
@given(URLS)
def test_no_two_parsers_see_another_host_in_an_address(url: str) -> None:
    """An address that is accepted means one host to everyone who reads it; in the clear, it is this machine."""
    made: list[AnamClient] = []
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    if refusal(lambda: made.append(AnamClient(KEY, url, transport=transport))) is not None:
        return
    address = made[0]._settings.base_url
    assert visible(address.encode("ascii"))
    seen = httpx.URL(address + "/v1/auth/session-token")
    origin = httpcore.URL(address).origin
    assert (seen.raw_scheme, seen.raw_host) == (origin.scheme, origin.host)
    assert (urlsplit(address).hostname or "").encode() == origin.host
    assert not urlsplit(address).username
    assert seen.raw_scheme in (b"https", b"http")
    if seen.raw_scheme == b"http":
        host = origin.host.decode()
        assert host == "localhost" or ipaddress.ip_address(host).is_loopback
    again: list[AnamClient] = []
    assert refusal(lambda: again.append(AnamClient(KEY, address, transport=transport))) is None
    assert again[0]._settings.base_url == address


LOOKALIKES = """
    api.anam.ai 10.0.0.1 0.0.0.0 [::] [fe80::1] [::ffff:10.0.0.1] 127.1 127.0.1 0x7f000001 0x7f.0.0.1 2130706433
    0177.0.0.1 017700000001 127.0.0.1. 127.0.0.1.nip.example 127.0.0.1%2eevil.example localhost.evil.example
    localhost.localdomain evil.localhost.example localhost-evil.example evil.example/localhost
    evil.example#localhost evil.example?localhost localhost%00.evil.example localhost@evil.example
    127.0.0.1@evil.example 127.0.0.1:80@evil.example [::1]@evil.example localhost#@evil.example
    localhost/@evil.example# [::1]evil.example evil.example[::1] [::1].evil.example /localhost :8080
"""
NOT_THIS_MACHINE = (
    *(f"http://{host}" for host in LOOKALIKES.split()),
    *("HTTP://api.anam.ai", "hTtP://API.ANAM.AI:80", "http://127\u30020\u30020\u30021"),
    *("http://127\uff0e0\uff0e0\uff0e1", "http://\u0661\u0662\u0667.0.0.1"),
    *("http://localhost\u3002evil.example", "http://\u24db\u24de\u24d2alhost", "http://localho\u017ft"),
    *("http://evil.example\\@localhost", "http://localhost\\@evil.example", "http://localhost\\.evil.example"),
    *("http:/localhost", "http:localhost", "http:\\\\localhost", "//localhost", "localhost", "localhost:8080"),
    *("http://", "http://local host", "http://localhost\t", "http://localhost\n.evil.example"),
    *(" http://localhost", "http://localhost ", "http://local\xadhost", "http://localhost\u200b"),
    *("javascript://localhost", "file://localhost/etc/passwd", "ftp://localhost", "ws://localhost"),
    "unix://localhost",
)  # fmt: skip


@pytest.mark.parametrize("url", NOT_THIS_MACHINE, ids=itertools.count())
@pytest.mark.parametrize("setting", ["base_url", "gateway_url"])
@pytest.mark.parametrize("client", [AnamClient, AsyncAnamClient])
def test_what_only_looks_like_this_machine_is_refused(client: Any, setting: str, url: str) -> None:
    """Credentials do not travel in the clear because an address resembles a loopback address."""
    error = refusal(lambda: client(KEY, **{setting: url}))
    assert error is not None
    assert [problem.field for problem in error.problems] == [setting]


THIS_MACHINE_OR_ENCRYPTED = (
    *("http://localhost", "http://LOCALHOST:8787", "http://127.0.0.1:8787/base/", "http://127.200.3.4"),
    *("http://[::1]:8787", "http://[0:0:0:0:0:0:0:1]", "https://api.anam.ai", "HTTPS://API.ANAM.AI"),
    *("https://localhost.evil.example", "https://ex\u00e4mple.org"),
)


@pytest.mark.parametrize("url", THIS_MACHINE_OR_ENCRYPTED, ids=itertools.count())
@pytest.mark.parametrize("client", [AnamClient, AsyncAnamClient])
def test_what_is_this_machine_or_is_encrypted_is_accepted(client: Any, url: str) -> None:
    """The check refuses nothing that is safe."""
    assert refusal(lambda: client(KEY, url, transport=httpx.MockTransport(lambda r: httpx.Response(200)))) is None


@pytest.mark.parametrize("client", [AnamClient, AsyncAnamClient])
def test_plain_http_is_sent_elsewhere_when_it_is_permitted(client: Any) -> None:
    """The way out that the error names is one, for both addresses."""
    elsewhere = "http://anam.internal:8080"
    assert refusal(lambda: client(KEY, elsewhere, gateway_url=elsewhere, allow_insecure_http=True)) is None


NO_HOSTS = ["<your-host>", "%3Cyour-host%3E", "*.example", "a..b", ".a", "a,b", "a'b", "a!", "$HOST", "{host}", "a%20b"]


@pytest.mark.parametrize("host", [*NO_HOSTS, "a" * 64])
@pytest.mark.parametrize("setting", ["base_url", "gateway_url"])
def test_what_can_be_no_host_is_refused(setting: str, host: str) -> None:
    """A placeholder that was never filled in, or a name that no resolver takes, is found when the client is made."""
    error = refusal(lambda: AnamClient(KEY, **{setting: f"https://{host}/"}))
    assert error is not None
    assert [problem.field for problem in error.problems] == [setting]


@pytest.mark.parametrize("value", ["false", "no", "0", "", 1, 0, [], object], ids=itertools.count())
def test_only_true_permits_plain_http(value: Any) -> None:
    """What merely counts as true, the text "false" above all, does not send a key in the clear."""
    error = refusal(lambda: AnamClient(KEY, "http://evil.example", allow_insecure_http=value))
    assert error is not None
    assert "allow_insecure_http" in {problem.field for problem in error.problems}
