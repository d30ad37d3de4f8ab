"""Real parts: a LiveKit server, agents in processes of their own, a sandbox whose avatars join. Run by `make rooms`."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from anam_facade import AnamClient, LiveKitEnvironment, PersonaConfig
from anam_facade.sandbox import Sandbox, Session

try:
    import numpy as np
    from livekit import rtc
    from livekit.agents import Agent, AgentSession
    from livekit.agents.voice.room_io import RoomOptions

    from anam_facade.livekit import AvatarSession
    from tests.livekit.room import AVATAR, CARA, RATE, Listener, running, server, tone, wave
except ModuleNotFoundError:
    pytest.skip("LiveKit's libraries are not installed here: `make rooms`", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[2]
START = "createEngineSession"
NO_SLOT = {"error": "Concurrent session limit reached"}

report: list[str] = []
"""What the run prints at its end."""


def pytest_configure(config: pytest.Config) -> None:
    # What Anam's engine could not join, the sandbox's avatar can.
    config.addinivalue_line("filterwarnings", "ignore:.* is this machine")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for line in report:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    """A LiveKit server and a sandbox whose avatars join its rooms; both are where the environment says."""
    with server(), Sandbox(livekit=True) as sandbox, pytest.MonkeyPatch.context() as environment:
        environment.setenv("ANAM_API_KEY", sandbox.api_key)
        environment.setenv("ANAM_API_URL", sandbox.base_url)
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    """The sandbox, as new."""
    running_sandbox.reset()
    return running_sandbox


@contextmanager
def worker(client: str, version: str = "1.8.9") -> Iterator[subprocess.Popen[bytes]]:
    """A process that serves agent jobs under the name "face", with the plugin of that version; see `agent`."""
    folder = ROOT / "tests" / "livekit"
    command = ["node", folder / "npm/agent.mjs"] if client == "npm" else [sys.executable, folder / "agent.py", client]
    # An older plugin comes before the one that is installed, which has no such folder.
    path = [str(ROOT / ".peers" / f"livekit-plugins-anam-{version}"), os.environ["PYTHONPATH"]]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path)}
    with running(*map(str, command), ready="ready\n", env=environment, stderr=None) as process:
        yield process


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Stage(Listener):
    """An agent without a job around it, which is played by hand (`summon`, `send`, `clear`) or has our `AvatarSession`
    (`start`, `say`), and who listens, too.

    Attributes:
        name: The room's.
        told: What the avatar has told an agent by hand: "started", or how a playback finished.
        errors: Those of the agent session's `error` events.
    """

    def __init__(self, sandbox: Sandbox, name: str) -> None:
        super().__init__(name, identity="agent")
        self.sandbox, self.name, self.session = sandbox, name, AgentSession()
        self.told: list[Any] = []
        self.errors: list[Any] = []
        self._avatars: list[AvatarSession] = []

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        reads = {"started": lambda data: "started", "finished": lambda data: json.loads(data.payload)}
        for name, read in reads.items():
            self.room.local_participant.register_rpc_method(
                f"lk.playback_{name}", lambda data, read=read: self.told.append(read(data)) or "ok"
            )
        self.session.on("error", lambda event: self.errors.append(event.error))
        return self

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

    async def send(self, hz: float, seconds: float, rate: int = RATE, channels: int = 1, by: Any = None) -> None:
        """Sends the avatar a segment: a tone, on the first channel."""
        writer = await (by or self.room).local_participant.stream_bytes(
            name="speech",
            topic="lk.audio_stream",
            destination_identities=[AVATAR],
            attributes={"sample_rate": str(rate), "num_channels": str(channels)},
        )
        silence = [np.zeros(int(rate * seconds), np.int16)] * (channels - 1)
        await writer.write(np.stack([wave(hz, seconds, rate), *silence], axis=1).tobytes())
        await writer.aclose()

    async def clear(self, by: rtc.Room | None = None) -> str:
        """Asks the avatar to drop what it has not played, and returns its answer."""
        participant = (by or self.room).local_participant
        return await participant.perform_rpc(destination_identity=AVATAR, method="lk.clear_buffer", payload="")

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
async def stage(request: pytest.FixtureRequest, sandbox: Sandbox) -> AsyncIterator[Stage]:
    """A stage in a room named as the test; nothing of ours is left running in the end."""
    async with Stage(sandbox, request.node.name) as stage:
        yield stage
    await asyncio.sleep(0)
    left = {task.get_coro().__qualname__ for task in asyncio.all_tasks()}
    assert not {name for name in left if "vatar" in name or "anam" in name}
