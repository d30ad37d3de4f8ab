"""Cancelling at any point, and closing in the middle: nothing stays open, nothing is half used, and the next call
works."""

from __future__ import annotations

import threading
import time
from typing import Any

import anyio
import pytest

from anam_facade import (
    AnamClient,
    AnamConnectionError,
    AsyncAnamClient,
    ClientClosedError,
    RetryPolicy,
    SessionStartUncertainError,
)

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


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_closing_an_async_client_in_flight_ends_its_calls(served: Any, descriptors: Any) -> None:
    """Starts under way when the client closes are told as uncertain, mints as failed; nothing hangs or stays open."""
    served.configure(latency=[0.0, 5.0])
    before = descriptors()
    client = AsyncAnamClient(served.api_key, served.base_url)
    token = await client.create_session_token(SAVED)
    errors: list[BaseException] = []

    async def start() -> None:
        try:
            await client.start_engine_session(token)
        except Exception as error:
            errors.append(error)

    with anyio.fail_after(3):
        async with anyio.create_task_group() as group:
            group.start_soon(start)
            await anyio.sleep(0.2)
            await client.aclose()
    assert [type(error) for error in errors] == [SessionStartUncertainError]
    with pytest.raises(ClientClosedError):
        await client.create_session_token(SAVED)
    assert descriptors() == before


def test_closing_a_sync_client_in_flight_wakes_its_threads(served: Any, descriptors: Any) -> None:
    """A thread that waits for an answer is woken by `close()` in another, long before its time-out."""
    served.configure(latency=[0.0, 5.0])
    before = descriptors()
    client = AnamClient(served.api_key, served.base_url)
    token = client.create_session_token(SAVED)
    errors: list[BaseException] = []

    def start() -> None:
        try:
            client.start_engine_session(token)
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    time.sleep(0.2)
    client.close()
    thread.join(timeout=3)
    assert not thread.is_alive()
    assert [type(error) for error in errors] == [SessionStartUncertainError]
    with pytest.raises(ClientClosedError):
        client.create_session_token(SAVED)
    assert descriptors() == before


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_the_client_works_on_both_event_loops(served: Any) -> None:
    """Mint, start, a retry with its pause and a connection error, on asyncio and on trio."""
    served.inject(operation="createEngineSession", status=503, times=1)
    retry = RetryPolicy(initial_backoff=0.01)
    async with AsyncAnamClient(served.api_key, served.base_url, retry=retry) as client:
        session = await client.start_session(SAVED)
    assert [recorded["id"] for recorded in served.state()["sessions"]] == [session.session_id]
    async with AsyncAnamClient(served.api_key, "http://127.0.0.1:1", retry=retry) as client:
        with pytest.raises(AnamConnectionError):
            await client.start_session(SAVED)
