"""One harness for both clients: every test runs against the sync client, and the async one on asyncio and on trio."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import anyio
import httpx
import pytest

from anam_facade import AnamClient, AsyncAnamClient, RetryPolicy
from tests.tokens import signed

SETTINGS = ("ANAM_API_KEY", "ANAM_API_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
API_KEY = "api-key/0123456789=="


class Harness:
    """A client whose methods can be awaited, whether it is the sync or the async one."""

    def __init__(self, client: AnamClient | AsyncAnamClient) -> None:
        self.client = client
        self.is_async = isinstance(client, AsyncAnamClient)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return functools.partial(self._call, name)

    async def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        made = getattr(self.client, name)(*args, **kwargs)
        return await made if self.is_async else made

    async def aside(self, name: str, *args: Any) -> Any:
        """The call; in a thread of its own if it would block."""
        if self.is_async:
            return await self._call(name, *args)
        return await anyio.to_thread.run_sync(functools.partial(getattr(self.client, name), *args))

    async def close(self) -> None:
        await self._call("aclose" if self.is_async else "close")

    async def __aenter__(self) -> Harness:
        assert await self._call("__aenter__" if self.is_async else "__enter__") is self.client
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._call("__aexit__" if self.is_async else "__exit__", *exc)


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
def anyio_backend(flavour: str) -> str:
    return "asyncio" if flavour == "sync" else flavour


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes away what the client would read from the environment."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(autouse=True)
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
def server() -> type[Server]:
    return Server


@pytest.fixture
def api_key() -> str:
    return API_KEY


@pytest.fixture
def connect(flavour: str) -> Callable[..., Harness]:
    """Makes a client of the flavour under test; what answers it is the first argument."""

    def make(handler: Callable[[httpx.Request], httpx.Response] | None = None, **settings: Any) -> Harness:
        settings.setdefault("api_key", API_KEY)
        settings.setdefault("retry", RetryPolicy(jitter=0))
        if handler is not None:
            settings["transport"] = httpx.MockTransport(handler)
        return Harness((AnamClient if flavour == "sync" else AsyncAnamClient)(**settings))

    return make
