"""Many starts at once: no errors, nothing mixed up, nothing left open; and no storm when the server fails."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
import httpx
import pytest

from anam_facade import (
    AnamClient,
    AsyncAnamClient,
    LiveKitEnvironment,
    PersonaConfig,
    RetryPolicy,
    ServiceBusyError,
)

pytestmark = [pytest.mark.every_transport, pytest.mark.slow]

SIZES = [(200, 100, 0.05), (2000, 500, 0.2), (2000, 500, 1.7)]
"""How many starts, how many at a time, and the seconds after which each request is answered."""

PATIENT = {"timeout": 60.0, "retry": RetryPolicy(deadline=180.0)}
"""For a client of the user's: the time-out counts from the call, however long it keeps the request waiting."""

PERSONA = PersonaConfig(name="Cara", avatar_id="30fa96d0-26c4-4e55-94a0-517025942e18")


def environment(number: int) -> LiveKitEnvironment:
    return LiveKitEnvironment(f"wss://room-{number}.example.org", "header.payload.signature")


def check_nothing_mixed_up(state: dict[str, Any], returned: dict[str, str]) -> None:
    """Each session was started with the token minted for it, and its id went to the caller who asked for it."""
    tokens = {token["id"]: token for token in state["tokens"]}
    assert len(state["sessions"]) == len(returned)
    for session in state["sessions"]:
        assert session["id"] == returned[session["label"]]
        assert tokens[session["token_id"]]["label"] == session["label"]
        assert session["livekit_url"] == f"wss://room-{session['label'].removeprefix('start-')}.example.org"
    assert all(len(token["used_by"]) == 1 for token in tokens.values())


def settings_for(transport: str) -> dict[str, Any]:
    """Our defaults; or a client of the user's, made for so many at once as docs/http-clients.md says."""
    if transport == "client":
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        return {"http_client": httpx.AsyncClient(limits=limits), **PATIENT}
    if transport == "aiohttp":
        return {"http_client": aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)), **PATIENT}
    return {}


@pytest.mark.parametrize(("starts", "at_a_time", "latency"), SIZES)
def test_many_starts_at_a_time(
    served: Any, descriptors: Callable[[], int], transport: str, starts: int, at_a_time: int, latency: float
) -> None:
    """No error, no time-out for want of a connection, every token used for its own session, and nothing left open."""
    served.configure(latency=[latency, latency])
    returned: dict[str, str] = {}

    async def run() -> None:
        gate = asyncio.Semaphore(at_a_time)
        settings = settings_for(transport)
        async with (
            settings.get("http_client") or contextlib.nullcontext(),
            AsyncAnamClient(served.api_key, served.base_url, **settings) as client,
        ):

            async def one(number: int) -> None:
                async with gate:
                    session = await client.start_session(
                        PERSONA, environment=environment(number), client_label=f"start-{number}"
                    )
                    returned[f"start-{number}"] = session.session_id

            await asyncio.gather(*map(one, range(starts)))

    before = descriptors()
    asyncio.run(run())
    assert descriptors() == before
    assert len(set(returned.values())) == starts
    check_nothing_mixed_up(served.state(), returned)


@pytest.mark.own_only
@pytest.mark.parametrize("starts", [200, 2000])
def test_one_client_shared_by_sixty_four_threads(served: Any, descriptors: Callable[[], int], starts: int) -> None:
    """The same with threads: no error, nothing mixed up, nothing left open."""
    served.configure(latency=[0.05, 0.05])
    returned: dict[str, str] = {}
    before = descriptors()
    with AnamClient(served.api_key, served.base_url) as client, ThreadPoolExecutor(64) as pool:

        def one(number: int) -> None:
            session = client.start_session(PERSONA, environment=environment(number), client_label=f"start-{number}")
            returned[f"start-{number}"] = session.session_id

        list(pool.map(one, range(starts)))
    assert descriptors() == before
    check_nothing_mixed_up(served.state(), returned)


@pytest.mark.own_only
def test_memory_does_not_grow_with_the_number_of_starts(served: Any) -> None:
    """After a first thousand starts has warmed everything up, two thousand more add next to nothing."""

    async def run(starts: int) -> None:
        async with AsyncAnamClient(served.api_key, served.base_url) as client:
            for _ in range(starts // 50):
                await asyncio.gather(*(client.start_session(PERSONA, environment=environment(0)) for _ in range(50)))

    asyncio.run(run(1000))
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    asyncio.run(run(2000))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 4 * 1024, f"{grown} KiB"


@pytest.mark.own_only
def test_a_failing_server_is_not_hit_harder(served: Any) -> None:
    """With every answer 503, a thousand starts make at most 1.3 requests each: the retry budget ends the rest."""
    served.inject(status=503)

    async def run() -> list[Any]:
        gate = asyncio.Semaphore(50)
        async with AsyncAnamClient(served.api_key, served.base_url) as client:

            async def one(_: int) -> Any:
                async with gate:
                    return await client.start_session(PERSONA, environment=environment(0))

            return await asyncio.gather(*map(one, range(1000)), return_exceptions=True)

    results = asyncio.run(run())
    assert Counter(map(type, results)) == {ServiceBusyError: 1000}
    assert len(served.state()["requests"]) <= 1300
