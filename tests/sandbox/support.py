"""What the tests of the sandbox share: personas, and a client that holds every answer against the contract."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx

from anam_facade.sandbox import Sandbox
from tests.sandbox.contract import document, violations

MINT, START = "/v1/auth/session-token", "/v1/engine/session"
OPERATIONS = {MINT: "createSessionToken", START: "createEngineSession"}
UUID = "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"
SAVED: dict[str, Any] = {"personaId": UUID}
INLINE: dict[str, Any] = {"avatarId": UUID, "voiceId": UUID, "llmId": UUID}
LIVEKIT: dict[str, Any] = {"livekitUrl": "wss://rooms.example.org", "livekitToken": "header.payload.signature"}
EXAMPLES: dict[str, Any] = {name: example["value"] for name, example in document()["components"]["examples"].items()}
GONE = (httpx.ReadError, httpx.RemoteProtocolError, httpx.ConnectError)


def assert_fits_contract(response: httpx.Response) -> None:
    """Status, headers and body are as the contract says. Independent of the sandbox's own code."""
    request = response.request
    found = violations(request.method, request.url.path, response.status_code, dict(response.headers), response.content)
    assert not found, "\n".join(found)


class Api:
    """A plain client: one connection pool, one method per operation.

    Attributes:
        answered: The statuses that each operation was answered with.
    """

    def __init__(self, sandbox: Sandbox, *, check: bool = True) -> None:
        self.sandbox = sandbox
        # Certificates are loaded by every client, and none is needed here.
        self.http = httpx.Client(base_url=sandbox.base_url, timeout=10, trust_env=False, verify=False)
        self.address = self.http.base_url.host, self.http.base_url.port or 0
        self.answered: set[tuple[str, int]] = set()
        self._check = check

    def post(self, path: str, body: Any, bearer: str | None, **more: Any) -> httpx.Response:
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers |= {"Content-Type": "application/json"} | more.pop("headers", {})
        response = self.http.post(path, content=content, headers=headers, **more)
        if self._check:
            assert_fits_contract(response)
        self.answered.add((OPERATIONS[path], response.status_code))
        return response

    def mint(self, persona: Any = SAVED, *, bearer: str | None = None, **config: Any) -> httpx.Response:
        return self.post(MINT, {"personaConfig": persona, **config}, bearer or self.sandbox.api_key)

    def token(self, persona: Any = SAVED, **config: Any) -> str:
        response = self.mint(persona, **config)
        assert response.status_code == 200, response.text
        token: str = response.json()["sessionToken"]
        return token

    def start(self, token: str, body: Any = None, **more: Any) -> httpx.Response:
        return self.post(START, {} if body is None else body, token, **more)

    def direct(self, persona: Any = SAVED, **config: Any) -> httpx.Response:
        return self.post(START, {"personaConfig": persona, **config}, self.sandbox.api_key)

    def in_both_modes(self, persona: Any = SAVED, **config: Any) -> list[httpx.Response]:
        """The answers to a start with a token bound to a configuration, and to a direct one with it."""
        return [self.start(self.token(persona, **config)), self.direct(persona, **config)]


Serve = Callable[..., Api]


class Clock:
    """A clock that moves when it is told to."""

    now = 1_800_000_000.25

    def __call__(self) -> float:
        return self.now


def eventually(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Waits for what another thread is about to bring about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)
