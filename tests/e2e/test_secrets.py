"""No credential is shown by anything that a program might log, print, pickle or send to a crash reporter.

Every path is run with everything logged, over every way of sending; and every way to hand a credential to the wrong
place.
"""

from __future__ import annotations

import copy
import functools
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
    DailyEgress,
    LiveKitEnvironment,
    PersonaConfig,
    RetryPolicy,
    SessionOptions,
    WebhookTool,
)
from anam_facade.sandbox import Fault, Sandbox
from tests.conftest import OPERATIONS, Calls, signed

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
SETUP = {"environment": ROOM, "session_options": OPTIONS}


def told_by(error: BaseException) -> Iterator[str | bytes]:
    """Everything that an error tells: as text, as traceback with every frame's variables, in attributes, pickled."""
    yield from traceback.TracebackException.from_exception(error, capture_locals=True).format()
    yield from told_without_frames(error)
    for linked in (error.__cause__, error.__context__):
        if linked is not None:
            yield from told_by(linked)


def told_without_frames(error: BaseException) -> Iterator[str | bytes]:
    yield from (str(error), repr(error), repr(error.args), repr(vars(error)))
    if isinstance(error, AnamError):
        yield from (pickle.dumps(error), repr(vars(copy.deepcopy(error))))
        yield repr(list(getattr(error, "headers", httpx.Headers()).raw))


def frames_of_ours(error: BaseException) -> list[str]:
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


# What happens to a start, or to a mint, made from all secrets in one text, as a server might quote them.
FAULTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "busy, then success": lambda said: {"status": 503, "times": 1, "body": {"error": said}},
    "mint fails": lambda said: {"status": 500, "body": said},
    "mint is nonsense": lambda said: {"status": 200, "body": f"<html>{said}</html>"},
    "mint has other fields": lambda said: {"status": 200, "body": {"session_token": said}},
    "refused": lambda said: {"status": 400, "body": {"error": said, "message": said, "details": {"echo": [said]}}},
    "gateway": lambda said: {"status": 502, "body": f"<html>{said}</html>"},
    "reset": lambda said: {"close": "after"},
    "time-out": lambda said: {"delay_answer": 2.0},
    "truncated": lambda said: {"truncate": True},
    "start is nonsense": lambda said: {"status": 200, "body": said, "processed": True},
}


@pytest.mark.every_transport
@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("path", FAULTS)
def test_nothing_shown_holds_a_secret(
    anam_sandbox: Sandbox, calls: Calls, caplog: pytest.LogCaptureFixture, path: str, direct: bool
) -> None:
    """Logs, reprs, tracebacks with their variables, and pickles are free of every credential, whatever happens."""
    caplog.set_level(logging.DEBUG)
    calls.configure(
        retry=RetryPolicy(max_attempts=2, initial_backoff=0.01),
        extra_headers={"X-Gate": SECRETS["gateway header"]},
        timeout=0.5 if path == "time-out" else 10.0,
    )
    secrets = Secrets(SECRETS | {"api key": anam_sandbox.api_key})
    shown: list[str | bytes] = [repr(PERSONA), repr(SETUP), repr(calls.client), repr(vars(calls.client))]
    token = None
    if not direct and not path.startswith("mint"):
        token = calls("create_session_token", PERSONA, **SETUP)
        secrets["session token"] = token.value
        shown += [repr(token), str(token)]
    operation = "createSessionToken" if path.startswith("mint") else "createEngineSession"
    anam_sandbox.inject(Fault(operation=operation, **FAULTS[path](" ".join(secrets.values()))))
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


# Inputs that are not wrapped are no secret in the caller's own frames, but are in everything else.


def client(answer: httpx.Response | None = None, **settings: Any) -> AnamClient:
    """A client that gets one answer, whatever it sends."""
    transport = httpx.MockTransport(lambda request: answer or httpx.Response(400))
    return AnamClient(**{"api_key": SECRETS["api key"], "retry": 0, "transport": transport, **settings})


def parrot(direct: bool, **answer: Any) -> object:
    """A server that quotes what it was sent to a caller who wraps nothing."""
    made = client(httpx.Response(**answer), extra_headers={"X-Gate": SECRETS["gateway header"]})
    setup = {"environment": ROOM.to_dict(), "session_options": OPTIONS.to_dict()}
    return made.start_session(PERSONA.to_dict(), **setup, direct=direct)


def told_of_a_mapping(given: dict[str, Any], method: str, avatar_id: object, **options: Any) -> object:
    """A call with a mapping that holds a credential, and a persona that is refused, or warned of."""
    return getattr(client(), method)(**{"persona": {"avatarId": avatar_id}} | given, **options)


LOST = SECRETS["somebody's token"]
WIRE_ROOM = {"livekitUrl": "wss://rooms.example.org", "livekitToken": LOST}
HOOK = {"type": "server", "subtype": "webhook", "name": "", "headers": {"Authorization": LOST}}
MAPPINGS: list[dict[str, Any]] = [
    {"environment": WIRE_ROOM},
    {"environment": {"elevenLabsAgentSettings": {"signedUrl": LOST, "agentId": "a"}}},
    {"environment": {**WIRE_ROOM, "unknown": LOST}},
    {"session_options": {"egress": {"mode": "daily", "daily": {"roomUrl": "https://a.b", "token": LOST}}}},
    {"persona": {"tools": [HOOK]}},
    {"persona": {"extra": {"apiKey": LOST}, "avatarId": 1}},
]
QUOTED = " ".join(SECRETS.values())
QUOTES: list[dict[str, Any]] = [
    {"status_code": 500, "json": {"message": QUOTED}},
    {"status_code": 401, "headers": {"X-Echo": QUOTED, "Set-Cookie": f"t={QUOTED}", "X-Request-Id": QUOTED}},
    {"status_code": 307, "headers": {"Location": f"https://x.example/?t={QUOTED}"}},
]
KEY, TOKEN, GATE = SECRETS["api key"], SECRETS["session token"], {"X-Gate": SECRETS["gateway header"]}
FAILURES: list[Callable[[], object]] = [
    *(functools.partial(parrot, direct, **quote) for quote in QUOTES for direct in (False, True)),
    *(
        functools.partial(told_of_a_mapping, given, method, avatar_id, **options)
        for given in MAPPINGS
        for method, _, options in (OPERATIONS["mint"], OPERATIONS["both"], OPERATIONS["direct"])
        for avatar_id in (1, "no UUID")
    ),
    lambda: client(httpx.Response(401, text=f"{KEY} {TOKEN}")).start_engine_session(TOKEN),
    lambda: client(httpx.Response(200, text="<html>")).start_engine_session(TOKEN),
    lambda: client().start_engine_session(KEY),
    lambda: client(timeout=-1, extra_headers=GATE),
    lambda: client().with_options(timeout=-1, extra_headers=GATE),
    lambda: client(timeout=-1, api_key=None),
]


@pytest.mark.parametrize("fails", FAILURES, ids=range(len(FAILURES)))
def test_plain_strings_and_mappings_are_taken_over_at_the_door(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, fails: Callable[[], object]
) -> None:
    """They are the caller's own in the caller's own frames, but in no other, nor in errors, logs and pickles."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("ANAM_API_KEY", KEY)
    with warnings.catch_warnings():
        warnings.simplefilter("error", AnamConfigWarning)
        with pytest.raises((AnamError, AnamConfigWarning)) as caught:
            fails()
    assert SECRETS.found_in(*frames_of_ours(caught.value), *told_without_frames(caught.value), caplog.text) == []


# A credential that stands where something else should, or beside it.
MISTAKES: dict[str, Callable[[], object]] = {
    "key with a line break": lambda: client(api_key=KEY + "\n"),
    "token as key": lambda: client(api_key=TOKEN),
    "token as URL": lambda: client(base_url=LOST, gateway_url=LOST),
    "token in a URL": lambda: client(base_url=f"https://a?token={LOST}"),
    "credentials in a URL": lambda: client(base_url=f"https://u:{SECRETS['daily token']}@a.example"),
    "token as setting": lambda: client(client_label=LOST * 9, timeout=LOST),
    "header with a line break": lambda: client(extra_headers={"X-Gate": SECRETS["gateway header"] + "\n"}),
    "retries": lambda: RetryPolicy(jitter=LOST),
    "room": lambda: LiveKitEnvironment("nowhere", SECRETS["livekit token"]),
    "room on the wire": lambda: LiveKitEnvironment.from_dict({"livekitUrl": "x", "livekitToken": LOST}),
    "URL and token of a room": lambda: LiveKitEnvironment(LOST, "wss://a"),
    "token in the URL of a room": lambda: LiveKitEnvironment(f"wss://a?access_token={LOST} ", "t"),
    "egress": lambda: DailyEgress(room_url=LOST, token=SECRETS["daily token"]),
    "headers": lambda: WebhookTool(name="", headers={"A": SECRETS["webhook header"]}),
    "headers of bytes": lambda: WebhookTool(name="t", headers={"A": SECRETS["webhook header"].encode()}),
    "headers of a string": lambda: WebhookTool(name="t", headers=SECRETS["webhook header"]),
    "options": lambda: SessionOptions(video_quality=LOST, region_policy=LOST, video_width=LOST),
    "persona": lambda: PersonaConfig(type=LOST, skip_greeting=LOST, avatar_model=LOST, voice_id=LOST, tool_ids=[LOST]),
    "token as notes": lambda: PersonaConfig(director_notes={"presetStyle": LOST, LOST: 1}),
    "token as name of a field": lambda: PersonaConfig.from_dict({LOST: LOST}),
    "token as kind of a tool": lambda: PersonaConfig(tools=[{"type": LOST, "name": "t"}]),
    "token in metadata": lambda: PersonaConfig(metadata={LOST: math.nan, "a": {LOST}}),
    "persona that is warned of": lambda: PersonaConfig(avatar_model="cara-3", director_notes={}, tools=PERSONA.tools),
    "options that are warned of": lambda: SessionOptions(region="moon", egress=OPTIONS.egress),
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
            told += told_without_frames(error)
    told += [str(warning.message) for warning in warned]
    assert told
    assert SECRETS.found_in(*told) == []
