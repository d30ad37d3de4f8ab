"""Our `AvatarSession` in a real room: what it starts, does when something goes wrong, and leaves behind."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from livekit import api, rtc
from livekit.agents import APIConnectionError, APIStatusError
from livekit.agents.voice.avatar import _types

from anam_facade import AnamConfigError, AsyncAnamClient, PersonaConfig, SessionOptions, SessionStartUncertainError
from anam_facade.livekit import AvatarLostError, AvatarSession, _avatar
from anam_facade.sandbox import Fault
from tests.livekit.room import AVATAR
from tests.livekit.stage import CARA

pytestmark = pytest.mark.anyio

START = "createEngineSession"
MINTED, STARTED = "/v1/auth/session-token", "/v1/engine/session"


async def test_everything_a_persona_and_its_options_hold_is_sent(stage, sandbox):
    """In token mode by default, over one client that all share."""
    persona = PersonaConfig.saved("8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506")
    first = AvatarSession(CARA)
    first.prewarm()
    avatar = await stage.start(persona, session_options=SessionOptions(region="eu"))
    await avatar.wait_for_join()
    await stage.is_heard()
    assert (avatar.session_id, avatar.provider, avatar.avatar_identity) == (stage.record.id, "anam", AVATAR)
    assert (stage.record.livekit_room, stage.record.label) == (stage.name, stage.name)
    assert stage.record.persona["personaId"] == persona.persona_id
    assert stage.record.session_options == {"region": "eu"}
    assert [request.path for request in sandbox.requests] == [MINTED, STARTED]
    assert avatar._client is first._client


async def test_direct_is_one_call_over_a_client_that_stays_open(stage, sandbox):
    async with AsyncAnamClient() as client:
        avatar = await stage.start(client=client, direct=True, client_label="mine", avatar_participant_identity="cara")
        await avatar.wait_for_join()
        await avatar.aclose()
        await client.warm_up()
    assert [request.path for request in sandbox.requests] == [STARTED]
    assert stage.record.label == "mine"
    assert "cara" in stage.room.remote_participants


@pytest.mark.parametrize(("fault", "direct"), [({"close": "after"}, False), ({"status": 500, "processed": True}, True)])
async def test_when_the_answer_is_lost_the_room_tells(stage, sandbox, caplog, fault, direct):
    """The avatar came, so the start is a success; one session, whose id is not known."""
    sandbox.inject(Fault(operation=START, times=1, **fault))
    avatar = await stage.start(direct=direct)
    await stage.is_heard()
    assert avatar.session_id is None
    assert len(sandbox.sessions) == len(stage.when("joined")) == 1
    assert "going on; its session id is not known" in caplog.text


async def test_when_the_answer_is_lost_and_no_avatar_comes_the_start_fails(stage, sandbox):
    """Once, as not retryable, under ours and LiveKit's name; nothing waits on behind it."""
    sandbox.inject(Fault(operation=START, close="after", avatar_never_joins=True, times=1))
    with pytest.raises(APIConnectionError) as caught:
        await stage.start(join_timeout=0.5)
    assert isinstance(caught.value, SessionStartUncertainError)
    assert (caught.value.retryable, caught.value.livekit_room) == (False, stage.name)
    assert len(sandbox.sessions) == 1


async def test_a_refusal_is_raised_at_once_and_the_same_session_can_be_started_again(stage, sandbox, caplog):
    sandbox.inject(Fault(operation=START, status=429, body={"error": "Concurrent session limit reached"}, times=1))
    avatar = AvatarSession(CARA)
    with pytest.raises(APIStatusError) as caught:
        await avatar.start(stage.session, stage.room)
    assert not caught.value.retryable
    assert not sandbox.sessions
    assert "watching room" not in caplog.text
    await avatar.start(stage.session, stage.room)
    await avatar.aclose()
    assert len(sandbox.sessions) == 1


async def test_an_avatar_that_never_comes_ends_the_speech_with_an_error(stage, sandbox):
    """The framework alone would wait for ever. When an avatar comes after all, the next speech is heard."""
    sandbox.inject(Fault(operation=START, avatar_never_joins=True, times=1))
    avatar = await stage.start(join_timeout=1)
    early = asyncio.create_task(stage.say())
    await asyncio.sleep(0.2)
    await stage.session.interrupt()  # before the avatar has come
    await early
    await stage.say()
    (error,) = stage.errors
    assert isinstance(error, AvatarLostError)
    assert str(error) == (
        f"the avatar anam-avatar-agent did not come into room {stage.name} within 1 s (session {avatar.session_id})"
    )
    assert (error.joined, error.room, error.session_id) == (False, stage.name, stage.record.id)
    assert (error.may_have_started, error.recoverable) == (True, False)
    await stage.say()
    stage.summon()
    await stage.is_heard()
    assert len(stage.errors) == 1


async def test_an_avatar_that_leaves_ends_the_speech_with_an_error(stage, sandbox):
    """What is being sent, what waits behind it, and what comes later."""
    avatar = await stage.start()
    await avatar.wait_for_join()
    positions, begun = [], []
    stage.session.output.audio.on("playback_started", begun.append)
    stage.session.output.audio.on("playback_finished", lambda event: positions.append(event.playback_position))
    saying = asyncio.gather(stage.say(20), stage.say(20))
    await stage.until(lambda: begun)
    sandbox.end_all()
    await saying
    (error,) = stage.errors
    assert f"left room {stage.name}" in str(error)
    assert error.joined
    assert 0 < positions[0] < 20
    await stage.say()
    assert len(stage.errors) == 1


async def test_what_was_sent_as_a_whole_ends_when_the_avatar_leaves_and_others_leaving_is_nothing(stage, sandbox):
    sandbox.inject(Fault(operation=START, avatar_never_finishes=True))
    avatar = await stage.start()
    await avatar.wait_for_join()
    another = rtc.Room()
    await another.connect(stage.livekit.url, stage.livekit.token(stage.name, "another"))
    await stage.until(lambda: stage.when("joined", "another"))
    await another.disconnect()
    await stage.until(lambda: stage.when("left", "another"))
    assert not stage.errors
    await stage.say(0)
    saying = asyncio.create_task(stage.say(0.5))
    await stage.until(lambda: avatar._audio._playing)  # all of it is with the avatar
    await asyncio.sleep(1.5)
    assert not saying.done()  # for the avatar never tells that it has finished
    sandbox.end_all()
    await saying
    assert [error.joined for error in stage.errors] == [True]


@pytest.fixture
def job(monkeypatch):
    """What the framework looks up while a job runs; the LiveKit API behind it is the real one."""
    callbacks: list[Any] = []
    context = SimpleNamespace(add_shutdown_callback=callbacks.append, callbacks=callbacks)
    for module in (_avatar, _types):
        monkeypatch.setattr(module, "get_job_context", lambda required=True: context)
    return context


async def test_the_avatar_of_another_job_makes_way(stage, sandbox, job):
    """A worker was killed, its avatar is still there: it is removed before the next one is started."""
    stage.summon(agent="a killed agent")
    await stage.until(lambda: AVATAR in stage.room.remote_participants)
    async with api.LiveKitAPI() as job.api:
        await stage.start()
        await stage.is_heard()
    assert [session.end_reason for session in sandbox.sessions] == ["participant_removed", None]
    assert stage.listener.history() == ["joined", "left", "joined"]


async def test_an_avatar_that_cannot_be_removed_stops_the_start(stage, sandbox, job, monkeypatch, caplog):
    monkeypatch.setattr(_avatar, "LEAVING", 0.1)
    stage.summon(agent="a killed agent")
    await stage.until(lambda: AVATAR in stage.room.remote_participants)
    with pytest.raises(AnamConfigError, match="must not hold a participant"):
        await stage.start()
    assert f"could not be removed from room {stage.name}" in caplog.text
    assert len(sandbox.sessions) == 1


async def test_a_job_that_has_left_the_room_still_removes_its_avatar(stage, sandbox, job, caplog):
    """The framework leaves the room first; whose avatar is gone already is nothing to speak of."""
    async with api.LiveKitAPI() as job.api:
        avatar = await stage.start()
        await avatar.wait_for_join()
        await stage.room.disconnect()
        await avatar.aclose()
        await stage.until(lambda: not sandbox.active_sessions)
        assert stage.record.end_reason == "participant_removed"
        await stage.until(lambda: stage.when("left"))
        await _avatar._remove(job, stage.name, AVATAR)
    assert "could not be removed" not in caplog.text


async def test_an_avatar_that_comes_after_its_start_has_failed_is_removed_when_the_job_ends(stage, sandbox, job):
    sandbox.inject(Fault(operation=START, close="after", avatar_never_joins=True, times=1))
    async with api.LiveKitAPI() as job.api:
        with pytest.raises(SessionStartUncertainError):
            await stage.start(join_timeout=0.2)
        stage.summon()
        await stage.until(lambda: stage.when("joined"))
        (end_of_job,) = job.callbacks
        await end_of_job()
        await stage.until(lambda: not stage.record.active)
    assert stage.record.end_reason == "participant_removed"


async def test_a_room_that_is_left_before_the_avatar_comes_is_no_error(stage, sandbox, caplog):
    caplog.set_level(logging.DEBUG, "anam_facade")
    sandbox.inject(Fault(operation=START, avatar_never_joins=True))
    await stage.start()
    await stage.room.disconnect()
    await stage.until(lambda: "was disconnected before the avatar came" in caplog.text)
    assert not stage.errors


async def test_what_cannot_work_is_refused_before_anything_is_sent(stage, sandbox, monkeypatch):
    """A room that is not connected, LiveKit's settings missing, a second start, this agent's avatar there already."""
    avatar = AvatarSession(CARA)
    with pytest.raises(AnamConfigError, match=r"room: must be connected: await ctx\.connect\(\) before start"):
        await avatar.start(stage.session, rtc.Room())
    with monkeypatch.context() as unset:
        unset.delenv("LIVEKIT_API_SECRET")
        with pytest.raises(AnamConfigError, match="LIVEKIT_API_SECRET"):
            await avatar.start(stage.session, stage.room)
    assert not sandbox.requests
    starting = asyncio.create_task(avatar.start(stage.session, stage.room))
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="started before"):
        await avatar.start(stage.session, stage.room)
    await starting
    await avatar.wait_for_join()
    with pytest.raises(AnamConfigError, match=f"must not hold a participant {AVATAR}"):
        await stage.start()
    await avatar.aclose()
    assert len(sandbox.sessions) == 1


async def test_a_cold_prewarm_is_no_error(stage, monkeypatch):
    monkeypatch.setenv("ANAM_API_URL", "http://127.0.0.1:9")
    avatar = AvatarSession(CARA)
    avatar.prewarm()
    await avatar._warming
