"""The avatar in a room: the sandbox's by itself, and what our `AvatarSession` starts, survives and leaves behind."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace

import pytest
from livekit import api, rtc
from livekit.agents import APIConnectionError, APIStatusError
from livekit.agents.voice.avatar import _types

from anam_facade import AnamConfigError, AsyncAnamClient, PersonaConfig, SessionOptions, SessionStartUncertainError
from anam_facade.livekit import AvatarLostError, AvatarSession, _avatar
from anam_facade.sandbox import Fault, Sandbox
from tests.livekit.conftest import NO_SLOT, START
from tests.livekit.room import AVATAR, CARA, join

pytestmark = pytest.mark.anyio

MINTED, STARTED = "/v1/auth/session-token", "/v1/engine/session"


@pytest.fixture
async def stranger(stage):
    """The room of somebody else who is there."""
    room = rtc.Room()
    await join(room, stage.name, "stranger")
    yield room
    await room.disconnect()


# --- The sandbox's avatar: an agent made of LiveKit's client alone sends it audio and calls it ------


async def test_segments_queue_up_and_are_cleared_together(stage, stranger):
    """One `lk.playback_finished` for each segment, the ones that were never played too; what comes later is played.

    They may have any rate and channels. Only the agent that the token names is obeyed: nobody else can speak or clear.
    """
    stage.summon()
    await stage.until(lambda: stage.frames)
    await stage.send(880, 20, by=stranger)
    await stage.send(440, 20, rate=48_000, channels=2)
    await stage.send(660, 20)
    await stage.until(lambda: stage.hears(440))
    assert await stage.clear(by=stranger) == "reject"
    assert stage.told == ["started"]
    assert await stage.clear() == "ok"
    await stage.until(lambda: len(stage.told) == 3)
    await stage.send(550, 0.5)
    await stage.until(lambda: len(stage.told) == 5)
    assert await stage.clear() == "ok", "nothing to clear is no error"
    await asyncio.sleep(0.5)
    played = {"playback_position": stage.told[1]["playback_position"], "interrupted": True}
    dropped = {"playback_position": 0.0, "interrupted": True}
    said = {"playback_position": 0.5, "interrupted": False}
    assert stage.told == ["started", played, dropped, "started", said]
    assert 0 < played["playback_position"] < 19


@pytest.mark.parametrize(
    ("reason", "end"),
    [
        ("stopped", Sandbox.end_all),
        ("reset", Sandbox.reset),
        ("sandbox_stopped", Sandbox.stop),
        ("max_length", lambda sandbox: None),
    ],
)
async def test_it_leaves_with_its_session(stage, caplog, reason, end):
    """Whatever ends it."""
    caplog.set_level(logging.INFO, "anam_facade.sandbox")
    with Sandbox(livekit=True) as stage.sandbox:
        length = 4 if reason == "max_length" else None
        stage.summon(PersonaConfig(name="Cara", avatar_id=CARA.avatar_id, max_session_length_seconds=length))
        await stage.until(lambda: stage.history == ["joined"])
        state = stage.sandbox.state
        end(stage.sandbox)
        await stage.until(lambda: stage.history == ["joined", "left"])
        await stage.until(lambda: state.sessions[-1].left_at)
        assert state.sessions[-1].end_reason == reason
    assert f"ended: {reason}" in caplog.text


async def test_a_session_that_ends_in_the_tick_it_starts(stage):
    """Its avatar does not stay behind, also when the start is told after the end: threads tell them."""
    stage.sandbox.end_session(stage.summon())
    for listener in stage.sandbox.listeners:
        listener.started(stage.sandbox.state, stage.record)
    await asyncio.sleep(1.5)
    assert AVATAR not in stage.room.remote_participants
    assert stage.record.end_reason == "stopped"


async def test_a_token_that_is_refused_ends_the_session(stage, caplog):
    """And is not shown, although LiveKit's error quotes it."""
    caplog.set_level(logging.DEBUG)
    stage.summon(api_secret="not-the-secret-of-this-server-1234567890")
    await stage.until(lambda: not stage.record.active)
    assert (stage.record.end_reason, stage.record.joined_at) == ("avatar_failed", None)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("anam_facade")]
    assert any("ConnectError" in line for line in ours)
    assert str(stage.record.environment["livekitToken"]) not in "".join(ours)


async def test_rooms_elsewhere_are_not_joined(stage, monkeypatch, caplog):
    """A test picture does not belong into a production room; the session is as without an avatar."""
    monkeypatch.setenv("LIVEKIT_URL", "wss://my-project.livekit.cloud")
    stage.summon()
    assert "is not on this machine" in caplog.text
    assert stage.record.active


async def test_an_engine_that_comes_late_and_leaves_early(stage, sandbox):
    """The other faults of an engine are told to our `AvatarSession` below: never there, never done."""
    sandbox.inject(Fault(operation=START, avatar_joins_after=1.5, avatar_leaves_after=1.0))
    stage.summon()
    await stage.until(lambda: stage.record.left_at)
    assert stage.record.joined_at - stage.record.started_at >= 1.5
    assert stage.record.left_at - stage.record.joined_at >= 1
    assert stage.record.end_reason == "avatar_left"


# --- Our `AvatarSession` --------------------------------------------------------------------------


async def test_everything_a_persona_and_its_options_hold_is_sent(stage, sandbox):
    """In token mode by default, over one client that all share; the picture has the size that was asked for."""
    persona = PersonaConfig.saved("8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506")
    first = AvatarSession(CARA)
    first.prewarm()
    options = SessionOptions(region="eu", video_width=768, video_height=1152)
    avatar = await stage.start(persona, session_options=options)
    await avatar.wait_for_join()
    await stage.is_heard()
    assert (avatar.session_id, avatar.provider, avatar.avatar_identity) == (stage.record.id, "anam", AVATAR)
    assert (stage.record.livekit_room, stage.record.label) == (stage.name, stage.name)
    assert stage.record.persona["personaId"] == persona.persona_id
    assert stage.record.session_options == options.to_dict()
    assert stage.picture.width / stage.picture.height == 768 / 1152  # an encoder may send less at first
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
    assert (len(sandbox.sessions), stage.history) == (1, ["joined"])
    assert "going on; its session id is not known" in caplog.text


async def test_when_the_answer_is_lost_and_no_avatar_comes_the_start_fails(stage, sandbox, job):
    """Once, as not retryable, under ours and LiveKit's name. An avatar that comes later is removed as the job ends."""
    sandbox.inject(Fault(operation=START, close="after", avatar_never_joins=True, times=1))
    with pytest.raises(APIConnectionError) as caught:
        await stage.start(join_timeout=0.5)
    assert isinstance(caught.value, SessionStartUncertainError)
    assert (caught.value.retryable, caught.value.livekit_room) == (False, stage.name)
    assert len(sandbox.sessions) == 1
    stage.summon()
    await stage.until(lambda: stage.history == ["joined"])
    (end_of_job,) = job.callbacks
    await end_of_job()
    await stage.until(lambda: not stage.record.active)
    assert stage.record.end_reason == "participant_removed"


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


async def test_an_avatar_that_leaves_ends_the_speech_with_an_error(stage, stranger, sandbox):
    """What is being sent, what waits behind it, and what comes later. Others that leave are nothing."""
    avatar = await stage.start()
    await avatar.wait_for_join()
    positions, begun = [], []
    stage.session.output.audio.on("playback_started", begun.append)
    stage.session.output.audio.on("playback_finished", lambda event: positions.append(event.playback_position))
    saying = asyncio.gather(stage.say(20), stage.say(20))
    await stage.until(lambda: begun)
    await stage.until(lambda: "stranger" in stage.room.remote_participants)
    await stranger.disconnect()
    await stage.until(lambda: "stranger" not in stage.room.remote_participants)
    assert not stage.errors
    sandbox.end_all()
    await saying
    (error,) = stage.errors
    assert f"left room {stage.name}" in str(error)
    assert error.joined
    assert 0 < positions[0] < 20
    await stage.say()
    assert len(stage.errors) == 1


async def test_what_was_sent_as_a_whole_ends_when_the_avatar_leaves(stage, sandbox):
    sandbox.inject(Fault(operation=START, avatar_never_finishes=True))
    avatar = await stage.start()
    await avatar.wait_for_join()
    await stage.say(0)
    saying = asyncio.create_task(stage.say(0.5))
    await stage.until(lambda: avatar._audio._playing)  # all of it is with the avatar
    await asyncio.sleep(1.5)
    assert not saying.done()  # for the avatar never tells that it has finished
    sandbox.end_all()
    await saying
    assert [error.joined for error in stage.errors] == [True]


@pytest.fixture
async def job(running_sandbox, monkeypatch):
    """What the framework looks up while a job runs; the LiveKit API behind it is the real one."""
    async with api.LiveKitAPI() as rooms:
        context = SimpleNamespace(callbacks=[], api=rooms)
        context.add_shutdown_callback = context.callbacks.append
        for module in (_avatar, _types):
            monkeypatch.setattr(module, "get_job_context", lambda required=True: context)
        yield context


async def test_the_avatar_of_another_job_makes_way(stage, sandbox, job, monkeypatch, caplog):
    """A worker was killed, its avatar is still there: nothing is started until it has been removed."""
    stage.summon(agent_identity="a killed agent")
    await stage.until(lambda: AVATAR in stage.room.remote_participants)
    with monkeypatch.context() as failing:
        failing.setattr(_avatar, "LEAVING", 0.1)
        failing.setattr(job, "api", None)
        with pytest.raises(AnamConfigError, match="must not hold a participant"):
            await stage.start()
    assert f"could not be removed from room {stage.name}" in caplog.text
    assert len(sandbox.sessions) == 1
    await stage.start()
    await stage.is_heard()
    assert [session.end_reason for session in sandbox.sessions] == ["participant_removed", None]
    assert stage.history == ["joined", "left", "joined"]


async def test_a_job_that_has_left_the_room_still_removes_its_avatar(stage, job, caplog):
    """The framework leaves the room first; whose avatar is gone already is nothing to speak of."""
    avatar = await stage.start()
    await avatar.wait_for_join()
    await stage.room.disconnect()
    await avatar.aclose()
    await stage.until(lambda: not stage.record.active)
    assert stage.record.end_reason == "participant_removed"
    await stage.until(lambda: stage.record.left_at)
    await _avatar._remove(job, stage.name, AVATAR)
    assert "could not be removed" not in caplog.text


async def test_a_room_that_is_left_before_the_avatar_comes_is_no_error(stage, sandbox, caplog):
    caplog.set_level(logging.DEBUG, "anam_facade")
    sandbox.inject(Fault(operation=START, avatar_never_joins=True))
    await stage.start()
    await stage.room.disconnect()
    await stage.until(lambda: "was disconnected before the avatar came" in caplog.text)
    assert not stage.errors


async def test_a_start_that_was_refused_can_be_made_again_but_none_twice(stage, sandbox, monkeypatch, caplog):
    """A room that is not connected, LiveKit's settings missing, no slot; then this agent's avatar is there already."""
    avatar = AvatarSession(CARA)
    with pytest.raises(AnamConfigError, match=r"room: must be connected: await ctx\.connect\(\) before start"):
        await avatar.start(stage.session, rtc.Room())
    with monkeypatch.context() as unset:
        unset.delenv("LIVEKIT_API_SECRET")
        with pytest.raises(AnamConfigError, match="LIVEKIT_API_SECRET"):
            await avatar.start(stage.session, stage.room)
    assert not sandbox.requests
    sandbox.inject(Fault(operation=START, status=429, body=NO_SLOT, times=1))
    with pytest.raises(APIStatusError):
        await avatar.start(stage.session, stage.room)
    assert "watching room" not in caplog.text
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


async def test_a_cold_prewarm_is_no_error():
    async with AsyncAnamClient("key", "http://127.0.0.1:9") as client:
        avatar = AvatarSession(CARA, client=client)
        avatar.prewarm()
        await avatar._warming
