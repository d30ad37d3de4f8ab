"""The avatar in a room: the sandbox's by itself, and what our `AvatarSession` starts, survives and leaves behind."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from livekit import api, rtc
from livekit.agents import Agent, AgentSession, APIConnectionError, APIStatusError
from livekit.agents.voice.avatar import DataStreamAudioOutput, _types
from livekit.agents.voice.room_io import RoomOptions

from anam_facade import AnamClient, AsyncAnamClient, LiveKitEnvironment, PersonaConfig, SessionOptions
from anam_facade.errors import AnamConfigError, SessionStartUncertainError
from anam_facade.livekit import AvatarLostError, AvatarSession, _avatar
from anam_facade.sandbox import Fault, Sandbox, Session
from tests.livekit.conftest import NO_SLOT, START
from tests.livekit.room import AVATAR, CARA, Listener, join, tone

pytestmark = pytest.mark.anyio

VIDEO = rtc.TrackKind.KIND_VIDEO
MINTED, STARTED = "/v1/auth/session-token", "/v1/engine/session"


class Stage(Listener):
    """An agent without a job around it, that listens, too: it summons an avatar, or has our `AvatarSession`.

    `errors` are those of the agent session's `error` events.
    """

    def __init__(self, sandbox: Sandbox, name: str) -> None:
        super().__init__(name, identity="agent")
        self.sandbox, self.session = sandbox, AgentSession()
        self.errors: list[Any] = []
        self._avatars: list[AvatarSession] = []
        self.session.on("error", lambda event: self.errors.append(event.error))

    async def __aexit__(self, *_: object) -> None:
        await self.session.aclose()
        for avatar in self._avatars:
            await avatar.aclose()
        await super().__aexit__()

    @property
    def record(self) -> Session:
        """The latest session, as it is known now."""
        return self.sandbox.sessions[-1]

    def summon(self, persona: PersonaConfig = CARA, agent_identity: str = "agent", **livekit: str) -> str:
        """Starts a session for this room, and returns its id."""
        environment = LiveKitEnvironment.for_room(room=self.name, agent_identity=agent_identity, **livekit)
        with AnamClient(self.sandbox.api_key, self.sandbox.base_url) as client:
            return client.start_session(persona, environment=environment).session_id

    async def start(self, persona: PersonaConfig = CARA, **settings: Any) -> AvatarSession:
        self._avatars.append(avatar := AvatarSession(persona, **settings))
        await avatar.start(self.session, self.room)
        options = RoomOptions(close_on_disconnect=False)  # whoever else leaves
        await self.session.start(Agent(instructions=""), room=self.room, room_options=options)
        return avatar

    async def say(self, seconds: float = 1.0) -> None:
        async with asyncio.timeout(60):
            await self.session.say("la", audio=tone(440, seconds), add_to_chat_ctx=False).wait_for_playout()

    async def is_heard(self) -> None:
        hearing = asyncio.create_task(self.until(lambda: self.hears(440)))
        while not hearing.done():  # a listener on a busy machine can miss the beginning
            await self.say(1.5)
        await hearing


@pytest.fixture
async def stage(request, sandbox):
    """A stage in a room named as the test; nothing of ours is left running in the end."""
    async with Stage(sandbox, request.node.name) as stage:
        yield stage
    await asyncio.sleep(0)
    left = {task.get_coro().__qualname__ for task in asyncio.all_tasks()}
    assert not {name for name in left if "vatar" in name or "anam" in name}


@pytest.fixture
async def stranger(stage):
    """The room of somebody else who is there."""
    room = rtc.Room()
    await join(room, stage.name, "stranger")
    yield room
    await room.disconnect()


# --- The sandbox's avatar -------------------------------------------------------------------------


async def test_segments_queue_up_and_are_cleared_together(stage, stranger, caplog):
    """One `lk.playback_finished` for each segment, the ones that were never played too; what comes later is played.

    They may have any rate and channels. Only the agent that the token names is obeyed: nobody else can speak or clear.
    """
    theirs, ours = (
        DataStreamAudioOutput(room, destination_identity=AVATAR, wait_remote_track=VIDEO, wait_playback_start=True)
        for room in (stranger, stage.room)
    )
    told: list[Any] = []
    ours.on("playback_started", lambda event: told.append("started"))
    ours.on("playback_finished", lambda event: told.append((event.playback_position, event.interrupted)))

    async def send(output: DataStreamAudioOutput, *sound: float) -> None:
        async for frame in tone(*sound):
            await output.capture_frame(frame)
        output.flush()

    async def clear(room: rtc.Room) -> str:
        participant = room.local_participant
        return await participant.perform_rpc(destination_identity=AVATAR, method="lk.clear_buffer", payload="")

    stage.summon()
    await send(theirs, 880, 20)
    await send(ours, 440, 20, 48_000, 2)
    await send(ours, 660, 20)
    await stage.until(lambda: stage.hears(440))
    assert await clear(stranger) == "reject"
    assert told == ["started"]
    assert await clear(stage.room) == "ok"
    await stage.until(lambda: len(told) == 3)
    await send(ours, 550, 0.5)
    await stage.until(lambda: len(told) == 5)
    assert await clear(stage.room) == "ok", "nothing to clear is no error"
    await asyncio.sleep(0.5)
    assert told == ["started", (told[1][0], True), (0.0, True), "started", (0.5, False)]
    assert 0 < told[1][0] < 19
    assert "more times than" not in caplog.text


ENDS = {"stopped": Sandbox.end_all, "reset": Sandbox.reset, "sandbox_stopped": Sandbox.stop, "max_length": None}


@pytest.mark.parametrize("reason", ENDS)
async def test_it_leaves_with_its_session(stage, caplog, reason):
    """Whatever ends it."""
    caplog.set_level(logging.INFO, "anam_facade.sandbox")
    with Sandbox(livekit=True) as stage.sandbox:
        length = 4 if reason == "max_length" else None
        stage.summon(PersonaConfig(name="Cara", avatar_id=CARA.avatar_id, max_session_length_seconds=length))
        await stage.until(lambda: stage.history == ["joined"])
        state = stage.sandbox.state
        if (end := ENDS[reason]) is not None:
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
    seen = await stage.until(lambda: stage.picture)
    assert seen.width / seen.height == 768 / 1152  # an encoder may send less at first
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


async def test_when_the_answer_is_lost_the_room_tells(stage, sandbox, caplog):
    """The avatar came, so the start is a success; one session, whose id is not known. In token mode: test_rooms."""
    sandbox.inject(Fault(operation=START, times=1, status=500, processed=True))
    avatar = await stage.start(direct=True)
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


async def test_an_avatar_that_never_comes_or_leaves_ends_the_speech_with_an_error(stage, sandbox, stranger):
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

    # Others that leave are nothing.
    await stage.until(lambda: "stranger" in stage.room.remote_participants)
    await stranger.disconnect()
    await stage.until(lambda: "stranger" not in stage.room.remote_participants)
    assert len(stage.errors) == 1
    positions, begun = [], []
    stage.session.output.audio.on("playback_started", begun.append)
    stage.session.output.audio.on("playback_finished", lambda event: positions.append(event.playback_position))
    saying = asyncio.gather(stage.say(20), stage.say(20))  # what is being sent, and what waits behind it
    await stage.until(lambda: begun)
    sandbox.end_all()
    await saying
    assert 0 < positions[0] < 20
    assert f"left room {stage.name}" in str(stage.errors[1])
    assert stage.errors[1].joined
    await stage.say()
    assert len(stage.errors) == 2


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
