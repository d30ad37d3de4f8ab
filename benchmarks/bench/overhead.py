"""CPU time per call that the facade adds to the bare low-level path. Run as a program; prints JSON.

Both send through the same httpx transport, which does no I/O and answers at once. A call of the facade is what a user
writes: `start_session(persona, environment=LiveKitEnvironment(…), client_label=…, direct=True)` and so on, the persona
made beforehand. The bare path is what has to be done all the same: the generated client's body and request
(`_get_kwargs`), an `httpx.Request` with the bearer, the transport, the `httpx.Response`, its JSON. It checks nothing,
makes no objects of the answer, and has neither time-outs nor retries: these are what the difference buys.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx

from anam_api.api.auth import create_session_token
from anam_api.api.engine import create_engine_session
from anam_api.models import (
    DirectStartRequest,
    EphemeralPersonaConfig,
    SessionTokenRequest,
    TokenStartRequest,
)
from anam_api.models import LiveKitEnvironment as GeneratedEnvironment
from anam_facade import AnamClient, AsyncAnamClient, LiveKitEnvironment, PersonaConfig

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.servers import SESSION, session_token

KEY, URL, BASE = "YmVuY2g6YmVuY2g=", "wss://bench.example.org", "http://127.0.0.1:1"
AVATAR = "30fa96d0-26c4-4e55-94a0-517025942e18"
LIVEKIT_TOKEN = "header.payload.signature"
TOKEN = session_token()

ANSWERS = {
    "/v1/auth/session-token": (200, json.dumps({"sessionToken": TOKEN}).encode("ascii")),
    "/v1/engine/session": (201, json.dumps(SESSION).encode("ascii")),
}
HEADERS = {"Content-Type": "application/json"}


def answer(request: httpx.Request) -> httpx.Response:
    status, content = ANSWERS[request.url.path]
    return httpx.Response(status, headers=HEADERS, content=content)


class AtOnce(httpx.BaseTransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return answer(request)


class AtOnceAsync(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return answer(request)


PERSONA = PersonaConfig(name="Cara", avatar_id=AVATAR)
GENERATED_PERSONA = EphemeralPersonaConfig(
    type_="ephemeral", name="Cara", avatar_id=AVATAR, llm_id="CUSTOMER_CLIENT_V1"
)


def mint_request() -> tuple[dict[str, Any], str]:
    environment = GeneratedEnvironment(livekit_url=URL, livekit_token=LIVEKIT_TOKEN)
    body = SessionTokenRequest(persona_config=GENERATED_PERSONA, environment=environment, client_label=URL)
    return create_session_token._get_kwargs(body=body), KEY


def direct_request() -> tuple[dict[str, Any], str]:
    environment = GeneratedEnvironment(livekit_url=URL, livekit_token=LIVEKIT_TOKEN)
    body = DirectStartRequest(persona_config=GENERATED_PERSONA, environment=environment, client_label=URL)
    return create_engine_session._get_kwargs(body=body), KEY


def token_request() -> tuple[dict[str, Any], str]:
    return create_engine_session._get_kwargs(body=TokenStartRequest()), TOKEN


def as_httpx(made: tuple[dict[str, Any], str]) -> httpx.Request:
    request, bearer = made
    headers = {**request["headers"], "Authorization": f"Bearer {bearer}"}
    return httpx.Request(request["method"], BASE + request["url"], json=request["json"], headers=headers)


def bare(transport: httpx.BaseTransport, make: Callable[[], tuple[dict[str, Any], str]]) -> Any:
    response = transport.handle_request(as_httpx(make()))
    response.read()
    return response.json()


async def bare_async(transport: httpx.AsyncBaseTransport, make: Callable[[], tuple[dict[str, Any], str]]) -> Any:
    response = await transport.handle_async_request(as_httpx(make()))
    await response.aread()
    return response.json()


MAKERS = {
    "mint a token": mint_request,
    "start with a token": token_request,
    "start directly": direct_request,
}


def per_call(act: Callable[[], object], calls: int) -> float:
    began = time.process_time()
    for _ in range(calls):
        act()
    return (time.process_time() - began) / calls * 1e6


async def per_call_async(act: Callable[[], Awaitable[object]], calls: int) -> float:
    began = time.process_time()
    for _ in range(calls):
        await act()
    return (time.process_time() - began) / calls * 1e6


Found = dict[str, dict[str, list[float]]]


def measure(found: Found, rounds: int, calls: int) -> None:
    transport = AtOnce()
    with AnamClient(KEY, BASE, transport=transport) as client:
        token = client.create_session_token(PERSONA, environment=LiveKitEnvironment(URL, LIVEKIT_TOKEN))
        ours: dict[str, Callable[[], object]] = {
            "mint a token": lambda: client.create_session_token(
                PERSONA, environment=LiveKitEnvironment(URL, LIVEKIT_TOKEN), client_label=URL
            ),
            "start with a token": lambda: client.start_engine_session(token),
            "start directly": lambda: client.start_session(
                PERSONA, environment=LiveKitEnvironment(URL, LIVEKIT_TOKEN), client_label=URL, direct=True
            ),
        }
        for number in range(rounds + 1):
            for name, make in MAKERS.items():
                low = per_call(lambda make=make: bare(transport, make), calls)  # type: ignore[misc]
                high = per_call(ours[name], calls)
                note(found, f"sync, {name}", number, low, high)


async def measure_async(found: Found, rounds: int, calls: int) -> None:
    transport = AtOnceAsync()
    async with AsyncAnamClient(KEY, BASE, transport=transport) as client:
        token = await client.create_session_token(PERSONA, environment=LiveKitEnvironment(URL, LIVEKIT_TOKEN))
        ours: dict[str, Callable[[], Awaitable[object]]] = {
            "mint a token": lambda: client.create_session_token(
                PERSONA, environment=LiveKitEnvironment(URL, LIVEKIT_TOKEN), client_label=URL
            ),
            "start with a token": lambda: client.start_engine_session(token),
            "start directly": lambda: client.start_session(
                PERSONA, environment=LiveKitEnvironment(URL, LIVEKIT_TOKEN), client_label=URL, direct=True
            ),
        }
        for number in range(rounds + 1):
            for name, make in MAKERS.items():
                low = await per_call_async(lambda make=make: bare_async(transport, make), calls)  # type: ignore[misc]
                high = await per_call_async(ours[name], calls)
                note(found, f"async, {name}", number, low, high)


def note(found: Found, name: str, number: int, low: float, high: float) -> None:
    if number > 0:  # the first is for warming up
        kept = found.setdefault(name, {"bare": [], "ours": []})
        kept["bare"].append(low)
        kept["ours"].append(high)


def main() -> None:
    rounds, calls = map(int, sys.argv[1:])
    found: Found = {}
    measure(found, rounds, calls)
    asyncio.run(measure_async(found, rounds, calls))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
