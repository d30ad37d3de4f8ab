"""One start over every way in which bytes can move: what is seen of it must not depend on that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import httpx
import pytest

from anam_facade import AnamClient, AsyncAnamClient, EngineSession, PersonaConfig, RetryPolicy
from anam_facade.sandbox import Sandbox

PERSONA = PersonaConfig.saved("8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506")
RETRY = RetryPolicy(max_attempts=3, initial_backoff=0.01)
WAYS = [
    *((kind, way) for kind in ("sync", "async") for way in ("default", "fast", "a client of httpx")),
    ("async", "a session of aiohttp"),
]

Start = Callable[..., EngineSession]


@pytest.fixture(params=WAYS, ids="-".join)
def start(request: pytest.FixtureRequest, anam_sandbox: Sandbox) -> Start:
    """Starts one session; the arguments are those of `start_session`."""
    kind, way = request.param
    where = (anam_sandbox.api_key, anam_sandbox.base_url)

    def sync_start(**options: object) -> EngineSession:
        with httpx.Client() as own:
            means = {"default": {}, "fast": {"transport": "fast"}, "a client of httpx": {"http_client": own}}[way]
            with AnamClient(*where, retry=RETRY, **means) as client:  # type: ignore[arg-type]
                return client.start_session(PERSONA, **options)  # type: ignore[arg-type]

    async def async_start(**options: object) -> EngineSession:
        async with httpx.AsyncClient() as own, aiohttp.ClientSession() as session:
            means = {
                "default": {},
                "fast": {"transport": "fast"},
                "a client of httpx": {"http_client": own},
                "a session of aiohttp": {"http_client": session},
            }[way]
            async with AsyncAnamClient(*where, retry=RETRY, **means) as client:  # type: ignore[arg-type]
                return await client.start_session(PERSONA, **options)  # type: ignore[arg-type]

    return sync_start if kind == "sync" else lambda **options: asyncio.run(async_start(**options))


@pytest.fixture
def secrets(anam_sandbox: Sandbox) -> list[str]:
    """What must not be in anything that is seen; the tokens too, which are JWTs."""
    return [anam_sandbox.api_key, "eyJ"]
