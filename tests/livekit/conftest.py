"""Real parts: a LiveKit server, agents in processes of their own, a sandbox whose avatars join. Run by `make rooms`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from anam_facade.sandbox import Sandbox

try:
    from tests.livekit.room import running, server
except ModuleNotFoundError:
    collect_ignore_glob = ["*"]  # `make test`: without the libraries that a room takes

ROOT = Path(__file__).resolve().parents[2]
START = "createEngineSession"
NO_SLOT = {"error": "Concurrent session limit reached"}

report: list[str] = []
"""What the run prints at its end."""


def pytest_itemcollected(item: pytest.Item) -> None:
    # What Anam's engine could not join, the sandbox's avatar can.
    item.add_marker(pytest.mark.filterwarnings("ignore:.* is this machine"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for line in report:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    """A LiveKit server and a sandbox whose avatars join its rooms; both are where the environment says."""
    with server(), Sandbox(livekit=True) as sandbox, pytest.MonkeyPatch.context() as environment:
        environment.setenv("ANAM_API_KEY", sandbox.api_key)
        environment.setenv("ANAM_API_URL", sandbox.base_url)
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    """The sandbox, as new."""
    running_sandbox.reset()
    return running_sandbox


@contextmanager
def worker(client: str, version: str = "1.8.9") -> Iterator[subprocess.Popen[bytes]]:
    """A process that serves agent jobs under the name "face", with the plugin of that version; see `agent`."""
    folder = ROOT / "tests" / "livekit"
    command = ["node", folder / "npm/agent.mjs"] if client == "npm" else [sys.executable, folder / "agent.py", client]
    # An older plugin comes before the one that is installed, which has no such folder.
    path = [str(ROOT / ".peers" / f"livekit-plugins-anam-{version}"), os.environ["PYTHONPATH"]]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path)}
    with running(*map(str, command), ready="ready\n", env=environment, stderr=None) as process:
        yield process


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
