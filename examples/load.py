"""A load test of your own set-up: many starts at once on one client, against a local Anam.

python examples/load.py [STARTS] [AT_ONCE]
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter

from anam_facade import AnamError, AsyncAnamClient, PersonaConfig
from anam_facade.sandbox import Sandbox

PERSONA = PersonaConfig.saved("8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506")


async def main(starts: int = 200, at_once: int = 50) -> None:
    outcomes: Counter[str] = Counter()
    slots = asyncio.Semaphore(at_once)

    async def start(client: AsyncAnamClient) -> None:
        async with slots:
            try:
                await client.start_session(PERSONA)
                outcomes["started"] += 1
            except AnamError as error:
                outcomes[type(error).__name__] += 1

    with Sandbox(latency=(0.02, 0.02)) as sandbox:  # seconds added to minting and to starting
        async with AsyncAnamClient(sandbox.api_key, sandbox.base_url) as client:
            began = time.monotonic()
            async with asyncio.TaskGroup() as tasks:
                for _ in range(starts):
                    tasks.create_task(start(client))
            took = time.monotonic() - began
        print(f"{dict(outcomes)} in {took:.1f} s; the sandbox counts {len(sandbox.sessions)} sessions")


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
