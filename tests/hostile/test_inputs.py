"""Hostile input: it is refused by name before anything is sent, or what is sent is right. Nothing in between."""

from __future__ import annotations

import copy
import enum
import ipaddress
import json
import math
import warnings
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx
import jsonschema_rs
import pytest
import spec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from anam_api.support import Model
from anam_facade import AnamClient, AnamConfigError, AnamConfigWarning, PersonaConfig
from tests.conftest import API_KEY, PERSONA
from tests.strategies import OPTIONS, PERSONAS, ROOMS

pytestmark = pytest.mark.filterwarnings("ignore::anam_facade.AnamConfigWarning")

SWORD = "swordfish"
"""Is part of every credential here, so that it is found wherever one comes out."""
ROOM = {"livekitUrl": "wss://rooms.example.org", "livekitToken": SWORD}
HEADERS = ["Accept", "Accept-Encoding", "Authorization", "Content-Length", "Content-Type", "Host", "User-Agent"]


class Member(enum.Enum):
    NAME = "cara-4"


ANY_TEXT = st.text(st.characters()) | st.sampled_from(["", "\0", "\ud800", "a\r\nX: 1", "é" * 3000, "None", "\u2028"])
HOSTILE = st.one_of(
    st.none() | st.booleans() | ANY_TEXT | st.integers() | st.floats(),
    st.sampled_from([10**400, -(2**70), math.nan, b"bytes", Decimal("0.5"), date.today(), Member.NAME]),
    st.sampled_from([[], {}, [[]], {"a": {1}}, {1: 2}, {"\ud800": 1}, object(), int, {"type": "server"}, set()]),
    st.recursive(
        st.just("x"), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(ANY_TEXT, inner, max_size=2)
    ),
)


def tries(number: int) -> settings:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    return settings(max_examples=number, deadline=None, suppress_health_check=checks)


def visible(text: bytes) -> bool:
    return all(0x21 <= byte <= 0x7E for byte in text)


def refusal(attempt: Callable[[], Any]) -> AnamConfigError | None:
    """The one error that hostile input may lead to, looked at closely; None when there was none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AnamConfigWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            attempt()
    except AnamConfigError as error:
        refused = error
    else:
        return None
    assert refused.problems
    assert (refused.attempts, refused.may_have_started) == (0, False)
    for problem in refused.problems:
        assert problem.field
        assert problem.rule
        assert len(str(problem)) < 10_000
        assert str(problem).isprintable(), str(problem)
    text = f"{refused}\n{refused!r}"
    assert SWORD not in text
    assert len(text) < 1_000_000
    return refused


@st.composite
def spoilt(draw: st.DrawFn, right: st.SearchStrategy[Model]) -> Any:
    """The wire form of something right, in which one value, at whatever depth, is replaced or added."""
    wire = copy.deepcopy(draw(right).to_dict())
    place, here = wire, draw(st.integers(0, 3))
    while here and (inner := [v for v in place.values() if isinstance(v, dict)]):
        place, here = draw(st.sampled_from(inner)), here - 1
    name = draw(st.sampled_from([*place, "new"]) if place else ANY_TEXT)
    place[name] = draw(HOSTILE)
    return wire


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """As the facade has it: integers are held to 32 bits, and the patterns of UUIDs are no rule, but warned of."""
    bounds = {"minimum": -(2**31), "maximum": 2**31 - 1} if schema.get("format") == "int32" else {}
    return {key: value for key, value in schema.items() if key != "pattern"} | bounds


COMPONENTS = json.loads(json.dumps(spec.load()["components"]), object_hook=strict)


def allowed(name: str, body: Any) -> bool:
    """Whether something is what the contract's schema of that name allows."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": COMPONENTS}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True).is_valid(body)


@tries(80)
@given(
    direct=st.booleans(),
    persona=spoilt(PERSONAS) | HOSTILE,
    environment=st.none() | spoilt(ROOMS) | HOSTILE,
    options=st.none() | spoilt(OPTIONS) | HOSTILE,
    label=HOSTILE,
    other=HOSTILE,
)
@example(direct=True, persona=PERSONA, environment=ROOM, options=None, label=Member.NAME, other={"a": 1})
@example(direct=False, persona=PERSONA, environment=SWORD, options=SWORD, label=None, other=None)
def test_any_call_is_refused_by_name_or_sent_as_the_contract_has_it(
    direct, persona, environment, options, label, other
):
    """Whatever a method is called with: nothing is sent, or what the contract allows, with no header but the usual."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"sessionToken": "a.b.c", "sessionId": "s-1"})

    setup = {"environment": environment, "session_options": options, "client_label": label}
    with AnamClient(API_KEY, transport=httpx.MockTransport(answer), retry=0) as client:
        if direct:
            refused = refusal(lambda: client.start_session(persona, direct=True, client_metadata=other, **setup))
        else:
            refused = refusal(lambda: client.create_session_token(persona, expires_in=other, **setup))
    assert len(requests) == (refused is None)
    for request in requests:
        assert sorted(name.decode() for name, _ in request.headers.raw) == HEADERS
        assert all(visible(value.replace(b" ", b"")) for _, value in request.headers.raw)
        body = json.loads(request.content, parse_constant=pytest.fail)
        assert allowed("DirectStartRequest" if direct else "SessionTokenRequest", body)


WORDS = (
    *("name", "metadata", "tools", "toolIds", "type", "client", "headers", "llmId", "skipGreeting", "x", "1", "0x1f"),
    *(": ", ":", "- ", "? ", ", ", "[", "]", "{", "}", "\n", "\n  ", "\n    ", " ", "\t", "---\n", "...\n", "#"),
    *("&a ", "*a", "<<: ", "!!int ", "!!float ", "!!set ", "!!binary ", "!!omap ", "!!timestamp ", "!!str ", "!!null "),
    *("!!bool ", "!!python/object/apply:os.system ", "!x ", "!<tag:yaml.org,2002:int> ", "%YAML 1.1\n", "=", "~"),
    *("%TAG ! tag:yaml.org,2002:\n", "yes", "NO", "1:30", "1:1.5", "1_0", ".nan", "-.inf", "1e999", "|", ">", "|+9"),
    *("2026-11-22", "2026-99-99", "2026-11-22T10:00:00+99:99", "'", '"', '"\\ud800"', '"\\UFFFFFFFF"', '"\\x00"'),
    *("\x00", "\x85", "\u2028", "\ufeff", "\ud800", "@", "`", "\\", "\u00e9"),
)


@tries(120)
@given(
    st.lists(st.sampled_from(WORDS), max_size=14).map("".join)
    | ANY_TEXT
    | spoilt(PERSONAS).map(lambda wire: json.dumps(wire, default=str, skipkeys=True)),
    st.sampled_from(["p.yaml", "p.json"]),
)
def test_any_file_is_refused_by_name_or_right(tmp_path, text, name):
    """Whatever a file holds: an error that names the file or the field, or a persona that the contract accepts."""
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    made: list[PersonaConfig] = []
    if (refused := refusal(lambda: made.append(PersonaConfig.load(path)))) is None:
        assert allowed("PersonaConfig", made[0].to_dict())
    else:
        assert all(problem.field.startswith(str(path)) for problem in refused.problems)


# Addresses: of Anam, and of a gateway.

LOOKALIKES = """
    http://api.anam.ai HTTP://api.anam.ai hTtP://API.ANAM.AI:80 http://10.0.0.1 http://0.0.0.0 http://[::]
    http://[fe80::1] http://[::ffff:10.0.0.1] http://127.1 http://0x7f000001 http://2130706433 http://0177.0.0.1
    http://127.0.0.1. http://127.0.0.1.nip.example http://127.0.0.1%2eevil.example http://localhost.evil.example
    http://evil.example/localhost http://evil.example#localhost http://evil.example?localhost http://:8080 http://
    http://localhost%00.evil.example http://localhost@evil.example http://127.0.0.1:80@evil.example //localhost
    http://localhost#@evil.example http://[::1]@evil.example http://[::1]evil.example http://evil.example[::1]
    http://[::1].evil.example http://[::1]8080 http:///localhost http:/localhost http:localhost localhost:8080
    http:\\\\localhost http://evil.example\\@localhost http://localhost\\@evil.example http://127\u30020\u30020\u30021
    http://127\uff0e0\uff0e0\uff0e1 http://\u0661\u0662\u0667.0.0.1 http://localhost\u3002evil.example
    http://\u24db\u24de\u24d2alhost http://localho\u017ft http://local\xadhost http://localhost\u200b
    javascript://localhost file://localhost/etc/passwd ftp://localhost ws://localhost unix://localhost
"""
BLANKS = ["http://local host", "http://localhost\t", "http://localhost\n.evil.example", " http://localhost"]
NO_HOSTS = ["<your-host>", "%3Cyour-host%3E", "*.example", "a..b", ".a", "a,b", "a'b", "$HOST", "a%20b", "a" * 64]


@pytest.mark.parametrize("url", [*LOOKALIKES.split(), *BLANKS, *map("https://{}/".format, NO_HOSTS)], ids=repr)
def test_an_address_that_is_not_what_it_seems_is_refused(url: str) -> None:
    """Nothing travels in the clear because an address resembles this machine's, or to a placeholder never filled in."""
    error = refusal(lambda: AnamClient(API_KEY, url, gateway_url=url))
    assert error is not None
    assert [problem.field for problem in error.problems] == ["base_url", "gateway_url"]


SAFE = """
    http://localhost http://LOCALHOST:8787 http://127.0.0.1:8787/base/ http://127.200.3.4 http://[::1]:8787
    http://[0:0:0:0:0:0:0:1] https://api.anam.ai HTTPS://API.ANAM.AI https://localhost.evil.example https://ex\xe4mple.org
"""


@pytest.mark.parametrize("url", SAFE.split())
def test_what_is_this_machine_or_is_encrypted_is_accepted(url: str) -> None:
    """The check refuses nothing that is safe."""
    AnamClient(API_KEY, url, gateway_url=url).close()


@pytest.mark.parametrize("value", ["false", 0, 1])
def test_only_true_permits_plain_http(value: Any) -> None:
    """What merely counts as true, the text "false" above all, does not send a key in the clear."""
    error = refusal(lambda: AnamClient(API_KEY, "http://evil.example", allow_insecure_http=value))
    assert error is not None
    assert [problem.field for problem in error.problems] == ["allow_insecure_http", "base_url"]


PIECES = [
    *("-", "_", "@", ":", ":b@", "%40", "#", "?", "/", "//", "\\", "/\t/", "%00", "%2e", ".", "[", "]", " ", ";x", "%"),
    *(":8080", ":0", ":65536", ":-1", ":\u0661", ":" + "9" * 5000, "/base", "/..", "/%0d%0aX-Injected:%201", "{x}"),
    *("\r\nX: 1", "\ud800", "/" + "x" * 70_000, "a" * 64, "localhost", "127.0.0.1", "[::1]", ".evil.example", "\u00e4"),
]
ADDRESSES = st.sampled_from(SAFE.split()) | st.sampled_from(LOOKALIKES.split())


@tries(300)
@given(ADDRESSES, st.integers(5, 40), st.sampled_from(PIECES) | ANY_TEXT)
def test_no_two_parsers_see_another_host_in_an_address(address: str, at: int, piece: str) -> None:
    """Whatever is put into an address, if it is accepted it means one host to everyone; in the clear, this machine."""
    url = address[:at] + piece + address[at:]
    made: list[AnamClient] = []
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    if refusal(lambda: made.append(AnamClient(API_KEY, url, transport=transport))) is not None:
        return
    taken = made[0]._settings.base_url
    assert visible(taken.encode("ascii"))
    seen, origin = httpx.URL(taken + "/v1/auth/session-token"), httpcore.URL(taken).origin
    assert (seen.raw_scheme, seen.raw_host) == (origin.scheme, origin.host)
    assert (urlsplit(taken).hostname or "").encode() == origin.host
    assert not urlsplit(taken).username
    host = origin.host.decode()
    assert seen.raw_scheme == b"https" or host == "localhost" or ipaddress.ip_address(host).is_loopback
    assert AnamClient(API_KEY, taken, transport=transport)._settings.base_url == taken
