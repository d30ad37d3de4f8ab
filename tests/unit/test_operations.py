"""The two operations as generators: what they ask the driver for, without a client."""

from __future__ import annotations

import itertools
import json
import warnings
from types import SimpleNamespace

import httpx
import pytest

from anam_api.support import AnamConfigWarning
from anam_facade import LiveKitEnvironment, PersonaConfig, RetryPolicy, Secret, SessionToken, _operations, errors
from anam_facade._operations import Setup, as_token
from anam_facade._settings import Settings
from anam_facade.http.exchange import Answer, Request
from anam_facade.persona import CUSTOMER_CLIENT_V1
from anam_facade.retry import Operation
from tests.conftest import signed

ID = "30fa96d0-26c4-4e55-94a0-517025942e18"
PERSONA = PersonaConfig(name="Zoë", voice_id=ID, llm_id=ID)
ROOM = LiveKitEnvironment("wss://rooms.example", signed(video={"room": "lobby"}))
TOKEN = SessionToken("a.b.c")


def settings(**changes: object) -> Settings:
    usual = {"policy": RetryPolicy(jitter=0)}
    return Settings(Secret("the-api-key"), "https://api.example", **{**usual, **changes})


def answer(status: int = 200, body: object = None, complete: bool = True, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, httpx.Headers(headers).raw, raw, complete)


MINTED = answer(200, {"sessionToken": signed(type="ephemeral")})
LOST, UNSENT = ConnectionResetError("lost"), ConnectionRefusedError("unsent")


def minting(made: Settings | None = None, **changes: object):
    return _operations.minting(made or settings(**changes), Setup(PERSONA, ROOM, None, "desk-7"))


def starting(token: SessionToken = TOKEN):
    return _operations.starting(settings(), token, None, None)


def both(*, direct: bool, **changes: object):
    setup = Setup(PersonaConfig.saved(ID), client_label="desk-7")
    return _operations.minting_and_starting(settings(**changes), setup, direct=direct)


def play(flow, *outcomes):
    """Drives a flow with the given outcomes, all of them; tells what it asked for and what came of it."""
    asked, remaining, resume = [], list(outcomes), None
    try:
        while True:
            step = flow.send(resume)
            asked.append(step)
            resume = None
            if isinstance(step, Request):
                resume = remaining.pop(0)
                step.taken = resume is not UNSENT
    except StopIteration as done:
        result = done.value
    except errors.AnamError as error:
        result = error
    assert remaining == []
    return asked, result


def test_a_token_is_minted_in_the_end():
    """The driver is asked to wait between two attempts, and only there; the token knows what it was minted for."""
    made = settings()
    asked, token = play(minting(made), UNSENT, answer(503), LOST, MINTED)
    assert made.budgets[Operation.MINT].left == 250 - 3 + 1
    assert [step for step in asked if not isinstance(step, Request)] == asked[1::2] == [0.25, 0.5, 1.0]
    assert {request.headers["Content-Length"] for request in asked[::2]} == {str(len(asked[0].content))}
    assert (token.client_label, token.livekit_url, token.livekit_room) == ("desk-7", "wss://rooms.example", "lobby")
    assert token.claims == {"type": "ephemeral"}


def test_after_a_start_was_sent_no_token_is_minted():
    """Whatever happens to the start, minting is behind it; what is repeated is the same request."""
    asked, error = play(both(direct=False), UNSENT, MINTED, LOST, answer(500), answer(503), UNSENT, answer(500))
    requests = [step for step in asked if isinstance(step, Request)]
    assert [r.url.rpartition("/")[2] for r in requests] == ["session-token"] * 2 + ["session"] * 5
    assert len({(r.content, r.headers["Authorization"]) for r in requests[2:]}) == 1
    assert isinstance(error, errors.SessionStartUncertainError)


def test_an_uncertain_start_tells_where_to_look():
    """What the token was minted for, how often it was tried, and what came last."""
    where = {"client_label": "desk-7", "livekit_url": "wss://r", "livekit_room": "lobby"}
    token = SessionToken(signed(type="ephemeral", accountId="acc"), **where)
    _, error = play(starting(token), LOST, answer(409, {"error": "used"}))
    assert isinstance(error, errors.SessionStartUncertainError)
    assert vars(error).items() >= {**where, "token_claims": {"type": "ephemeral", "accountId": "acc"}}.items()
    assert (error.attempts, error.may_have_started, error.retryable) == (2, True, False)
    assert error.__cause__.status_code == 409
    assert "look for it by client label 'desk-7' or LiveKit room 'lobby' before" in str(error)


@pytest.mark.parametrize(
    ("body", "complete", "words"),
    [
        (b'{"sessionToken": 5, "sessionId": 5}', True, "has no usable sessionToken"),
        (b'{"sessionToken": "a\\nb", "sessionId": 0}', True, "has no usable sessionToken"),
        (b"[" * 100_000, True, "is not a JSON object"),
        (b"\xff\xfe\xfd", True, "is not a JSON object"),
        (b'{"sessionToken": "a.b.c", "sessionId": "s"}', False, "is too long, or wrongly compressed"),
    ],
    ids=["wrong type", "breaks a header", "deep", "not utf-8", "cut"],
)
def test_a_success_without_what_was_promised(body, complete, words):
    """It is an error when minting, and leaves a start's fate open."""
    _, error = play(minting(), answer(200, body, complete, X_A="b"))
    assert isinstance(error, errors.AnamResponseError)
    assert str(error) == f"POST https://api.example/v1/auth/session-token: 200, but the body {words}"
    assert (error.status_code, error.headers["X_A"], error.attempts) == (200, "b", 1)
    assert error.body == body.decode("utf-8", "replace")
    _, error = play(starting(), answer(200, body, complete))
    assert isinstance(error, errors.SessionStartUncertainError)
    assert isinstance(error.__cause__, errors.AnamResponseError)


def test_json_that_breaks_off_is_a_lost_answer():
    """A body that begins like the JSON it should be was cut short: minting and a start with the same token go on."""
    broken = answer(200, b'{"sessionToken": "a.b')
    _, minted = play(minting(), broken, MINTED)
    assert isinstance(minted, SessionToken)
    for flow, outcomes in ((starting(), [broken, answer(401, {})]), (both(direct=True), [broken])):
        _, error = play(flow, *outcomes)
        assert isinstance(error, errors.SessionStartUncertainError)
    assert error.__cause__.truncated


def test_an_attempt_gets_the_time_that_is_left(monkeypatch):
    """No more than is left of the deadline, which holds for both steps; a start that would have none is not sent."""
    clock = SimpleNamespace(now=1000.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(_operations, "time", clock)
    for deadline, last in ((12, 6.75), (None, 10.0)):
        flow = minting(policy=RetryPolicy(jitter=0, deadline=deadline))
        assert flow.send(None).timeout == 10.0
        clock.now += 5
        assert flow.send(UNSENT) == 0.25
        clock.now += 0.25
        assert flow.send(None).timeout == last
    flow = both(direct=False, policy=RetryPolicy(deadline=12))
    flow.send(None)
    clock.now += 11.5
    with pytest.raises(errors.AnamTimeoutError, match="no time") as caught:
        flow.send(MINTED)
    assert (caught.value.sent, caught.value.attempts, caught.value.retryable) == (False, 0, True)


@pytest.mark.parametrize("taken", [False, True])
def test_a_start_that_is_cut_off_leaves_a_line_in_the_log(caplog, taken):
    """Cancellation and Ctrl-C pass; if the start had been sent, a warning says what may be running, with fields."""
    flow = both(direct=True)
    flow.send(None).taken = taken
    with pytest.raises(KeyboardInterrupt):
        flow.throw(KeyboardInterrupt())
    lines = [(r.levelname, r.anam_operation, r.anam_client_label, r.getMessage()) for r in caplog.records]
    assert [line[:3] for line in lines] == [("WARNING", "start_direct", "desk-7")] * taken
    assert all("may have been started" in line[3] for line in lines)


# What is sent.


def mint(*arguments: object, **more: object) -> _operations.Call:
    setup = Setup(*arguments, **more)
    setup.take_over()
    return _operations.mint(settings(), setup)


def start(token: object, metadata: object = None) -> _operations.Call:
    return _operations.start_with_token(settings(), as_token(token), metadata)


@pytest.mark.parametrize(
    ("persona", "added"),
    [
        (PersonaConfig(), {"type": "ephemeral", "llmId": CUSTOMER_CLIENT_V1}),
        (PersonaConfig(llm_id=CUSTOMER_CLIENT_V1), {"type": "ephemeral"}),
        (PersonaConfig(llm_id=ID), {}),
        (PersonaConfig.saved(ID), {}),
    ],
)
def test_livekit_gets_what_it_needs(persona, added):
    """With a LiveKit room type and model are filled in; what the caller chose, and a saved persona, stay."""
    assert json.loads(mint(persona, ROOM).content)["personaConfig"] == {**persona.to_dict(), **added}


OBJECT = "must be an object (PersonaConfig, or a mapping in the wire's form)"
ROOMS = "LiveKitEnvironment or ElevenLabsEnvironment or AgoraEnvironment"
EGRESS = {"egress": {"mode": "daily", "daily": {"roomUrl": "https://a.b"}}}
IS_KEY = "token: must be a session token; this is the API key, which may not travel here"
IS_NO_BEARER = "token: must be a bearer token: letters, digits and -._~+/ only, not empty"
REMEDY = "give the persona a voice_id or an llm_id, and mint anew"


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: mint(None), ["persona: is required"]),
        (
            lambda: mint({"name": 5}, "room", {"videoWidth": 1}, "x" * 129, expires_in=3600),
            [
                "persona.name = 5: must be a string, not int",
                f"environment: must be an object ({ROOMS}, or a mapping in the wire's form), not str",
                "session_options.videoHeight: must be set together with session_options.videoWidth",
                "client_label = 129 characters: must have at most 128 characters",
                "expires_in = 3600: must be a string, not int",
            ],
        ),
        (lambda: mint({}, client_metadata=[1]), ["client_metadata: must be an object, not list"]),
        (lambda: mint({}, None, EGRESS), ["session_options.egress: needs persona.enable_audio_passthrough to be true"]),
        (lambda: mint(RetryPolicy()), [f"persona: {OBJECT}, not RetryPolicy"]),
        *((lambda token=token: start(token), [IS_KEY]) for token in ("the-api-key", SessionToken("the-api-key"))),
        *((lambda token=token: start(token), [IS_NO_BEARER]) for token in ("", "a\nb", "Bearer x")),
        (lambda: start(signed(type="legacy")), [f"token: is of type legacy, which cannot start a session: {REMEDY}"]),
        (lambda: start(b"swordfish"), ["token: must be a SessionToken or a string, not bytes"]),
        (lambda: start("", {"a": {1}}), ["client_metadata.a: must be a JSON value, not set", IS_NO_BEARER]),
    ],
    ids=itertools.count(),
)
def test_every_argument_is_checked_before_anything_is_sent(problems, make, expected):
    """All problems of all arguments come together, as the caller spelled them; no key and no legacy token is sent."""
    assert problems(make) == expected


WIDE = {"videoWidth": 1152, "videoHeight": 768}
CARA_3 = "video size 1152x768 is not one of cara-3's (720x480); Anam refuses sizes it does not support"


@pytest.mark.parametrize(
    ("persona", "options", "words"),
    [
        ({}, None, "the persona has neither llm_id nor voice_id, nor enable_audio_passthrough: Anam will mint a token"),
        ({"voiceId": ID, "avatarModel": "cara-3"}, WIDE, CARA_3),
        ({"voiceId": ID, "avatarModel": "cara-4"}, WIDE, None),
        ({"voiceId": ID, "avatarModel": "cara-4"}, {"region": "eu"}, None),
        ({"personaId": ID}, WIDE, None),
    ],
)
def test_combinations_that_anam_refuses_later_are_warned_of(persona, options, words):
    """What only shows when persona and options meet is sent with a warning that blames the caller's line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert json.loads(mint(persona, None, options).content)["personaConfig"] == persona
    assert [(w.category, w.filename) for w in caught] == [(AnamConfigWarning, __file__)] * (words is not None)
    assert all(str(w.message).startswith(words) for w in caught)
