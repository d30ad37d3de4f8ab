"""Starts sessions with one client and reports what that client's caller gets to know. Run in the client's own
environment: only the standard library and the client are imported.

Reads a line of JSON, the job; says `ready`; waits for another line; writes its results as JSON. `benchmarks/errands.py`
drives the same clients in other ways.
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
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

AVATAR = "30fa96d0-26c4-4e55-94a0-517025942e18"
LIVEKIT_TOKEN = "header.payload.signature"
MINT, START = "/v1/auth/session-token", "/v1/engine/session"

Job = dict[str, Any]
"""`program` (a key of `CLIENTS`), `mode` (`token`, `direct`, or `minted`: a start with a token minted beforehand),
`http` (of ours: `default`, `fast`, or whose object is passed in), `sync`, `base_url`, `api_key`, `timeout` in seconds.
"""
Act = Callable[[], Awaitable[object]]


class Client(NamedTuple):
    """One object of a client, ready to start sessions.

    Attributes:
        start: Starts the session of that name and gives the id that the caller gets.
        prepare: What may be done ahead of a start: minting its token.
        warm_up: Opens a connection ahead.
    """

    start: Callable[[str], Awaitable[str]]
    prepare: Act | None = None
    warm_up: Act | None = None


def room(name: str) -> str:
    """The LiveKit URL, and the label, by which the sandbox's record of a session is matched to its start."""
    return f"wss://{name}.example.org"


async def ours(job: Job, stack: AsyncExitStack) -> Client:
    import anam_facade as ours

    options: dict[str, Any] = {"timeout": job["timeout"]}
    match job["http"]:
        case "fast":
            options["transport"] = "fast"
        case "httpx":
            theirs = import_module("httpx").AsyncClient(limits=httpx_limits())
            options["http_client"] = await stack.enter_async_context(theirs)
        case "aiohttp":
            options["http_client"] = await stack.enter_async_context(import_module("aiohttp").ClientSession())
    client: Any = (ours.AnamClient if job["sync"] else ours.AsyncAnamClient)(job["api_key"], job["base_url"], **options)
    if job["sync"]:
        stack.enter_context(client)
    else:
        await stack.enter_async_context(client)
    persona = ours.PersonaConfig(name="Cara", avatar_id=AVATAR)
    minted: list[Any] = []

    async def call(method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return await (asyncio.to_thread(method, *args, **options) if job["sync"] else method(*args, **options))

    async def start(name: str) -> str:
        if job["mode"] == "minted":
            return str((await call(client.start_engine_session, minted.pop())).session_id)
        environment = ours.LiveKitEnvironment(room(name), LIVEKIT_TOKEN)
        how = {"environment": environment, "client_label": room(name), "direct": job["mode"] == "direct"}
        return str((await call(client.start_session, persona, **how)).session_id)

    async def mint() -> None:
        environment = ours.LiveKitEnvironment(room("ahead"), LIVEKIT_TOKEN)
        minted.append(await call(client.create_session_token, persona, environment=environment))

    return Client(start, mint if job["mode"] == "minted" else None, lambda: call(client.warm_up))


# What one would write by hand: no checks, no retries.


def by_hand(job: Job, post: Callable[[str, dict[str, Any], str], Awaitable[dict[str, Any]]]) -> Client:
    """The one or two requests of a start, given a way to send one."""

    async def start(name: str) -> str:
        persona = {"type": "ephemeral", "name": "Cara", "avatarId": AVATAR, "llmId": "CUSTOMER_CLIENT_V1"}
        body = {"personaConfig": persona, "environment": {"livekitUrl": room(name), "livekitToken": LIVEKIT_TOKEN}}
        if job["mode"] == "direct":
            return str((await post(START, body, job["api_key"]))["sessionId"])
        token = (await post(MINT, body, job["api_key"]))["sessionToken"]
        return str((await post(START, {}, token))["sessionId"])

    return Client(start)


def httpx_limits() -> Any:
    """Those with which httpx was fastest here.

    Its default, 100 connections, or keeping all of them, takes it up to ten times as long at 256 at a time.
    """
    return import_module("httpx").Limits(max_connections=None, max_keepalive_connections=20)


async def raw_httpx(job: Job, stack: AsyncExitStack) -> Client:
    import httpx

    client = await stack.enter_async_context(
        httpx.AsyncClient(base_url=job["base_url"], limits=httpx_limits(), timeout=job["timeout"])
    )

    async def post(path: str, content: dict[str, Any], bearer: str) -> dict[str, Any]:
        answer = await client.post(path, json=content, headers={"Authorization": f"Bearer {bearer}"})
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    return by_hand(job, post)


async def raw_aiohttp(job: Job, stack: AsyncExitStack) -> Client:
    """aiohttp, its session kept open: about the least that Python code can do."""
    aiohttp = import_module("aiohttp")  # by name: the type checker's environment need not have it
    limits, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=job["timeout"])
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=limits, timeout=timeout))

    async def post(path: str, content: dict[str, Any], bearer: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {bearer}"}
        async with session.post(job["base_url"] + path, json=content, headers=headers) as answer:
            answer.raise_for_status()
            found: dict[str, Any] = await answer.json()
            return found

    return by_hand(job, post)


# The clients people use today, as their own programs use them.


async def livekit_plugin(job: Job, stack: AsyncExitStack, *, kept_open: bool = False) -> Client:
    from livekit.agents import APIConnectOptions
    from livekit.plugins.anam.api import AnamAPI
    from livekit.plugins.anam.types import PersonaConfig

    persona = PersonaConfig(name="Cara", avatarId=AVATAR)

    def new() -> Any:
        return AnamAPI(job["api_key"], job["base_url"], conn_options=APIConnectOptions(timeout=job["timeout"]))

    async def start_with(api: Any, name: str) -> str:
        if hasattr(api, "create_session_token") and job["mode"] == "token":
            token = await api.create_session_token(persona, room(name), LIVEKIT_TOKEN)
            return str((await api.start_engine_session(token))["sessionId"])
        return str((await api.start_session(persona, room(name), LIVEKIT_TOKEN))["sessionId"])

    async def start(name: str) -> str:
        async with new() as api:  # one object a start, as the plugin's AvatarSession does it
            return await start_with(api, name)

    if not kept_open:
        return Client(start)
    # The plugin's API class at its best, as the plugin itself does not use it.
    api = await stack.enter_async_context(new())
    return Client(lambda name: start_with(api, name))


async def anam_sdk(job: Job, stack: AsyncExitStack) -> Client:
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
        return str((await CoreApiClient(job["api_key"], options).start_session(persona, SessionOptions())).session_id)

    return Client(start)


CLIENTS: dict[str, Callable[[Job, AsyncExitStack], Awaitable[Client]]] = {
    "ours": ours,
    "httpx": raw_httpx,
    "aiohttp": raw_aiohttp,
    "plugin": livekit_plugin,
    "plugin kept open": partial(livekit_plugin, kept_open=True),
    "anam": anam_sdk,
}


async def run(job: Job) -> tuple[float, list[dict[str, Any]]]:
    """Starts a session a name, `concurrency` at a time: CPU seconds of them all, and what each caller knows."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(job["concurrency"]))  # for those that block
    gate = asyncio.Semaphore(job["concurrency"])
    async with AsyncExitStack() as stack:
        client = await CLIENTS[job["program"]](job, stack)

        async def one(name: str) -> dict[str, Any]:
            async with gate:
                known = {"name": name, "session_id": None, "error": None, "reported": False, "began": time.monotonic()}
                try:
                    known["session_id"] = await client.start(name)
                except Exception as error:  # whatever a caller would meet is a result here
                    known["error"] = f"{type(error).__name__}: {error}"[:300]
                    # Whether the caller learns that a session may run. No peer reports that; its errors say "failed".
                    known["reported"] = bool(getattr(error, "may_have_started", False))
                return known | {"ended": time.monotonic()}

        # Everything is imported and made, which takes some clients seconds.
        print("ready", flush=True)
        sys.stdin.readline()
        cpu = time.process_time()
        outcomes = await asyncio.gather(*map(one, job["names"]))
        return time.process_time() - cpu, outcomes


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    json.dump(asyncio.run(run(json.loads(sys.stdin.readline()))), sys.stdout)
