"""Our `AvatarSession` in a real room: what it starts, does when something goes wrong, and leaves behind."""

from __future__ import annotations

import asyncio
import logging
import math
from array import array
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import pytest
from livekit import api, rtc
from livekit.agents import Agent, AgentSession, APIConnectionError, APIStatusError
from livekit.agents.voice.avatar import _types

from anam_facade import (
    AnamConfigError,
    AsyncAnamClient,
    LiveKitEnvironment,
    PersonaConfig,
    SessionOptions,
    SessionStartUncertainError,
)
from anam_facade.livekit import AvatarLostError, AvatarSession, _avatar
from anam_facade.sandbox import Fault
from tests.livekit.room import AVATAR, Listener

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.livekit.room import Server


RATE = 24_000
CARA = PersonaConfig(name="Cara", avatar_id="30fa96d0-26c4-4e55-94a0-517025942e18")
START = "createEngineSession"


@pytest.fixture(autouse=True)
def _environment(livekit, sandbox, monkeypatch):
    anam = {"ANAM_API_KEY": sandbox.api_key, "ANAM_API_URL": sandbox.base_url}
    for name, value in (livekit.environment | anam).items():
        monkeypatch.setenv(name, value)


async def tone(seconds: float) -> AsyncIterator[rtc.AudioFrame]:
    for first in range(0, int(seconds * RATE), 480):
        wave = (int(12_000 * math.sin(2 * math.pi * 440 * n / RATE)) for n in range(first, first + 480))
        yield rtc.AudioFrame(array("h", wave).tobytes(), RATE, 1, 480)


class Stage:
    """A room with an agent, without a job around it, and a listener."""

    def __init__(self, livekit: Server, name: str) -> None:
        self.livekit, self.name = livekit, name
        self.room, self.session = rtc.Room(), AgentSession()
        self.listener = Listener(livekit, name)
        self.errors: list[Any] = []
        self.avatars: list[AvatarSession] = []

    async def __aenter__(self) -> Self:
        self.session.on("error", lambda event: self.errors.append(event.error))
        await self.listener.__aenter__()
        await self.room.connect(self.livekit.url, self.livekit.token(self.name, "agent"))
        return self

    async def start(self, **settings: Any) -> AvatarSession:
        avatar = AvatarSession(settings.pop("persona", CARA), **settings)
        self.avatars.append(avatar)
        await avatar.start(self.session, self.room)
        await self.session.start(Agent(instructions=""), room=self.room)
        return avatar

    async def say(self, seconds: float = 1.0) -> Any:
        async with asyncio.timeout(15):
            said = self.session.say("la", audio=tone(seconds), add_to_chat_ctx=False)
            await said.wait_for_playout()
            return said

    async def is_heard(self) -> None:
        hearing = asyncio.create_task(self.listener.until(lambda: abs((self.listener.tone() or 0) - 440) < 5))
        while not hearing.done():  # a listener on a busy machine can miss the beginning
            await self.say(1.5)
        await hearing

    async def __aexit__(self, *_: object) -> None:
        await self.session.aclose()
        for avatar in self.avatars:
            await avatar.aclose()
        await self.room.disconnect()
        await self.listener.__aexit__()


def play(livekit: Server, scene: Any, name: str) -> None:
    async def run() -> None:
        async with Stage(livekit, name) as stage:
            await scene(stage)
        await asyncio.sleep(0)
        left = {task.get_coro().__qualname__ for task in asyncio.all_tasks() - {asyncio.current_task()}}
        assert not {name for name in left if "vatar" in name or "anam" in name}, left

    asyncio.run(run())


def test_everything_a_persona_and_its_options_hold_is_sent(livekit, sandbox):
    """In token mode by default, over one client that all share."""

    async def scene(stage: Stage) -> None:
        persona = PersonaConfig.saved("8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506")
        first = AvatarSession(CARA)
        first.prewarm()
        avatar = await stage.start(persona=persona, session_options=SessionOptions(region="eu"))
        await avatar.wait_for_join()
        await stage.is_heard()
        (session,) = sandbox.sessions
        assert (avatar.session_id, avatar.provider, avatar.avatar_identity) == (session.id, "anam", AVATAR)
        assert (session.livekit_room, session.label) == ("whole", "whole")
        assert session.persona["personaId"] == persona.persona_id
        assert session.session_options == {"region": "eu"}
        assert [request.path for request in sandbox.requests] == ["/v1/auth/session-token", "/v1/engine/session"]
        assert avatar._client is first._client

    play(livekit, scene, "whole")


def test_direct_is_one_call_over_a_client_that_stays_open(livekit, sandbox):
    async def scene(stage: Stage) -> None:
        async with AsyncAnamClient() as client:
            avatar = await stage.start(
                client=client, direct=True, client_label="mine", avatar_participant_identity="cara"
            )
            await avatar.wait_for_join()
            await avatar.aclose()
            await client.warm_up()
        assert [request.path for request in sandbox.requests] == ["/v1/engine/session"]
        assert sandbox.sessions[0].label == "mine"
        assert "cara" in stage.room.remote_participants

    play(livekit, scene, "direct")


@pytest.mark.parametrize(
    ("fault", "direct"),
    [
        ({"close": "after"}, False),
        ({"close": "after"}, True),
        ({"status": 500, "processed": True}, False),
        ({"status": 500, "processed": True}, True),
    ],
)
def test_when_the_answer_is_lost_the_room_tells(livekit, sandbox, caplog, fault, direct):
    """The avatar came, so the start is a success; one session, whose id is not known."""

    async def scene(stage: Stage) -> None:
        sandbox.inject(Fault(operation=START, times=1, **fault))
        avatar = await stage.start(direct=direct)
        await stage.is_heard()
        assert avatar.session_id is None
        assert len(sandbox.sessions) == 1
        assert len(stage.listener.when("joined")) == 1
        assert "going on; its session id is not known" in caplog.text

    play(livekit, scene, f"lost {fault} {direct}")


def test_when_the_answer_is_lost_and_no_avatar_comes_the_start_fails(livekit, sandbox):
    """Once, as not retryable, under ours and LiveKit's name; nothing waits on behind it."""

    async def scene(stage: Stage) -> None:
        sandbox.inject(Fault(operation=START, close="after", avatar_never_joins=True, times=1))
        with pytest.raises(APIConnectionError) as caught:
            await stage.start(join_timeout=0.5)
        assert isinstance(caught.value, SessionStartUncertainError)
        assert not caught.value.retryable
        assert caught.value.livekit_room == "lost and gone"
        assert len(sandbox.sessions) == 1

    play(livekit, scene, "lost and gone")


def test_a_refusal_is_raised_at_once(livekit, sandbox):
    async def scene(stage: Stage) -> None:
        sandbox.inject(Fault(operation=START, status=429, body={"error": "Concurrent session limit reached"}))
        with pytest.raises(APIStatusError) as caught:
            await stage.start()
        assert not caught.value.retryable
        assert not sandbox.sessions

    play(livekit, scene, "refused")


def test_an_avatar_that_never_comes_ends_the_speech_with_an_error(livekit, sandbox):
    """The framework alone would wait for ever. When the avatar comes after all, the next speech is heard."""

    async def scene(stage: Stage) -> None:
        sandbox.inject(Fault(operation=START, avatar_joins_after=3))
        avatar = await stage.start(join_timeout=1)
        early = stage.session.say("la", audio=tone(1), add_to_chat_ctx=False)
        await asyncio.sleep(0.2)
        early.interrupt()  # before the avatar has come
        await stage.say()
        (error,) = stage.errors
        assert isinstance(error, AvatarLostError)
        assert str(error) == (
            f"the avatar anam-avatar-agent did not come into room late within 1 s (session {avatar.session_id})"
        )
        assert (error.joined, error.room, error.session_id) == (False, "late", sandbox.sessions[0].id)
        assert (error.may_have_started, error.recoverable) == (True, False)
        await stage.say()
        await stage.listener.until(lambda: stage.listener.when("joined"))
        await stage.is_heard()
        assert len(stage.errors) == 1

    play(livekit, scene, "late")


def test_an_avatar_that_leaves_ends_the_speech_with_an_error(livekit, sandbox):
    async def scene(stage: Stage) -> None:
        sandbox.inject(Fault(operation=START, avatar_leaves_after=1.5))
        avatar = await stage.start()
        await avatar.wait_for_join()
        positions: list[float] = []
        stage.session.output.audio.on("playback_finished", lambda event: positions.append(event.playback_position))
        await asyncio.gather(stage.say(10), stage.say(10))
        (error,) = stage.errors
        assert "left room leaving" in str(error)
        assert error.joined
        assert 0 < positions[0] < 3
        await stage.say()  # later ones end, too
        assert len(stage.errors) == 1

    play(livekit, scene, "leaving")


def test_what_was_sent_as_a_whole_ends_when_the_avatar_leaves_and_others_leaving_is_nothing(livekit, sandbox):
    async def scene(stage: Stage) -> None:
        sandbox.inject(Fault(operation=START, avatar_never_finishes=True))
        avatar = await stage.start()
        await avatar.wait_for_join()
        another = rtc.Room()
        await another.connect(livekit.url, livekit.token(stage.name, "another"))
        await stage.listener.until(lambda: stage.listener.when("joined", "another"))
        await another.disconnect()
        await stage.listener.until(lambda: stage.listener.when("left", "another"))
        assert not stage.errors
        await stage.say(0)
        begun = asyncio.Event()
        stage.session.output.audio.on("playback_started", lambda _: begun.set())
        saying = asyncio.create_task(stage.say(0.5))
        await begun.wait()
        await stage.listener.until(lambda: avatar._audio._playing)  # all of it is with the avatar
        sandbox.end_all()
        await saying
        assert [error.joined for error in stage.errors] == [True]

    play(livekit, scene, "sent")


@pytest.fixture
def job(monkeypatch):
    """What the framework looks up while a job runs; the LiveKit API behind it is the real one."""
    callbacks: list[Any] = []
    context = SimpleNamespace(add_shutdown_callback=callbacks.append)
    for module in (_avatar, _types):
        monkeypatch.setattr(module, "get_job_context", lambda required=True: context)
    return context


def test_the_avatar_of_another_job_makes_way(livekit, sandbox, job):
    """A worker was killed, its avatar is still there: it is removed before the next one is started."""

    async def scene(stage: Stage) -> None:
        async with api.LiveKitAPI() as job.api, AsyncAnamClient() as client:
            before = LiveKitEnvironment.for_room(room=stage.name, agent_identity="a killed agent")
            await client.start_session(CARA, environment=before)
            await stage.listener.until(lambda: AVATAR in stage.room.remote_participants)
            await stage.start()
            await stage.is_heard()
            assert [session.end_reason for session in sandbox.sessions] == ["participant_removed", None]
            assert len(stage.listener.when("joined")) == 2

    play(livekit, scene, "taken over")


def test_an_avatar_that_cannot_be_removed_stops_the_start(livekit, sandbox, job, monkeypatch, caplog):
    monkeypatch.setattr(_avatar, "LEAVING", 0.1)

    async def scene(stage: Stage) -> None:
        async with AsyncAnamClient() as client:
            before = LiveKitEnvironment.for_room(room=stage.name, agent_identity="a killed agent")
            await client.start_session(CARA, environment=before)
            await stage.listener.until(lambda: AVATAR in stage.room.remote_participants)
            with pytest.raises(AnamConfigError, match="must not hold a participant"):
                await stage.start()
        assert "could not be removed from room stays" in caplog.text
        assert len(sandbox.sessions) == 1

    play(livekit, scene, "stays")


def test_a_job_that_has_left_the_room_still_removes_its_avatar(livekit, sandbox, job, caplog):
    """The framework leaves the room first; whose avatar is gone already is nothing to speak of."""

    async def scene(stage: Stage) -> None:
        async with api.LiveKitAPI() as job.api:
            avatar = await stage.start()
            await avatar.wait_for_join()
            await stage.room.disconnect()
            await avatar.aclose()
            await stage.listener.until(lambda: not sandbox.active_sessions)
            assert sandbox.sessions[0].end_reason == "participant_removed"
            await stage.listener.until(lambda: stage.listener.when("left"))
            await _avatar._remove(job, stage.name, AVATAR)
            assert "could not be removed" not in caplog.text

    play(livekit, scene, "job ends")


def test_a_room_that_is_left_before_the_avatar_comes_is_no_error(livekit, sandbox, caplog):
    caplog.set_level(logging.DEBUG, "anam_facade")

    async def scene(stage: Stage) -> None:
        sandbox.inject(Fault(operation=START, avatar_never_joins=True))
        await stage.start()
        await stage.room.disconnect()
        await stage.listener.until(lambda: "was disconnected before the avatar came" in caplog.text)
        assert not stage.errors

    play(livekit, scene, "left early")


def test_what_cannot_work_is_refused_before_anything_is_sent(livekit, sandbox, monkeypatch):
    """A room that is not connected, LiveKit's settings missing, this agent's avatar there already, a second start."""

    async def scene(stage: Stage) -> None:
        with pytest.raises(AnamConfigError, match=r"room: must be connected: await ctx\.connect\(\) before start"):
            await AvatarSession(CARA).start(stage.session, rtc.Room())
        with monkeypatch.context() as unset:
            unset.delenv("LIVEKIT_API_SECRET")
            with pytest.raises(AnamConfigError, match="LIVEKIT_API_SECRET"):
                await AvatarSession(CARA).start(stage.session, stage.room)
        assert not sandbox.requests
        avatar = await stage.start()
        await avatar.wait_for_join()
        with pytest.raises(AnamConfigError, match=f"must not hold a participant {AVATAR}"):
            await AvatarSession(CARA).start(stage.session, stage.room)
        with pytest.raises(RuntimeError, match="started before"):
            await avatar.start(stage.session, stage.room)
        assert len(sandbox.sessions) == 1

    play(livekit, scene, "cannot work")


def test_a_cold_prewarm_is_no_error(livekit, sandbox, monkeypatch):
    monkeypatch.setenv("ANAM_API_URL", "http://127.0.0.1:9")

    async def scene(stage: Stage) -> None:
        avatar = AvatarSession(CARA)
        avatar.prewarm()
        await avatar._warming
        await avatar.aclose()

    play(livekit, scene, "cold")
