"""Many starts at once: no errors, nothing mixed up, nothing left open; and no storm when the server fails."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from anam_facade import AnamClient, AsyncAnamClient, LiveKitEnvironment, PersonaConfig, RetryPolicy, ServiceBusyError

pytestmark = [pytest.mark.every_transport, pytest.mark.slow]

KEY = "bG9hZDpsb2Fk"
PERSONA = PersonaConfig(name="Cara", avatar_id="30fa96d0-26c4-4e55-94a0-517025942e18")

PATIENT = {"timeout": 60.0, "retry": RetryPolicy(deadline=180.0)}
"""For a client of the user's: the time-out counts from the call, however long it keeps the request waiting."""


@pytest.fixture(scope="module")
def process() -> Iterator[str]:
    """A sandbox in a process of its own, so that client and server do not share an interpreter: its URL."""
    command = [sys.executable, "-m", "anam_facade.sandbox", "--port", "0", "--api-key", KEY]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, **pipes) as process:
        try:
            (url,) = [line.split()[-1] for line, _ in zip(process.stdout, "12", strict=False) if "base URL" in line]
            yield url
        finally:
            process.terminate()


@pytest.fixture
def control(process: str) -> Iterator[httpx.Client]:
    """What the sandbox is controlled with; it is fresh."""
    with httpx.Client(base_url=f"{process}/_sandbox/", timeout=60.0, trust_env=False) as control:
        control.post("reset").raise_for_status()
        yield control
        control.post("reset").raise_for_status()


def open_descriptors() -> int:
    """How many file descriptors this process has open."""
    folder = Path("/proc/self/fd")
    return len(list((folder if folder.exists() else Path("/dev/fd")).iterdir()))


def start_of(number: int) -> dict[str, Any]:
    """The arguments of a start that can be told from all others."""
    room = LiveKitEnvironment(f"wss://room-{number}.example.org", "header.payload.signature")
    return {"persona": PERSONA, "environment": room, "client_label": f"start-{number}"}


def check_nothing_mixed_up(state: dict[str, Any], returned: list[str]) -> None:
    """Each session was started with the token minted for it, and its id went to the caller who asked for it."""
    tokens = {token["id"]: token for token in state["tokens"]}
    assert len(state["sessions"]) == len(returned)
    for session in state["sessions"]:
        number = int(session["label"].removeprefix("start-"))
        assert session["id"] == returned[number]
        assert tokens[session["token_id"]]["label"] == session["label"]
        assert session["livekit_url"] == f"wss://room-{number}.example.org"
    assert all(len(token["used_by"]) == 1 for token in tokens.values())


def settings_for(transport: str) -> dict[str, Any]:
    """Our defaults; or a client of the user's, made for so many at once as docs/http-clients.md says."""
    if transport == "client":
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=20)
        return {"http_client": httpx.AsyncClient(limits=limits), **PATIENT}
    if transport == "aiohttp":
        return {"http_client": aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)), **PATIENT}
    return {}


async def started(url: str, starts: int, at_a_time: int, **settings: Any) -> list[Any]:
    """So many starts over one client: the sessions' ids, or errors."""
    gate = asyncio.Semaphore(at_a_time)
    async with (
        settings.get("http_client") or contextlib.nullcontext(),
        AsyncAnamClient(KEY, url, **settings) as client,
    ):

        async def one(number: int) -> str:
            async with gate:
                return (await client.start_session(**start_of(number))).session_id

        return await asyncio.gather(*map(one, range(starts)), return_exceptions=True)


@pytest.mark.parametrize(("starts", "at_a_time", "latency"), [(200, 100, 0.05), (2000, 500, 0.2), (2000, 500, 1.7)])
def test_many_starts_at_a_time(process, control, transport, starts, at_a_time, latency) -> None:
    """No error, no time-out for want of a connection, every token used for its own session, and nothing left open."""
    control.put("settings", json={"latency": [latency, latency]})

    async def run() -> list[Any]:
        return await started(process, starts, at_a_time, **settings_for(transport))

    before = open_descriptors()
    returned = asyncio.run(run())
    assert open_descriptors() == before
    check_nothing_mixed_up(control.get("state").json(), returned)


@pytest.mark.own_only
@pytest.mark.parametrize("starts", [200, 2000])
def test_one_client_shared_by_sixty_four_threads(process, control, starts) -> None:
    """The same with threads: no error, nothing mixed up, nothing left open."""
    control.put("settings", json={"latency": [0.05, 0.05]})
    before = open_descriptors()
    with AnamClient(KEY, process) as client, ThreadPoolExecutor(64) as pool:
        returned = list(pool.map(lambda number: client.start_session(**start_of(number)).session_id, range(starts)))
    assert open_descriptors() == before
    check_nothing_mixed_up(control.get("state").json(), returned)


@pytest.mark.own_only
@pytest.mark.usefixtures("control")
def test_memory_does_not_grow_with_the_number_of_starts(process) -> None:
    """After a first thousand starts has warmed everything up, two thousand more add next to nothing."""
    asyncio.run(started(process, 1000, 50))
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    asyncio.run(started(process, 2000, 50))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 4 * 1024, f"{grown} KiB"


@pytest.mark.own_only
def test_a_failing_server_is_not_hit_harder(process, control) -> None:
    """With every answer 503, a thousand starts make at most 1.3 requests each: the retry budget ends the rest."""
    control.post("faults", json={"status": 503})
    results = asyncio.run(started(process, 1000, 50))
    assert Counter(map(type, results)) == {ServiceBusyError: 1000}
    assert len(control.get("state").json()["requests"]) <= 1300
