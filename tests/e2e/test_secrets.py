"""No credential is shown by anything that a program might log, print, pickle or send to a crash reporter.

Every path is run with everything logged, over every way of sending; and every way to hand a credential to the wrong
place.
"""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import math
import pickle
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from anam_facade import (
    AnamClient,
    AnamConfigError,
    AnamConfigWarning,
    AnamError,
    AnamStatusError,
    AsyncAnamClient,
    DailyEgress,
    LiveKitEnvironment,
    PersonaConfig,
    RetryPolicy,
    SessionOptions,
    SessionToken,
    WebhookTool,
)
from anam_facade.sandbox import Fault, Sandbox
from tests.conftest import Calls
from tests.tokens import signed

MINT, START = "createSessionToken", "createEngineSession"
ID = "30fa96d0-26c4-4e55-94a0-517025942e18"


class Secrets(dict[str, str]):
    """Credentials by what they are. It does not show them in the frames of these tests."""

    def __repr__(self) -> str:
        return f"<{len(self)} secrets>"

    def found_in(self, *texts: str | bytes) -> list[str]:
        """What stands in any of the texts, plainly, as JSON has it, or by the part that is as good as the whole."""
        everything = "\n".join(t.decode("latin-1") if isinstance(t, bytes) else t for t in texts)
        return [
            name
            for name, secret in self.items()
            if any(part in everything for part in (secret, json.dumps(secret)[1:-1], secret.rpartition(".")[2]))
        ]


SECRETS = Secrets(
    {
        "api key": "k3y/" + "apikey+0123456789" + "==",
        "session token": signed(type="ephemeral"),
        "somebody's token": signed(type="stateful"),
        "livekit token": signed(video={"room": "lobby"}),
        "webhook header": "Bearer hook-" + "s3cret/+=",
        "daily token": "daily-" + "s3cret",
        "gateway header": "gate-" + "s3cret",
    }
)
ROOM = LiveKitEnvironment("wss://rooms.example.org", SECRETS["livekit token"])
PERSONA = PersonaConfig(
    voice_id=ID,
    enable_audio_passthrough=True,
    tools=[WebhookTool(name="hook", url="https://x.example", headers={"Authorization": SECRETS["webhook header"]})],
)
OPTIONS = SessionOptions(egress=DailyEgress(room_url="https://daily.example/r", token=SECRETS["daily token"]))
TOKEN = SessionToken(SECRETS["session token"])
SETUP = {"environment": ROOM, "session_options": OPTIONS}

# What happens, made from all secrets in one text, as a server might quote them.
FAULTS: dict[str, Callable[[str], list[Fault]]] = {
    "success": lambda said: [],
    "busy, then success": lambda said: [Fault(operation=START, status=503, times=1)],
    "mint fails": lambda said: [Fault(operation=MINT, status=500, body=said)],
    "mint is nonsense": lambda said: [Fault(operation=MINT, status=200, body=f"<html>{said}</html>")],
    "mint has other fields": lambda said: [Fault(operation=MINT, status=200, body={"session_token": said})],
    "start is refused": lambda said: [
        Fault(operation=START, status=400, body={"error": said, "message": said, "details": {"echo": [said]}})
    ],
    "start is refused, in escapes": lambda said: [
        Fault(
            operation=START,
            status=400,
            content_type="application/json",
            body=json.dumps({"error": said}).replace("/", "\\/").replace("+", "\\u002b"),
        )
    ],
    "plan limit": lambda said: [
        Fault(operation=START, status=429, body={"error": "Spend cap reached", "message": said})
    ],
    "gateway": lambda said: [Fault(operation=START, status=502, body=f"<html>{said}</html>")],
    "reset": lambda said: [Fault(operation=START, close="after")],
    "time-out": lambda said: [Fault(operation=START, delay_answer=2.0)],
    "truncated": lambda said: [Fault(operation=START, truncate=True)],
    "start is nonsense": lambda said: [Fault(operation=START, status=200, body=said, processed=True)],
}


def inject(sandbox: Sandbox, path: str, secrets: Secrets) -> None:
    for fault in FAULTS[path](" ".join(secrets.values())):
        sandbox.inject(fault)


def told_by(error: BaseException) -> Iterator[str | bytes]:
    """Everything that an error tells: as text, as traceback with every frame's variables, in attributes, pickled."""
    yield from traceback.TracebackException.from_exception(error, capture_locals=True).format()
    yield from (str(error), repr(error), repr(error.args), repr(vars(error)))
    if isinstance(error, AnamError):
        yield from (pickle.dumps(error), repr(vars(copy.deepcopy(error))))
        yield repr(list(getattr(error, "headers", httpx.Headers()).raw))
    for linked in (error.__cause__, error.__context__):
        if linked is not None:
            yield from told_by(linked)


def from_inside_the_package(error: BaseException) -> list[str]:
    """The variables of the package's own frames: what the caller's frames hold is the caller's affair."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = [frame for frame in frames if frame.f_globals.get("__name__", "").startswith(("anam_facade.", "anam_api."))]
    assert ours
    return [repr(frame.f_locals) for frame in ours]


def test_the_search_finds_secrets() -> None:
    """The search of these tests finds a secret where there is one."""

    def careless(hidden: str) -> None:
        raise ValueError(len(hidden))

    with pytest.raises(ValueError, match=r"^\d+$") as caught:
        careless(SECRETS["api key"])
    assert SECRETS.found_in(*told_by(caught.value)) == ["api key"]
    assert SECRETS.found_in(" ".join(SECRETS.values())) == list(SECRETS)


@pytest.mark.every_transport
@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("path", FAULTS)
def test_nothing_shown_holds_a_secret(
    anam_sandbox: Sandbox, calls: Calls, caplog: pytest.LogCaptureFixture, path: str, direct: bool
) -> None:
    """Logs, reprs, tracebacks with their variables, and pickles are free of every credential, whatever happens."""
    caplog.set_level(logging.DEBUG)
    twice = RetryPolicy(max_attempts=2, initial_backoff=0.01)
    options = {"retry": twice, "extra_headers": {"X-Gate": SECRETS["gateway header"]}}
    calls.configure(**options)
    secrets = Secrets(SECRETS | {"api key": anam_sandbox.api_key})
    shown: list[str | bytes] = [repr(PERSONA), repr(SETUP), repr(calls.client), repr(vars(calls.client))]
    token = None
    if not direct and not path.startswith("mint"):
        token = calls("create_session_token", PERSONA, **SETUP)
        secrets["session token"] = token.value
        shown += [repr(token), str(token)]
    inject(anam_sandbox, path, secrets)
    if path == "time-out":
        calls.configure(**options, timeout=0.3)
    del options
    try:
        if token is not None:
            result = calls("start_engine_session", token)
        else:
            result = calls("start_session", PERSONA, **SETUP, direct=direct)
    except AnamError as error:
        shown += told_by(error)
    else:
        shown += [repr(result), str(result), pickle.dumps(result)]
    # The server's own log quotes the faults that it was told to play.
    records = [record for record in caplog.records if not record.name.startswith("anam_facade.sandbox")]
    assert any(record.name == "anam_facade" for record in records)
    assert secrets.found_in(*shown, *(f"{record.getMessage()} {vars(record)}" for record in records)) == []


@pytest.mark.parametrize("holder", [PERSONA, ROOM, OPTIONS, SessionToken("header.payload.signature")])
def test_what_holds_a_secret_refuses_to_be_pickled(holder: object) -> None:
    """A pickle would hold the secret in the clear, so there is none."""
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(holder)


def client(answer: httpx.Response | None = None, **settings: Any) -> AnamClient:
    """A client that gets one answer, whatever it sends."""
    transport = httpx.MockTransport(lambda request: answer or httpx.Response(400))
    return AnamClient(**{"api_key": SECRETS["api key"], "retry": 0, "transport": transport, **settings})


QUOTED = " ".join(SECRETS.values())
QUOTES = {
    "in the body": httpx.Response(500, json={"message": QUOTED}),
    "in headers": httpx.Response(401, headers={"X-Echo": QUOTED, "Set-Cookie": f"t={QUOTED}", "X-Request-Id": QUOTED}),
    "in an address": httpx.Response(307, headers={"Location": f"https://x.example/?t={QUOTED}"}),
}


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("answer", QUOTES.values(), ids=QUOTES)
def test_plain_strings_and_mappings_are_masked_too(
    caplog: pytest.LogCaptureFixture, answer: httpx.Response, direct: bool
) -> None:
    """Inputs that are not wrapped are no secret in the caller's own frames, but are in everything else."""
    caplog.set_level(logging.DEBUG)
    parrot = client(answer, extra_headers={"X-Gate": SECRETS["gateway header"]})
    setup = {"environment": ROOM.to_dict(), "session_options": OPTIONS.to_dict()}
    with pytest.raises(AnamStatusError) as caught:
        parrot.start_session(PERSONA.to_dict(), **setup, direct=direct)
    error = caught.value
    told = (str(error), repr(error), repr(vars(error)), repr(error.headers.raw), pickle.dumps(error), caplog.text)
    assert SECRETS.found_in(*told, *from_inside_the_package(error)) == []


@pytest.mark.parametrize("answer", [httpx.Response(401, text=QUOTED), httpx.Response(200, text="<html>")])
@pytest.mark.parametrize("name", ["session token", "api key"])
def test_a_plain_token_leaves_no_trace(answer: httpx.Response, name: str) -> None:
    """A token passed as a string is wrapped at once; so is the API key, where it was passed by mistake."""
    with pytest.raises(AnamError) as caught:
        client(answer).start_engine_session(SECRETS[name])
    error = caught.value
    assert name not in SECRETS.found_in(*from_inside_the_package(error), str(error), pickle.dumps(error))


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_frames_that_an_error_came_through_are_emptied(kind: str) -> None:
    """What sends a request holds its bearer in variables; once that has failed, no traceback shows them."""

    def fails(request: httpx.Request) -> httpx.Response:
        bearer = request.headers["Authorization"]
        raise httpx.ReadError(f"reset after {len(bearer)} characters")

    transport = httpx.MockTransport(fails)

    def start() -> None:
        if kind == "sync":
            client(transport=transport).start_engine_session(TOKEN)
        else:
            made = AsyncAnamClient(SECRETS["api key"], transport=transport, retry=0)
            asyncio.run(made.start_engine_session(TOKEN))

    with pytest.raises(AnamError, match=r"reset after \d\d") as caught:
        start()
    assert SECRETS.found_in(*told_by(caught.value)) == []


@pytest.mark.parametrize("key", [SECRETS["api key"], None], ids=["argument", "environment"])
def test_a_client_that_is_refused_leaves_no_key_in_the_traceback(
    monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    """A crash reporter that records local variables does not see the key when another setting is wrong."""
    monkeypatch.setenv("ANAM_API_KEY", SECRETS["api key"])
    with pytest.raises(AnamConfigError) as caught:
        client(api_key=key, timeout=-1)
    assert SECRETS.found_in(*from_inside_the_package(caught.value)) == []


# A credential that stands where something else should, or beside it.
LOST = SECRETS["somebody's token"]
MISTAKES: dict[str, Callable[[], object]] = {
    "key with a line break": lambda: client(api_key=SECRETS["api key"] + "\n"),
    "token as key": lambda: client(api_key=SECRETS["session token"]),
    "token as URL": lambda: client(base_url=LOST, gateway_url=LOST),
    "token in a URL": lambda: client(base_url=f"https://a?token={LOST}"),
    "credentials in a URL": lambda: client(base_url=f"https://u:{SECRETS['daily token']}@a.example"),
    "token as label": lambda: client(client_label=LOST * 9),
    "token as number": lambda: client(timeout=LOST),
    "header with a line break": lambda: client(extra_headers={"X-Gate": SECRETS["gateway header"] + "\n"}),
    "retries": lambda: RetryPolicy(jitter=LOST),
    "room": lambda: LiveKitEnvironment("nowhere", SECRETS["livekit token"]),
    "room on the wire": lambda: LiveKitEnvironment.from_dict({"livekitUrl": "x", "livekitToken": LOST}),
    "URL and token of a room": lambda: LiveKitEnvironment(LOST, "wss://a"),
    "token in the URL of a room": lambda: LiveKitEnvironment(f"wss://a?access_token={LOST} ", "t"),
    "egress": lambda: DailyEgress(room_url="nowhere", token=SECRETS["daily token"]),
    "token as the URL of an egress": lambda: DailyEgress(room_url=LOST),
    "headers": lambda: WebhookTool(name="", headers={"A": SECRETS["webhook header"]}),
    "headers of bytes": lambda: WebhookTool(name="t", headers={"A": SECRETS["webhook header"].encode()}),
    "headers of a string": lambda: WebhookTool(name="t", headers=SECRETS["webhook header"]),
    "options": lambda: SessionOptions(video_quality=LOST, region_policy=LOST, video_width=LOST),
    "token as persona": lambda: PersonaConfig(type=LOST, skip_greeting=LOST, director_notes=LOST),
    "token as id": lambda: PersonaConfig(avatar_model=LOST, voice_id=LOST, tool_ids=[LOST]),
    "token as notes": lambda: PersonaConfig(director_notes={"presetStyle": LOST, LOST: 1}),
    "token as name of a field": lambda: PersonaConfig.from_dict({LOST: LOST}),
    "token as kind of a tool": lambda: PersonaConfig(tools=[{"type": LOST, "name": "t"}]),
    "token in metadata": lambda: PersonaConfig(metadata={LOST: math.nan, "a": {LOST}}),
    "only warned of": lambda: (
        PersonaConfig(avatar_model="cara-3", director_notes={}, tools=PERSONA.tools),
        SessionOptions(region="moon", egress=OPTIONS.egress),
    ),
}


@pytest.mark.parametrize("make", MISTAKES.values(), ids=MISTAKES)
def test_a_credential_in_a_wrong_place_is_not_shown(make: Callable[[], object]) -> None:
    """What is refused, or warned of, is not shown when it is, or may be, a credential."""
    told: list[str | bytes] = []
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            make()
        except AnamConfigError as error:
            told = [str(error), repr(error), repr(vars(error)), pickle.dumps(error)]
    told += [str(warning.message) for warning in warned]
    assert told
    assert SECRETS.found_in(*told) == []


WIRE_ROOM = {"livekitUrl": "wss://rooms.example.org", "livekitToken": LOST}
MAPPINGS: list[dict[str, Any]] = [
    {"environment": WIRE_ROOM},
    {"environment": {"elevenLabsAgentSettings": {"signedUrl": LOST, "agentId": "a"}}},
    {"environment": {**WIRE_ROOM, "unknown": LOST}},
    {"session_options": {"egress": {"mode": "daily", "daily": {"roomUrl": "https://a.b", "token": LOST}}}},
    {"persona": {"tools": [{"type": "server", "subtype": "webhook", "name": "", "headers": {"Authorization": LOST}}]}},
    {"persona": {"extra": {"apiKey": LOST}, "avatarId": 1}},
]

CALLS: dict[str, Callable[[AnamClient, dict[str, Any]], object]] = {
    "mint": lambda made, arguments: made.create_session_token(**arguments),
    "both": lambda made, arguments: made.start_session(**arguments),
    "direct": lambda made, arguments: made.start_session(**arguments, direct=True),
}


@pytest.mark.parametrize("strict", [False, True], ids=["refused", "warned-of"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("given", MAPPINGS, ids=range(len(MAPPINGS)))
def test_no_frame_of_ours_keeps_what_a_mapping_holds(
    given: dict[str, Any], call: Callable[[AnamClient, dict[str, Any]], object], strict: bool
) -> None:
    """A mapping is taken over at the door: neither a refusal nor a warning made an error leaves its secrets."""
    arguments = {"persona": {"avatarId": "no uuid" if strict else 1}} | given
    with warnings.catch_warnings():
        warnings.simplefilter("error" if strict else "ignore", AnamConfigWarning)
        with pytest.raises((AnamConfigError, AnamConfigWarning)) as caught:
            call(client(), arguments)
    assert SECRETS.found_in(*from_inside_the_package(caught.value)) == []
