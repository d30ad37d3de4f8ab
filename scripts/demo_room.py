"""An agent with an avatar in a room on this machine, and what a person there sees and hears: `make rooms ARGS=demo`.

It runs a livekit-server, the sandbox with its avatar, `examples/livekit_agent.py` and a listener, all on loopback, and
ends with the picture that the listener saw, saved to a file. It needs no account and sends nothing anywhere.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path

from anam_facade.sandbox import Sandbox
from tests.livekit.room import Listener, running, server

ROOT = Path(__file__).resolve().parents[1]
ROOM = "demo"
SCALE = (262, 294, 330, 349, 392)


def main(picture: Path) -> None:
    with server(), Sandbox(livekit=True) as sandbox:
        print(f"livekit-server at {os.environ['LIVEKIT_URL']}, the sandbox at {sandbox.base_url}")
        environment = os.environ | {"ANAM_API_KEY": sandbox.api_key, "ANAM_API_URL": sandbox.base_url}
        agent = [sys.executable, str(ROOT / "examples" / "livekit_agent.py"), "dev", "--no-reload"]
        # A room that is made before it is registered gets no agent.
        with running(*agent, ready="registered worker", env=environment):
            asyncio.run(listen(sandbox, picture))


async def listen(sandbox: Sandbox, picture: Path) -> None:
    began = time.time()
    async with Listener(ROOM) as listener:
        print(f"a listener is in room {ROOM!r}")
        await listener.until(lambda: listener.frames)
        for at, who, what in listener.seen:
            print(f"  {at - began:4.1f} s  {who} {what}")
        print(f"  {(listener.first_frame_at or 0) - began:4.1f} s  its first picture was seen")
        heard: list[int] = []
        await listener.until(lambda: note(listener.tone()))
        while (pitch := listener.tone()) is not None:
            if (hz := note(pitch)) and hz not in heard:
                heard.append(hz)
                listener.save_picture(picture)
            await asyncio.sleep(0.02)
        print(f"  {time.time() - began:4.1f} s  it was silent again, after {', '.join(f'{hz} Hz' for hz in heard)}")
    (session,) = sandbox.sessions
    print(f"session {session.id} of persona {session.persona['name']!r}; {listener.frames} pictures seen")
    print(f"the picture it saw: {picture}")


def note(pitch: float | None) -> int | None:
    """The note of the scale that a pitch is, if it is one."""
    return next((hz for hz in SCALE if pitch is not None and abs(pitch - hz) < 6), None)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", type=Path, default=Path("demo-room.png"), help="where to save what was seen")
    main(parser.parse_args().picture)
