"""An avatar in the LiveKit room: what the sandbox's sessions get with `Sandbox(livekit=True)`.

It joins with the session's LiveKit token, shows a test picture with the persona's name, plays back the audio that the
agent sends it, and speaks the protocol of LiveKit's avatar plugins:

| from → to      | what                          | meaning                                                         |
|----------------|-------------------------------|-----------------------------------------------------------------|
| agent → avatar | byte stream `lk.audio_stream` | one segment of speech, s16le; the end of the stream ends it     |
| agent → avatar | RPC `lk.clear_buffer`         | drop what was not played: `ok`, or `reject` from somebody else  |
| avatar → agent | RPC `lk.playback_started`     | a segment's first audio plays; older agents do not know it      |
| avatar → agent | RPC `lk.playback_finished`    | JSON `playback_position` (seconds), `interrupted`: once a segment |

Whoever removes the avatar from the room ends its session. Needs `pip install "anam_facade[livekit]"`.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

from livekit import rtc
from PIL import Image, ImageDraw, ImageFont

from .._hosts import is_loopback
from .masking import MASK
from .server import logger
from .state import Listener, Session, State

RATE, FPS = 24_000, 25
"""Samples and pictures a second that are published."""

AUDIO_TOPIC = "lk.audio_stream"

_IDLE = 10.0
"""Seconds without audio after which a segment counts as ended, for the end of a stream can get lost."""

_ANSWER_FIRST = 0.1
"""Seconds between the answer to `lk.clear_buffer` and `lk.playback_finished`: agents count wrong when they cross."""

# LiveKit's threads still tell what happened after they were told to end, and a Python that is gone by then makes them
# abort the process: 10 of 120 that ended right after they had been in a room. What is registered first comes last.
atexit.register(time.sleep, 0.5)


class Avatars(Listener):
    """The avatars of a sandbox, in its server's event loop: a picture takes less than a millisecond there.

    Args:
        anywhere: Join rooms on other machines too. A test picture does not belong into somebody's production room.
        clock: Returns the time, in seconds since the epoch.
    """

    def __init__(self, *, anywhere: bool, clock: Callable[[], float]) -> None:
        self._anywhere, self._clock = anywhere, clock
        # By session: what has the avatar leave, with the reason; and what it does.
        self._avatars: dict[str, tuple[asyncio.Future[str], asyncio.Task[None]]] = {}

    def started(self, state: State, session: Session) -> None:
        """Sends an avatar, if the session has a LiveKit room."""
        if session.livekit_url is None:
            return
        if not (self._anywhere or is_loopback(urlsplit(session.livekit_url).hostname or "")):
            logger.warning("avatar of session %s: does not join, for the room is not on this machine", session.id)
            return
        leaving: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        # At once, not when all is cleared away: its slot is free.
        leaving.add_done_callback(lambda _: state.end(session.id, leaving.result()))
        self._avatars[session.id] = leaving, asyncio.create_task(self._run(state, session, leaving))
        if state.running(session.id) is None:  # its end was told before
            _leave(leaving, "stopped")

    def ended(self, state: State, session: Session) -> None:
        """Has the session's avatar leave, if it is there."""
        if (avatar := self._avatars.get(session.id)) is not None:
            avatar[0].get_loop().call_soon_threadsafe(_leave, avatar[0], session.end_reason or "stopped")

    async def aclose(self) -> None:
        """Has all avatars leave."""
        avatars = list(self._avatars.values())
        for leaving, _ in avatars:
            _leave(leaving, "sandbox_stopped")
        await asyncio.gather(*(task for _, task in avatars))

    async def _run(self, state: State, session: Session, leaving: asyncio.Future[str]) -> None:
        fault, token = session.fault, str(session.environment.get("livekitToken"))

        def note(what: str, **facts: Any) -> None:
            # rtc's errors quote the token.
            logger.info("avatar of session %s: %s", session.id, what.replace(token, MASK))
            if facts:
                state.note(session.id, **facts)

        try:
            # Whatever fault it is, the avatar can be told to leave before it comes.
            patience = 0.0 if fault is None else None if fault.avatar_never_joins else fault.avatar_joins_after
            await asyncio.wait([leaving], timeout=patience)
            if not leaving.done():
                avatar = Avatar(session, leaving, note)
                await avatar.join(str(session.livekit_url), token)
                note(f"joined room {session.livekit_room!r}", joined_at=self._clock())
                if fault is not None and fault.avatar_leaves_after is not None:
                    leaving.get_loop().call_later(fault.avatar_leaves_after, _leave, leaving, "avatar_left")
                try:
                    await avatar.play()
                finally:
                    await avatar.leave()
                    note("left the room", left_at=self._clock())
        except Exception as error:  # what goes wrong in a room must not take the sandbox with it
            note(f"failed: {type(error).__name__}: {error}")
            _leave(leaving, "avatar_failed")
        finally:
            del self._avatars[session.id]
            note(f"ended: {leaving.result()}")


class Avatar:
    """The avatar of a session. It leaves when `leaving` is done, which it sets when it is put out of the room."""

    def __init__(self, session: Session, leaving: asyncio.Future[str], note: Callable[[str], object]) -> None:
        options = session.session_options
        self._size = size = int(options.get("videoWidth", 720)), int(options.get("videoHeight", 480))
        self._name = str(session.persona.get("name") or session.persona.get("personaId", ""))
        self._mute = session.fault is not None and session.fault.avatar_never_finishes
        self._leaving, self._note = leaving, note
        self._room = rtc.Room()
        self._audio = rtc.AudioSource(RATE, 1, queue_size_ms=200)
        self._video = rtc.VideoSource(*size)
        self._agent: str | None = None
        # With each segment the number of clearings before it came: it is not played when there was another since.
        self._segments: asyncio.Queue[tuple[int, rtc.ByteStreamReader]] = asyncio.Queue()
        self._clearings = 0
        self._playing: asyncio.Task[None] | None = None
        # What the agent is to be told, method and payload, in this order.
        self._news: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._loudness = self._position = 0.0

    async def join(self, url: str, token: str) -> None:
        """Connects to the room.

        Raises:
            rtc.ConnectError: It was not let in. The message quotes the token.
        """
        put_out = rtc.DisconnectReason.Name
        self._room.on("disconnected", lambda reason: _leave(self._leaving, put_out(reason).lower()))
        # Before connecting, so that nothing an eager agent sends is missed.
        self._room.register_byte_stream_handler(AUDIO_TOPIC, self._heard)
        await self._room.connect(url, token, rtc.RoomOptions(auto_subscribe=False))
        self._agent = self._room.local_participant.attributes.get("lk.publish_on_behalf")
        self._room.local_participant.register_rpc_method("lk.clear_buffer", self._clear)

    async def play(self) -> None:
        """Shows the picture and plays what it is sent, until it has to leave."""
        me = self._room.local_participant
        # Both at once: one negotiation less until the first picture is seen.
        await asyncio.gather(
            me.publish_track(
                rtc.LocalAudioTrack.create_audio_track("avatar_audio", self._audio),
                rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE),
            ),
            me.publish_track(
                rtc.LocalVideoTrack.create_video_track("avatar_video", self._video),
                rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, simulcast=False),
            ),
        )
        forever = [asyncio.create_task(work) for work in (self._show(), self._speak(), self._tell())]
        ends: list[asyncio.Future[Any]] = [self._leaving, *forever]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in forever:
            task.cancel()
        for failure in await asyncio.gather(*forever, return_exceptions=True):
            if isinstance(failure, Exception):
                raise failure

    async def leave(self) -> None:
        """Leaves the room and frees what the avatar holds."""
        await self._room.disconnect()
        await self._audio.aclose()
        await self._video.aclose()

    async def _show(self) -> None:
        picture = await asyncio.to_thread(Picture, self._name, *self._size)
        number, began = 0, time.monotonic()
        while True:
            self._video.capture_frame(picture.frame(self._loudness))
            # A busy machine skips pictures rather than falling behind.
            number = max(number + 1, int((time.monotonic() - began) * FPS))
            await asyncio.sleep(max(0.0, began + number / FPS - time.monotonic()))

    def _heard(self, reader: rtc.ByteStreamReader, sender: str) -> None:
        # Who the avatar speaks for stands in its token; without that it is whoever speaks first.
        self._agent = self._agent or sender
        if sender == self._agent:
            self._segments.put_nowait((self._clearings, reader))
        else:
            _drop(reader)

    def _clear(self, data: rtc.RpcInvocationData) -> str:
        if data.caller_identity != self._agent:
            return "reject"
        self._clearings += 1
        if self._playing is not None:
            self._playing.cancel()
        return "ok"

    async def _speak(self) -> None:
        while True:
            clearings, reader = await self._segments.get()
            self._position, interrupted = 0.0, True
            if clearings == self._clearings:
                self._playing = asyncio.create_task(self._play(reader))
                (failure,) = await asyncio.gather(self._playing, return_exceptions=True)
                interrupted = failure is not None
                if isinstance(failure, Exception):  # not when it was cleared
                    self._note(f"a segment broke off: {type(failure).__name__}: {failure}")
            if interrupted:
                _drop(reader)
                self._position = max(0.0, self._position - self._audio.queued_duration)
                self._audio.clear_queue()
                await asyncio.sleep(_ANSWER_FIRST)
            self._loudness = 0.0
            if not self._mute:
                said = {"playback_position": round(self._position, 3), "interrupted": interrupted}
                self._news.put_nowait(("lk.playback_finished", json.dumps(said)))

    async def _play(self, reader: rtc.ByteStreamReader) -> None:
        """Plays a segment; cancelled by `_clear`."""
        attributes = reader.info.attributes or {}
        rate, channels = int(attributes["sample_rate"]), int(attributes["num_channels"])
        resampler = None if rate == RATE else rtc.AudioResampler(rate, RATE)
        step, rest, chunks = rate // 50 * channels * 2, b"", aiter(reader)
        while chunk := await _next(chunks):
            rest += chunk
            while len(rest) >= step:
                piece, rest = rest[:step], rest[step:]
                await self._hear(piece, rate, channels, resampler)
        await self._hear(rest[: len(rest) // (2 * channels) * 2 * channels], rate, channels, resampler)
        await self._audio.wait_for_playout()

    async def _hear(self, piece: bytes, rate: int, channels: int, resampler: rtc.AudioResampler | None) -> None:
        samples = memoryview(piece).cast("h")[::channels]  # the first channel will do
        if not samples:
            return
        frame = rtc.AudioFrame(samples.tobytes(), rate, 1, len(samples))
        self._loudness = max(map(abs, samples)) / 32768
        for part in [frame] if resampler is None else resampler.push(frame):
            await self._audio.capture_frame(part)
        if self._position == 0.0:
            self._news.put_nowait(("lk.playback_started", ""))
        self._position += len(samples) / rate

    async def _tell(self) -> None:
        while True:
            method, payload = await self._news.get()
            self._note(f"{method} {payload}".rstrip())
            try:
                await self._room.local_participant.perform_rpc(
                    destination_identity=self._agent or "", method=method, payload=payload
                )
            except rtc.RpcError as error:
                if error.code != rtc.RpcError.ErrorCode.UNSUPPORTED_METHOD:
                    self._note(f"{method}: {error.message}")


class Picture:
    """A face with the persona's name and the word "sandbox", whose mouth opens with the sound."""

    def __init__(self, name: str, width: int, height: int) -> None:
        self.width, self.height = width, height
        image = Image.new("RGB", (width, height), "#1f2a44")
        draw = ImageDraw.Draw(image)
        middle, unit = width / 2, min(width, height) / 12
        eye_line = height / 2 - 1.5 * unit
        draw.ellipse((middle - 3 * unit, height / 2 - 4 * unit, middle + 3 * unit, height / 2 + 3 * unit), "#f2c79b")
        for x in (middle - 1.2 * unit, middle + 1.2 * unit):
            draw.ellipse((x - unit / 3, eye_line - unit / 3, x + unit / 3, eye_line + unit / 3), "#222222")
        self._mouth = (middle, height / 2 + unit, unit)
        lines = ((" ".join(name.split())[:60], height / 2 + 4 * unit, 1.2 * unit), ("sandbox", height - unit, unit))
        for text, y, size in lines:
            font = ImageFont.load_default(size)
            if (longest := draw.textlength(text, font)) > 0.9 * width:
                font = ImageFont.load_default(size * 0.9 * width / longest)
            draw.text((middle, y), text, "white", font, anchor="mm")
        self._luma, *chroma = image.convert("YCbCr").split()
        half = ((width + 1) // 2, (height + 1) // 2)
        self._chroma = b"".join(plane.resize(half).tobytes() for plane in chroma)

    def frame(self, loudness: float) -> rtc.VideoFrame:
        """The picture while a sound is heard, of a loudness from 0 to 1."""
        luma, (x, y, unit) = self._luma.copy(), self._mouth
        opening = unit * (0.08 + min(1.0, 2 * loudness))
        ImageDraw.Draw(luma).ellipse((x - unit, y - opening, x + unit, y + opening), 30)
        return rtc.VideoFrame(
            self.width, self.height, rtc.VideoBufferType.I420, bytearray(luma.tobytes() + self._chroma)
        )


def _leave(leaving: asyncio.Future[str], reason: str) -> None:
    if not leaving.done():
        leaving.set_result(reason)


def _drop(reader: rtc.ByteStreamReader) -> None:
    # Older versions of rtc free a stream that was not read to its end with the room, and have no `close`.
    getattr(reader, "close", lambda: None)()


async def _next(chunks: AsyncIterator[bytes]) -> bytes:
    """The next piece of a stream; nothing when it has ended."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_IDLE):
            return await anext(chunks, b"")
    return b""
