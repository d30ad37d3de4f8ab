"""Agents in processes of their own: clients people use, and ours, in a real room; the example; a fleet of workers."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import AsyncExitStack
from pathlib import Path

import demo_room
import pytest
from livekit import api
from PIL import Image

from anam_facade.sandbox import Fault
from tests.livekit.conftest import NO_SLOT, ROOT, START, report, worker
from tests.livekit.room import AVATAR, Listener, kill

pytestmark = pytest.mark.anyio


def test_the_example_is_seen_and_heard(tmp_path, capsys):
    """`make rooms ARGS=demo`: the notes that `examples/livekit_agent.py` sings, in order, and a picture of a face."""
    picture = tmp_path / "seen.png"
    demo_room.main(picture)
    told = capsys.readouterr().out
    heard = [int(hz) for hz in re.findall(r"(\d+) Hz", told)]
    assert len(heard) >= 3
    assert heard == sorted(heard)
    assert "of persona 'Cara'" in told
    assert max(high - low for low, high in Image.open(picture).convert("RGB").getextrema()) > 100


async def test_a_worker_dies_and_another_takes_over(sandbox):
    """The server spreads the jobs; each room has one avatar and no more, also when its agent is replaced."""
    served: dict[str, int] = {}
    listeners: dict[str, Listener] = {}
    with worker("ours") as one, worker("ours") as other:
        async with AsyncExitStack() as stack:
            # A worker's load is a tenth for each job; the server offers no job to one with seven.
            while len(served) < 4 or set(served.values()) != {one.pid, other.pid}:
                room = f"fleet {len(served)}"
                listeners[room] = await stack.enter_async_context(Listener(room, agent="face"))
                outcome = await listeners[room].outcome()
                assert "error" not in outcome, outcome
                served[room] = outcome["worker"]

            # One slot to spare: what the dead worker leaves behind goes when its room is taken over, one by one.
            sandbox.configure(max_sessions=len(served) + 1)
            dead = served["fleet 0"]
            kill(dead)
            lost = [room for room, by in served.items() if by == dead]
            rooms = await stack.enter_async_context(api.LiveKitAPI())
            for room in lost:
                # The dead agent is still in the room, for LiveKit has not noticed; another job is not sent by itself.
                listener, before = listeners[room], listeners[room].agent
                dispatch = api.CreateAgentDispatchRequest(agent_name="face", room=room)
                await rooms.agent_dispatch.create_dispatch(dispatch)
                await listener.until(lambda listener=listener, before=before: listener.agent not in (None, before))
                outcome = await listener.outcome()
                assert "error" not in outcome, outcome
                assert outcome["worker"] in {one.pid, other.pid} - {dead}

            for room, listener in listeners.items():
                await listener.until(lambda listener=listener: listener.history[-1] == "joined")
                assert listener.history == (["joined", "left", "joined"] if room in lost else ["joined"])
                assert [who for who in listener.room.remote_participants if who == AVATAR] == [AVATAR]
                assert not (await listener.ask("say", hz=440, seconds=0.5))["interrupted"]
            # The label is the room's name: what belongs to which room can be told without LiveKit.
            assert sorted(session.label for session in sandbox.active_sessions) == sorted(served)
            ended = [session.end_reason for session in sandbox.sessions if not session.active]
            assert ended == ["participant_removed"] * len(lost)


FAULTS = {
    "503 twice": Fault(operation=START, status=503, times=2),
    "no slot": Fault(operation=START, status=429, body=NO_SLOT),
    "reset after the start": Fault(operation=START, times=1, close="after"),
    "500 after the start": Fault(operation=START, times=1, status=500, processed=True),
}
"""What goes wrong at the start."""

FACE, TWICE = "a face, joined", "a face, joined left joined"
RETRY, FINAL, ERROR = "error to be retried, ", "final error, ", "error, "
OVER_OURS = [FACE, FINAL, FINAL + "joined", FINAL + "joined"]
CLIENTS = {
    "plugin 1.8.9": ("plugin", "1.8.9", [FACE, RETRY, TWICE, TWICE]),
    "plugin 1.6.10": ("plugin", "1.6.10", [RETRY, RETRY, FINAL + "joined", RETRY + "joined"]),
    "plugin 1.8.9 over ours": ("plugin over ours", "1.8.9", OVER_OURS),
    "plugin 1.4.6 over ours": ("plugin over ours", "1.4.6", OVER_OURS),
    "ours": ("ours", "1.8.9", [FACE, FINAL, FACE, FACE]),
    "npm plugin 1.5.0": ("npm", "1.8.9", [FACE, ERROR, ERROR + "joined", ERROR + "joined"]),
}
"""Where an agent's avatar comes from: what `agent` calls it, the plugin's version, and what comes of each of `FAULTS`:
what the program has, and what the others in the room see of the avatar. There are as many sessions as it joined."""


@pytest.fixture(scope="module", params=CLIENTS)
def client(request, running_sandbox):
    """One of `CLIENTS`, with a worker that serves jobs with it."""
    kind, version, _ = CLIENTS[request.param]
    if kind == "npm" and not (ROOT / "tests/livekit/npm/node_modules").exists():
        pytest.skip("Node is not installed")
    with worker(kind, version):
        yield request.param


async def test_an_agent_has_a_face(sandbox, client):
    """One session, a picture, the very tone that was said; silence when interrupted; nobody left behind."""
    async with Listener(client, agent="face") as listener:
        outcome = await listener.outcome()
        assert "error" not in outcome, outcome
        await listener.until(lambda: listener.frames > 5)

        saying = asyncio.create_task(listener.ask("say", hz=440, seconds=3))
        heard = await listener.until(lambda: listener.hears(440))
        assert await saying == {"interrupted": False, "playbacks": [{"position": 3.0, "interrupted": False}]}

        saying = asyncio.create_task(listener.ask("say", hz=660, seconds=30))
        await listener.until(lambda: listener.hears(660))
        listener.save_picture(Path(".rooms", f"{client}.png"))
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
        await listener.until(lambda: listener.history == ["joined", "left"])
        await listener.until(lambda: not sandbox.active_sessions)
    (session,), (joined, left) = sandbox.sessions, [at for at, who, _ in listener.seen if who == AVATAR]
    assert session.joined_at is not None
    assert session.end_reason == "participant_removed"
    began, interrupted_at = outcome["began"], playback["position"]
    report.append(
        f"{client:22} | 1 session | started {outcome['seconds']:.2f} s | joined {joined - began:.2f} s | first frame "
        f"{listener.first_frame_at - began:.2f} s | heard {heard:.0f} Hz | interrupted at {interrupted_at:.2f} s "
        f"| left {left - leaving:.2f} s"
    )


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_start_goes_wrong(sandbox, client, fault):
    """The plugin starts a second session, or leaves the first to itself; ours has one, and looks whether it came."""
    expected = dict(zip(FAULTS, CLIENTS[client][2], strict=True))[fault]
    sandbox.inject(FAULTS[fault])
    async with Listener(f"{client} {fault}", agent="face") as listener:
        outcome = await listener.outcome()
        retryable = outcome.get("retryable", "no error")
        told = {"no error": "a face, ", True: RETRY, False: FINAL, None: ERROR}[retryable]
        await listener.until(lambda: len(listener.history) >= expected.count("joined") + expected.count("left"))
        await asyncio.sleep(1)
        assert told + " ".join(listener.history) == expected, outcome
        assert len(sandbox.sessions) == expected.count("joined")
        if "error" not in outcome:
            assert not (await listener.ask("say", hz=440, seconds=0.5))["interrupted"]
    report.append(f"{fault:21} | {client:22} | {outcome['seconds']:5.2f} s | {expected}")
