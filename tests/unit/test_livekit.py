"""What of `anam_facade.livekit` can be tested where LiveKit's framework is not installed."""

from __future__ import annotations

import subprocess
import sys

from anam_facade.http import preload


def test_what_is_missing_is_said_plainly():
    """Without LiveKit's framework the import says what to install."""
    program = "import sys; sys.modules['livekit'] = None\nimport anam_facade.livekit"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == (
        "ImportError: anam_facade.livekit needs livekit-agents, which is not installed: pip install livekit-agents"
    )


def test_after_preloading_the_first_call_loads_nothing(anam_sandbox):
    """A program that imports ahead of the work imports nothing later."""
    preload()
    program = f"""
import asyncio, sys
from anam_facade import AsyncAnamClient
from anam_facade.http import preload

preload()

async def main():
    async with AsyncAnamClient({anam_sandbox.api_key!r}, {anam_sandbox.base_url!r}) as client:
        before = set(sys.modules)
        await client.create_session_token({{"personaId": "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"}})
        print(sorted(set(sys.modules) - before))

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr
