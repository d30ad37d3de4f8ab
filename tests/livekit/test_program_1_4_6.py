"""A program of the plugin's 1.4.6, as it is, over our `AnamAPI`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.livekit.conftest import running
from tests.livekit.room import Listener

if TYPE_CHECKING:
    from anam_facade.sandbox import Sandbox
    from tests.livekit.room import Server


def test_it_runs_unmodified(livekit: Server, sandbox: Sandbox) -> None:
    """`AnamAPI` itself, and the plugin's own `AvatarSession`: each starts one session, and the tone is heard."""
    with running(livekit, sandbox, "run_over_ours.py", "program_1_4_6", version="1.4.6") as process:
        assert process.stdout is not None
        for number, room in enumerate(("api", "avatar")):
            asyncio.run(listen(livekit, room))
            assert process.stdout.readline() == f"session {sandbox.sessions[number].id} by 1.4.6 over anam_facade\n"
    assert [request.path for request in sandbox.requests] == ["/v1/auth/session-token", "/v1/engine/session"] * 2


async def listen(livekit: Server, room: str) -> None:
    async with Listener(livekit, room) as listener:
        await listener.until(lambda: listener.hears(440))
        assert len(listener.when("joined")) == 1
