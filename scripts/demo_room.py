"""An agent with an avatar in a room on this machine, and what a person there sees and hears: `make rooms ARGS=demo`.

It runs a livekit-server, the sandbox with its avatar, `examples/livekit_agent.py` and a listener, all on loopback, and
ends with the picture that the listener saw, saved to a file. It needs no account and sends nothing anywhere.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from anam_facade.sandbox import Sandbox
from tests.livekit import room as livekit_room

ROOT = Path(__file__).resolve().parents[1]
ROOM = "demo"
SCALE = (262, 294, 330, 349, 392)


def main(picture: Path) -> int:
    with livekit_room.server() as livekit, Sandbox(livekit=True) as sandbox, tempfile.TemporaryDirectory() as scratch:
        print(f"livekit-server at {livekit.url}, the sandbox at {sandbox.base_url}")
        anam = {"ANAM_API_KEY": sandbox.api_key, "ANAM_API_URL": sandbox.base_url}
        log = Path(scratch, "agent.log")
        with log.open("w") as file:
            agent = subprocess.Popen(
                [sys.executable, "examples/livekit_agent.py", "dev", "--no-reload"],
                cwd=ROOT,
                env=os.environ | livekit.environment | anam,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        try:
            _wait_for("registered worker", log)  # a room that is made before gets no agent
            asyncio.run(_listen(livekit, sandbox, picture))
        except TimeoutError:
            print(f"FAILED: the agent does not sing. It wrote:\n{log.read_text()[-4000:]}", file=sys.stderr)
            return 1
        finally:
            agent.terminate()
            agent.wait(30)
    return 0


def _wait_for(words: str, log: Path, within: float = 60.0) -> None:
    deadline = time.monotonic() + within
    while words not in log.read_text():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)


async def _listen(livekit: livekit_room.Server, sandbox: Sandbox, picture: Path) -> None:
    began = time.time()
    async with livekit_room.Listener(livekit, ROOM) as listener:
        print(f"a listener is in room {ROOM!r}")
        await listener.until(lambda: listener.frames)
        for at, who, what in listener.seen:
            print(f"  {at - began:4.1f} s  {who} {what}")
        print(f"  {(listener.first_frame_at or 0) - began:4.1f} s  its first picture was seen")
        heard: list[int] = []
        await listener.until(lambda: _note(listener.tone()))
        while (pitch := listener.tone()) is not None:
            if (note := _note(pitch)) and note not in heard:
                heard.append(note)
                listener.save_picture(picture)
            await asyncio.sleep(0.02)
        print(f"  {time.time() - began:4.1f} s  it was silent again, after {', '.join(f'{hz} Hz' for hz in heard)}")
    (session,) = sandbox.sessions
    print(f"session {session.id} of persona {session.persona['name']!r}; {listener.frames} pictures seen")
    print(f"the picture it saw: {picture}")


def _note(pitch: float | None) -> int | None:
    """The note of the scale that a pitch is, if it is one."""
    return next((hz for hz in SCALE if pitch is not None and abs(pitch - hz) < 6), None)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", type=Path, default=Path("demo-room.png"), help="where to save what was seen")
    sys.exit(main(parser.parse_args().picture))
