"""Hostile input: it is refused by name before anything is sent, or what is sent is right. Nothing in between."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http.server
import inspect
import ipaddress
import itertools
import json
import math
import os
import random
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx
import jsonschema_rs
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import anam_facade
from anam_facade import (
    CUSTOMER_CLIENT_V1,
    AnamClient,
    AnamConfigError,
    AnamConfigWarning,
    AnamConnectionError,
    AnamTimeoutError,
    AsyncAnamClient,
    ClientTool,
    DailyEgress,
    DirectorNotes,
    LiveKitEnvironment,
    PersonaConfig,
    RetryPolicy,
    Secret,
    SessionOptions,
    SessionToken,
    WebhookTool,
)
from anam_facade._wire import Part
from anam_facade.persona import MAX_FILE_BYTES
from tests.hostile.certificates import self_signed
from tests.hostile.strategies import (
    ANY_TEXT,
    HOSTILE,
    OBJECTS,
    ODDITIES,
    PLAIN,
    SECRETS,
    SWORD,
    URLS,
    UUID,
    Mapped,
    Member,
    Odd,
    Text,
    arguments,
    finished,
    honest,
    mostly,
    nested,
    thawed,
    wire,
)

KEY = "a2V5OnNlY3JldA=="
TOKEN = "header.payload.signature"
SAVED = {"personaId": UUID}
ROOM = {"livekitUrl": "wss://rooms.example.org", "livekitToken": SWORD}
ONCE = RetryPolicy(max_attempts=1)
QUICK = 20.0
"""Seconds, on a machine that is busy with other things. What this is for would otherwise take minutes, or for ever."""

PARTS: list[type[Part]] = [
    cls
    for cls in (getattr(anam_facade, name) for name in anam_facade.__all__)
    if inspect.isclass(cls) and issubclass(cls, Part)
]


def tries(number: int) -> settings:
    return settings(
        max_examples=number,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


# What every refusal must be like, and everything that is sent.


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
    assert isinstance(refused, ValueError)
    assert refused.problems
    assert refused.attempts == 0
    assert not refused.may_have_started
    for problem in refused.problems:
        assert problem.field
        assert problem.rule
        assert len(str(problem)) < 10_000
        assert str(problem).isprintable(), str(problem)
    text = f"{refused}\n{refused!r}"
    assert SWORD not in text
    assert len(text) < 1_000_000
    return refused


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


VALID = {name: schema(name) for name in ("SessionTokenRequest", "TokenStartRequest", "DirectStartRequest")}
VALID_PARTS = {cls: [schema(name) for name in cls.SCHEMAS] for cls in PARTS}

HEADERS = ("Host", "Authorization", "Accept", "Accept-Encoding", "User-Agent", "Content-Length", "Content-Type")


class Wire:
    """Both clients over a transport that keeps what it is handed."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(200, json={"sessionToken": TOKEN, "sessionId": "s-1"})

    def call(self, kind: str, method: str, *args: Any, client: dict[str, Any] | None = None, **kwargs: Any) -> Any:
        options = {"api_key": KEY, "base_url": "https://api.example", "retry": ONCE}
        options |= {"transport": httpx.MockTransport(self.answer)} | (client or {})
        with contextlib.suppress(AnamTimeoutError):  # a millisecond is a right time-out, and may be too short
            if kind == "sync":
                with AnamClient(**options) as made:
                    return getattr(made, method)(*args, **kwargs)
            return asyncio.run(self._call(options, method, args, kwargs))
        return None

    async def _call(self, options: dict[str, Any], method: str, args: Any, kwargs: Any) -> Any:
        async with AsyncAnamClient(**options) as made:
            return await getattr(made, method)(*args, **kwargs)

    def bodies(self, *bearers: str, gateway: bool = False) -> list[Any]:
        """What was sent, once line and headers were found to be what they should be, and no others there."""
        assert [request.headers["Authorization"] for request in self.requests] == [f"Bearer {b}" for b in bearers]
        names = sorted([*HEADERS, "X-Anam-Target-Url"] if gateway else HEADERS)
        found = []
        for request in self.requests:
            assert request.method == "POST"
            assert request.url.raw_path.endswith((b"/v1/auth/session-token", b"/v1/engine/session"))
            assert visible(request.url.raw_path)
            assert visible(request.url.raw_host)
            assert sorted(name.decode() for name, _ in request.headers.raw) == names
            assert all(visible(value.replace(b" ", b"")) for _, value in request.headers.raw)
            found.append(json.loads(request.content, parse_constant=pytest.fail))
        return found


def visible(text: bytes) -> bool:
    return all(0x21 <= byte <= 0x7E for byte in text)


KINDS = st.sampled_from(["sync", "async"])


# Parts.

# Most is to be found where most is put together.
CLASSES = st.sampled_from([*PARTS, PersonaConfig, PersonaConfig, PersonaConfig, SessionOptions, WebhookTool])


@tries(300)
@given(CLASSES.flatmap(lambda cls: st.tuples(st.just(cls), mostly(wire(cls)))))
def test_any_wire_form_is_refused_by_name_or_right(given: tuple[type[Part], Any]) -> None:
    """Whatever is read, by whichever class: an error with field and rule, or a part that the contract accepts."""
    cls, data = thawed(given)
    made: list[Part] = []
    if refusal(lambda: made.append(cls.from_dict(data))) is None:
        check_part(made[0])


@tries(300)
@given(CLASSES.flatmap(lambda cls: st.tuples(st.just(cls), arguments(cls))))
def test_any_arguments_are_refused_by_name_or_right(given: tuple[type[Part], dict[str, Any]]) -> None:
    """The same for the classes' own arguments."""
    cls, kwargs = thawed(given)
    made: list[Part] = []
    if refusal(lambda: made.append(cls(**kwargs))) is None:
        check_part(made[0])


def check_part(part: Part) -> None:
    sent = part.to_dict()
    assert any(valid.is_valid(sent) for valid in VALID_PARTS[type(part)]), sent
    assert json.loads(json.dumps(sent, ensure_ascii=False, allow_nan=False).encode()) == sent
    assert SWORD not in repr(part)
    again: list[Part] = []
    assert refusal(lambda: again.append(type(part).from_dict(sent))) is None
    assert again[0].to_dict() == sent


FIELDS: list[Callable[[Any], Any]] = [
    lambda odd: PersonaConfig(name=odd),
    lambda odd: PersonaConfig(avatar_id=odd),
    lambda odd: PersonaConfig(avatar_model=odd),
    lambda odd: PersonaConfig(max_session_length_seconds=odd),
    lambda odd: PersonaConfig(skip_greeting=odd),
    lambda odd: PersonaConfig(metadata=odd),
    lambda odd: PersonaConfig(metadata={"a": [odd]}),
    lambda odd: PersonaConfig(voice_detection_options=odd),
    lambda odd: PersonaConfig(voice_generation_options=odd),
    lambda odd: PersonaConfig(director_notes=odd),
    lambda odd: PersonaConfig(director_notes=DirectorNotes(preset_style=odd)),
    lambda odd: PersonaConfig(tools=odd),
    lambda odd: PersonaConfig(tools=[odd]),
    lambda odd: PersonaConfig(tool_ids=odd),
    lambda odd: PersonaConfig(tool_ids=[odd]),
    lambda odd: PersonaConfig(type=odd),
    lambda odd: PersonaConfig(brain_type=odd),
    lambda odd: PersonaConfig(brain_type=odd, llm_id=odd),
    lambda odd: PersonaConfig(persona_id=odd, name=odd),
    lambda odd: PersonaConfig.saved(odd),
    lambda odd: PersonaConfig.saved(UUID, enable_audio_passthrough=odd),
    lambda odd: PersonaConfig.from_dict(odd),
    lambda odd: PersonaConfig.from_dict({"personaId": odd}),
    lambda odd: PersonaConfig.from_dict({"tools": [{"type": odd, "name": "t"}]}),
    lambda odd: PersonaConfig.from_dict({"tools": [{"type": "server", "subtype": odd, "name": "t"}]}),
    lambda odd: PersonaConfig.from_dict({"voiceGenerationOptions": {"speed": odd, "emotion": odd}}),
    lambda odd: ClientTool(name=odd),
    lambda odd: ClientTool(name="t", description=odd, parameters=odd),
    lambda odd: ClientTool(name="t", extra=odd),
    lambda odd: ClientTool.from_dict({"type": odd, "name": odd}),
    lambda odd: WebhookTool(name="t", url=odd, method=odd, await_response=odd),
    lambda odd: WebhookTool(name="t", headers=odd),
    lambda odd: WebhookTool(name="t", headers={"A": odd}),
    lambda odd: LiveKitEnvironment(odd, odd),
    lambda odd: LiveKitEnvironment("wss://a", Secret(odd)),
    lambda odd: DailyEgress(room_url=odd, token=odd, user_name=odd),
    lambda odd: SessionOptions(video_width=odd, video_height=odd),
    lambda odd: SessionOptions(region=odd, region_policy=odd),
    lambda odd: SessionOptions(egress=odd),
    lambda odd: SessionOptions(end_of_speech_sensitivity=odd),
    lambda odd: SessionOptions.from_dict({"egress": {"mode": odd, "daily": odd}}),
    lambda odd: SessionOptions.from_dict({"sessionReplay": odd, "voiceDetection": {"endOfSpeechSensitivity": odd}}),
]
CALLS: list[Callable[[Wire, str, Any], Any]] = [
    lambda wire, kind, odd: wire.call(kind, "create_session_token", odd),
    lambda wire, kind, odd: wire.call(kind, "create_session_token", SAVED, environment=odd),
    lambda wire, kind, odd: wire.call(kind, "create_session_token", SAVED, session_options=odd),
    lambda wire, kind, odd: wire.call(kind, "create_session_token", SAVED, client_label=odd, expires_in=odd),
    lambda wire, kind, odd: wire.call(kind, "start_session", SAVED, direct=True, client_metadata=odd),
    lambda wire, kind, odd: wire.call(kind, "start_engine_session", odd),
    lambda wire, kind, odd: wire.call(kind, "start_engine_session", SessionToken(odd)),
    lambda wire, kind, odd: wire.call(kind, "start_engine_session", SessionToken(Secret(odd))),
    lambda wire, kind, odd: wire.call(kind, "start_engine_session", SessionToken(TOKEN, client_label=odd)),
    lambda wire, kind, odd: wire.call(kind, "start_engine_session", SessionToken(TOKEN, livekit_url=odd)),
    lambda wire, kind, odd: wire.call(kind, "start_engine_session", SessionToken(TOKEN, livekit_room=odd)),
    lambda wire, kind, odd: wire.call(kind, "start_engine_session", SessionToken(TOKEN, bound=odd)),
    lambda wire, kind, odd: wire.call(kind, "start_engine_session", SessionToken(TOKEN, bound=(odd,))),
    *(
        lambda wire, kind, odd, name=name: wire.call(kind, "create_session_token", SAVED, client={name: odd})
        for name in inspect.signature(AnamClient).parameters
    ),
]


@pytest.mark.parametrize("make", ODDITIES, ids=itertools.count())
def test_values_of_every_odd_kind_are_refused_by_name_or_right(make: Callable[[], Any]) -> None:
    """Mocks, proxies, values whose own methods fail, endless and recursive ones: no field trips over one."""
    for field in FIELDS:
        made: list[Any] = []
        if refusal(lambda field=field, made=made: made.append(field(make()))) is None:
            assert isinstance(repr(made[0]), str)
            check_part(made[0])


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("make", ODDITIES, ids=itertools.count())
def test_arguments_of_every_odd_kind_are_refused_before_anything_is_sent(make: Callable[[], Any], kind: str) -> None:
    """The same for every argument of both clients and of their methods; what is accepted is sent as it should be."""
    for call in CALLS:
        wire = Wire()
        if refusal(lambda call=call, wire=wire: call(wire, kind, make())) is not None:
            assert wire.requests == []
        else:
            assert len(wire.requests) == 1


LOST = f"eyJhbGciOiJIUzI1NiJ9.{SWORD}.{SWORD}"


@pytest.mark.parametrize(
    "make",
    [
        lambda: LiveKitEnvironment(LOST, "wss://a"),
        lambda: LiveKitEnvironment(f"wss://a?access_token={LOST} ", "t"),
        lambda: DailyEgress(room_url=LOST),
        lambda: SessionOptions(video_quality=LOST, region_policy=LOST),
        lambda: SessionOptions(video_width=LOST),
        lambda: PersonaConfig(type=LOST, skip_greeting=LOST),
        lambda: PersonaConfig(avatar_model=LOST, voice_id=LOST, tool_ids=[LOST]),
        lambda: PersonaConfig(director_notes={"presetStyle": LOST, LOST: 1}),
        lambda: PersonaConfig.from_dict({LOST: LOST}),
        lambda: PersonaConfig(tools=[{"type": LOST, "name": "t"}]),
        lambda: PersonaConfig(metadata={LOST: math.nan, "a": {LOST}}),
        lambda: AnamClient(KEY, LOST),
        lambda: AnamClient(KEY, f"https://a?token={LOST}"),
        lambda: AnamClient(KEY, client_label=LOST * 9),
        lambda: AnamClient(KEY, timeout=LOST),
        lambda: AnamClient(LOST, LOST, gateway_url=LOST),
        lambda: RetryPolicy(jitter=LOST),
    ],
    ids=itertools.count(),
)
def test_a_token_in_a_wrong_place_is_not_shown(make: Callable[[], Any]) -> None:
    """Arguments get mixed up: a token that stands where something else should is in no error and no warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            make()
        except AnamConfigError as error:
            told = f"{error}{error!r}{error.problems}"
        else:
            told = ""
    told += "".join(str(warning.message) for warning in caught)
    assert told
    assert SWORD not in told


# Whole calls.

LABELS = mostly(st.none() | ANY_TEXT | st.just("é" * 128))


@tries(250)
@example(
    kind="sync",
    direct=True,
    persona=SAVED,
    environment=None,
    options=None,
    label=Odd(lambda: Text("a"), "Text"),
    expires=None,
    metadata=Odd(lambda: Mapped(name=[Mapped(name=Text("a"))]), "Mapped"),
)
@given(
    kind=KINDS,
    direct=st.booleans(),
    persona=mostly(st.just(SAVED) | wire(PersonaConfig) | finished(PersonaConfig)),
    environment=mostly(st.none() | st.just(ROOM) | wire(LiveKitEnvironment), SECRETS),
    options=mostly(st.none() | wire(SessionOptions)),
    label=LABELS,
    expires=LABELS,
    metadata=mostly(st.none() | OBJECTS),
)
def test_any_call_is_refused_by_name_or_sent_as_the_contract_has_it(
    kind: str, direct: bool, persona: Any, environment: Any, options: Any, label: Any, expires: Any, metadata: Any
) -> None:
    """Whatever a method is called with: nothing is sent, or just what was asked for, with no header but the usual."""
    persona, environment, options, label, expires, metadata = thawed(
        (persona, environment, options, label, expires, metadata)
    )
    wire = Wire()
    setup = {"environment": environment, "session_options": options, "client_label": label}
    if direct:
        refused = refusal(
            lambda: wire.call(kind, "start_session", persona, direct=True, client_metadata=metadata, **setup)
        )
    else:
        refused = refusal(lambda: wire.call(kind, "create_session_token", persona, expires_in=expires, **setup))
    if refused is not None:
        assert wire.requests == []
        return
    (body,) = wire.bodies(KEY)
    assert VALID["DirectStartRequest" if direct else "SessionTokenRequest"].is_valid(body)
    expected = {
        "personaConfig": read(PersonaConfig, persona),
        "environment": read(LiveKitEnvironment, environment),
        "sessionOptions": read(SessionOptions, options),
        "clientLabel": honest(label),
        "clientMetadata" if direct else "expiresIn": honest(metadata if direct else expires),
    }
    chosen = expected["personaConfig"]
    if (
        environment is not None
        and "personaId" not in chosen
        and chosen.get("llmId", CUSTOMER_CLIENT_V1) == CUSTOMER_CLIENT_V1
    ):
        chosen |= {"type": "ephemeral", "llmId": CUSTOMER_CLIENT_V1}
    assert body == {name: value for name, value in expected.items() if value is not None}


def read(cls: type[Part], given: Any) -> dict[str, Any] | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return None if given is None else (given if isinstance(given, cls) else cls.from_dict(given)).to_dict()


@tries(100)
@given(
    kind=KINDS,
    token=mostly(st.from_regex(r"[A-Za-z0-9._~+/-]{1,40}={0,2}", fullmatch=True) | ANY_TEXT, SECRETS | HOSTILE),
    wrapped=st.booleans(),
    metadata=mostly(st.none() | OBJECTS),
)
@example(kind="sync", token=TOKEN + "\n", wrapped=True, metadata=None)
@example(kind="sync", token=TOKEN + "\r\nX-Injected: 1", wrapped=False, metadata=None)
@example(kind="async", token=Odd(lambda: Text(TOKEN), "Text"), wrapped=True, metadata={})
@example(kind="sync", token="a" * 1_000_000, wrapped=False, metadata={"a": "b"})
@example(kind="sync", token="." * 1_000_000, wrapped=True, metadata={"a": "b"})
def test_any_token_is_refused_or_the_only_bearer(kind: str, token: Any, wrapped: bool, metadata: Any) -> None:
    """A start with whatever for a token: nothing is sent, or the token alone and whole as bearer, and the metadata."""
    token, metadata = thawed((token, metadata))
    wire = Wire()
    refused = refusal(
        lambda: wire.call(
            kind, "start_engine_session", SessionToken(token) if wrapped else token, client_metadata=metadata
        )
    )
    if refused is not None:
        assert wire.requests == []
        return
    (body,) = wire.bodies(str.__str__(token))
    assert VALID["TokenStartRequest"].is_valid(body)
    assert body == ({} if metadata is None else {"clientMetadata": honest(metadata)})


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
        for token in (nasty, TOKEN + "\n", TOKEN + "\x00", "", " ", TOKEN + "\u2028", "\ud800"):
            assert refusal(lambda token=token: client.start_engine_session(token)) is not None
        assert server.requests == []
        persona = PersonaConfig(name=nasty, system_prompt=nasty, llm_id=nasty, metadata={nasty: nasty})
        assert client.create_session_token(persona, expires_in=nasty).value == "a.b.c"
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    line, *headers = head.split(b"\r\n")
    assert line == b"POST /v1/auth/session-token HTTP/1.1"
    assert sorted(header.partition(b": ")[0].decode() for header in headers) == sorted(HEADERS)
    assert all(visible(header.replace(b" ", b"")) for header in headers)
    assert json.loads(body) == {"personaConfig": persona.to_dict(), "clientLabel": nasty, "expiresIn": nasty}
    assert len(server.requests) == 1


# Clients.


@tries(200)
@given(
    kind=KINDS,
    key=mostly(st.just(KEY) | st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1), SECRETS),
    url=mostly(st.none() | st.just("https://api.example") | URLS),
    gateway=mostly(st.none() | URLS),
    label=LABELS,
    timeout=mostly(st.floats(0.001, 86_400) | st.integers()),
    retry=mostly(st.just(ONCE)),
    insecure=mostly(st.booleans()),
    trust=mostly(st.none()),
)
@example(
    kind="sync",
    key=Odd(lambda: Member.SECRET, "Member"),
    url=None,
    gateway=None,
    label=None,
    timeout=1,
    retry=ONCE,
    insecure=False,
    trust=None,
)
@example(
    kind="sync",
    key=KEY,
    url="http://evil.example",
    gateway=None,
    label=None,
    timeout=1,
    retry=ONCE,
    insecure="false",
    trust=None,
)
@example(
    kind="async", key=KEY, url=None, gateway=None, label=None, timeout=10**400, retry=ONCE, insecure=False, trust=True
)
def test_any_settings_are_refused_by_name_or_right(
    kind: str, key: Any, url: Any, gateway: Any, label: Any, timeout: Any, retry: Any, insecure: Any, trust: Any
) -> None:
    """Whatever a client is made with: it says what is wrong, or sends there, with that key, and nothing more."""
    key, url, gateway, label, timeout, retry, insecure, trust = thawed(
        (key, url, gateway, label, timeout, retry, insecure, trust)
    )
    wire = Wire()
    client = {
        "api_key": key,
        "base_url": url,
        "gateway_url": gateway,
        "client_label": label,
        "timeout": timeout,
        "retry": retry,
        "allow_insecure_http": insecure,
        "ssl_context": trust,
    }
    if refusal(lambda: wire.call(kind, "create_session_token", SAVED, client=client)) is not None:
        assert wire.requests == []
        return
    (body,) = wire.bodies(str.__str__(key), gateway=gateway is not None)
    assert body == {"personaConfig": SAVED} | ({} if label is None else {"clientLabel": label})
    assert wire.requests[0].url.scheme in ("http", "https")


# In the environment everything is text without NUL, in which bytes that are no UTF-8 are surrogates.
VARIABLE = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF, categories=["Cs"]),
    max_size=20,
)


@tries(100)
@given(
    key=VARIABLE | SECRETS.filter(lambda s: isinstance(s, str) and s.isascii()),
    url=VARIABLE | URLS.filter(lambda u: "\0" not in u and "\ud800" not in u),
)
@example(key="\udcff", url="")
@example(key=f"{SWORD}\n", url="https://api.example")
@example(key=KEY, url="https://api.example\n")
@example(key=KEY, url="http://api.example")
def test_any_environment_is_refused_by_name_or_right(key: str, url: str) -> None:
    """What the environment says is checked as arguments are, and named by its variable."""
    try:
        key.encode("utf-8", "surrogateescape"), url.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return
    wire = Wire()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANAM_API_KEY", key)
        patch.setenv("ANAM_API_URL", url)
        client = {"api_key": None, "base_url": None}
        refused = refusal(lambda: wire.call("sync", "create_session_token", SAVED, client=client))
    if refused is None:
        assert wire.bodies(key) == [{"personaConfig": SAVED}]
    else:
        assert wire.requests == []
        assert {problem.field for problem in refused.problems} <= {"ANAM_API_KEY", "ANAM_API_URL", "api_key"}


@tries(100)
@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(inspect.signature(RetryPolicy).parameters, st.integers() | PLAIN))
)
def test_any_policy_is_refused_by_name_or_can_be_followed(given: dict[str, Any]) -> None:
    """Whatever a policy is made of: it is refused, or its pauses are numbers that one can wait for."""
    made: list[RetryPolicy] = []
    if refusal(lambda: made.append(RetryPolicy(**given))) is None:
        for attempt in (1, 2, 100, 10_000):
            assert 0 <= made[0].backoff(attempt, random.Random(0)) <= 86_400


@pytest.mark.parametrize(
    "value",
    [10**400, -(10**400), math.nan, math.inf, -1, True, "1", b"1", Decimal(1), [1], 1j, 2**64],
    ids=itertools.count(),
)
def test_numbers_beyond_reason_are_refused(value: Any) -> None:
    """No duration is so long, and none of such a type, that a clock or a socket would choke on it."""
    for name in ("initial_backoff", "max_backoff", "max_retry_after", "deadline", "jitter"):
        error = refusal(lambda name=name: RetryPolicy(**{name: value}))
        assert error is not None
        assert [problem.field for problem in error.problems] == [f"RetryPolicy.{name}"]
    for cls in (AnamClient, AsyncAnamClient):
        error = refusal(lambda cls=cls: cls(KEY, timeout=value))
        assert error is not None
        assert [problem.field for problem in error.problems] == ["timeout"]


# Addresses.


@tries(300)
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


NOT_THIS_MACHINE = [
    "http://api.anam.ai",
    "HTTP://api.anam.ai",
    "hTtP://API.ANAM.AI:80",
    "http://10.0.0.1",
    "http://0.0.0.0",
    "http://[::]",
    "http://[fe80::1]",
    "http://[::ffff:10.0.0.1]",
    "http://127.1",
    "http://127.0.1",
    "http://0x7f000001",
    "http://0x7f.0.0.1",
    "http://2130706433",
    "http://0177.0.0.1",
    "http://017700000001",
    "http://127.0.0.1.",
    "http://127.0.0.1.nip.example",
    "http://127.0.0.1%2eevil.example",
    "http://127\u30020\u30020\u30021",
    "http://127\uff0e0\uff0e0\uff0e1",
    "http://\u0661\u0662\u0667.0.0.1",
    "http://localhost.evil.example",
    "http://localhost.localdomain",
    "http://evil.localhost.example",
    "http://localhost-evil.example",
    "http://evil.example/localhost",
    "http://evil.example#localhost",
    "http://evil.example?localhost",
    "http://localhost%00.evil.example",
    "http://localhost\u3002evil.example",
    "http://\u24db\u24de\u24d2alhost",
    "http://localho\u017ft",
    "http://localhost@evil.example",
    "http://127.0.0.1@evil.example",
    "http://127.0.0.1:80@evil.example",
    "http://[::1]@evil.example",
    "http://evil.example\\@localhost",
    "http://localhost\\@evil.example",
    "http://localhost\\.evil.example",
    "http://localhost#@evil.example",
    "http://localhost/@evil.example#",
    "http://[::1]evil.example",
    "http://evil.example[::1]",
    "http://[::1].evil.example",
    "http:/localhost",
    "http:localhost",
    "http:///localhost",
    "http:\\\\localhost",
    "//localhost",
    "localhost",
    "localhost:8080",
    "http://",
    "http://:8080",
    "http://local host",
    "http://localhost\t",
    "http://localhost\n.evil.example",
    " http://localhost",
    "http://localhost ",
    "http://local\u00adhost",
    "http://localhost\u200b",
    "javascript://localhost",
    "file://localhost/etc/passwd",
    "ftp://localhost",
    "ws://localhost",
    "unix://localhost",
]


@pytest.mark.parametrize("url", NOT_THIS_MACHINE, ids=itertools.count())
@pytest.mark.parametrize("setting", ["base_url", "gateway_url"])
@pytest.mark.parametrize("client", [AnamClient, AsyncAnamClient])
def test_what_only_looks_like_this_machine_is_refused(client: Any, setting: str, url: str) -> None:
    """Credentials do not travel in the clear because an address resembles a loopback address."""
    error = refusal(lambda: client(KEY, **{setting: url}))
    assert error is not None
    assert [problem.field for problem in error.problems] == [setting]


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost",
        "http://LOCALHOST:8787",
        "http://127.0.0.1:8787/base/",
        "http://127.200.3.4",
        "http://[::1]:8787",
        "http://[0:0:0:0:0:0:0:1]",
        "https://api.anam.ai",
        "HTTPS://API.ANAM.AI",
        "https://localhost.evil.example",
        "https://ex\u00e4mple.org",
    ],
    ids=itertools.count(),
)
@pytest.mark.parametrize("client", [AnamClient, AsyncAnamClient])
def test_what_is_this_machine_or_is_encrypted_is_accepted(client: Any, url: str) -> None:
    """The check refuses nothing that is safe."""
    assert refusal(lambda: client(KEY, url, transport=httpx.MockTransport(lambda r: httpx.Response(200)))) is None


@pytest.mark.parametrize("client", [AnamClient, AsyncAnamClient])
def test_plain_http_is_sent_elsewhere_when_it_is_permitted(client: Any) -> None:
    """The way out that the error names is one, for both addresses."""
    elsewhere = "http://anam.internal:8080"
    assert refusal(lambda: client(KEY, elsewhere, gateway_url=elsewhere, allow_insecure_http=True)) is None


@pytest.mark.parametrize(
    "host",
    [
        "<your-host>",
        "%3Cyour-host%3E",
        "*.example",
        "a..b",
        ".a",
        "a" * 64,
        "a,b",
        "a'b",
        "a!",
        "$HOST",
        "{host}",
        "a%20b",
    ],
)
@pytest.mark.parametrize("setting", ["base_url", "gateway_url"])
def test_what_can_be_no_host_is_refused(setting: str, host: str) -> None:
    """A placeholder that was never filled in, or a name that no resolver takes, is found when the client is made."""
    error = refusal(lambda: AnamClient(KEY, **{setting: f"https://{host}/"}))
    assert error is not None
    assert [problem.field for problem in error.problems] == [setting]


BITS = st.lists(
    st.sampled_from(
        [*(":", "//", "/", "?", "#", "[", "]", "@", "%", "%41", "::1", "1.2.3.4", "\\"), *"a<\u00e9-_~{|^`\" '+&;"]
    ),
    max_size=8,
).map("".join)
STARTS = st.sampled_from(
    ["wss://", "wss://[", "wss://[::1]", "wss://a", "wss://a/", "wss://a@", "wss://a?", "a+b://", ""]
)


@tries(300)
@given(st.tuples(STARTS, BITS).map("".join) | URLS)
@example("wss://a{b}")
@example("wss://\u00e4.org")
@example("wss://[::1]x")
@example("wss://x[::1]")
@example("wss://a@b@c")
@example("wss://a/%zz")
@example("wss://a#b#c")
@example("wss://[fe80::1%25lo]")
def test_addresses_of_rooms_are_uris_to_everyone(url: str) -> None:
    """An address of a room that is accepted is a URI to whoever follows RFC 3986, as the contract asks."""
    if refusal(lambda: LiveKitEnvironment(url, "t")) is None:
        assert VALID_PARTS[LiveKitEnvironment][0].is_valid({"livekitUrl": url, "livekitToken": "t"})
        assert refusal(lambda: DailyEgress(room_url=url)) is None


@pytest.mark.parametrize("value", ["false", "no", "0", "", 1, 0, None, [], object], ids=itertools.count())
def test_only_true_permits_plain_http(value: Any) -> None:
    """What merely counts as true, the text "false" above all, does not send a key in the clear."""
    error = refusal(lambda: AnamClient(KEY, "http://evil.example", allow_insecure_http=value))
    assert error is not None
    assert "allow_insecure_http" in {problem.field for problem in error.problems}


# Session tokens.


def jwt(payload: bytes) -> str:
    return f"eyJhbGciOiJIUzI1NiJ9.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.c2ln"


CLAIMS = st.dictionaries(
    st.sampled_from(["exp", "iat", "type", "video", "accountId"]),
    st.one_of(
        st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
        st.sampled_from(
            [10**400, -(10**15), 1e308, "legacy", {"room": "a"}, {"room": ["a"]}, nested(900, lambda x: [x])]
        ),
    ),
)


@tries(150)
@given(
    CLAIMS.map(lambda claims: json.dumps(claims).encode())
    | st.binary(max_size=60)
    | ANY_TEXT.map(lambda t: t.encode("utf-8", "surrogatepass"))
)
@example(b"[" * 100_000)
@example(b'{"type":' + b"[" * 990 + b"]" * 990 + b"}")
@example(b'{"exp":' + b"9" * 5_000 + b"}")
@example(b'{"type":"' + b"x" * 500_000 + b'"}')
@example(json.dumps({"a": 1}).encode("utf-16"))
def test_claims_of_any_content_do_no_harm(payload: bytes) -> None:
    """Whatever stands in a token, it can be looked at, shown and asked for its expiry."""
    text = jwt(payload)
    token = SessionToken(text)
    assert token.value == text
    assert token.is_expired() in (True, False)
    assert token.is_expired(leeway=math.inf) in (True, False)
    assert len(repr(token)) < 500
    assert text not in repr(token)
    assert LiveKitEnvironment("wss://a", text).room is None or isinstance(token.claims["video"], dict)


# Files.


class Files:
    """Loads what was written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, content: bytes | str, name: str = "p.yaml") -> PersonaConfig:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
        return PersonaConfig.load(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("personas"))


WORDS = (
    *("name", "metadata", "tools", "toolIds", "type", "client", "headers", "llmId", "skipGreeting", "x", "1", "0x1f"),
    *(": ", ":", "- ", "? ", ", ", "[", "]", "{", "}", "\n", "\n  ", "\n    ", " ", "\t", "---\n", "...\n", "#"),
    *("&a ", "*a", "<<: ", "!!int ", "!!float ", "!!set ", "!!binary ", "!!omap ", "!!timestamp ", "!!str ", "!!null "),
    *("!!bool ", "!!python/object/apply:os.system ", "!x ", "!<tag:yaml.org,2002:int> ", "%YAML 1.1\n", "=", "~"),
    *("%TAG ! tag:yaml.org,2002:\n", "yes", "NO", "1:30", "1:1.5", "1_0", ".nan", "-.inf", "1e999", "|", ">", "|+9"),
    *("2026-11-22", "2026-99-99", "2026-11-22T10:00:00+99:99", "'", '"', '"\\ud800"', '"\\UFFFFFFFF"', '"\\x00"'),
    *("\x00", "\x85", "\u2028", "\ufeff", "\ud800", "@", "`", "\\", "\u00e9"),
)


@tries(300)
@given(st.lists(st.sampled_from(WORDS), max_size=14).map("".join) | ANY_TEXT)
def test_any_yaml_is_refused_by_name_or_right(files: Files, text: str) -> None:
    """Whatever a YAML file holds: an error that names the file or the field, or a persona that the contract accepts."""
    made: list[PersonaConfig] = []
    if refusal(lambda: made.append(files.load(text))) is None:
        check_part(made[0])


@tries(150)
@given(
    mostly(wire(PersonaConfig).map(lambda data: json.dumps(data, default=str, skipkeys=True).encode()), st.binary())
    | st.text(st.sampled_from('{}[]",:\\ue0129-+.NaInfity truefalsn\ud800\0')).map(
        lambda t: t.encode("utf-8", "surrogatepass")
    )
)
def test_any_json_is_refused_by_name_or_right(files: Files, content: bytes) -> None:
    """The same for JSON."""
    made: list[PersonaConfig] = []
    if refusal(lambda: made.append(files.load(content, "p.json"))) is None:
        check_part(made[0])


def aliases(width: int, *levels: str) -> str:
    """Lists that hold the list before them many times over: the last stands for `width ** len(levels)` values."""
    lines, inner = [], "x"
    for name in levels:
        lines.append(f"  {name}: &{name} [{', '.join([inner] * width)}]")
        inner = f"*{name}"
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "value",
    [{str(n): n for n in range(100_001)}, {"a": [0] * 100_001}, {"a": [[0] * 100_000] * 100_000}],
    ids=["names", "items", "shared"],
)
def test_objects_without_bound_are_refused(value: Any) -> None:
    """Your own data may be large, but not so large that looking at it costs more than sending it."""
    began = time.monotonic()
    error = refusal(lambda: PersonaConfig(metadata=value))
    assert error is not None
    assert [str(problem) for problem in error.problems] == ["metadata: must not hold more than 100,000 values"]
    assert time.monotonic() - began < QUICK


def test_many_tools_are_compared_quickly() -> None:
    """Names are found to be equal in the time it takes to read them."""
    tools = [{"type": "system", "name": f"t{n // 2}"} for n in range(10_000)]
    began = time.monotonic()
    error = refusal(lambda: PersonaConfig(tools=tools))
    assert error is not None
    assert len(error.problems) == 5_000
    assert time.monotonic() - began < QUICK


BOMBS = {
    "billion-laughs": "metadata:\n" + aliases(9, *"abcdefghijkl"),
    "laughs-in-tools": (
        f"metadata:\n{aliases(300, 'a', 'b')}tools:\n- &t {{type: system, name: t, x: *b}}\n" + "- *t\n" * 10_000
    ),
    "merge-keys": "a: &a {x: 1}\nb: &b {<<: [*a, *a, *a]}\n<<: [*b, *b]\n",
    "cycle": "metadata: &m {again: [*m]}",
    "cycle-in-tools": "tools: &t [{type: client, name: t, x: *t}]",
    "cycle-of-the-whole": "&p {metadata: *p}",
    "deep": "metadata: " + "[" * 1_000_000,
    "deep-blocks": "- " * 500_000,
    "sexagesimal": "metadata: {a: " + ":".join(["1"] * 500_000) + "}",
    "sexagesimal-float": "metadata: {a: " + "1:" * 400 + "1.5}",
    "digits": "metadata: {a: " + "9" * 300_000 + "}",
    "hexadecimal": "metadata: {a: 0x" + "f" * 300_000 + "}",
    "same-hashes": "metadata: {" + ", ".join(f"{n * (2**61 - 1)}: 0" for n in range(1, 2_000)) + "}",
    "many-problems": "toolIds: [" + "1," * 5_000 + "]",
    "many-names": "\n".join(f"a{n}: 1" for n in range(3_000)),
    "many-documents": "---\n" * 50_000,
    "too-long": " " * (MAX_FILE_BYTES + 1),
}


@pytest.mark.parametrize("name", BOMBS)
def test_small_files_do_not_cost_much(files: Files, name: str) -> None:
    """Files made to grow, to nest or to be slow are refused in the time that reading them takes."""
    began = time.monotonic()
    assert refusal(lambda: files.load(BOMBS[name])) is not None
    assert time.monotonic() - began < QUICK


HARD_TO_READ: list[tuple[str, bytes, str]] = [
    ("p.json", b"", "cannot be parsed"),
    ("p.yaml", b"", "must be an object"),
    ("p.json", b"\xef\xbb\xbf", "cannot be parsed"),
    ("p.json", '{"name": "a"}'.encode("utf-16"), "must be UTF-8"),
    ("p.json", '{"name": "a"}'.encode("utf-16-le"), "cannot be parsed"),
    ("p.json", '{"name": "a"}'.encode("utf-32"), "must be UTF-8"),
    ("p.yaml", "name: a".encode("utf-16"), "must be UTF-8"),
    ("p.yaml", "name: a".encode("utf-16-be"), "cannot be parsed"),
    ("p.json", b'{"name": "a"} {}', "cannot be parsed"),
    ("p.json", b"[" * 500_000, "nests too deeply"),
    ("p.json", b'{"maxSessionLengthSeconds": NaN}', "must be finite"),
    ("p.json", b'{"maxSessionLengthSeconds": 1e999}', "must be finite"),
    ("p.json", b'{"maxSessionLengthSeconds": 1' + b"0" * 400 + b"}", "must fit into 64 bits"),
    ("p.json", b'{"name": "\\ud800"}', "must be valid Unicode"),
    ("p.json", b'{"\\ud800": 1}', "unknown"),
    ("p.json", b'{"name": "a\nb"}', "cannot be parsed"),
    ("p.yaml", b'name: "\\ud800"', "must be valid Unicode"),
    ("p.yaml", b"name: NO", "must be a string"),
    ("p.yaml", b"languageCode: no", "must be a string"),
    ("p.yaml", b"skipGreeting: 'yes'", "must be true or false"),
    ("p.yaml", b"name: 2026-11-22", "must be a string"),
    ("p.yaml", b"name: 1e3\nmaxSessionLengthSeconds: 1:30:00x", "must be a number"),
    ("p.yaml", b"metadata: {a: 2026-11-22T10:00:00Z}", "must be a JSON value, not datetime"),
    ("p.yaml", b"metadata: {a: !!set {b, c}}", "must be a JSON value, not set"),
    ("p.yaml", b"metadata: {a: !!binary aGVsbG8=}", "must be a JSON value, not bytes"),
    ("p.yaml", b"metadata: {~: 1}", "names must be strings"),
    ("p.yaml", b"1: a", "unknown"),
    ("p.yaml", b"tools: [{type: client, name: t, 1: a}]", "names must be strings"),
    ("p.yaml", b"sessionReplay: {}", "unknown"),
    ("p.yaml", b"metadata: {18446744073709551616: 1}", "does not fit into 64 bits"),
    ("p.yaml", b"name: a\n---\nname: b", "another document"),
    ("p.yaml", b"name:\t- a", "cannot be parsed"),
    ("p.yaml", b"\tname: a", "cannot be parsed"),
    ("p.yaml", b"name: a\x00b", "cannot be parsed"),
    ("p.yaml", b"name: *a", "undefined alias"),
    ("p.yaml", b'x: "\\UFFFFFFFF"', "not valid YAML"),
    ("p.yaml", b"x: !!timestamp 0000-00-00", "cannot be parsed"),
    ("p.yaml", b"x: !!python/object/apply:os.system [exit 1]", "could not determine a constructor"),
    ("p.yaml", b"x: !!python/object/new:subprocess.Popen [[ls]]", "could not determine a constructor"),
    ("p.yaml", b"x: !!python/name:os.system", "could not determine a constructor"),
    ("p.yaml", b"x: !!python/module:os", "could not determine a constructor"),
    ("p.yaml", b"%TAG ! tag:yaml.org,2002:python/\n---\nx: !module:os", "could not determine a constructor"),
]


@pytest.mark.parametrize(("name", "content", "rule"), HARD_TO_READ, ids=itertools.count())
def test_files_that_mean_something_else_are_refused(files: Files, name: str, content: bytes, rule: str) -> None:
    """Other encodings, YAML's surprises and its tags that would run code: refused, in words that name the rule."""
    error = refusal(lambda: files.load(content, name))
    assert error is not None
    assert any(rule in problem.rule for problem in error.problems), error


@pytest.mark.parametrize(
    "content",
    [
        f"tools: [{{type: server, subtype: webhook, name: t, headers: {{A: {value}}}}}]"
        for value in (
            f"!!int {SWORD}",
            f'!!float "{SWORD}\'"',
            f"!!bool {SWORD}",
            f"!!timestamp {SWORD}",
            f"!!binary {SWORD}\u00e9",
            f"[{SWORD}]",
            f"{{a: {SWORD}}}",
            f'"{SWORD}\\ud800"',
            f"!!set {{{SWORD}}}",
        )
    ],
    ids=itertools.count(),
)
def test_a_credential_in_a_bad_file_is_not_quoted(files: Files, content: str) -> None:
    """What cannot be read may be a credential: the error has its place and not its content."""
    assert refusal(lambda: files.load(content)) is not None


@pytest.mark.parametrize("name", ["p.json", "p.yaml"])
def test_the_last_of_equal_names_counts(files: Files, name: str) -> None:
    """A name that is there twice is read alike in both kinds of file, as parsers everywhere do."""
    assert files.load(b'{"name": "a", "name": "b"}', name) == PersonaConfig(name="b")


def within(seconds: float, action: Callable[[], Any]) -> list[Any]:
    """What came of an action that might wait for ever."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(action()), daemon=True)
    thread.start()
    thread.join(seconds)
    return found


@pytest.mark.parametrize("name", ["p.json", "p.yaml"])
@pytest.mark.parametrize("kind", ["pipe", "device", "endless", "socket", "folder", "loop", "long", "missing", "under"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, kind: str, name: str) -> None:
    """A pipe nobody writes to, a device without end, a link to itself: an error that names the path, and no waiting."""
    path = tmp_path / name
    listener = socket.socket(socket.AF_UNIX)
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/null")
        case "endless":
            path.symlink_to("/dev/zero")
        case "socket":
            with contextlib.chdir(tmp_path):  # the name of a socket is short
                listener.bind(name)
        case "folder":
            path.mkdir()
        case "loop":
            path.symlink_to(path)
        case "long":
            path = tmp_path / ("x" * 5_000 + name)
        case "under":
            path = Path(__file__) / name
    with listener:
        (error,) = within(5, lambda: refusal(lambda: PersonaConfig.load(path)))
    assert error is not None
    assert [problem.field for problem in error.problems] == ["path"]


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without permission the error says so. (Whoever runs the tests may be allowed to read everything.)"""
    path = tmp_path / "p.json"
    path.write_text("{}")

    def forbidden(*_: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    error = refusal(lambda: PersonaConfig.load(path))
    assert error is not None
    assert [str(problem) for problem in error.problems] == [f"path = {path}: cannot be read: Permission denied"]


@tries(100)
@given(ANY_TEXT, st.sampled_from([".json", ".yaml", ".yml", "", ".txt", ".json\n", "/"]))
@example("a\nb\x1b[31m", ".json")
@example("\ud800", ".yaml")
@example("a\0b", ".json")
@example("x" * 100_000, ".json")
def test_any_path_is_refused_by_name(tmp_path_factory: pytest.TempPathFactory, name: str, suffix: str) -> None:
    """Whatever a path is made of, the error shows it in a way that no terminal or log stumbles over."""
    path = str(tmp_path_factory.getbasetemp()) + "/missing/" + name + suffix
    error = refusal(lambda: PersonaConfig.load(path))
    assert error is not None
    assert [problem.field for problem in error.problems] == ["path"]


# TLS.


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers like Anam, and keeps who asked."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bearers.append(self.headers["Authorization"])  # type: ignore[attr-defined]
        body = json.dumps({"sessionToken": TOKEN}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class Tls:
    """A server whose certificate vouches for itself."""

    def __init__(self, folder: Path, host: str = "localhost", days: int = 1) -> None:
        self.certificate = folder / f"{host}{days}.pem"
        self.certificate.write_text(self_signed(host, days=days))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.bearers = self.bearers = []  # type: ignore[attr-defined]
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"https://localhost:{self._server.server_port}"

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.certificate)

    def mint(self, kind: str, **client: Any) -> Any:
        client |= {"base_url": self.url, "transport": None}
        return Wire().call(kind, "create_session_token", SAVED, client=client)

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[Callable[..., Tls]]:
    made: list[Tls] = []

    def start(*args: Any, **kwargs: Any) -> Tls:
        made.append(Tls(tmp_path, *args, **kwargs))
        return made[-1]

    yield start
    for server in made:
        server.stop()


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.every_transport
def test_a_server_that_nobody_vouches_for_gets_nothing(tls: Any, kind: str) -> None:
    """A certificate that signs itself is refused before the key is sent, and that counts as never sent."""
    server = tls()
    with pytest.raises(AnamConnectionError, match="certificate verify failed") as caught:
        server.mint(kind)
    assert not caught.value.sent
    assert server.bearers == []


@pytest.mark.every_transport
@pytest.mark.own_only
def test_who_trusts_a_certificate_says_so(tls: Any, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same server is accepted by a context that trusts it, and by `SSL_CERT_FILE`, which names whom to trust."""
    server = tls()
    assert server.mint(kind, ssl_context=server.trust()).value == TOKEN
    monkeypatch.setenv("SSL_CERT_FILE", str(server.certificate))
    assert server.mint(kind).value == TOKEN
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


@pytest.mark.parametrize("insecure", [False, True])
@pytest.mark.parametrize("client", [AnamClient, AsyncAnamClient])
def test_the_pool_verifies_chain_and_name(client: Any, insecure: bool) -> None:
    """By default the pool's context demands a certificate and the right name, also where plain http is permitted."""
    context = client(KEY, allow_insecure_http=insecure)._exchange._options["verify"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname is True
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
