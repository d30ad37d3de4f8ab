"""`AnamAPI`, the plugin's class over our client: it sends, answers and raises what a program for the plugin expects."""

from __future__ import annotations

import copy
import importlib
import json
import pickle
import sys
import traceback
from typing import Any

import aiohttp
import pytest
from livekit.agents import APIConnectionError, APIConnectOptions, APIError, APIStatusError, APITimeoutError
from livekit.plugins import anam
from livekit.plugins.anam import api as plugin

import anam_facade.livekit
from anam_facade.livekit import AnamAPI, install, uninstall
from anam_facade.sandbox import Fault

ID = "30fa96d0-26c4-4e55-94a0-517025942e18"
URL, TOKEN = "wss://rooms.example.org", "eyJhbGciOiJIUzI1NiJ9.eyJ2aWRlbyI6eyJyb29tIjoibG9iYnkifX0.c2lnbmF0dXJl"
PERSONA = anam.PersonaConfig(name="Cara", avatarId=ID)
QUICK = APIConnectOptions(max_retry=1, retry_interval=0.01)
pytestmark = pytest.mark.anyio

MINT, START = "createSessionToken", "createEngineSession"


async def call(sandbox: Any, method: str, *arguments: Any, **settings: Any) -> Any:
    async with AnamAPI(sandbox.api_key, sandbox.base_url, **{"conn_options": QUICK, **settings}) as anam_api:
        return await getattr(anam_api, method)(*arguments)


async def test_both_generations_get_plain_answers_with_or_without_a_with_block(sandbox):
    bare = AnamAPI(api_key=sandbox.api_key, api_url=sandbox.base_url)
    token = await bare.create_session_token(persona_config=PERSONA, livekit_url=URL, livekit_token=TOKEN)
    first = await bare.start_engine_session(session_token=token)
    async with bare:
        second = await bare.start_session(persona_config=PERSONA, livekit_url=URL, livekit_token=TOKEN)
    third = await bare.start_session(PERSONA, URL, TOKEN)
    assert type(token) is str
    assert [type(answer) for answer in (first, second, third)] == [dict] * 3
    assert [answer["sessionId"] for answer in (first, second, third)] == [s.id for s in sandbox.sessions]
    json.dumps(first)


@pytest.mark.parametrize(
    ("persona", "options"),
    [
        (PERSONA, None),
        (anam.PersonaConfig("Cara", ID, "cara-4", anam.DirectorNotes(expressivity=0.7, presetStyle="warm")), None),
        (anam.PersonaConfig("Cara", ID, directorNotes=anam.DirectorNotes()), anam.SessionOptions()),
        (PERSONA, anam.SessionOptions(video_width=720, video_height=480, show_ai_avatar_disclosure=True)),
        (PERSONA, anam.SessionOptions(show_ai_avatar_disclosure=False)),
    ],
)
async def test_what_is_sent_is_what_the_plugin_sends(sandbox, persona, options):
    async with plugin.AnamAPI(sandbox.api_key, sandbox.base_url) as anam_api:
        await anam_api.start_session(persona, URL, TOKEN, options)
    await call(sandbox, "start_session", persona, URL, TOKEN, options, direct=True)
    await call(sandbox, "start_session", persona, URL, TOKEN, options)
    expected, direct, minted, started = sandbox.requests
    assert direct.body == minted.body == expected.body
    assert minted.path == "/v1/auth/session-token"
    assert direct.path == started.path == expected.path == "/v1/engine/session"


async def test_what_this_package_has_is_taken_too(sandbox):
    ours = anam_facade.PersonaConfig(name="Cara", avatar_id=ID)
    for persona in (ours, {"name": "Cara", "avatarId": ID}):
        await call(sandbox, "start_session", persona, URL, TOKEN, anam_facade.SessionOptions(region="eu"))
    assert [session.persona["avatarId"] for session in sandbox.sessions] == [ID] * 2
    assert [session.session_options for session in sandbox.sessions] == [{"region": "eu"}] * 2


NO_SLOT = {"error": "Concurrent session limit reached"}


@pytest.mark.parametrize(
    ("operation", "fault", "theirs", "ours", "retryable", "sessions"),
    [
        (START, {"status": 400}, APIStatusError, anam_facade.BadRequestError, False, 0),
        (START, {"status": 408}, APIStatusError, anam_facade.AnamStatusError, True, 0),
        (START, {"status": 429}, APIStatusError, anam_facade.RateLimitError, True, 0),
        (START, {"status": 429, "body": NO_SLOT}, APIStatusError, anam_facade.ConcurrencyLimitError, False, 0),
        (START, {"status": 503}, APIStatusError, anam_facade.ServiceBusyError, True, 0),
        (START, {"status": 500, "processed": True}, APIStatusError, anam_facade.ServerError, False, 1),
        (START, {"close": "after"}, APIConnectionError, anam_facade.SessionStartUncertainError, False, 1),
        (START, {"delay_answer": 20.0}, APIConnectionError, anam_facade.SessionStartUncertainError, False, 1),
        (START, {"status": 200, "body": "null"}, APIConnectionError, anam_facade.SessionStartUncertainError, False, 0),
        (MINT, {"close": "before"}, APIConnectionError, anam_facade.AnamConnectionError, True, 0),
        (MINT, {"delay": 20.0}, APITimeoutError, anam_facade.AnamTimeoutError, True, 0),
        (MINT, {"status": 200, "body": "{}"}, anam.AnamException, anam_facade.AnamResponseError, False, 0),
    ],
)
async def test_a_failure_is_caught_by_either_name(sandbox, operation, fault, theirs, ours, retryable, sessions):
    sandbox.inject(Fault(operation=operation, **fault))
    timeout = 1.5 if fault.keys() & {"delay", "delay_answer"} else 10.0
    options = APIConnectOptions(max_retry=1, retry_interval=0.01, timeout=timeout)
    with pytest.raises(theirs) as caught:
        await call(sandbox, "start_session", PERSONA, URL, TOKEN, conn_options=options)
    error = caught.value
    assert isinstance(error, ours)
    assert isinstance(error, APIError)
    assert (error.retryable, len(sandbox.sessions)) == (retryable, sessions)
    assert error.message == str(error) == str(error.__cause__) != ""
    assert type(error).__name__ in repr(error)
    if theirs is APIStatusError:
        assert (error.status_code, error.request_id) == (fault["status"], None)
        assert error.body == error.__cause__.body
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (type(twin), str(twin), twin.retryable) == (type(error), str(error), retryable)


async def test_without_the_plugin_a_senseless_answer_is_an_api_error(sandbox, monkeypatch):
    monkeypatch.delitem(sys.modules, "livekit.plugins.anam.errors")
    sandbox.inject(Fault(operation="createSessionToken", status=200, body="{}"))
    with pytest.raises(APIError) as caught:
        await call(sandbox, "create_session_token", PERSONA, URL, TOKEN)
    assert not isinstance(caught.value, anam.AnamException)
    assert not caught.value.retryable


async def test_what_cannot_work_is_a_value_error_and_nothing_is_sent(sandbox):
    half = anam.SessionOptions(video_width=720)
    overdone = anam.PersonaConfig("Cara", ID, directorNotes=anam.DirectorNotes(expressivity=2))
    for method, arguments in [
        ("start_session", (PERSONA, URL, TOKEN, half)),
        ("create_session_token", (overdone, URL, TOKEN)),
        ("start_engine_session", (sandbox.api_key,)),
    ]:
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - what the plugin raises
            await call(sandbox, method, *arguments)
        assert isinstance(caught.value, anam_facade.AnamConfigError)
    assert not sandbox.requests


async def test_the_given_session_is_used_and_stays_open(sandbox):
    """With and without a `with` block."""
    async with aiohttp.ClientSession(headers={"X-Mine": "yes"}) as session:
        ours = AnamAPI(sandbox.api_key, sandbox.base_url, session=session)
        async with ours:
            await ours.start_session(PERSONA, URL, TOKEN)
        await ours.start_session(PERSONA, URL, TOKEN)
        assert not session.closed
    assert len(sandbox.sessions) == 2
    assert {request.headers["x-mine"] for request in sandbox.requests} == {"yes"}


async def test_conn_options_count_retries_and_zero_seconds_mean_no_limit(sandbox):
    sandbox.inject(Fault(operation=START, status=503, times=3))
    options = APIConnectOptions(max_retry=3, retry_interval=0, timeout=0)
    await call(sandbox, "start_session", PERSONA, URL, TOKEN, conn_options=options)
    assert [request.status for request in sandbox.requests] == [200, 503, 503, 503, 200]


def test_install_stands_behind_the_plugin_until_it_is_taken_back():
    from livekit.plugins.anam import avatar

    original = plugin.AnamAPI
    uninstall()
    for _ in range(2):
        install()
        assert avatar.AnamAPI is plugin.AnamAPI is AnamAPI
    for _ in range(2):
        uninstall()
        assert avatar.AnamAPI is plugin.AnamAPI is original


def test_install_says_that_the_plugin_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "livekit.plugins.anam", None)
    with pytest.raises(ImportError, match="pip install livekit-plugins-anam"):
        install()


def test_without_the_framework_what_is_missing_is_said_plainly(monkeypatch):
    monkeypatch.setitem(sys.modules, "livekit.agents", None)
    with pytest.raises(ImportError, match="needs livekit-agents, which is not installed: pip install livekit-agents"):
        importlib.reload(anam_facade.livekit)


def test_an_older_framework_has_no_base_for_avatar_session(monkeypatch):
    monkeypatch.delattr(anam_facade.livekit, "_avatar", raising=False)
    monkeypatch.setitem(sys.modules, "anam_facade.livekit._avatar", None)
    with pytest.raises(ImportError, match=r"livekit-agents 1\.6 or newer"):
        anam_facade.livekit.AvatarSession  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'Avatar'"):
        anam_facade.livekit.Avatar  # noqa: B018


@pytest.mark.parametrize("method", ["create_session_token", "start_session", "start_engine_session"])
async def test_no_credential_is_in_a_frame_or_an_error(sandbox, method):
    secrets = [sandbox.api_key, TOKEN]
    arguments: tuple[Any, ...] = (PERSONA, URL, TOKEN)
    if method == "start_engine_session":
        arguments = (await call(sandbox, "create_session_token", PERSONA, URL, TOKEN),)
        secrets.append(arguments[0])
    sandbox.inject(Fault(status=500, body=f"{' '.join(secrets)}"))
    try:
        await call(sandbox, method, *arguments)
    except APIError as error:
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        ours = [frame for frame in trace.stack if "anam_facade" in frame.filename and "tests" not in frame.filename]
        shown = [str(frame.locals) for frame in ours] + [str(error), repr(error), str(error.body)]
    assert ours
    assert not [text for text in shown if any(secret in text for secret in secrets)]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (None, "session "),
        (Fault(operation=START, status=403), "refused with 403"),
        (Fault(operation=START, close="after", times=1), "no answer; a session may be running"),
        (Fault(operation=MINT, status=503), "refused with 503"),
    ],
)
async def test_the_example_of_a_program_for_the_plugin_runs(sandbox, monkeypatch, fault, said):
    """`examples/from_the_plugin.py` starts one session at most, and tells the plugin's errors apart."""
    values = {"ANAM_API_KEY": sandbox.api_key, "ANAM_API_URL": sandbox.base_url}
    for name, value in (values | {"LIVEKIT_URL": URL, "LIVEKIT_TOKEN": TOKEN}).items():
        monkeypatch.setenv(name, value)
    if fault is not None:
        sandbox.inject(fault)
    example = importlib.import_module("examples.from_the_plugin")
    assert (await example.main()).startswith(said)
    assert len(sandbox.sessions) == (fault is None or fault.close == "after")
