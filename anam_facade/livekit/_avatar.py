"""An Anam avatar for an agent session, on the framework's own base class: `livekit-plugins-anam` is not needed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Coroutine, Mapping
from functools import lru_cache
from logging import getLogger
from typing import Any

from livekit import api, rtc
from livekit.agents import AgentSession, ErrorEvent, JobContext, get_job_context
from livekit.agents.voice.avatar import AvatarSession as BaseAvatarSession
from livekit.agents.voice.avatar import DataStreamAudioOutput
from livekit.agents.voice.io import AudioOutput

from anam_api.support import Secret, as_secret

from .._join_token import AVATAR_IDENTITY
from ..client import AsyncAnamClient
from ..errors import AnamConfigError, AnamError, Problem
from ..persona import PersonaConfig
from ..session import LiveKitEnvironment, SessionOptions
from ._errors import framework_errors

logger = getLogger("anam_facade")

ON_BEHALF = "lk.publish_on_behalf"
SAMPLE_RATE = 24_000
LEAVING = 5.0
"""Seconds that LiveKit may take to remove a participant."""


class AvatarLostError(AnamError):
    """The avatar never came into the room, or left it: nothing is seen or heard of it. Its session may be billed.

    It is logged, and emitted as the agent session's `error` event.

    Attributes:
        joined: Whether the avatar had been in the room.
        session_id: Anam's id of the session; None when the answer to its start was lost.
        room: Name of the room.
        recoverable: False; read by handlers of the `error` event.
    """

    may_have_started = True
    recoverable = False

    def __init__(self, message: str, *, joined: bool, session_id: str | None, room: str) -> None:
        self.joined = joined
        self.session_id = session_id
        self.room = room
        super().__init__(message)


class AvatarSession(BaseAvatarSession):  # type: ignore[misc] # of a package that is not there when types are checked
    """Gives an agent session an Anam avatar: starts the session, and routes the agent's audio to it.

    Await `ctx.connect()` first, then `start`, then the agent session's own `start`. If the answer to the start is lost,
    the room is watched for the avatar: when it comes all is well, though `session_id` stays None; no second session is
    started. If the avatar never comes, or leaves, a speech that waits for it ends, and `AvatarLostError` is logged and
    emitted as the agent session's `error` event; should the avatar come back, the next speech goes to it.

    Args:
        persona: Who appears; a `PersonaConfig`, saved or not, or a mapping in the wire's form.
        session_options: How the session is recorded, encoded and placed.
        client: The client to start with, which stays yours to close. When not given, all avatar sessions of a
            process share one, made from `ANAM_API_KEY` and `ANAM_API_URL`.
        direct: One call with the API key instead of minting a token and starting with it: a round trip less, but no
            attempt whose answer is lost can be repeated.
        client_label: A label to find Anam's session by; at most 128 characters. The room's name when not given.
        avatar_participant_identity: The avatar's identity in the room; a room holds each identity once.
        join_timeout: Seconds within which the avatar must come, with its video.

    Attributes:
        session_id: Anam's id of the session; None before the start, and when the answer to it was lost.
    """

    def __init__(
        self,
        persona: PersonaConfig | Mapping[str, Any],
        *,
        session_options: SessionOptions | Mapping[str, Any] | None = None,
        client: AsyncAnamClient | None = None,
        direct: bool = False,
        client_label: str | None = None,
        avatar_participant_identity: str = AVATAR_IDENTITY,
        join_timeout: float = 30.0,
    ) -> None:
        super().__init__()
        self._persona, self._options = persona, session_options
        self._direct, self._label = direct, client_label
        self._identity, self._join_timeout = avatar_participant_identity, join_timeout
        self._client = client
        self._audio: _AvatarAudio  # as soon as the session is started, as is the next
        self._watch: asyncio.Task[None] | None = None
        self._started = False
        self._abandoned: str | None = None  # the room into which the avatar of a start that failed may come yet
        self.session_id: str | None = None

    @property
    def avatar_identity(self) -> str:
        """The avatar's identity in the room."""
        return self._identity

    @property
    def provider(self) -> str:
        """What the framework's metrics name as the avatar's provider."""
        return "anam"

    def prewarm(self) -> None:
        """Opens the connection to Anam in the background, so that `start` need not wait for it; the loop must run."""
        self._warming = asyncio.ensure_future(_ignore_errors(self._anam().warm_up()))

    async def start(
        self,
        agent_session: AgentSession,
        room: rtc.Room,
        *,
        livekit_url: str | None = None,
        livekit_api_key: str | None = None,
        livekit_api_secret: str | Secret | None = None,
    ) -> None:
        """Has the avatar join the room, and sends it what the agent session says.

        It returns when the session is started; `wait_for_join` waits until the avatar is there.

        Args:
            agent_session: The session whose speech the avatar speaks; before its own `start`.
            room: The room, connected.
            livekit_url: Address of the LiveKit server; `LIVEKIT_URL` when not given.
            livekit_api_key: The LiveKit project's API key; `LIVEKIT_API_KEY` when not given.
            livekit_api_secret: Its secret; `LIVEKIT_API_SECRET` when not given.

        Raises:
            AnamConfigError: Something is missing or not valid, or the room is not connected, or it holds this agent's
                avatar already; nothing was started.
            AnamError: The session was not started, or, when `may_have_started`, its avatar did not come within
                `join_timeout`. It is LiveKit's `APIError` too.
        """
        secret, livekit_api_secret = as_secret(livekit_api_secret), None
        if self._started:
            raise RuntimeError("this AvatarSession was started before; use a new one")
        if not room.isconnected():
            raise AnamConfigError(Problem("room", "", "must be connected: await ctx.connect() before start"))
        environment = LiveKitEnvironment.for_room(
            livekit_url,
            room=room.name,
            agent_identity=room.local_participant.identity,
            api_key=livekit_api_key,
            api_secret=secret,
            identity=self._identity,
        )
        self._started = True  # before anything is awaited: a second start meanwhile would start a second session
        try:
            await self._make_way(room)
            await super().start(agent_session, room)
            await self._start_engine(environment, room.name)
            self._audio = _AvatarAudio(room, self._identity)
            self._watch = asyncio.create_task(self._watch_join(room.name))
            agent_session.output.replace_audio_tail(self._audio)
            room.on("participant_disconnected", self._on_left)
            room.on("track_published", self._on_published)
        except BaseException as error:
            await self.aclose()  # or the base class waits on, and an avatar that came stays
            self._started = False
            if getattr(error, "may_have_started", True):  # cancelled, too
                self._abandoned = room.name
            raise

    async def aclose(self) -> None:
        """Removes the avatar from the room, which ends its session; called when the job ends.

        After a start that failed and may have started a session it removes an avatar that has come since.
        """
        if self._watch is not None:
            self._watch.cancel()
            self._audio.close()
        room = self._room
        if room is not None:
            room.off("participant_disconnected", self._on_left)
            room.off("track_published", self._on_published)
        await super().aclose()
        job = get_job_context(required=False)
        # A job leaves the room before it closes its avatar, and the base class removes nobody from a room it left.
        left = room.name if room is not None and not room.isconnected() else self._abandoned
        if left is not None and job is not None:
            await _remove(job, left, self._identity)

    async def _make_way(self, room: rtc.Room) -> None:
        """Sees to it that the avatar is not in the room yet: it could not be told from the one that is to come."""
        there, job = room.remote_participants.get(self._identity), get_job_context(required=False)
        if there is not None and job is not None and there.attributes.get(ON_BEHALF) != room.local_participant.identity:
            logger.warning("room %s holds the avatar of another agent's job; it is removed", room.name)
            await _remove(job, room.name, self._identity)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEAVING):
                    while self._identity in room.remote_participants:  # noqa: ASYNC110 - rtc has events, no awaitable
                        await asyncio.sleep(0.02)
        if self._identity in room.remote_participants:
            rule = f"must not hold a participant {self._identity}: another start would throw it out"
            raise AnamConfigError(Problem("room", room.name, rule))

    async def _start_engine(self, environment: LiveKitEnvironment, room: str) -> None:
        with framework_errors():
            try:
                session = await self._anam().start_session(
                    self._persona,
                    environment=environment,
                    session_options=self._options,
                    client_label=self._label or room[:128],
                    direct=self._direct,
                )
                self.session_id = session.session_id
            except AnamError as error:
                if not error.may_have_started:
                    raise
                logger.warning(
                    "the answer to the start was lost; watching room %s for %s, up to %g s",
                    room,
                    self._identity,
                    self._join_timeout,
                )
                try:
                    await self.wait_for_join(timeout=self._join_timeout)
                except (TimeoutError, RuntimeError):  # RuntimeError: the room was disconnected
                    raise error from error.__cause__
                logger.warning("the avatar came into room %s: going on; its session id is not known", room)

    async def _watch_join(self, room: str) -> None:
        try:
            await self.wait_for_join(timeout=self._join_timeout)
            self._audio.avatar_is_there()
        except TimeoutError:
            self._lost(f"did not come into room {room} within {self._join_timeout:g} s", joined=False)
        except RuntimeError:
            logger.debug("room %s was disconnected before the avatar came", room)

    def _on_left(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._identity:
            self._lost(f"left room {self._room.name}", joined=True)

    def _on_published(self, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._identity and publication.kind == rtc.TrackKind.KIND_VIDEO:
            self._audio.avatar_is_there()

    def _lost(self, what: str, *, joined: bool) -> None:
        name = "its id is not known" if self.session_id is None else self.session_id
        error = AvatarLostError(
            f"the avatar {self._identity} {what} (session {name})",
            joined=joined,
            session_id=self.session_id,
            room=self._room.name,
        )
        logger.error("%s", error)
        self._audio.avatar_is_lost()
        self._agent_session.emit("error", ErrorEvent(error=error, source=self))

    def _anam(self) -> AsyncAnamClient:
        if self._client is None:
            key = as_secret(os.environ.get("ANAM_API_KEY"))
            self._client = _shared(key, os.environ.get("ANAM_API_URL"))
        return self._client


class _AvatarAudio(DataStreamAudioOutput):  # type: ignore[misc]
    """Sends what the agent says to the avatar; while the avatar is lost, speeches end instead of waiting for ever."""

    def __init__(self, room: rtc.Room, identity: str) -> None:
        super().__init__(
            room=room,
            destination_identity=identity,
            sample_rate=SAMPLE_RATE,
            wait_remote_track=rtc.TrackKind.KIND_VIDEO,
            wait_playback_start=True,
        )
        self._there, self._lost = asyncio.Event(), asyncio.Event()
        # Of the segment that is open: whether it was counted here, and whether any of it was sent.
        self._counted = self._sent = False
        self._playing = 0  # segments sent as a whole whose end was not told yet
        self._playing_since: float | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        if not self._there.is_set():
            # The framework counts a segment when it is sent; one that may never be must be counted too, to be finished.
            await AudioOutput.capture_frame(self, frame)
            self._counted = True
            await _first(self._there.wait(), self._lost.wait())
        if not self._lost.is_set():
            self._sent = True
            await _first(super().capture_frame(frame), self._lost.wait())

    def flush(self) -> None:
        super().flush()
        counted, sent = self._counted, self._sent
        self._counted = self._sent = False
        if sent and not self._lost.is_set():
            self._playing += 1
        elif sent or counted:
            logger.warning("%s is not in the room: what the agent says is not heard", self._destination_identity)
            asyncio.get_running_loop().call_soon(self._cut_short)  # whoever flushes is not done with the segment yet

    def avatar_is_there(self) -> None:
        self._there.set()
        self._lost.clear()

    def avatar_is_lost(self) -> None:
        self._there.clear()
        self._lost.set()
        for _ in range(self._playing):
            self._cut_short()
        self._playing = 0

    def close(self) -> None:
        # The framework's own waiting for the avatar; it would fail, loudly, when the room is left.
        with contextlib.suppress(AttributeError):  # its name may change
            self._start_atask.cancel()

    def _cut_short(self) -> None:
        since, self._playing_since = self._playing_since, None
        super().on_playback_finished(
            playback_position=time.time() - since if since is not None else 0.0, interrupted=True
        )

    def on_playback_started(self, *, created_at: float) -> None:
        self._playing_since = created_at
        super().on_playback_started(created_at=created_at)

    def on_playback_finished(self, **event: Any) -> None:
        self._playing, self._playing_since = max(0, self._playing - 1), None
        super().on_playback_finished(**event)


async def _remove(job: JobContext, room: str, identity: str) -> None:
    try:
        await job.api.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=identity))
    except Exception as error:  # whatever it is: closing goes on
        if getattr(error, "code", None) != api.TwirpErrorCode.NOT_FOUND:
            logger.warning("%s could not be removed from room %s: %s", identity, room, error)


async def _first(*works: Coroutine[Any, Any, Any]) -> None:
    """Waits for the first of them, cancels the rest, and raises what the first raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in done:
        task.result()


@lru_cache(maxsize=4)
def _shared(key: Secret | None, url: str | None) -> AsyncAnamClient:
    """The client of all sessions of this process that were given none; its connections end with their event loop."""
    return AsyncAnamClient(key, url)


async def _ignore_errors(work: Awaitable[None]) -> None:
    with contextlib.suppress(AnamError):  # the start will meet it too, and retry
        await work
