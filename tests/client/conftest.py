"""Every test runs against the sync client, and the async one on asyncio and on trio."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import anyio
import httpx
import pytest

from tests.client.servers import Local, running
from tests.conftest import signed


class Server:
    """Answers in the given order, and keeps the requests. The last answer is repeated."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers) or [
            httpx.Response(200, json={"sessionToken": signed(type="ephemeral"), "sessionId": "s-1"})
        ]
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
        self.requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            answer = answer(request)
        # A fresh one each time, for a stream can be read once.
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests]

    @property
    def paths(self) -> list[str]:
        return [request.url.path for request in self.requests]

    @property
    def bearers(self) -> list[str]:
        return [request.headers["Authorization"].removeprefix("Bearer ") for request in self.requests]


@pytest.fixture(params=["sync", "asyncio", "trio"])
def flavour(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that only sleeping moves; `pauses` lists what was slept."""
    clock = SimpleNamespace(now=1000.0, pauses=[])

    def sleep(seconds: float) -> None:
        clock.pauses.append(seconds)
        clock.now += seconds

    async def sleep_async(seconds: float) -> None:
        sleep(seconds)

    clock.monotonic, clock.sleep = lambda: clock.now, sleep
    for module in ("_operations", "http.exchange"):
        monkeypatch.setattr(f"anam_facade.{module}.time", clock)
    monkeypatch.setattr(anyio, "sleep", sleep_async)
    monkeypatch.setattr("anam_facade.client._Lifetime.pause", lambda self, seconds: sleep(seconds))
    return clock


@pytest.fixture
def server(clock: SimpleNamespace) -> type[Server]:
    return Server


@pytest.fixture
def local() -> Iterator[Local]:
    with running() as server:
        yield server
