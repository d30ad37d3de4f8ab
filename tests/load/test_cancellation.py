"""Cancelling at any point: nothing stays open, nothing is half used, and the next call works."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from anam_facade import AsyncAnamClient

pytestmark = [pytest.mark.every_transport, pytest.mark.own_only]

SAVED = {"personaId": "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"}


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
@pytest.mark.parametrize("latency", [0.0, 0.02])
async def test_a_cancelled_start_leaves_nothing_behind(served: Any, latency: float, descriptors: Any) -> None:
    """Cancelled after 0, 1, 2 … steps of the event loop, in every phase of both requests: all connections come back."""
    served.configure(latency=[latency, latency])
    before = descriptors()
    async with AsyncAnamClient(served.api_key, served.base_url) as client:
        await client.start_session(SAVED)
        outcomes = set()
        for steps in range(80):
            outcome = "cancelled"
            async with anyio.create_task_group() as group:

                async def start() -> None:
                    nonlocal outcome
                    await client.start_session(SAVED)
                    outcome = "finished"

                group.start_soon(start)
                for _ in range(steps):
                    await anyio.lowlevel.checkpoint()
                if latency and steps % 4 == 3:
                    await anyio.sleep(latency * (steps % 8) / 4)  # into the waiting for either answer
                group.cancel_scope.cancel()
            outcomes.add(outcome)
        # No more connections than can have been abandoned and replaced.
        assert descriptors() <= before + 3
        await client.start_session(SAVED)
    assert "cancelled" in outcomes
    await anyio.sleep(0.05)
    assert descriptors() <= before
