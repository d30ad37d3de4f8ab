"""Hostile input: it is refused by name before anything is sent, or what is sent is right. Nothing in between."""

from __future__ import annotations

import copy
import enum
import json
import math
import warnings
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import jsonschema_rs
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import anam_facade
from anam_api.support import Model
from anam_facade import (
    AnamClient,
    AnamConfigError,
    AnamConfigWarning,
    DailyEgress,
    PersonaConfig,
    RetryPolicy,
    SessionOptions,
    SessionToken,
    WebhookTool,
)
from tests.strategies import OPTIONS, PERSONAS, ROOMS, parts

pytestmark = pytest.mark.filterwarnings("ignore::anam_facade.AnamConfigWarning")

KEY = "a2V5OnNlY3JldA=="
SWORD = "swordfish"
"""Is part of every credential here, so that it is found wherever one comes out."""
SAVED = {"personaId": "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"}
ROOM = {"livekitUrl": "wss://rooms.example.org", "livekitToken": SWORD}
ONCE = RetryPolicy(max_attempts=1)
HEADERS = ("Host", "Authorization", "Accept", "Accept-Encoding", "User-Agent", "Content-Length", "Content-Type")


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


def contract() -> dict[str, Any]:
    """The contract, with integers held to 32 bits, and without the patterns of UUIDs: those are warned of."""

    def strict(value: Any) -> Any:
        if isinstance(value, list):
            return [strict(item) for item in value]
        if not isinstance(value, dict):
            return value
        made = {key: strict(item) for key, item in value.items() if key != "pattern"}
        return made | ({"minimum": -(2**31), "maximum": 2**31 - 1} if made.get("format") == "int32" else {})

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return strict(yaml.load(anam_facade.openapi_path().read_text("utf-8"), loader))


DOCUMENT = contract()


def schema(name: str) -> jsonschema_rs.Draft202012Validator:
    reference = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft202012Validator(reference, validate_formats=True)


PERSONA, MINT, DIRECT = schema("PersonaConfig"), schema("SessionTokenRequest"), schema("DirectStartRequest")


def sent(call: Callable[[AnamClient], Any], **settings: Any) -> list[httpx.Request]:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"sessionToken": "a.b.c", "sessionId": "s-1"})

    with AnamClient(KEY, transport=httpx.MockTransport(answer), retry=ONCE, **settings) as client:
        if refusal(lambda: call(client)) is not None:
            assert requests == []
    return requests


@tries(80)
@given(
    direct=st.booleans(),
    persona=spoilt(PERSONAS) | HOSTILE,
    environment=st.none() | spoilt(ROOMS) | HOSTILE,
    options=st.none() | spoilt(OPTIONS) | HOSTILE,
    label=HOSTILE,
    other=HOSTILE,
)
@example(direct=True, persona=SAVED, environment=ROOM, options=None, label=Member.NAME, other={"a": 1})
@example(direct=False, persona={**SAVED, SWORD: 1}, environment=SWORD, options=SWORD, label=None, other=None)
def test_any_call_is_refused_by_name_or_sent_as_the_contract_has_it(
    direct, persona, environment, options, label, other
):
    """Whatever a method is called with: nothing is sent, or what the contract allows, with no header but the usual."""
    setup = {"environment": environment, "session_options": options, "client_label": label}
    if SWORD in str(persona):
        persona = copy.deepcopy(SAVED)
    if direct:
        requests = sent(lambda client: client.start_session(persona, direct=True, client_metadata=other, **setup))
    else:
        requests = sent(lambda client: client.create_session_token(persona, expires_in=other, **setup))
    for request in requests:
        assert sorted(name.decode() for name, _ in request.headers.raw) == sorted(HEADERS)
        assert all(visible(value.replace(b" ", b"")) for _, value in request.headers.raw)
        body = json.loads(request.content, parse_constant=pytest.fail)
        assert (DIRECT if direct else MINT).is_valid(body)


@tries(80)
@given(
    spoilt(st.one_of(PERSONAS, parts(WebhookTool), parts(DailyEgress))).flatmap(
        lambda wire: st.tuples(
            st.just(wire), st.sampled_from([PersonaConfig, WebhookTool, DailyEgress, SessionOptions])
        )
    )
)
def test_any_wire_form_is_refused_by_name_or_survives(given):
    """Whatever is read, by whichever class: an error with field and rule, or an object that reads its own wire form."""
    data, cls = given
    made: list[Any] = []
    if refusal(lambda: made.append(cls.from_dict(data))) is None:
        wire = made[0].to_dict()
        assert json.loads(json.dumps(wire, ensure_ascii=False, allow_nan=False).encode()) == wire
        extra = {} if cls.OPEN else made[0].extra or {}
        again = cls.from_dict({k: v for k, v in wire.items() if k not in extra} | ({"extra": extra} if extra else {}))
        assert again.to_dict() == wire


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
        assert PERSONA.is_valid(made[0].to_dict())
    else:
        assert all(problem.field.startswith(str(path)) for problem in refused.problems)


def test_what_a_client_of_the_api_would_inject_is_refused_at_the_door(server: Any) -> None:
    """At a real socket: line breaks in a key, a token or an address never arrive; in a body they are JSON's escapes."""
    nasty = "a\r\nX-Injected: 1\r\n\r\nPOST /evil HTTP/1.1\r\n\r\n"
    server.behave = lambda connection, request: connection.sendall(
        b'HTTP/1.1 200 OK\r\nContent-Length: 38\r\n\r\n{"sessionToken":"a.b.c","sessionId":1}'
    )
    for key, url in (
        (nasty, server.url),
        (KEY, server.url + nasty),
        (KEY, server.url + "/a b"),
        (KEY + "\n", server.url),
    ):
        assert refusal(lambda key=key, url=url: AnamClient(key, url)) is not None
    with AnamClient(KEY, server.url, retry=ONCE, client_label=nasty) as client:
        for token in (nasty, "a.b.c\n", "a.b.c\x00", "", " ", "a.b.c\u2028", "\ud800"):
            assert refusal(lambda token=token: client.start_engine_session(token)) is not None
            assert refusal(lambda token=token: client.start_engine_session(SessionToken(token))) is not None
        assert server.requests == []
        persona = PersonaConfig(name=nasty, system_prompt=nasty, llm_id=nasty, metadata={nasty: nasty})
        assert client.create_session_token(persona, expires_in=nasty).value == "a.b.c"
    (request,) = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    line, *headers = head.split(b"\r\n")
    assert line == b"POST /v1/auth/session-token HTTP/1.1"
    assert sorted(header.partition(b": ")[0].decode() for header in headers) == sorted(HEADERS)
    assert json.loads(body) == {"personaConfig": persona.to_dict(), "clientLabel": nasty, "expiresIn": nasty}
