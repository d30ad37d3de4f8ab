"""Both clients behind one synchronous face, so that each test runs for both, over a real socket, against the
sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from anam_facade import AnamClient, AsyncAnamClient, RetryPolicy
from anam_facade.sandbox import Sandbox

QUICK = RetryPolicy(initial_backoff=0.01, max_backoff=0.02)
"""The default policy but for its pauses."""


class Calls:
    """Calls a method of the sync or the async client by name."""

    def __init__(self, kind: str, sandbox: Sandbox) -> None:
        self._cls = AnamClient if kind == "sync" else AsyncAnamClient
        self._sandbox = sandbox
        self._runner = asyncio.Runner()
        self.client: Any = None
        self.configure()

    def configure(self, **options: Any) -> None:
        """Makes the client that the calls go through; by default it retries without waiting long."""
        self._close_client()
        where = {"api_key": self._sandbox.api_key, "base_url": self._sandbox.base_url}
        self.client = self._cls(**{**where, "retry": QUICK, **options})

    def __call__(self, method: str, *args: Any, **kwargs: Any) -> Any:
        result = getattr(self.client, method)(*args, **kwargs)
        return result if self._cls is AnamClient else self._runner.run(_awaited(result))

    def _close_client(self) -> None:
        if self.client is not None:
            self("close" if self._cls is AnamClient else "aclose")

    def close(self) -> None:
        self._close_client()
        self._runner.close()


async def _awaited(awaitable: Any) -> Any:
    return await awaitable


@pytest.fixture(params=["sync", "async"])
def calls(request: pytest.FixtureRequest, anam_sandbox: Sandbox) -> Iterator[Calls]:
    """`calls("start_session", persona, direct=True)`, by the sync and by the async client."""
    made = Calls(request.param, anam_sandbox)
    yield made
    made.close()
