"""Proves that the facade and openapi.yaml understand each other: `make interop`.

Prism is a server made from the document and nothing else. It checks what it is sent (bearer, body) and answers with the
document's examples, with any status it is asked for (`Prefer: code=429`), or with values made up from the schemas
(`Prefer: dynamic=true`). It must accept whatever the facade sends, and the facade must understand whatever it answers.

What Prism does not check: `dependentRequired`, `unevaluatedProperties`, the `x-` extensions, and which bearer it is.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs
import httpx
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, settings

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import node_tools
from bootstrap import alone

from anam_facade import (
    AnamClient,
    AnamConfigError,
    AnamConfigWarning,
    AnamError,
    AnamStatusError,
    AsyncAnamClient,
    AuthenticationError,
    BadRequestError,
    CartesiaSonic3VoiceOptions,
    ClientTool,
    ConcurrencyLimitError,
    DailyEgress,
    DirectorNotes,
    ElevenLabsV1VoiceOptions,
    ElevenLabsV2VoiceOptions,
    EngineSession,
    FishAudioVoiceOptions,
    KnowledgeTool,
    LiveKitEnvironment,
    PermissionDeniedError,
    PersonaConfig,
    PlanRequiredError,
    RateLimitError,
    RetryPolicy,
    ServerError,
    ServiceBusyError,
    SessionOptions,
    SessionToken,
    SpendCapError,
    SystemTool,
    VoiceDetectionOptions,
    WebhookTool,
    openapi_path,
)

API_KEY = "ak-prism"
UUID = "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"
SAVED = PersonaConfig.saved(UUID)
MINT, START = "/v1/auth/session-token", "/v1/engine/session"
GENERATED = 150
DYNAMIC = 10
"""How many made-up answers of each operation and status are looked at."""

DOCUMENT: dict[str, Any] = yaml.safe_load(openapi_path().read_text("utf-8"))

# --- The server -----------------------------------------------------------------------------------


@contextmanager
def prism() -> Iterator[tuple[str, Path]]:
    """Serves the document on a free port of this machine; gives the address, and the file with what Prism says."""
    with alone(node_tools.MODULES):
        node_tools.install()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "said"
        with said.open("wb") as output:
            # node itself rather than the script that starts it: it is this process that has to be stopped.
            process = subprocess.Popen(
                ["node", str(node_tools.MODULES / "@stoplight/prism-cli/dist/index.js"), "mock", str(openapi_path())]
                + ["--host", "127.0.0.1", "--port", str(port)],
                env={**os.environ, **node_tools.QUIET, "NO_COLOR": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait_for(process, port, said)
            yield f"http://127.0.0.1:{port}", said
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int, said: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"Prism does not serve {openapi_path()}:\n{said.read_text('utf-8')[-2000:]}")


# --- The road there and back ----------------------------------------------------------------------


@attrs.define
class Sent:
    """A request as it left."""

    path: str
    bearer: str
    body: Any


class Wire(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Carries requests, for the sync client and the async one, and adds what the facade has no argument for.

    Attributes:
        prefer: The `Prefer` header for one path.
        sent: Every request.
    """

    def __init__(self) -> None:
        self.prefer: tuple[str, str] | None = None
        self.sent: list[Sent] = []
        self._sync, self._async = httpx.HTTPTransport(), httpx.AsyncHTTPTransport()

    def _note(self, request: httpx.Request) -> httpx.Request:
        path, bearer = request.url.path, request.headers["Authorization"].removeprefix("Bearer ")
        self.sent.append(Sent(path, bearer, json.loads(request.content)))
        if self.prefer is not None and self.prefer[0] == path:
            request.headers["Prefer"] = self.prefer[1]
        return request

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._sync.handle_request(self._note(request))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._async.handle_async_request(self._note(request))

    def close(self) -> None:
        self._sync.close()

    async def aclose(self) -> None:
        await self._async.aclose()


Call = Callable[[Any], Any]
"""Calls a method of either client: what comes back is a result, or an awaitable of one."""


@attrs.define
class Clients:
    """Both clients, so that every call is made with each."""

    base_url: str
    wire: Wire | None

    def both(self, call: Call) -> list[Any]:
        """What the call returned or raised, sync and async."""
        return [self._sync(call), asyncio.run(self._async(call))]

    def _sync(self, call: Call) -> Any:
        with AnamClient(API_KEY, self.base_url, retry=RetryPolicy(max_attempts=1), transport=self.wire) as client:
            try:
                return call(client)
            except AnamError as error:
                return error

    async def _async(self, call: Call) -> Any:
        retry = RetryPolicy(max_attempts=1)
        async with AsyncAnamClient(API_KEY, self.base_url, retry=retry, transport=self.wire) as client:
            try:
                return await call(client)
            except AnamError as error:
                return error
