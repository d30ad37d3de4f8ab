"""The sandbox's avatar by itself: an agent made of LiveKit's client alone sends it audio and calls it."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from livekit import api, rtc

from anam_facade import AnamClient, LiveKitEnvironment, PersonaConfig, SessionOptions
from anam_facade.sandbox import Fault, Sandbox
from tests.livekit.room import AVATAR, RATE, Listener

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from anam_facade.sandbox import Session
    from tests.livekit.room import Server


class Agent:
    """An agent in its room, and what the avatar has told it."""

    def __init__(self, server: Server, sandbox: Sandbox, name: str) -> None:
        self.server, self.sandbox, self.name = server, sandbox, name
        self.room = rtc.Room()
        self.told: list[Any] = []

    def start(self, *, secret: str | None = None, options: SessionOptions | None = None, **persona: Any) -> str:
        """Starts a session for this room, and returns its id."""
        token = api.AccessToken(self.server.api_key, secret or self.server.api_secret).with_identity(AVATAR)
        token = token.with_kind("agent").with_attributes({"lk.publish_on_behalf": "agent"})
        token = token.with_grants(api.VideoGrants(room_join=True, room=self.name))
        with AnamClient(self.sandbox.api_key, self.sandbox.base_url) as client:
            return client.start_session(
                PersonaConfig(name="Cara", avatar_id="30fa96d0-26c4-4e55-94a0-517025942e18", **persona),
                environment=LiveKitEnvironment(self.server.url, token.to_jwt()),
                session_options=options,
            ).session_id

    def record(self) -> Session:
        """The session as it is known now."""
        return self.sandbox.sessions[-1]

    async def say(self, hz: float, seconds: float, *, rate: int = RATE, channels: int = 1) -> None:
        """Sends a segment: a tone, on the first channel."""
        samples = np.zeros((int(rate * seconds), channels), np.int16)
        samples[:, 0] = 12_000 * np.sin(2 * np.pi * hz * np.arange(len(samples)) / rate)
        writer = await self.room.local_participant.stream_bytes(
            name="speech",
            topic="lk.audio_stream",
            destination_identities=[AVATAR],
            attributes={"sample_rate": str(rate), "num_channels": str(channels)},
        )
        await writer.write(samples.tobytes())
        await writer.aclose()

    async def clear(self, room: rtc.Room | None = None) -> str:
        participant = (room or self.room).local_participant
        answer = await participant.perform_rpc(destination_identity=AVATAR, method="lk.clear_buffer", payload="")
        return str(answer)


@asynccontextmanager
async def an_agent(server: Server, sandbox: Sandbox, name: str) -> AsyncIterator[tuple[Agent, Listener]]:
    """An agent and a listener in a room of that name."""
    agent = Agent(server, sandbox, name)
    async with Listener(server, name) as listener:
        await agent.room.connect(server.url, server.token(name, "agent"))
        agent.room.local_participant.register_rpc_method(
            "lk.playback_started", lambda data: agent.told.append("started") or "ok"
        )
        agent.room.local_participant.register_rpc_method(
            "lk.playback_finished", lambda data: agent.told.append(json.loads(data.payload)) or "ok"
        )
        try:
            yield agent, listener
        finally:
            await agent.room.disconnect()


def test_segments_queue_up_and_are_cleared_together(livekit: Server, sandbox: Sandbox) -> None:
    """One `lk.playback_finished` for each segment, the ones that were never played too; what comes later is played."""

    async def scenario() -> None:
        async with an_agent(livekit, sandbox, "segments") as (agent, listener):
            agent.start()
            await listener.until(lambda: listener.frames)
            await agent.say(440, 20)
            await agent.say(660, 20)
            await listener.until(lambda: listener.tone())
            assert await agent.clear() == "ok"
            await listener.until(lambda: len(agent.told) == 3)
            await agent.say(550, 0.5)
            await listener.until(lambda: len(agent.told) == 5)
            assert await agent.clear() == "ok", "nothing to clear is no error"
            await asyncio.sleep(0.5)
            played = {"playback_position": agent.told[1]["playback_position"], "interrupted": True}
            dropped = {"playback_position": 0.0, "interrupted": True}
            said = {"playback_position": 0.5, "interrupted": False}
            assert agent.told == ["started", played, dropped, "started", said]
            assert 0 < played["playback_position"] < 19

    asyncio.run(scenario())


def test_only_its_agent_is_obeyed(livekit: Server, sandbox: Sandbox) -> None:
    """The one that the token names: others can neither speak nor interrupt."""

    async def scenario() -> None:
        async with an_agent(livekit, sandbox, "stranger") as (agent, listener):
            agent.start()
            await listener.until(lambda: listener.frames)
            stranger = Agent(livekit, sandbox, "stranger")
            await stranger.room.connect(livekit.url, livekit.token("stranger", "stranger"))
            await stranger.say(880, 1)
            assert await agent.clear(stranger.room) == "reject"
            await agent.say(440, 1)
            await listener.until(lambda: len(agent.told) == 2)
            assert agent.told == ["started", {"playback_position": 1.0, "interrupted": False}]
            await stranger.room.disconnect()

    asyncio.run(scenario())


def test_any_rate_any_channels_any_size(livekit: Server, sandbox: Sandbox) -> None:
    """What is said in stereo at 48 kHz is heard at its pitch; the picture has the size that was asked for."""

    async def scenario() -> None:
        async with an_agent(livekit, sandbox, "rates") as (agent, listener):
            agent.start(options=SessionOptions(video_width=768, video_height=1152), avatar_model="cara-4")
            await listener.until(lambda: listener.frames > 5)
            await agent.say(440, 3, rate=48_000, channels=2)
            await listener.until(lambda: listener.tone())
            await asyncio.sleep(0.6)
            heard = listener.tone()
            assert heard is not None
            assert abs(heard - 440) < 22
            assert listener.size in {(768, 1152), (384, 576)}, "an encoder may send less at first"

    asyncio.run(scenario())


ENDS: dict[str, tuple[Callable[[Agent], object], dict[str, Any]]] = {
    "stopped": (lambda agent: agent.sandbox.end_session(agent.record().id), {}),
    "reset": (lambda agent: agent.sandbox.reset(), {}),
    "max_length": (lambda agent: None, {"max_session_length_seconds": 2}),
    "sandbox_stopped": (lambda agent: agent.sandbox.stop(), {}),
}


@pytest.mark.parametrize("reason", ENDS)
def test_it_leaves_with_its_session(livekit: Server, caplog: pytest.LogCaptureFixture, reason: str) -> None:
    """Whatever ends it."""
    end, persona = ENDS[reason]

    async def scenario(sandbox: Sandbox) -> None:
        async with an_agent(livekit, sandbox, reason) as (agent, listener):
            agent.start(**persona)
            await listener.until(lambda: listener.frames)
            state = sandbox.world.state
            end(agent)
            await listener.until(lambda: listener.when("left"))
            await listener.until(lambda: state.sessions[-1].left_at)
            assert state.sessions[-1].end_reason == reason

    caplog.set_level(logging.INFO, "anam_facade.sandbox")
    with Sandbox(livekit=True) as sandbox:
        asyncio.run(scenario(sandbox))
    assert f"ended: {reason}" in caplog.text


def test_a_session_that_ends_in_the_tick_it_starts(livekit: Server, sandbox: Sandbox) -> None:
    """Its avatar does not stay behind."""

    async def scenario() -> None:
        async with an_agent(livekit, sandbox, "tick") as (agent, listener):
            sandbox.end_session(agent.start())
            await asyncio.sleep(1.5)
            assert AVATAR not in listener.room.remote_participants
            assert agent.record().end_reason == "stopped"

    asyncio.run(scenario())


def test_a_token_that_is_refused_ends_the_session(
    livekit: Server, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    """And is not shown, although LiveKit's error quotes it."""
    caplog.set_level(logging.DEBUG)

    async def scenario() -> None:
        async with an_agent(livekit, sandbox, "refused") as (agent, listener):
            agent.start(secret="not-the-secret-of-this-server-1234567890")
            await listener.until(lambda: not agent.record().active)
            assert agent.record().end_reason == "avatar_failed"
            assert agent.record().joined_at is None
            ours = [record.getMessage() for record in caplog.records if record.name.startswith("anam_facade")]
            assert any("ConnectError" in line for line in ours)
            assert str(agent.record().environment["livekitToken"]) not in "".join(ours)

    asyncio.run(scenario())


def test_rooms_elsewhere_are_not_joined(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    """A test picture does not belong into a production room; the session is as without an avatar."""
    with AnamClient(sandbox.api_key, sandbox.base_url) as client:
        environment = LiveKitEnvironment("wss://my-project.livekit.cloud", "header.payload.signature")
        client.start_session(
            PersonaConfig(name="Cara", avatar_id="30fa96d0-26c4-4e55-94a0-517025942e18"), environment=environment
        )
    assert "is not on this machine" in caplog.text
    assert sandbox.sessions[-1].active


STARTS: dict[str, Any] = {"operation": "createEngineSession", "times": 1}


def test_faults_of_the_engine(livekit: Server, sandbox: Sandbox) -> None:
    """It never joins, joins late, leaves early, or never tells that it has finished."""

    async def scenario() -> None:
        async with an_agent(livekit, sandbox, "never") as (agent, listener):
            sandbox.inject(Fault(**STARTS, avatar_never_joins=True))
            session_id = agent.start()
            await asyncio.sleep(1.5)
            assert listener.history() == []
            assert agent.record().active
            sandbox.end_session(session_id)

        async with an_agent(livekit, sandbox, "late and short") as (agent, listener):
            sandbox.inject(Fault(**STARTS, avatar_joins_after=1.5, avatar_leaves_after=1))
            agent.start()
            await listener.until(lambda: agent.record().left_at)
            session = agent.record()
            assert session.joined_at is not None
            assert session.left_at is not None
            assert session.joined_at - session.started_at >= 1.5
            assert session.left_at - session.joined_at >= 1
            assert agent.record().end_reason == "avatar_left"

        async with an_agent(livekit, sandbox, "mute") as (agent, listener):
            sandbox.inject(Fault(**STARTS, avatar_never_finishes=True))
            agent.start()
            await listener.until(lambda: listener.frames)
            await agent.say(440, 0.3)
            await listener.until(lambda: agent.told)
            await asyncio.sleep(1)
            assert agent.told == ["started"]

    asyncio.run(scenario())


def test_who_does_not_ask_for_it_does_not_pay_for_it() -> None:
    """Neither the client nor a sandbox without avatars imports LiveKit."""
    program = """
import sys, anam_facade, anam_facade.sandbox.pytest_plugin
with anam_facade.sandbox.Sandbox():
    print(sorted({"livekit", "numpy", "PIL"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
