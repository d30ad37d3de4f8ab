"""The two operations as generators: what they ask the driver for, without a client."""

from __future__ import annotations

import itertools
import json
from types import SimpleNamespace

import httpx
import pytest

from anam_facade import (
    CUSTOMER_CLIENT_V1,
    AnamConfigError,
    AnamConfigWarning,
    AnamResponseError,
    LiveKitEnvironment,
    PersonaConfig,
    RetryPolicy,
    Secret,
    SessionStartUncertainError,
    SessionToken,
    WebhookTool,
    _operations,
)
from anam_facade._observer import Observer
from anam_facade._operations import Call, Setup, as_token
from anam_facade._settings import Settings
from anam_facade.http.exchange import Answer, Request
from tests.tokens import signed

ID = "30fa96d0-26c4-4e55-94a0-517025942e18"
PERSONA = PersonaConfig(voice_id=ID, llm_id=ID)


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still unless it is moved."""
    clock = SimpleNamespace(now=1000.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(_operations, "time", clock)
    return clock


@pytest.fixture
def settings(clock):
    def make(policy: RetryPolicy | None = None, **changes: object) -> Settings:
        policy = policy or RetryPolicy(jitter=0)
        return Settings(Secret("the-api-key"), "https://api.example", policy=policy, **changes)

    return make


def answer(status: int = 200, body: object = None, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, httpx.Headers(headers).raw, raw)


MINTED = answer(200, {"sessionToken": signed(type="ephemeral")})
STARTED = answer(201, {"sessionId": "s-1"})
LOST, UNSENT = ConnectionResetError("lost"), ConnectionRefusedError("unsent")


def saved(**more: object) -> Setup:
    return Setup(PersonaConfig.saved(ID), **more)


def play(flow, *outcomes):
    """Drives a flow with the given outcomes; tells what it asked for and what came of it."""
    asked, remaining = [], list(outcomes)
    resume = None
    while True:
        try:
            step = flow.send(resume)
        except StopIteration as done:
            assert remaining == []
            return asked, done.value
        except Exception as error:
            assert remaining == []
            return asked, error
        asked.append(step)
        resume = None
        if isinstance(step, Request):
            resume = remaining.pop(0)
            step.taken = resume is not UNSENT


def sends(asked):
    return [step.url.rpartition("/")[2] for step in asked if isinstance(step, Request)]


def test_pauses_lie_between_the_attempts(settings):
    """The driver is asked to wait between two attempts, and only there."""
    asked, token = play(_operations.minting(settings(), saved()), UNSENT, answer(503), LOST, MINTED)
    pauses = [None if isinstance(step, Request) else step for step in asked]
    assert pauses == [None, 0.25, None, 0.5, None, 1.0, None]
    assert isinstance(token, SessionToken)


def test_a_token_knows_what_it_was_minted_for(settings):
    """Label and room stay with the token, for finding the session later."""
    room = LiveKitEnvironment("wss://rooms.example", signed(video={"room": "lobby"}))
    _, token = play(_operations.minting(settings(), Setup(PERSONA, room, None, "desk-7")), MINTED)
    assert (token.client_label, token.livekit_url, token.livekit_room) == ("desk-7", "wss://rooms.example", "lobby")
    assert token.claims == {"type": "ephemeral"}


def test_after_a_start_was_sent_no_token_is_minted(settings):
    """Whatever happens to the start, minting is behind it; what is repeated is the same request."""
    outcomes = [UNSENT, MINTED, LOST, answer(500), answer(503), UNSENT, answer(500)]
    asked, error = play(_operations.minting_and_starting(settings(), saved(), direct=False), *outcomes)
    assert sends(asked) == ["session-token"] * 2 + ["session"] * 5
    requests = [step for step in asked if isinstance(step, Request)][2:]
    assert len({(r.content, r.headers["Authorization"]) for r in requests}) == 1
    assert isinstance(error, SessionStartUncertainError)


@pytest.mark.parametrize("status", [401, 409])
@pytest.mark.parametrize("first", [LOST, answer(500), answer(502)], ids=["lost", "500", "502"])
def test_a_used_token_on_a_retry_means_that_the_first_try_won(settings, first, status):
    """401 and 409 after an attempt that may have started the session are no mere refusal."""
    token = SessionToken(
        signed(type="ephemeral", accountId="acc"), client_label="desk-7", livekit_url="wss://r", livekit_room="lobby"
    )
    _, error = play(_operations.starting(settings(), token, None, None), first, answer(status, {"error": "used"}))
    assert isinstance(error, SessionStartUncertainError)
    assert error.token_claims == {"type": "ephemeral", "accountId": "acc"}
    assert (error.client_label, error.livekit_url, error.livekit_room) == ("desk-7", "wss://r", "lobby")
    assert (error.attempts, error.may_have_started, error.retryable) == (2, True, False)
    assert error.__cause__.status_code == status
    assert "look for it by client label 'desk-7' or LiveKit room 'lobby' before" in str(error)


NONSENSE = {  # and what the vectors have
    "wrong type": b'{"sessionToken": 5, "sessionId": 5}',
    "breaks a header": b'{"sessionToken": "a\\nb", "sessionId": 0}',
    "deep": b"[" * 100_000,
    "not utf-8": b"\xff\xfe\xfd",
}


@pytest.mark.parametrize("name", NONSENSE)
def test_a_success_without_what_was_promised(settings, name):
    """It is an error when minting, and leaves a start's fate open."""
    _, error = play(_operations.minting(settings(), saved()), answer(200, NONSENSE[name], X_A="b"))
    assert isinstance(error, AnamResponseError)
    assert str(error).startswith("POST https://api.example/v1/auth/session-token: 200, but the body ")
    assert (error.status_code, error.headers["X_A"], error.attempts) == (200, "b", 1)
    assert error.body == NONSENSE[name].decode("utf-8", "replace")
    _, error = play(_operations.starting(settings(), SessionToken("a.b.c"), None, None), answer(200, NONSENSE[name]))
    assert isinstance(error, SessionStartUncertainError)
    assert isinstance(error.__cause__, AnamResponseError)


def test_json_that_breaks_off_is_a_lost_answer(settings):
    """A body that begins like the JSON it should be was cut short: minting and a start with the same token go on."""
    broken = answer(200, b'{"sessionToken": "a.b')
    _, minted = play(_operations.minting(settings(), saved()), broken, answer(200, {"sessionToken": "a.b.c"}))
    assert minted.value == "a.b.c"
    _, error = play(_operations.starting(settings(), SessionToken("a.b.c"), None, None), broken, answer(401, {}))
    assert isinstance(error, SessionStartUncertainError)
    _, error = play(_operations.minting_and_starting(settings(), saved(), direct=True), broken)
    assert isinstance(error, SessionStartUncertainError)
    assert error.__cause__.truncated


def test_an_incomplete_success_is_not_read(settings):
    """A success that was cut at the ceiling, or wrongly compressed, is none."""
    cut = Answer(200, [], b'{"sessionToken": "a.b.c"}', complete=False)
    _, error = play(_operations.minting(settings(), saved()), cut)
    assert str(error).endswith("200, but the body is too long, or wrongly compressed")


def test_an_attempt_gets_the_time_that_is_left(settings, clock):
    """The last attempt before the deadline has no more time than is left of it; without one, its whole time-out."""
    for deadline, last in ((12, 6.75), (None, 10.0)):
        flow = _operations.minting(settings(RetryPolicy(jitter=0, deadline=deadline)), saved())
        assert flow.send(None).timeout == 10.0
        clock.now += 5
        assert flow.send(UNSENT) == 0.25
        clock.now += 0.25
        assert flow.send(None).timeout == last


class Notes(Observer):
    def __init__(self):
        self.heard = []

    def started(self, run):
        self.heard.append(f"{run.operation.name} started")

    def sending(self, run):
        self.heard.append(f"sending {run.attempts}")

    def answered(self, run, status_code):
        self.heard.append(f"answered {status_code}")

    def failed(self, run, error, delay):
        self.heard.append(f"{type(error).__name__}, {delay}")

    def finished(self, run, outcome, error):
        self.heard.append(f"{outcome}, {type(error).__name__}")


def test_observers_are_told_the_whole_course(settings):
    """Every operation, each of its attempts, and how it ended."""
    notes = Notes()
    play(
        _operations.minting_and_starting(settings(observers=[notes, Observer()]), saved(), direct=False),
        UNSENT,
        MINTED,
        LOST,
        answer(401),
    )
    assert notes.heard == [
        *("MINT started", "sending 1", "AnamConnectionError, 0.25", "sending 2", "answered 200", "ok, NoneType"),
        *("START_WITH_TOKEN started", "sending 1", "AnamConnectionError, 0.25", "sending 2", "answered 401"),
        *("AuthenticationError, None", "uncertain, SessionStartUncertainError"),
    ]
    notes.heard.clear()
    play(_operations.minting(settings(observers=[notes]), saved()), answer(400))
    assert notes.heard[-1] == "error, BadRequestError"


@pytest.mark.parametrize("taken", [False, True])
def test_a_start_that_is_cut_off_leaves_a_line_in_the_log(settings, caplog, taken):
    """Cancellation and Ctrl-C pass; if the start had been sent, a warning says what may be running, with fields."""
    flow = _operations.minting_and_starting(settings(), saved(client_label="desk-7"), direct=True)
    flow.send(None).taken = taken
    with pytest.raises(KeyboardInterrupt):
        flow.throw(KeyboardInterrupt())
    lines = [
        (r.levelname, r.anam_operation, r.anam_client_label, "may have been started" in r.getMessage())
        for r in caplog.records
    ]
    assert lines == [("WARNING", "start_direct", "desk-7", True)] * taken


# What is sent.


def minted(settings: Settings, *arguments: object, **more: object) -> Call:
    setup = Setup(*arguments, **more)
    setup.take_over()
    return _operations.mint(settings, setup)


def body_of(call):
    return json.loads(call.content)


@pytest.mark.parametrize(
    ("persona", "added"),
    [
        (PersonaConfig(), {"type": "ephemeral", "llmId": CUSTOMER_CLIENT_V1}),
        (PersonaConfig(llm_id=CUSTOMER_CLIENT_V1), {"type": "ephemeral"}),
        (PersonaConfig(llm_id=ID), {}),
        (PersonaConfig.saved(ID), {}),
    ],
    ids=["bare", "no-model", "own-model", "saved"],
)
def test_livekit_gets_what_it_needs(settings, persona, added):
    """With a LiveKit room type and model are filled in; what the caller chose, and a saved persona, stay."""
    room = LiveKitEnvironment("wss://r", "t")
    assert body_of(minted(settings(), persona, room))["personaConfig"] == {**persona.to_dict(), **added}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"persona": None}, ["persona: is required"]),
        (
            {
                "persona": {"zzz": 1, "name": 5},
                "environment": "room",
                "session_options": {"videoWidth": 1},
                "client_label": "x" * 129,
                "expires_in": 3600,
            },
            [
                "persona.name = 5: must be a string, not int",
                "environment: must be an object (LiveKitEnvironment or ElevenLabsEnvironment or AgoraEnvironment, or a"
                " mapping in the wire's form), not str",
                "session_options.videoHeight: must be set together with session_options.videoWidth",
                "client_label = 129 characters: must have at most 128 characters",
                "expires_in = 3600: must be a string, not int",
            ],
        ),
        ({"persona": {}, "client_metadata": [1]}, ["client_metadata: must be an object, not list"]),
        (
            {"persona": {}, "session_options": {"egress": {"mode": "daily", "daily": {"roomUrl": "https://a.b"}}}},
            ["session_options.egress: needs persona.enable_audio_passthrough to be true"],
        ),
        (
            {"persona": RetryPolicy()},
            ["persona: must be an object (PersonaConfig, or a mapping in the wire's form), not RetryPolicy"],
        ),
    ],
    ids=itertools.count(),
)
def test_every_argument_is_checked_before_anything_is_sent(settings, problems, arguments, expected):
    """All problems of all arguments come together, spelled as the caller spelled them."""
    found = problems(lambda: minted(settings(), **arguments))
    assert [p for p in found if "unknown" not in p] == expected


IS_KEY = "token: must be a session token; this is the API key, which may not travel here"
IS_NO_BEARER = "token: must be a bearer token: letters, digits and -._~+/ only, not empty"
IS_LEGACY = (
    "token: is of type legacy, which cannot start a session: give the persona a voice_id or an llm_id, and mint anew"
)


@pytest.mark.parametrize(
    ("token", "rule"),
    [
        ("the-api-key", IS_KEY),
        (SessionToken("the-api-key"), IS_KEY),
        ("", IS_NO_BEARER),
        ("a\nb", IS_NO_BEARER),
        ("Bearer x", IS_NO_BEARER),
        (signed(type="legacy"), IS_LEGACY),
        (None, "token: must be a SessionToken or a string, not NoneType"),
    ],
    ids=["key", "wrapped-key", "empty", "newline", "bearer", "legacy", "none"],
)
def test_what_is_no_session_token_is_refused(settings, problems, token, rule):
    """The API key, a legacy token and what could break out of a header never become a bearer here."""
    assert problems(lambda: _operations.start_with_token(settings(), as_token(token), None)) == [rule]


def test_token_and_metadata_are_checked_together(settings, problems):
    """Both problems of a start are reported at once."""
    assert problems(lambda: _operations.start_with_token(settings(), SessionToken(""), {"a": {1}})) == [
        "client_metadata.a: must be a JSON value, not set",
        IS_NO_BEARER,
    ]


def test_everything_secret_in_a_setup_is_known(settings):
    """Every credential of a configuration is among what will be masked."""
    persona = PersonaConfig(
        voice_id=ID,
        enable_audio_passthrough=True,
        tools=[WebhookTool(name="t", headers={"A": "header"}), WebhookTool(name="u")],
    )
    egress = {"mode": "daily", "daily": {"roomUrl": "https://a.b", "token": "daily"}}
    room = {"livekitUrl": "wss://r", "livekitToken": "livekit"}
    call = minted(settings(), persona, room, {"egress": egress})
    assert {secret.reveal() for secret in call.secrets} == {"the-api-key", "header", "livekit", "daily"}
    assert not any(word in repr(call) for word in ("the-api-key", "header", "'livekit'", "daily"))


@pytest.mark.parametrize(
    ("persona", "options", "text"),
    [
        ({}, None, "neither llm_id nor voice_id"),
        (
            {"voiceId": ID, "avatarModel": "cara-3"},
            {"videoWidth": 1152, "videoHeight": 768},
            "not one of cara-3's .720x480.",
        ),
    ],
)
def test_combinations_that_anam_refuses_later_are_warned_of(settings, persona, options, text):
    """What only shows when persona and options meet is warned of, blaming the caller's line."""
    with pytest.warns(AnamConfigWarning, match=text) as caught:
        minted(settings(), persona, None, options)
    assert [w.filename for w in caught] == [__file__]


@pytest.mark.parametrize(
    ("persona", "options"),
    [
        ({"personaId": ID}, {"videoWidth": 1152, "videoHeight": 768}),
        ({"voiceId": ID, "avatarModel": "cara-4"}, {"videoWidth": 1152, "videoHeight": 768}),
        ({"voiceId": ID, "avatarModel": "cara-4"}, {"region": "eu"}),
    ],
    ids=["saved", "fits", "no-size"],
)
def test_combinations_that_fit_pass_quietly(settings, persona, options):
    """Nothing is warned of when nothing is known to be wrong."""
    assert body_of(minted(settings(), persona, None, options))["personaConfig"] == persona


def test_a_request_is_made_anew_with_its_bearer(settings):
    """Headers, address and JSON of a request are those of its call; the user's own headers go beside them."""
    made = settings(gateway_url="https://gw.example/x", user_agent="agent/1", extra_headers={"X-Key": Secret("k")})
    call = minted(made, PERSONA)
    request = call.request(1.0)
    assert request is not call.request(1.0)
    assert (request.method, request.url) == ("POST", "https://gw.example/x/v1/auth/session-token")
    assert request.headers == {
        "X-Key": "k",
        "Content-Type": "application/json",
        "X-Anam-Target-Url": "https://api.example/v1/auth/session-token",
        "Host": "gw.example",
        "Authorization": "Bearer the-api-key",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Content-Length": str(len(request.content)),
        "User-Agent": "agent/1",
    }


def test_a_token_of_type_legacy_is_refused_after_minting(settings):
    """A token that cannot start anything is not tried."""
    legacy = answer(200, {"sessionToken": signed(type="legacy")})
    asked, error = play(_operations.minting_and_starting(settings(), saved(), direct=False), legacy)
    assert sends(asked) == ["session-token"]
    assert isinstance(error, AnamConfigError)
