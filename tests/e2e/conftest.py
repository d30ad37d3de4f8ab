"""Both clients behind one synchronous face, so that each test runs for both, over a real socket, against the
sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from anam_facade import AnamClient, AsyncAnamClient, RetryPolicy
from anam_facade.sandbox import Sandbox

QUICK = RetryPolicy(initial_backoff=0.01, max_backoff=0.02)
"""The default policy but for its pauses."""


class Calls:
    """Calls a method of the sync or the async client by name."""

    def __init__(self, kind: str, sandbox: Sandbox) -> None:
        self.kind = kind
        self._sandbox = sandbox
        self._runner = asyncio.Runner() if kind == "async" else None
        self._client: AnamClient | AsyncAnamClient | None = None

    def configure(self, **options: Any) -> None:
        """Makes the client that the calls go through; by default it retries without waiting long."""
        self.close_client()
        arguments = {"api_key": self._sandbox.api_key, "base_url": self._sandbox.base_url, "retry": QUICK, **options}
        if self._runner is None:
            self._client = AnamClient(**arguments)
        else:
            self._client = AsyncAnamClient(**arguments)

    def __call__(self, method: str, *args: Any, **kwargs: Any) -> Any:
        if self._client is None:
            self.configure()
        result = getattr(self._client, method)(*args, **kwargs)
        return result if self._runner is None else self._runner.run(_awaited(result))

    def close_client(self) -> None:
        if isinstance(self._client, AnamClient):
            self._client.close()
        elif self._client is not None and self._runner is not None:
            self._runner.run(self._client.aclose())
        self._client = None

    def close(self) -> None:
        self.close_client()
        if self._runner is not None:
            self._runner.close()


async def _awaited(awaitable: Any) -> Any:
    return await awaitable


@pytest.fixture(params=["sync", "async"])
def calls(request: pytest.FixtureRequest, anam_sandbox: Sandbox) -> Iterator[Calls]:
    """`calls("start_session", persona, direct=True)`, by the sync and by the async client."""
    made = Calls(request.param, anam_sandbox)
    yield made
    made.close()


@pytest.fixture
def start(calls: Calls) -> Callable[[str], Any]:
    """Starts a session in one of the two modes: `start("token")`, `start("direct")`."""
    persona = {"personaId": "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"}

    def start_in(mode: str) -> Any:
        return calls("start_session", persona, client_label="e2e", direct=mode == "direct")

    return start_in
