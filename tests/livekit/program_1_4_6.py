"""A program of the time of livekit-plugins-anam 1.4.6, as its documentation had it: nothing in it knows this package.

`api` calls `AnamAPI` itself; `avatar` is the plugin's own `AvatarSession` in an agent's job.
"""

from __future__ import annotations

import os

import numpy as np
from livekit import api, rtc
from livekit.agents import Agent, AgentServer, AgentSession, APIConnectOptions, JobContext
from livekit.agents.voice.avatar import DataStreamAudioOutput
from livekit.plugins import anam
from livekit.plugins.anam.api import AnamAPI

IDENTITY = "anam-avatar-agent"
PERSONA = anam.PersonaConfig(name="Cara", avatarId="30fa96d0-26c4-4e55-94a0-517025942e18")

server = AgentServer(load_fnc=lambda: 0.0, host="127.0.0.1", port=0)
server.on("worker_registered", lambda *_: print("ready", flush=True))


async def tone():
    samples = (12_000 * np.sin(2 * np.pi * 440 * np.arange(10 * 24_000) / 24_000)).astype(np.int16)
    for piece in samples.reshape(-1, 480):
        yield rtc.AudioFrame(piece.tobytes(), 24_000, 1, 480)


async def direct(ctx: JobContext, session: AgentSession) -> str:
    """Does by hand what the plugin's `AvatarSession` does, with a token of `livekit-api`'s."""
    token = api.AccessToken().with_kind("agent").with_identity(IDENTITY).with_name(IDENTITY)
    token = token.with_grants(api.VideoGrants(room_join=True, room=ctx.room.name))
    token = token.with_attributes({"lk.publish_on_behalf": ctx.room.local_participant.identity})
    options = APIConnectOptions(max_retry=2, retry_interval=0.1)
    async with AnamAPI(os.environ["ANAM_API_KEY"], os.environ["ANAM_API_URL"], conn_options=options) as anam_api:
        session_token = await anam_api.create_session_token(
            persona_config=PERSONA, livekit_url=os.environ["LIVEKIT_URL"], livekit_token=token.to_jwt()
        )
        details = await anam_api.start_engine_session(session_token=session_token)
    session.output.audio = DataStreamAudioOutput(
        room=ctx.room, destination_identity=IDENTITY, sample_rate=24_000, wait_remote_track=rtc.TrackKind.KIND_VIDEO
    )
    return details.get("sessionId")


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    await ctx.connect()
    session = AgentSession()
    if ctx.room.name.startswith("api"):
        session_id = await direct(ctx, session)
    else:
        avatar = anam.AvatarSession(persona_config=PERSONA)
        await avatar.start(session, ctx.room)
        session_id = avatar.session_id
    package = anam.avatar.AnamAPI.__module__.partition(".")[0]
    print(f"session {session_id} by {anam.__version__} over {package}", flush=True)
    await session.start(Agent(instructions=""), room=ctx.room)
    await session.say("la", audio=tone(), add_to_chat_ctx=False)
