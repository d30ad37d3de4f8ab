"""A room with an agent, without a job around it, and a listener."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from livekit import rtc
from livekit.agents import Agent, AgentSession

from anam_facade import AnamClient, LiveKitEnvironment, PersonaConfig, SessionOptions
from anam_facade.livekit import AvatarSession
from tests.livekit.room import AVATAR, RATE, Listener, tone, wave

if TYPE_CHECKING:
    from anam_facade.sandbox import Sandbox, Session
    from tests.livekit.room import Server

CARA = PersonaConfig(name="Cara", avatar_id="30fa96d0-26c4-4e55-94a0-517025942e18")


class Stage:
    """What an agent does there: by hand (`summon`, `send`, `clear`), or with our `AvatarSession` (`start`, `say`).

    Attributes:
        told: What the avatar has told an agent by hand: "started", or how a playback finished.
        errors: Those of the agent session's `error` events.
    """

    def __init__(self, livekit: Server, sandbox: Sandbox, name: str) -> None:
        self.livekit, self.sandbox, self.name = livekit, sandbox, name
        self.room, self.session = rtc.Room(), AgentSession()
        self.listener = Listener(livekit, name)
        self.until, self.when = self.listener.until, self.listener.when
        self.told: list[Any] = []
        self.errors: list[Any] = []
        self._avatars: list[AvatarSession] = []

    async def __aenter__(self) -> Self:
        await self.listener.__aenter__()
        await self.room.connect(self.livekit.url, self.livekit.token(self.name, "agent"))
        methods = {"started": lambda data: "started", "finished": lambda data: json.loads(data.payload)}
        for name, read in methods.items():
            self.room.local_participant.register_rpc_method(
                f"lk.playback_{name}", lambda data, read=read: self.told.append(read(data)) or "ok"
            )
        self.session.on("error", lambda event: self.errors.append(event.error))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.aclose()
        for avatar in self._avatars:
            await avatar.aclose()
        await self.room.disconnect()
        await self.listener.__aexit__()

    @property
    def record(self) -> Session:
        """The latest session, as it is known now."""
        return self.sandbox.sessions[-1]

    def summon(
        self, persona: PersonaConfig = CARA, *, options: SessionOptions | None = None, agent: str = "agent", **key: str
    ) -> str:
        """Starts a session for this room, and returns its id."""
        environment = LiveKitEnvironment.for_room(room=self.name, agent_identity=agent, **key)
        with AnamClient(self.sandbox.api_key, self.sandbox.base_url) as client:
            return client.start_session(persona, environment=environment, session_options=options).session_id

    async def send(
        self, hz: float, seconds: float, *, rate: int = RATE, channels: int = 1, by: rtc.Room | None = None
    ) -> None:
        """Sends the avatar a segment: a tone, on the first channel."""
        writer = await (by or self.room).local_participant.stream_bytes(
            name="speech",
            topic="lk.audio_stream",
            destination_identities=[AVATAR],
            attributes={"sample_rate": str(rate), "num_channels": str(channels)},
        )
        samples = np.zeros((int(rate * seconds), channels), np.int16)
        samples[:, 0] = wave(hz, seconds, rate)
        await writer.write(samples.tobytes())
        await writer.aclose()

    async def clear(self, by: rtc.Room | None = None) -> str:
        participant = (by or self.room).local_participant
        answer = await participant.perform_rpc(destination_identity=AVATAR, method="lk.clear_buffer", payload="")
        return str(answer)

    async def start(self, persona: PersonaConfig = CARA, **settings: Any) -> AvatarSession:
        avatar = AvatarSession(persona, **settings)
        self._avatars.append(avatar)
        await avatar.start(self.session, self.room)
        await self.session.start(Agent(instructions=""), room=self.room)
        return avatar

    async def say(self, seconds: float = 1.0) -> None:
        async with asyncio.timeout(60):
            await self.session.say("la", audio=tone(440, seconds), add_to_chat_ctx=False).wait_for_playout()

    async def is_heard(self) -> None:
        hearing = asyncio.create_task(self.until(lambda: self.listener.hears(440)))
        while not hearing.done():  # a listener on a busy machine can miss the beginning
            await self.say(1.5)
        await hearing
