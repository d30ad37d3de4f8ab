"""A LiveKit agent with an Anam avatar. No account is needed: `make rooms ARGS=demo` runs it on this machine alone.

Elsewhere: LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET and ANAM_API_KEY, then `python livekit_agent.py start`. This
one sings a scale; yours has an STT, an LLM and a TTS in its AgentSession, and its avatar speaks what they say.
"""

from collections.abc import AsyncIterator

import numpy as np
from livekit import rtc
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, cli

from anam_facade import PersonaConfig
from anam_facade.livekit import AvatarSession

server = AgentServer(host="127.0.0.1")


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    session: AgentSession = AgentSession()
    avatar = AvatarSession(PersonaConfig(name="Cara", avatar_id="30fa96d0-26c4-4e55-94a0-517025942e18"))
    avatar.prewarm()
    await ctx.connect()
    await avatar.start(session, ctx.room)  # before session.start: it routes the agent's audio to the avatar
    await session.start(Agent(instructions=""), room=ctx.room)
    await avatar.wait_for_join()
    await session.say("la la la", audio=scale())


async def scale() -> AsyncIterator[rtc.AudioFrame]:
    for hz in (262, 294, 330, 349, 392):
        samples = (12_000 * np.sin(2 * np.pi * hz * np.arange(12_000) / 24_000)).astype(np.int16)
        yield rtc.AudioFrame(samples.tobytes(), sample_rate=24_000, num_channels=1, samples_per_channel=12_000)


if __name__ == "__main__":
    cli.run_app(server)
