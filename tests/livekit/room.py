"""A LiveKit server on this machine, and a person in a room who says what is seen and heard there.

    with server():
        async with Listener("a-room", agent="face") as listener:
            await listener.until(lambda: listener.frames > 0)

The server is `LIVEKIT_SERVER`, one on the PATH, or what `make rooms ARGS=build` builds. It listens on loopback alone,
on free ports, and ends with the `with`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from unittest import mock

import numpy as np
from livekit import api, rtc
from PIL import Image

from anam_facade import PersonaConfig
from scripts import tools

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

AVATAR = "anam-avatar-agent"
CARA = PersonaConfig(name="Cara", avatar_id="30fa96d0-26c4-4e55-94a0-517025942e18")
RATE = 24_000


async def tone(hz: float, seconds: float, rate: int = RATE, channels: int = 1) -> AsyncIterator[rtc.AudioFrame]:
    """A tone on the first channel, as what an agent says."""
    samples = np.zeros((int(seconds * rate), channels), np.int16)
    samples[:, 0] = 12_000 * np.sin(2 * np.pi * hz * np.arange(len(samples)) / rate)
    for piece in samples.reshape(-1, rate // 50, channels):
        yield rtc.AudioFrame(piece.tobytes(), rate, channels, len(piece))


@contextlib.contextmanager
def running(*command: str, ready: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A program with what it starts, from when it has written `ready` to the end of the `with`; then it is killed.

    What it wrote is shown when anything goes wrong meanwhile.

    Raises:
        RuntimeError: It does not start.
    """
    with tempfile.NamedTemporaryFile() as log:
        output = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "start_new_session": True}
        process = subprocess.Popen(command, **output | options)
        try:
            deadline = time.monotonic() + 60
            while ready not in Path(log.name).read_text("utf-8"):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"{command[0]} does not start")
                time.sleep(0.05)
            yield process
        except BaseException:
            print(Path(log.name).read_text("utf-8")[-4000:], file=sys.stderr)
            raise
        finally:
            kill(process.pid)
            process.wait()


def kill(group: int) -> None:
    """Ends a program of `running`, and what it has started, at once."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


@contextlib.contextmanager
def server() -> Iterator[None]:
    """A LiveKit server for as long as the `with` lasts: `LIVEKIT_URL` and its credentials lead to it.

    Raises:
        RuntimeError: There is none, or it does not start.
    """
    program = tools.livekit_server()
    if program is None:
        raise RuntimeError("there is no livekit-server: `make rooms ARGS=build` builds one, with Go")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    key, secret = "devkey", "for-tests-on-one-machine-only-1234567890"
    # JSON is YAML. `--dev` would listen on every address.
    loopback = {"node_ip": "127.0.0.1", "ips": {"includes": ["127.0.0.1/32"]}, "enable_loopback_candidate": True}
    config = {
        "port": port,
        "bind_addresses": ["127.0.0.1"],
        "keys": {key: secret},
        "rtc": {"tcp_port": 0, "interfaces": {"includes": ["lo"]}, **loopback},
        "room": {"empty_timeout": 5, "departure_timeout": 1},
    }
    where = {"LIVEKIT_URL": f"ws://127.0.0.1:{port}", "LIVEKIT_API_KEY": key, "LIVEKIT_API_SECRET": secret}
    running_server = running(program, "--config-body", json.dumps(config), ready="starting LiveKit server")
    with mock.patch.dict(os.environ, where), running_server:
        yield


async def join(room: rtc.Room, name: str, identity: str, *, agent: str | None = None) -> None:
    """Joins a room under a name; whoever joins first has that agent sent into it."""
    # What a task of LiveKit's own raises is logged, as it is where no test runner looks.
    asyncio.get_running_loop().set_exception_handler(None)
    token = api.AccessToken().with_identity(identity).with_grants(api.VideoGrants(room_join=True, room=name))
    if agent is not None:
        token = token.with_room_config(api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name=agent)]))
    await room.connect(os.environ["LIVEKIT_URL"], token.to_jwt())


class Listener:
    """A person in a room. Attributes are what was seen; times are seconds since the epoch.

    Attributes:
        name, room: The room's name; their connection to it.
        seen: Who came and went: (time, identity, "joined" or "left").
        frames: How many pictures of the avatar.
        first_frame_at: When the first one was seen.
        picture: The last one.
    """

    def __init__(self, name: str, *, identity: str = "listener", agent: str | None = None) -> None:
        self.name, self._identity, self._agent = name, identity, agent
        self.room = rtc.Room()
        self.seen: list[tuple[float, str, str]] = []
        self.frames = 0
        self.first_frame_at: float | None = None
        self.picture: rtc.VideoFrame | None = None
        self._sound = np.zeros(RATE // 2, np.int16)
        self._heard_at = 0.0
        self._tasks: dict[int, asyncio.Task[None]] = {}  # kind of track → who watches it

    async def __aenter__(self) -> Self:
        def note(who: rtc.RemoteParticipant, what: str = "joined") -> None:
            self.seen.append((time.time(), who.identity, what))

        self.room.on("participant_connected", note)
        self.room.on("participant_disconnected", lambda who: note(who, "left"))
        self.room.on("track_subscribed", self._subscribed)
        await join(self.room, self.name, self._identity, agent=self._agent)
        for who in self.room.remote_participants.values():
            note(who)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self.room.disconnect()

    @property
    def history(self) -> list[str]:
        """How often the avatar came and went: "joined", "left", "joined" …"""
        return [what for _, who, what in self.seen if who == AVATAR]

    @property
    def agent(self) -> rtc.RemoteParticipant | None:
        """The agent, when its start of an avatar has come to an end."""
        agents = [who for who in self.room.remote_participants.values() if "outcome" in who.attributes]
        return agents[-1] if agents else None  # the latest: one that was killed stays for a while

    async def outcome(self) -> dict[str, Any]:
        """How that ended."""
        return json.loads((await self.until(lambda: self.agent)).attributes["outcome"])

    async def ask(self, method: str, **arguments: Any) -> Any:
        """Has the agent do something, and returns what it answers."""
        agent, asking = await self.until(lambda: self.agent), json.dumps(arguments)
        answer = await self.room.local_participant.perform_rpc(
            destination_identity=agent.identity, method=method, payload=asking, response_timeout=60
        )
        return json.loads(answer)

    async def until(self, condition: Callable[[], Any]) -> Any:
        """Waits until something is the case, and returns it.

        Raises:
            TimeoutError: It has not come about within a minute.
        """
        async with asyncio.timeout(60):
            while not (found := condition()):  # noqa: ASYNC110 - nobody sets an event for what is asked here
                await asyncio.sleep(0.02)
            return found

    def hears(self, hz: float) -> float | None:
        """The pitch that is heard, when it is this one."""
        heard = self.tone()
        # Not exactly: on a busy machine WebRTC stretches what comes late.
        return heard if heard is not None and abs(heard - hz) < 0.04 * hz else None

    def tone(self) -> float | None:
        """The pitch, in Hz, of what was heard from the avatar in the last half second; None for silence."""
        samples = self._sound.astype(float)
        if time.time() - self._heard_at > 0.5 or np.abs(samples).max() < 500:
            return None
        return float(np.abs(np.fft.rfft(samples * np.hanning(len(samples)))).argmax() * RATE / len(samples))

    def save_picture(self, path: Path) -> None:
        """Writes what was seen last as a PNG."""
        assert self.picture is not None
        frame = self.picture.convert(rtc.VideoBufferType.RGB24)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.frombytes("RGB", (frame.width, frame.height), bytes(frame.data)).save(path)

    def _subscribed(self, track: rtc.Track, _: object, who: rtc.RemoteParticipant) -> None:
        if who.identity == AVATAR:
            # One track of a kind at a time. A stream whose avatar left before it was opened does not end: it repeats
            # what the next avatar sends, and the two, piece by piece in turns, are another tone.
            if track.kind in self._tasks:
                self._tasks[track.kind].cancel()
            self._tasks[track.kind] = asyncio.create_task(self._follow(track))

    async def _follow(self, track: rtc.Track) -> None:
        is_video = track.kind == rtc.TrackKind.KIND_VIDEO
        stream = rtc.VideoStream(track) if is_video else rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        async with contextlib.aclosing(stream):
            async for event in stream:
                if is_video:
                    self.frames, self.picture = self.frames + 1, event.frame
                    self.first_frame_at = self.first_frame_at or time.time()
                else:
                    heard, self._heard_at = np.frombuffer(event.frame.data, np.int16), time.time()
                    self._sound = np.concatenate([self._sound, heard])[-RATE // 2 :]
