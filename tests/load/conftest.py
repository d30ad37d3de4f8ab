"""A sandbox in a process of its own, so that client and server do not share an interpreter."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest


@attrs.frozen
class Served:
    """A sandbox that another process serves, controlled over HTTP."""

    base_url: str
    api_key: str

    def state(self) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(f"{self.base_url}/_sandbox/state", timeout=60.0).json()
        return answer

    def reset(self) -> None:
        httpx.post(f"{self.base_url}/_sandbox/reset", timeout=60.0).raise_for_status()

    def configure(self, **settings: Any) -> None:
        httpx.put(f"{self.base_url}/_sandbox/settings", json=settings, timeout=60.0).raise_for_status()

    def inject(self, **fault: Any) -> None:
        httpx.post(f"{self.base_url}/_sandbox/faults", json=fault, timeout=60.0).raise_for_status()


@pytest.fixture(scope="session")
def _process() -> Iterator[Served]:
    key = "bG9hZDpsb2Fk"
    with subprocess.Popen(
        [sys.executable, "-m", "anam_facade.sandbox", "--port", "0", "--api-key", key],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            said = ""
            for line in process.stdout:
                said += line
                found = re.search(r"http://127\.0\.0\.1:\d+", line)
                if found:
                    yield Served(found.group(), key)
                    break
            else:
                pytest.fail(f"the sandbox did not start: {said}")
        finally:
            process.terminate()
            process.communicate(timeout=10)


@pytest.fixture
def served(_process: Served) -> Iterator[Served]:
    """The sandbox, fresh."""
    _process.reset()
    yield _process
    _process.reset()


def open_descriptors() -> int:
    """How many file descriptors this process has open."""
    folder = Path("/proc/self/fd")
    return len(list((folder if folder.exists() else Path("/dev/fd")).iterdir()))


@pytest.fixture
def descriptors() -> Any:
    return open_descriptors
