"""A LiveKit agent that does what the listener in its room asks for: `agent.py CLIENT`.

CLIENT says where its avatar comes from: "plugin", "plugin over ours" or "ours". It has no account of any kind: its
speech is a tone. How the start of the avatar ended is its attribute `outcome`; after that it answers the RPCs `say`
(`hz`, `seconds`: whether it was interrupted, and the playbacks that were told), `interrupt` and `leave`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
import time
from typing import Any

from livekit import api, rtc
from livekit.agents import Agent, AgentServer, AgentSession, JobContext
from livekit.plugins import anam

from anam_facade.livekit import AvatarSession, install
from tests.livekit.room import AVATAR, CARA, tone

CLIENT = sys.argv[1]

# `load_fnc`: by default a busy machine is sent no job. `host`: the health check would listen on every address.
server = AgentServer(
    load_fnc=lambda server: len(server.active_jobs) / 10, host="127.0.0.1", port=0, num_idle_processes=1
)
# A room that is made before gets no agent.
server.on("worker_registered", lambda *_: print("ready", flush=True))


@server.rtc_session(agent_name="face")
async def entrypoint(ctx: JobContext) -> None:
    await ctx.connect()
    session: AgentSession = AgentSession()
    if CLIENT == "ours":
        avatar = AvatarSession(CARA)
    else:
        avatar = anam.AvatarSession(persona_config=anam.PersonaConfig(name=CARA.name, avatarId=CARA.avatar_id))
    playbacks: list[dict[str, Any]] = []

    async def say(data: rtc.RpcInvocationData) -> str:
        playbacks.clear()
        said = session.say("la", audio=tone(**json.loads(data.payload)), add_to_chat_ctx=False)
        await said.wait_for_playout()
        # On a busy machine the framework gives up an interrupted speech before the avatar has told its end.
        while not playbacks:  # noqa: ASYNC110 - the framework has events, no awaitable
            await asyncio.sleep(0.02)
        return json.dumps({"interrupted": said.interrupted, "playbacks": playbacks})

    async def interrupt(data: rtc.RpcInvocationData) -> str:
        await session.interrupt(force=True)
        return "null"

    async def leave(data: rtc.RpcInvocationData) -> str:  # the job ends with its room
        if hasattr(avatar, "aclose"):
            await avatar.aclose()
        else:  # an old plugin's
            who = api.RoomParticipantIdentity(room=ctx.room.name, identity=AVATAR)
            await ctx.api.room.remove_participant(who)
        return "null"

    for answer in (say, interrupt, leave):
        ctx.room.local_participant.register_rpc_method(answer.__name__, answer)
    began = time.time()
    outcome: dict[str, Any] = {"began": began, "worker": os.getpgid(0)}
    try:
        await avatar.start(session, ctx.room)
        outcome["seconds"] = time.time() - began
        await session.start(Agent(instructions=""), room=ctx.room)
        session.output.audio.on(
            "playback_finished",
            lambda event: playbacks.append({"position": event.playback_position, "interrupted": event.interrupted}),
        )
    except Exception as error:
        retryable = getattr(error, "retryable", None)
        outcome |= {"seconds": time.time() - began, "error": str(error), "retryable": retryable}
    await ctx.room.local_participant.set_attributes({"outcome": json.dumps(outcome)})


if CLIENT == "plugin over ours":
    install()

if __name__ == "__main__":
    logging.basicConfig(level="INFO", format="%(asctime)s %(process)d %(name)s %(message)s")
    with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
        asyncio.run(server.run())
