"""A sandbox in a process of its own, so that client and server do not share an interpreter."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest


class Served:
    """A sandbox that another process serves, controlled over HTTP."""

    def __init__(self, base_url: str, api_key: str) -> None:
        self.base_url, self.api_key = base_url, api_key

    def _control(self, method: str, path: str, settings: Any = None) -> httpx.Response:
        url = f"{self.base_url}/_sandbox/{path}"
        return httpx.request(method, url, json=settings, timeout=60.0).raise_for_status()

    def state(self) -> dict[str, Any]:
        answer: dict[str, Any] = self._control("GET", "state").json()
        return answer

    def reset(self) -> None:
        self._control("POST", "reset")

    def configure(self, **settings: Any) -> None:
        self._control("PUT", "settings", settings)

    def inject(self, **fault: Any) -> None:
        self._control("POST", "faults", fault)


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
