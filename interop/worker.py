"""Starts sessions with one client and reports what that client's caller gets to know. Run in the client's own
environment.

Reads a line of JSON, says `ready`, waits for another line, and writes its results as JSON. Only the standard library
and the client are imported, so that the same file runs where nothing but a peer is installed.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any, Literal

AVATAR = "30fa96d0-26c4-4e55-94a0-517025942e18"
LIVEKIT_TOKEN = "header.payload.signature"

Start = Callable[[str], Awaitable[str]]
"""Starts the session of that name and returns the id the caller gets."""


def room(name: str) -> str:
    """The LiveKit URL, and the label, by which the sandbox's record of a session is matched to its start."""
    return f"wss://{name}.example.org"


async def anam_facade_async(
    job: dict[str, Any], stack: AsyncExitStack, *, direct: bool = False, transport: Literal["httpx", "fast"] = "httpx"
) -> Start:
    from anam_facade import AsyncAnamClient, LiveKitEnvironment, PersonaConfig

    client = await stack.enter_async_context(
        AsyncAnamClient(job["api_key"], job["base_url"], timeout=job["timeout"], transport=transport)
    )
    persona = PersonaConfig(name="Cara", avatar_id=AVATAR)

    async def start(name: str) -> str:
        environment = LiveKitEnvironment(room(name), LIVEKIT_TOKEN)
        session = await client.start_session(persona, environment=environment, client_label=room(name), direct=direct)
        return session.session_id

    return start


async def livekit_plugin(job: dict[str, Any], stack: AsyncExitStack) -> Start:
    from livekit.agents import APIConnectOptions
    from livekit.plugins.anam.api import AnamAPI
    from livekit.plugins.anam.types import PersonaConfig

    options = APIConnectOptions(timeout=job["timeout"])
    persona = PersonaConfig(name="Cara", avatarId=AVATAR)

    async def start(name: str) -> str:
        # One object a start, as the plugin's AvatarSession does it.
        async with AnamAPI(job["api_key"], job["base_url"], conn_options=options) as api:
            if hasattr(api, "create_session_token"):
                token = await api.create_session_token(persona, room(name), LIVEKIT_TOKEN)
                answer = await api.start_engine_session(token)
            else:
                answer = await api.start_session(persona, room(name), LIVEKIT_TOKEN)
        return str(answer["sessionId"])

    return start


async def anam_sdk(job: dict[str, Any], stack: AsyncExitStack) -> Start:
    from anam._api import CoreApiClient
    from anam.types import ClientOptions, PersonaConfig, SessionOptions

    persona = PersonaConfig(
        name="Cara",
        avatar_id=AVATAR,
        voice_id="6bfbe25a-979d-40f3-a92b-5394170af54b",
        llm_id="0934d97d-0c3a-4f33-91b0-5e136a0ef466",
    )

    async def start(name: str) -> str:
        options = ClientOptions(api_base_url=job["base_url"], client_label=room(name))
        info = await CoreApiClient(job["api_key"], options).start_session(persona, SessionOptions())
        return str(info.session_id)

    return start


async def raw_httpx(job: dict[str, Any], stack: AsyncExitStack) -> Start:
    """What one would write by hand: no checks, no retries, as many connections as it takes."""
    import httpx

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    client = await stack.enter_async_context(
        httpx.AsyncClient(base_url=job["base_url"], limits=limits, timeout=job["timeout"])
    )

    async def start(name: str) -> str:
        body = {
            "personaConfig": {"type": "ephemeral", "name": "Cara", "avatarId": AVATAR, "llmId": "CUSTOMER_CLIENT_V1"},
            "environment": {"livekitUrl": room(name), "livekitToken": LIVEKIT_TOKEN},
        }
        key = {"Authorization": f"Bearer {job['api_key']}"}
        minted = await client.post("/v1/auth/session-token", json=body, headers=key)
        token = {"Authorization": f"Bearer {minted.raise_for_status().json()['sessionToken']}"}
        answer = await client.post("/v1/engine/session", json={}, headers=token)
        return str(answer.raise_for_status().json()["sessionId"])

    return start


CLIENTS: dict[str, Callable[[dict[str, Any], AsyncExitStack], Awaitable[Start]]] = {
    "ours, token, async": anam_facade_async,
    "ours, token, fast": lambda job, stack: anam_facade_async(job, stack, transport="fast"),
    "ours, direct, async": lambda job, stack: anam_facade_async(job, stack, direct=True),
    "httpx 0.28.1, by hand": raw_httpx,
    "livekit-plugins-anam 1.8.9": livekit_plugin,
    "livekit-plugins-anam 1.6.10": livekit_plugin,
    "anam 0.12.0": anam_sdk,
}
OURS_SYNC = "ours, token, sync"


def outcome(name: str, began: float, session_id: str | None, error: BaseException | None) -> dict[str, Any]:
    """What the caller of one start knows afterwards."""
    return {
        "name": name,
        "began": began,
        "ended": (now := time.monotonic()),
        "seconds": now - began,
        "session_id": session_id,
        "error": None if error is None else f"{type(error).__name__}: {error}"[:300],
        # A caller that is told to look is not surprised by the bill. No peer tells; its errors say "failed".
        "told": bool(getattr(error, "may_have_started", False)),
    }


async def run_async(job: dict[str, Any]) -> list[dict[str, Any]]:
    gate = asyncio.Semaphore(job["concurrency"])

    async with AsyncExitStack() as stack:
        start = await CLIENTS[job["client"]](job, stack)
        wait_for_go()

        async def one(name: str) -> dict[str, Any]:
            async with gate:
                began = time.monotonic()
                try:
                    return outcome(name, began, await start(name), None)
                except Exception as error:  # whatever a caller would meet is a result here
                    return outcome(name, began, None, error)

        return list(await asyncio.gather(*map(one, job["names"])))


def run_sync(job: dict[str, Any]) -> list[dict[str, Any]]:
    from anam_facade import AnamClient, LiveKitEnvironment, PersonaConfig

    persona = PersonaConfig(name="Cara", avatar_id=AVATAR)
    with (
        AnamClient(job["api_key"], job["base_url"], timeout=job["timeout"]) as client,
        ThreadPoolExecutor(job["concurrency"]) as pool,
    ):
        wait_for_go()

        def one(name: str) -> dict[str, Any]:
            began = time.monotonic()
            try:
                environment = LiveKitEnvironment(room(name), LIVEKIT_TOKEN)
                session = client.start_session(persona, environment=environment, client_label=room(name))
            except Exception as error:
                return outcome(name, began, None, error)
            return outcome(name, began, session.session_id, None)

        return list(pool.map(one, job["names"]))


cpu_before = 0.0
"""CPU seconds used before the first start."""


def wait_for_go() -> None:
    """Says that everything is imported and made, and waits: importing takes some clients seconds."""
    print("ready", flush=True)
    sys.stdin.readline()
    global cpu_before
    cpu_before = time.process_time()


def main() -> None:
    logging.disable(logging.CRITICAL)
    job = json.loads(sys.stdin.readline())
    results = run_sync(job) if job["client"] == OURS_SYNC else asyncio.run(run_async(job))
    json.dump({"cpu": time.process_time() - cpu_before, "results": results}, sys.stdout)


if __name__ == "__main__":
    main()
