"""A LiveKit agent that does what the listener in its room asks for: `agent.py NAME CLIENT`.

CLIENT says where its avatar comes from: "plugin", "plugin over ours" or "ours". It has no account of any kind: its
speech is a tone. It answers these RPCs:

| RPC         | argument        | answer                                                                           |
|-------------|-----------------|----------------------------------------------------------------------------------|
| `outcome`   |                 | when the start began; whether the avatar came and how long it took, or the error |
| `say`       | `hz`, `seconds` | when it was said: whether it was interrupted, and the playbacks that were counted |
| `interrupt` |                 |                                                                                  |
| `leave`     |                 | removes the avatar                                                                |
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from livekit import rtc
from livekit.agents import Agent, AgentServer, AgentSession, JobContext

from tests.livekit.room import tone

AVATAR_ID = "30fa96d0-26c4-4e55-94a0-517025942e18"

NAME, CLIENT = sys.argv[1:3]


def plugin() -> Any:
    from livekit.plugins import anam

    return anam.AvatarSession(persona_config=anam.PersonaConfig(name="Cara", avatarId=AVATAR_ID))


def plugin_over_ours() -> Any:
    from anam_facade.livekit import install

    install()
    return plugin()


def ours() -> Any:
    from anam_facade import PersonaConfig
    from anam_facade.livekit import AvatarSession

    return AvatarSession(PersonaConfig(name="Cara", avatar_id=AVATAR_ID))


CLIENTS: dict[str, Callable[[], Any]] = {"plugin": plugin, "plugin over ours": plugin_over_ours, "ours": ours}

# `load_fnc`: by default a busy machine is sent no job. `host`: the health check would listen on every address.
server = AgentServer(
    load_fnc=lambda server: len(server.active_jobs) / 10, host="127.0.0.1", port=0, num_idle_processes=1
)
# A room that is made before gets no agent.
server.on("worker_registered", lambda *_: print("ready", flush=True))


@server.rtc_session(agent_name=NAME)
async def entrypoint(ctx: JobContext) -> None:
    await ctx.connect()
    session: AgentSession = AgentSession()
    avatar = CLIENTS[CLIENT]()
    outcome: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    playbacks: list[dict[str, Any]] = []

    async def say(hz: float, seconds: float) -> dict[str, Any]:
        playbacks.clear()
        said = session.say("la", audio=tone(hz, seconds), add_to_chat_ctx=False)
        await said.wait_for_playout()
        # On a busy machine the framework gives up an interrupted speech before the avatar has told its end.
        while not playbacks:  # noqa: ASYNC110 - the framework has events, no awaitable
            await asyncio.sleep(0.02)
        return {"interrupted": said.interrupted, "playbacks": playbacks}

    answers: dict[str, Callable[..., Awaitable[Any]]] = {
        "outcome": lambda: outcome,
        "say": say,
        "interrupt": lambda: session.interrupt(force=True),
        "leave": avatar.aclose,  # the job ends with its room
    }

    def register(method: str, answer: Callable[..., Awaitable[Any]]) -> None:
        async def handle(data: rtc.RpcInvocationData) -> str:
            return json.dumps(await answer(**json.loads(data.payload)))

        ctx.room.local_participant.register_rpc_method(method, handle)

    for method, answer in answers.items():
        register(method, answer)

    began = time.time()
    try:
        await avatar.start(session, ctx.room)
        started = time.time() - began
        await session.start(Agent(instructions=""), room=ctx.room)
        session.output.audio.on(
            "playback_finished",
            lambda event: playbacks.append({"position": event.playback_position, "interrupted": event.interrupted}),
        )
        await avatar.wait_for_join(timeout=15)
    except Exception as error:
        told = {"ok": False, "error": str(error), "retryable": getattr(error, "retryable", None)}
    else:
        told = {"ok": True, "started": started}
    outcome.set_result({"began": began, "seconds": time.time() - began, "worker": os.getpgid(0), **told})


if __name__ == "__main__":
    logging.basicConfig(level="INFO", format="%(asctime)s %(process)d %(name)s %(message)s")
    with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
        asyncio.run(server.run())
