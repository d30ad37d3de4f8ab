"""No credential stands in anything that a program might log, print, pickle or send to a crash reporter."""

from __future__ import annotations

import base64
import copy
import json
import logging
import pickle
import traceback
import warnings
from pathlib import Path

import httpx
import pytest

import anam_facade
from anam_facade import (
    AnamError,
    DailyEgress,
    LiveKitEnvironment,
    PersonaConfig,
    RetryPolicy,
    SessionOptions,
    SessionToken,
    WebhookTool,
)

pytestmark = pytest.mark.anyio

PACKAGE = str(Path(anam_facade.__file__).parent)
ID = "30fa96d0-26c4-4e55-94a0-517025942e18"


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def jwt(**claims: object) -> str:
    return ".".join(
        (
            encoded({"alg": "HS256"}),
            encoded(claims),
            base64.urlsafe_b64encode(b"sig-" + repr(claims).encode()[:9]).decode().rstrip("="),
        )
    )


SECRETS = {
    "api key": "k3y/" + "apikey+0123456789" + "==",
    "session token": jwt(type="ephemeral", accountId="acc-1"),
    "other token": jwt(type="stateful", accountId="acc-2"),
    "livekit token": jwt(video={"room": "lobby"}, sub="agent"),
    "webhook header": "Bearer hook-" + "s3cret/+=",
    "daily token": "daily-" + "s3cret",
}
ROOM = LiveKitEnvironment("wss://rooms.example", SECRETS["livekit token"])
PERSONA = PersonaConfig(
    voice_id=ID,
    enable_audio_passthrough=True,
    tools=[WebhookTool(name="hook", url="https://hook.example", headers={"Authorization": SECRETS["webhook header"]})],
)
OPTIONS = SessionOptions(egress=DailyEgress(room_url="https://daily.example/x", token=SECRETS["daily token"]))
TOKEN = SessionToken(SECRETS["session token"], client_label="desk-7")
OTHER_TOKEN = SessionToken(SECRETS["other token"])
SETUP = {"environment": ROOM, "session_options": OPTIONS, "client_label": "desk-7"}
EVERYTHING = " ".join(SECRETS.values())

MINTED = httpx.Response(200, json={"sessionToken": SECRETS["session token"]})
ANSWERS = {
    "400 quoting": httpx.Response(
        400, json={"error": EVERYTHING, "message": EVERYTHING, "details": {"seen": [EVERYTHING]}}
    ),
    "400 quoting, escaped": httpx.Response(
        400, content=json.dumps({"error": EVERYTHING}).replace("/", "\\/").replace("+", "\\u002b").encode()
    ),
    "401 html": httpx.Response(401, html=f"<html>{EVERYTHING}</html>"),
    "403 headers": httpx.Response(403, headers={"X-Echo": EVERYTHING, "Set-Cookie": f"t={EVERYTHING}"}),
    "409": httpx.Response(409, json={"error": EVERYTHING}),
    "429 limit": httpx.Response(429, json={"error": "Spend cap reached", "message": EVERYTHING}),
    "500 quoting": httpx.Response(500, json={"message": EVERYTHING}, headers={"X-Echo": EVERYTHING}),
    "503 truncated": httpx.Response(503, content=b'{"error": "' + EVERYTHING.encode()),
    "200 nonsense": httpx.Response(200, content=b"<html>" + EVERYTHING.encode(), headers={"X-Echo": EVERYTHING}),
    "200 other fields": httpx.Response(200, json={"token": SECRETS["session token"], "quoted": EVERYTHING}),
    "lost": httpx.ReadError("reset"),
    "unsent": httpx.ConnectError("refused"),
    "late": httpx.ReadTimeout(""),
}
CALLS = {
    "mint": lambda client: client.create_session_token(PERSONA, **SETUP),
    "start": lambda client: client.start_engine_session(TOKEN, client_metadata={"a": 1}),
    "both": lambda client: client.start_session(PERSONA, **SETUP),
    "direct": lambda client: client.start_session(PERSONA, **SETUP, direct=True),
}


def found_in(*texts: str | bytes) -> list[str]:
    """The names of the secrets that stand in any of the texts, plainly or in a part that is as good as the whole."""
    everything = "\n".join(t.decode("latin-1") if isinstance(t, bytes) else t for t in texts)
    parts = {name: (secret, json.dumps(secret)[1:-1], secret.rpartition(".")[2]) for name, secret in SECRETS.items()}
    return sorted(name for name, spellings in parts.items() if any(spelling in everything for spelling in spellings))


def told_by(error: BaseException) -> list[str | bytes]:
    """Everything that an error tells: as text, as traceback with every frame's locals, in its attributes, pickled."""
    told: list[str | bytes] = [
        "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    ]
    link: BaseException | None = error
    while link is not None:
        told += [
            str(link),
            repr(link),
            repr(link.args),
            repr(vars(link)),
            repr(getattr(link, "headers", None) and list(link.headers.raw)),
        ]
        if isinstance(link, AnamError):
            told += [pickle.dumps(link), repr(vars(copy.deepcopy(link)))]
        link = link.__cause__ or link.__context__
    return told


def test_the_search_finds_secrets():
    """The search of these tests finds a secret where there is one."""

    def careless(hidden: str) -> None:
        raise ValueError(len(hidden))

    with pytest.raises(ValueError, match=r"^\d+$") as caught:
        careless(SECRETS["api key"])
    assert found_in(*told_by(caught.value)) == ["api key"]
    assert found_in(EVERYTHING) == sorted(SECRETS)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("answer", ANSWERS)
async def test_errors_and_logs_hold_no_secret(connect, server, caplog, call, answer):
    """Whatever goes wrong, and whatever the server quotes, nothing that is raised or logged holds a credential."""
    caplog.set_level(logging.DEBUG)
    answers = [MINTED, ANSWERS[answer]] if call == "both" else [ANSWERS[answer]]
    client = connect(server(*answers), api_key=SECRETS["api key"])
    with pytest.raises(AnamError) as caught:
        await CALLS[call](client)
    # A token that this client did not mint does not tell it what else is bound to it.
    unknown = {"daily token", "webhook header"} if call == "start" else set()
    assert set(found_in(*told_by(caught.value))) <= unknown
    assert set(found_in(caplog.text, *(repr(vars(record)) for record in caplog.records))) <= unknown


@pytest.mark.parametrize("call", CALLS)
async def test_success_logs_no_secret(connect, server, caplog, call):
    """A run that works logs no credential either, not even at DEBUG, and its results do not show theirs."""
    caplog.set_level(logging.DEBUG)
    answer = httpx.Response(200, json={"sessionToken": SECRETS["session token"], "sessionId": "s-1"})
    client = connect(server(httpx.Response(503), answer), api_key=SECRETS["api key"])
    result = await CALLS[call](client)
    assert found_in(caplog.text, *(repr(vars(record)) for record in caplog.records), repr(result), str(result)) == []
    assert found_in(repr(client.client), repr(vars(client.client))) == []


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.create_session_token(
            PERSONA.to_dict(), environment=ROOM.to_dict(), session_options=OPTIONS.to_dict()
        ),
        lambda client: client.start_session(
            PERSONA.to_dict(), environment=ROOM.to_dict(), session_options=OPTIONS.to_dict(), direct=True
        ),
    ],
    ids=["mint", "direct"],
)
async def test_plain_strings_and_mappings_are_masked_too(connect, server, caplog, call):
    """Inputs that are not wrapped are no secret in the caller's own frames, but are in everything else."""
    caplog.set_level(logging.DEBUG)
    client = connect(server(ANSWERS["500 quoting"]), api_key=SECRETS["api key"], retry=RetryPolicy(max_attempts=1))
    with pytest.raises(AnamError) as caught:
        await call(client)
    error = caught.value
    assert found_in(str(error), repr(error), repr(vars(error)), pickle.dumps(error), caplog.text) == []


async def test_a_fresh_token_in_an_answer_that_makes_no_sense_is_masked(connect, server):
    """A token under a name that nobody expects is masked although nobody knew it before."""
    answer = httpx.Response(200, json={"session_token": SECRETS["other token"]})
    client = connect(server(answer), api_key=SECRETS["api key"])
    with pytest.raises(AnamError) as caught:
        await client.create_session_token(PERSONA)
    assert found_in(*told_by(caught.value)) == []


CONFIG_ERRORS = {
    "bad url": lambda connect, server: connect(server(), api_key=SECRETS["api key"], base_url="nowhere"),
    "bad label": lambda connect, server: connect(server(), api_key=SECRETS["api key"], client_label=5),
    "token as key": lambda connect, server: connect(server(), api_key=SECRETS["session token"]),
    "bad key": lambda connect, server: connect(server(), api_key=SECRETS["api key"] + "\n"),
    "credentials in the url": lambda connect, server: connect(
        server(), base_url=f"https://u:{SECRETS['daily token']}@a.example"
    ),
    "bad room": lambda connect, server: LiveKitEnvironment("nowhere", SECRETS["livekit token"]),
    "bad room, wire": lambda connect, server: LiveKitEnvironment.from_dict(
        {"livekitUrl": "x", "livekitToken": SECRETS["livekit token"]}
    ),
    "bad egress": lambda connect, server: DailyEgress(room_url="nowhere", token=SECRETS["daily token"]),
    "bad header": lambda connect, server: WebhookTool(name="", headers={"A": SECRETS["webhook header"]}),
    "header of bytes": lambda connect, server: WebhookTool(name="t", headers={"A": SECRETS["webhook header"].encode()}),
    "headers of a string": lambda connect, server: WebhookTool(name="t", headers=SECRETS["webhook header"]),
    "a token for a persona": lambda connect, server: PersonaConfig(director_notes=SECRETS["session token"]),
}


@pytest.mark.parametrize("name", CONFIG_ERRORS)
def test_config_errors_hold_no_secret(connect, server, name):
    """What is refused is not shown when it is, or may be, a credential."""
    with pytest.raises(AnamError) as caught:
        CONFIG_ERRORS[name](connect, server)
    error = caught.value
    assert found_in(str(error), repr(error), repr(vars(error)), pickle.dumps(error)) == []


@pytest.mark.parametrize("key", ["argument", "environment"])
def test_a_client_that_is_refused_leaves_no_key_in_the_traceback(connect, server, monkeypatch, key):
    """A crash reporter that records local variables does not see the key when another setting is wrong."""
    monkeypatch.setenv("ANAM_API_KEY", SECRETS["api key"])

    def refused():
        if key == "argument":
            connect(server(), api_key=SECRETS["api key"], timeout=-1)
        else:
            connect(server(), api_key=None, timeout=-1)

    with pytest.raises(AnamError) as caught:
        refused()
    assert found_in(*from_inside_the_package(caught.value)) == []


def from_inside_the_package(error: BaseException) -> list[str]:
    """The locals of the package's own frames: what the caller's frames hold is the caller's affair."""
    summary = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), capture_locals=True)
    ours = [frame for frame in summary if PACKAGE in frame.filename or frame.filename.startswith("<attrs")]
    assert ours
    return [repr(frame.locals) for frame in ours]


@pytest.mark.parametrize("answer", ["lost", "401 html", "200 nonsense"])
async def test_a_plain_token_leaves_no_trace(connect, server, answer):
    """A token passed as a string is wrapped at once, so that no frame of the package's keeps it."""
    client = connect(server(ANSWERS[answer]), api_key=SECRETS["api key"], retry=RetryPolicy(max_attempts=1))
    with pytest.raises(AnamError) as caught:
        await client.start_engine_session(SECRETS["session token"])
    assert "session token" not in found_in(*from_inside_the_package(caught.value))


async def test_the_key_in_place_of_a_token_leaves_no_trace(connect, server):
    """The commonest mistake, the API key where the token belongs, does not put the key into a crash report."""
    client = connect(server(), api_key=SECRETS["api key"])
    with pytest.raises(AnamError) as caught:
        await client.start_engine_session(SECRETS["api key"])
    assert found_in(*from_inside_the_package(caught.value)) == []
    assert found_in(str(caught.value), pickle.dumps(caught.value)) == []


def test_warnings_hold_no_secret():
    """What is only warned of shows no credential."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        PersonaConfig(avatar_model="cara-3", director_notes={}, tools=PERSONA.tools)
        SessionOptions(region="moon", egress=OPTIONS.egress)
    assert len(caught) == 2
    assert found_in(*(str(w.message) for w in caught)) == []
