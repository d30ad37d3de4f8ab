"""Real parts: a LiveKit server, agents in processes of their own, a sandbox whose avatars join. Run by `make rooms`."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.livekit.room import Server

if importlib.util.find_spec("livekit") is None:
    collect_ignore_glob = ["*"]  # `make test`: without the libraries that a room takes
else:
    from anam_facade.sandbox import Sandbox
    from tests.livekit import room
    from tests.livekit.stage import Stage

ROOT = Path(__file__).resolve().parent.parent.parent
NPM = ROOT / "tests" / "livekit" / "npm"
CLIENTS = {
    "plugin 1.8.9": ("plugin", "1.8.9"),
    "plugin 1.6.10": ("plugin", "1.6.10"),
    "plugin 1.8.9 over ours": ("plugin over ours", "1.8.9"),
    "plugin 1.6.10 over ours": ("plugin over ours", "1.6.10"),
    "ours": ("ours", "1.8.9"),
    "npm plugin 1.5.0": ("npm", "1.8.9"),
}
"""Where an agent's avatar comes from: what `agent` calls it, and the plugin's version."""

tables: dict[tuple[str, ...], list[tuple[object, ...]]] = {}
"""What the run prints at its end: heading → rows."""


def pytest_configure(config: pytest.Config) -> None:
    if importlib.util.find_spec("livekit") is not None:
        # What Anam's engine could not join, the sandbox's avatar can.
        config.addinivalue_line("filterwarnings", "ignore:.* is this machine")


@pytest.fixture(scope="session")
def livekit() -> Iterator[Server]:
    with room.server() as running:
        yield running


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    with Sandbox(livekit=True) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    """A sandbox whose avatars join, as new."""
    running_sandbox.reset()
    return running_sandbox


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def stage(
    request: pytest.FixtureRequest, livekit: Server, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    """A room named as the test, with an agent and a listener; nothing of ours is left running in the end."""
    # What a task of LiveKit's own raises is logged, as it is where no test runner looks.
    asyncio.get_running_loop().set_exception_handler(None)
    for name, value in environment(livekit, sandbox).items():
        monkeypatch.setenv(name, value)
    async with Stage(livekit, sandbox, request.node.name) as stage:
        yield stage
    await asyncio.sleep(0)
    left = {task.get_coro().__qualname__ for task in asyncio.all_tasks()}
    assert not {name for name in left if "vatar" in name or "anam" in name}


@pytest.fixture(scope="module", params=CLIENTS)
def client(request: pytest.FixtureRequest, livekit: Server, running_sandbox: Sandbox) -> Iterator[str]:
    """One of `CLIENTS`, with a worker that serves jobs with it."""
    if CLIENTS[request.param][0] == "npm" and not (NPM / "node_modules").exists():
        pytest.skip("Node is not installed")
    kind, version = CLIENTS[request.param]
    with worker(livekit, running_sandbox, kind, version):
        yield request.param


def environment(livekit: Server, sandbox: Sandbox) -> dict[str, str]:
    """Where an agent finds both."""
    return livekit.environment | {"ANAM_API_KEY": sandbox.api_key, "ANAM_API_URL": sandbox.base_url}


@contextmanager
def worker(livekit: Server, sandbox: Sandbox, client: str, version: str = "1.8.9") -> Iterator[subprocess.Popen[str]]:
    """A process that serves agent jobs, under the agent name "face"; see `agent` for its clients."""
    program = ["npm/agent.mjs", "face"] if client == "npm" else ["agent.py", "face", client]
    with running(livekit, sandbox, *program, version=version) as process:
        yield process


@contextmanager
def running(livekit: Server, sandbox: Sandbox, *program: str, version: str) -> Iterator[subprocess.Popen[str]]:
    """A program of this folder that serves agent jobs, with that version of the plugin."""
    # An older plugin comes before the one that is installed, which has no such folder.
    path = [str(ROOT / folder) for folder in (f".peers/livekit-plugins-anam-{version}", ".", "generated")]
    interpreter = "node" if program[0].endswith(".mjs") else sys.executable
    command = [interpreter, str(ROOT / "tests/livekit" / program[0]), *program[1:]]
    # A session of its own: its jobs are processes, too.
    env = os.environ | environment(livekit, sandbox) | {"PYTHONPATH": os.pathsep.join(path)}
    process = subprocess.Popen(command, env=env, start_new_session=True, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        kill(process.pid)
        process.wait()
        process.stdout.close()


def kill(worker: int) -> None:
    """Ends a worker and its jobs at once."""
    with suppress(ProcessLookupError):
        os.killpg(worker, signal.SIGKILL)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for heading, rows in tables.items():
        cells = [[f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row] for row in (heading, *rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        terminalreporter.section("rooms")
        for row in cells:
            terminalreporter.write_line(" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
