"""Clients people use, and ours, in a real room: an agent says something, is interrupted, speaks again, and leaves."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anam_facade.sandbox import Fault
from tests.livekit.conftest import CLIENTS, tables
from tests.livekit.room import Listener

if TYPE_CHECKING:
    from anam_facade.sandbox import Sandbox
    from tests.livekit.room import Server

RUNS = int(os.environ.get("ROOMS_RUNS", "1"))
PICTURES = Path(os.environ.get("ROOMS_PICTURES", ".rooms"))


def test_an_agent_has_a_face(livekit: Server, sandbox: Sandbox, client: str) -> None:
    """One session, a picture, the very tone that was said; silence when interrupted; nobody left behind."""
    for run in range(RUNS):
        asyncio.run(talk(livekit, sandbox, client, run))


async def talk(livekit: Server, sandbox: Sandbox, client: str, run: int) -> None:
    before = len(sandbox.sessions)
    async with Listener(livekit, f"{client} {run}", agent="face") as listener:
        outcome = await listener.ask("outcome")
        assert outcome["ok"], outcome
        await listener.until(lambda: listener.frames > 5)

        saying = asyncio.create_task(listener.ask("say", hz=440, seconds=3))
        heard = await listener.until(lambda: listener.hears(440))
        said = await saying
        assert said == {"interrupted": False, "playbacks": [{"position": 3.0, "interrupted": False}]}

        saying = asyncio.create_task(listener.ask("say", hz=660, seconds=30))
        await listener.until(lambda: listener.hears(660))
        listener.save_picture(PICTURES / f"{client}.png")
        await listener.ask("interrupt")
        said = await saying
        (playback,) = said["playbacks"]
        assert said["interrupted"]
        assert playback["interrupted"]
        assert 0 < playback["position"] < 29
        await listener.until(lambda: listener.tone() is None)

        said = await listener.ask("say", hz=550, seconds=1)
        assert said == {"interrupted": False, "playbacks": [{"position": 1.0, "interrupted": False}]}

        leaving = time.time()
        await listener.ask("leave")
        await listener.until(lambda: listener.when("left"))
        sessions = sandbox.sessions[before:]
        assert len(sessions) == 1
        assert sessions[0].joined_at is not None
        (joined,), (left,) = listener.when("joined"), listener.when("left")
        await listener.until(lambda: not sandbox.active_sessions)
    assert sandbox.sessions[-1].end_reason == "participant_removed"
    began, first_frame_at = outcome["began"], listener.first_frame_at or 0.0
    heading = ("client", "started s", "sessions", "joined s", "first frame s", "heard Hz", "interrupted at s", "left s")
    tables.setdefault(heading, []).append(
        (
            *(client, outcome["started"], len(sessions), joined - began, first_frame_at - began, round(heard)),
            *(playback["position"], left - leaving),
        )
    )


FAULTS = {
    "503 twice": Fault(operation="createEngineSession", status=503, times=2),
    "no slot": None,
    "reset after the start": Fault(operation="createEngineSession", times=1, close="after"),
    "500 after the start": Fault(operation="createEngineSession", times=1, status=500, processed=True),
}
"""What goes wrong at the start."""

FINE, NOTHING, UNCERTAIN = (True, None, "joined"), (False, False, ""), (False, False, "joined")
TWICE = (True, None, "joined left joined")
EXPECTED = {
    "503 twice": (FINE, (False, True, ""), FINE, FINE, FINE, FINE),
    "no slot": ((False, True, ""), (False, True, ""), NOTHING, NOTHING, NOTHING, (False, None, "")),
    "reset after the start": (TWICE, UNCERTAIN, UNCERTAIN, UNCERTAIN, FINE, (False, None, "joined")),
    "500 after the start": (TWICE, (False, True, "joined"), UNCERTAIN, UNCERTAIN, FINE, (False, None, "joined")),
}
"""Fault → for each of `CLIENTS`: whether the program has a face, else whether the error says to try again; and what
the others in the room see of the avatar. There are as many sessions as it joined."""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_start_goes_wrong(livekit: Server, sandbox: Sandbox, client: str, fault: str) -> None:
    """The plugin starts a second session, or leaves the first to itself; ours has one, and looks whether it came."""
    if (injected := FAULTS[fault]) is not None:
        sandbox.inject(injected)
    else:
        sandbox.configure(max_sessions=0)
    asyncio.run(survive(livekit, sandbox, client, fault))


async def survive(livekit: Server, sandbox: Sandbox, client: str, fault: str) -> None:
    has_face, retryable, seen = EXPECTED[fault][list(CLIENTS).index(client)]
    async with Listener(livekit, f"{client} {fault}", agent="face") as listener:
        outcome = await listener.ask("outcome")
        await listener.until(lambda: len(sandbox.sessions) >= seen.count("joined"))
        await listener.until(lambda: len(listener.history()) >= len(seen.split()))
        await asyncio.sleep(1)
        assert (outcome["ok"], outcome.get("retryable")) == (has_face, retryable), outcome
        assert " ".join(listener.history()) == seen
        assert len(sandbox.sessions) == seen.count("joined")
        if has_face:
            said = await listener.ask("say", hz=440, seconds=0.5)
            assert not said["interrupted"]
    heading = ("fault", "client", "a face", "after s", "error to be retried", "sessions", "the avatar was seen to have")
    result = ("yes" if has_face else "no", outcome["seconds"], {True: "yes", False: "no"}.get(retryable, ""))
    tables.setdefault(heading, []).append((fault, client, *result, len(sandbox.sessions), seen))
