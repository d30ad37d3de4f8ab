"""A LiveKit server on this machine, and a person in a room who says what is seen and heard there.

    with server() as livekit:
        async with Listener(livekit, "a-room", agent="face") as listener:
            await listener.until(lambda: listener.frames > 0)

The server is `LIVEKIT_SERVER`, one on the PATH, or what `make rooms ARGS=build` builds. It listens on loopback alone,
on free ports, and ends with the `with`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from livekit import api, rtc
from PIL import Image

from scripts import tools

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

AVATAR = "anam-avatar-agent"
RATE = 24_000


def wave(hz: float, seconds: float, rate: int = RATE) -> np.ndarray:
    """A tone, as samples of 16 bits."""
    samples: np.ndarray = 12_000 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)
    return samples.astype(np.int16)


async def tone(hz: float, seconds: float) -> AsyncIterator[rtc.AudioFrame]:
    """A tone, as what an agent says."""
    for piece in wave(hz, seconds).reshape(-1, RATE // 50):
        yield rtc.AudioFrame(piece.tobytes(), RATE, 1, len(piece))


@dataclass(frozen=True)
class Server:
    """A running server: what stands in `LIVEKIT_URL`, `LIVEKIT_API_KEY` and `LIVEKIT_API_SECRET`."""

    url: str
    api_key: str = "devkey"
    api_secret: str = field(default="for-tests-on-one-machine-only-1234567890", repr=False)

    @property
    def environment(self) -> dict[str, str]:
        return {"LIVEKIT_URL": self.url, "LIVEKIT_API_KEY": self.api_key, "LIVEKIT_API_SECRET": self.api_secret}

    def token(self, room: str, identity: str, *, agent: str | None = None) -> str:
        """A token to join with; whoever joins first has that agent sent into the room."""
        token = api.AccessToken(self.api_key, self.api_secret).with_identity(identity)
        token = token.with_grants(api.VideoGrants(room_join=True, room=room))
        if agent is not None:
            token = token.with_room_config(api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name=agent)]))
        return str(token.to_jwt())

    async def send(self, agent: str, room: str) -> None:
        """Has an agent sent into a room, as whoever looks after a fleet does when a worker has died."""
        async with api.LiveKitAPI(self.url, self.api_key, self.api_secret) as server:
            await server.agent_dispatch.create_dispatch(api.CreateAgentDispatchRequest(agent_name=agent, room=room))


@contextlib.contextmanager
def server() -> Iterator[Server]:
    """A server for as long as the `with` lasts.

    Raises:
        RuntimeError: There is none, or it does not start.
    """
    program = tools.livekit_server()
    if program is None:
        raise RuntimeError("there is no livekit-server: `make rooms ARGS=build` builds one, with Go")
    port, udp = _free_port(socket.SOCK_STREAM), _free_port(socket.SOCK_DGRAM)
    running = Server(f"ws://127.0.0.1:{port}")
    # JSON is YAML. `--dev` would listen on every address.
    config = {
        "port": port,
        "bind_addresses": ["127.0.0.1"],
        "keys": {running.api_key: running.api_secret},
        "rtc": {
            "udp_port": udp,
            "tcp_port": 0,
            "node_ip": "127.0.0.1",
            "use_external_ip": False,
            "enable_loopback_candidate": True,
            "interfaces": {"includes": ["lo"]},
            "ips": {"includes": ["127.0.0.1/32"]},
        },
        "room": {"empty_timeout": 5, "departure_timeout": 1},
    }
    command = [program, "--config-body", json.dumps(config)]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 30
            while not _answers(f"http://127.0.0.1:{port}/"):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise RuntimeError(f"livekit-server does not start:\n{log.read()[-2000:]}")
                time.sleep(0.05)
            yield running
        finally:
            process.kill()  # asked to end, it would wait for the rooms to empty
            process.wait()


def _free_port(kind: int) -> int:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1):
        return True
    return False


class Listener:
    """A person in a room. Attributes are what was seen; times are seconds since the epoch.

    Attributes:
        seen: Who came and went: (time, identity, "joined" or "left").
        frames: Pictures of the avatar.
        first_frame_at: When the first one was seen.
    """

    def __init__(self, server: Server, room: str, *, agent: str | None = None) -> None:
        self._server, self._name, self._agent = server, room, agent
        self.room = rtc.Room()
        self.seen: list[tuple[float, str, str]] = []
        self.frames = 0
        self.first_frame_at: float | None = None
        self._picture: rtc.VideoFrame | None = None
        self._sound = np.zeros(RATE // 2, np.int16)
        self._heard_at = 0.0
        self._tasks: dict[int, asyncio.Task[None]] = {}  # kind of track → who watches it

    async def __aenter__(self) -> Self:
        self.room.on("participant_connected", lambda who: self._note(who, "joined"))
        self.room.on("participant_disconnected", lambda who: self._note(who, "left"))
        self.room.on("track_subscribed", self._subscribed)
        token = self._server.token(self._name, "listener", agent=self._agent)
        await self.room.connect(self._server.url, token)
        for who in self.room.remote_participants.values():
            self._note(who, "joined")
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self.room.disconnect()

    def _note(self, who: rtc.RemoteParticipant, what: str) -> None:
        self.seen.append((time.time(), who.identity, what))

    def when(self, what: str, who: str | None = None) -> list[float]:
        """When somebody, or else the avatar, "joined" or "left"."""
        return [at for at, identity, happened in self.seen if (identity, happened) == (who or AVATAR, what)]

    def history(self) -> list[str]:
        """How often the avatar came and went: "joined", "left", "joined" …"""
        return [what for _, who, what in self.seen if who == AVATAR]

    @property
    def agent(self) -> str | None:
        """The identity of the agent, when it is there."""
        there, kind = self.room.remote_participants.values(), rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
        agents = [who.identity for who in there if who.kind == kind and who.identity != AVATAR]
        return agents[-1] if agents else None  # the latest: one that was killed stays for a while

    async def ask(self, method: str, *, timeout: float = 60.0, **arguments: Any) -> Any:
        """Has the agent do something, and returns what it answers."""
        await self.until(lambda: self.agent is not None)
        asking, deadline = json.dumps(arguments), time.monotonic() + timeout
        while True:
            try:
                answer = await self.room.local_participant.perform_rpc(
                    destination_identity=self.agent or "", method=method, payload=asking, response_timeout=timeout
                )
                return json.loads(answer)
            except rtc.RpcError as error:  # it is in the room already, and not ready yet
                if error.code != rtc.RpcError.ErrorCode.UNSUPPORTED_METHOD or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.1)

    async def until(self, condition: Callable[[], Any], *, within: float = 60.0) -> Any:
        """Waits until something is the case, and returns it.

        Raises:
            TimeoutError: It has not come about.
        """
        async with asyncio.timeout(within):
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

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of what was seen last."""
        return None if self._picture is None else (self._picture.width, self._picture.height)

    def save_picture(self, path: Path) -> None:
        """Writes what was seen last as a PNG."""
        assert self._picture is not None
        frame = self._picture.convert(rtc.VideoBufferType.RGB24)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.frombytes("RGB", (frame.width, frame.height), bytes(frame.data)).save(path)

    def _subscribed(self, track: rtc.Track, _: object, who: rtc.RemoteParticipant) -> None:
        if who.identity == AVATAR:
            # One track of a kind at a time. A stream whose avatar left before it was opened does not end: it repeats
            # what the next avatar sends, and the two, piece by piece in turns, are another tone.
            if track.kind in self._tasks:
                self._tasks[track.kind].cancel()
            work = self._watch(track) if track.kind == rtc.TrackKind.KIND_VIDEO else self._listen(track)
            self._tasks[track.kind] = asyncio.create_task(work)

    async def _watch(self, track: rtc.Track) -> None:
        async with contextlib.aclosing(rtc.VideoStream(track)) as stream:
            async for event in stream:
                self.frames += 1
                self.first_frame_at = self.first_frame_at or time.time()
                self._picture = event.frame

    async def _listen(self, track: rtc.Track) -> None:
        async with contextlib.aclosing(rtc.AudioStream(track, sample_rate=RATE, num_channels=1)) as stream:
            async for event in stream:
                samples = np.frombuffer(event.frame.data, np.int16)
                self._sound = np.concatenate([self._sound, samples])[-RATE // 2 :]
                self._heard_at = time.time()
