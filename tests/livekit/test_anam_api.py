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
from tests.livekit.conftest import NO_SLOT, START
from tests.livekit.room import CARA

URL, TOKEN = "wss://rooms.example.org", "eyJhbGciOiJIUzI1NiJ9.eyJ2aWRlbyI6eyJyb29tIjoibG9iYnkifX0.c2lnbmF0dXJl"
PERSONA = anam.PersonaConfig(name="Cara", avatarId=CARA.avatar_id)
QUICK = APIConnectOptions(max_retry=1, retry_interval=0.01)
pytestmark = pytest.mark.anyio

MINT = "createSessionToken"


async def call(sandbox: Any, method: str, *arguments: Any, **settings: Any) -> Any:
    async with AnamAPI(sandbox.api_key, sandbox.base_url, **{"conn_options": QUICK, **settings}) as anam_api:
        return await getattr(anam_api, method)(*arguments)


async def test_both_generations_get_plain_answers(sandbox):
    """With or without a `with` block, for personas of either kind. A session that is given is used, and stays open."""
    async with aiohttp.ClientSession(headers={"X-Mine": "yes"}) as session:
        ours = AnamAPI(api_key=sandbox.api_key, api_url=sandbox.base_url, session=session)
        token = await ours.create_session_token(persona_config=PERSONA, livekit_url=URL, livekit_token=TOKEN)
        first = await ours.start_engine_session(session_token=token)
        async with ours:
            second = await ours.start_session(persona_config=CARA, livekit_url=URL, livekit_token=TOKEN)
        third = await ours.start_session(CARA.to_dict(), URL, TOKEN, anam_facade.SessionOptions(region="eu"))
        assert not session.closed
    assert {request.headers["x-mine"] for request in sandbox.requests} == {"yes"}
    assert [type(answer) for answer in (token, first, second, third)] == [str, dict, dict, dict]
    assert [answer["sessionId"] for answer in (first, second, third)] == [s.id for s in sandbox.sessions]
    assert {session.persona["avatarId"] for session in sandbox.sessions} == {CARA.avatar_id}
    assert sandbox.sessions[2].session_options == {"region": "eu"}
    json.dumps(first)


@pytest.mark.parametrize(
    ("persona", "options"),
    [
        (PERSONA, None),
        (
            anam.PersonaConfig(
                "Cara", CARA.avatar_id, "cara-4", anam.DirectorNotes(expressivity=0.7, presetStyle="warm")
            ),
            None,
        ),
        (anam.PersonaConfig("Cara", CARA.avatar_id, directorNotes=anam.DirectorNotes()), anam.SessionOptions()),
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
        (MINT, {"close": "before"}, APIConnectionError, anam_facade.AnamConnectionError, True, 0),
        (MINT, {"delay": 20.0}, APITimeoutError, anam_facade.AnamTimeoutError, True, 0),
        (MINT, {"status": 200, "body": "{}"}, anam.AnamException, anam_facade.AnamResponseError, False, 0),
    ],
)
async def test_a_failure_is_caught_by_either_name(sandbox, operation, fault, theirs, ours, retryable, sessions):
    sandbox.inject(Fault(operation=operation, **fault))
    options = APIConnectOptions(max_retry=1, retry_interval=0.01, timeout=1.5 if "delay" in fault else 10.0)
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


async def test_what_cannot_work_is_a_value_error_and_nothing_is_sent(sandbox):
    half = anam.SessionOptions(video_width=720)
    overdone = anam.PersonaConfig("Cara", CARA.avatar_id, directorNotes=anam.DirectorNotes(expressivity=2))
    for method, arguments in [
        ("start_session", (PERSONA, URL, TOKEN, half)),
        ("create_session_token", (overdone, URL, TOKEN)),
        ("start_engine_session", (sandbox.api_key,)),
    ]:
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - what the plugin raises
            await call(sandbox, method, *arguments)
        assert isinstance(caught.value, anam_facade.AnamConfigError)
    assert not sandbox.requests


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


async def test_what_is_missing_is_said_plainly(sandbox, monkeypatch):
    """The plugin (and its exception), a framework that is new enough for `AvatarSession`, and the framework itself."""
    with monkeypatch.context() as without:
        without.delitem(sys.modules, "livekit.plugins.anam.errors")
        sandbox.inject(Fault(operation=MINT, status=200, body="{}"))
        with pytest.raises(APIError) as caught:
            await call(sandbox, "create_session_token", PERSONA, URL, TOKEN)
        assert (isinstance(caught.value, anam.AnamException), caught.value.retryable) == (False, False)
        without.setitem(sys.modules, "livekit.plugins.anam", None)
        with pytest.raises(ImportError, match="pip install livekit-plugins-anam"):
            install()
        without.delattr(anam_facade.livekit, "_avatar", raising=False)
        without.setitem(sys.modules, "anam_facade.livekit._avatar", None)
        with pytest.raises(ImportError, match=r"livekit-agents 1\.6 or newer"):
            anam_facade.livekit.AvatarSession  # noqa: B018
        without.setitem(sys.modules, "livekit.agents", None)
        with pytest.raises(ImportError, match="needs livekit-agents, which is not installed: pip install livekit-ag"):
            importlib.reload(anam_facade.livekit)
    with pytest.raises(AttributeError, match="no attribute 'Avatar'"):
        anam_facade.livekit.Avatar  # noqa: B018


@pytest.mark.parametrize("method", ["create_session_token", "start_session", "start_engine_session"])
async def test_no_credential_is_in_a_frame_or_an_error(sandbox, method):
    token = await call(sandbox, "create_session_token", PERSONA, URL, TOKEN)
    secrets = [sandbox.api_key, TOKEN, token]
    sandbox.inject(Fault(status=500, body=" ".join(secrets)))
    with pytest.raises(APIError) as caught:
        await call(sandbox, method, *((token,) if method == "start_engine_session" else (PERSONA, URL, TOKEN)))
    trace = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [frame for frame in trace.stack if "anam_facade" in frame.filename and "tests" not in frame.filename]
    assert ours
    shown = [str(frame.locals) for frame in ours] + [str(caught.value), repr(caught.value), str(caught.value.body)]
    assert not [text for text in shown if any(secret in text for secret in secrets)]


async def test_the_example_of_a_program_for_the_plugin_runs(sandbox, monkeypatch):
    """`examples/from_the_plugin.py` starts one session at most, and tells the plugin's errors apart."""
    monkeypatch.setenv("LIVEKIT_URL", URL)
    monkeypatch.setenv("LIVEKIT_TOKEN", TOKEN)
    example = importlib.import_module("examples.from_the_plugin")
    assert (await example.main()).startswith("session ")
    sandbox.inject(Fault(operation=START, status=403, times=1))
    assert await example.main() == "refused with 403"
    sandbox.inject(Fault(operation=START, close="after", times=1))
    assert await example.main() == "no answer; a session may be running"
    assert len(sandbox.sessions) == 2
