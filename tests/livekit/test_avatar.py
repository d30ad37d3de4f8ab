"""The sandbox's avatar by itself: an agent made of LiveKit's client alone sends it audio and calls it."""

from __future__ import annotations

import asyncio
import logging

import pytest
from livekit import rtc

from anam_facade import AnamClient, LiveKitEnvironment, PersonaConfig, SessionOptions
from anam_facade.sandbox import Fault, Sandbox
from tests.livekit.room import AVATAR
from tests.livekit.stage import CARA

pytestmark = pytest.mark.anyio


async def test_segments_queue_up_and_are_cleared_together(stage):
    """One `lk.playback_finished` for each segment, the ones that were never played too; what comes later is played."""
    stage.summon()
    await stage.until(lambda: stage.listener.frames)
    await stage.send(440, 20)
    await stage.send(660, 20)
    await stage.until(lambda: stage.listener.hears(440))
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


async def test_only_its_agent_is_obeyed(stage):
    """The one that the token names: others can neither speak nor interrupt."""
    stage.summon()
    await stage.until(lambda: stage.listener.frames)
    stranger = rtc.Room()
    await stranger.connect(stage.livekit.url, stage.livekit.token(stage.name, "stranger"))
    await stage.send(880, 2, by=stranger)
    assert await stage.clear(by=stranger) == "reject"
    await stage.send(440, 1)
    await stage.until(lambda: len(stage.told) == 2)
    assert stage.told == ["started", {"playback_position": 1.0, "interrupted": False}]
    await stranger.disconnect()


async def test_any_rate_any_channels_any_size(stage):
    """What is said in stereo at 48 kHz is heard at its pitch; the picture has the size that was asked for."""
    persona = PersonaConfig(name="Cara", avatar_id=CARA.avatar_id, avatar_model="cara-4")
    stage.summon(persona, options=SessionOptions(video_width=768, video_height=1152))
    await stage.until(lambda: stage.listener.frames)
    await stage.send(440, 5, rate=48_000, channels=2)
    await stage.until(lambda: stage.listener.hears(440))
    assert stage.listener.size in {(768, 1152), (384, 576)}, "an encoder may send less at first"


ENDS = {
    "stopped": lambda sandbox: sandbox.end_all(),
    "reset": lambda sandbox: sandbox.reset(),
    "max_length": lambda sandbox: None,
    "sandbox_stopped": lambda sandbox: sandbox.stop(),
}


@pytest.mark.parametrize("reason", ENDS)
async def test_it_leaves_with_its_session(stage, caplog, reason):
    """Whatever ends it."""
    caplog.set_level(logging.INFO, "anam_facade.sandbox")
    with Sandbox(livekit=True) as stage.sandbox:
        length = 4 if reason == "max_length" else None
        stage.summon(PersonaConfig(name="Cara", avatar_id=CARA.avatar_id, max_session_length_seconds=length))
        await stage.until(lambda: stage.when("joined"))
        state = stage.sandbox.state
        ENDS[reason](stage.sandbox)
        await stage.until(lambda: stage.when("left"))
        await stage.until(lambda: state.sessions[-1].left_at)
        assert state.sessions[-1].end_reason == reason
    assert f"ended: {reason}" in caplog.text


async def test_a_session_that_ends_in_the_tick_it_starts(stage):
    """Its avatar does not stay behind, also when the start is told after the end: threads tell them."""
    stage.sandbox.end_session(stage.summon())
    for listener in stage.sandbox.listeners:
        listener.started(stage.sandbox.state, stage.record)
    await asyncio.sleep(1.5)
    assert AVATAR not in stage.listener.room.remote_participants
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


def test_rooms_elsewhere_are_not_joined(sandbox, caplog):
    """A test picture does not belong into a production room; the session is as without an avatar."""
    with AnamClient(sandbox.api_key, sandbox.base_url) as client:
        environment = LiveKitEnvironment("wss://my-project.livekit.cloud", "header.payload.signature")
        client.start_session(CARA, environment=environment)
    assert "is not on this machine" in caplog.text
    assert sandbox.sessions[-1].active


async def test_an_engine_that_comes_late_and_leaves_early(stage):
    """The other faults of an engine are told to our `AvatarSession` in its tests: never there, never done."""
    stage.sandbox.inject(Fault(operation="createEngineSession", avatar_joins_after=1.5, avatar_leaves_after=1.0))
    stage.summon()
    await stage.until(lambda: stage.record.left_at)
    assert stage.record.joined_at - stage.record.started_at >= 1.5
    assert stage.record.left_at - stage.record.joined_at >= 1
    assert stage.record.end_reason == "avatar_left"
