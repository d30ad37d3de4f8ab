"""The clients that are compared, ours and those people use today, each in a process and an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

import tools

HERE = Path(__file__).resolve().parent
TODAY, BEFORE = (HERE / "peers" / f"{name}.txt" for name in ("today", "livekit-anam-1.6.10"))
"""Locks: what people use today, and a release of the plugin that cannot be installed beside it."""


class Peer(NamedTuple):
    """How `worker.py` runs a client; see `worker.Job`."""

    program: str
    mode: str = "token"
    http: str = "default"
    sync: bool = False
    lock: Path | None = None

    @property
    def is_ours(self) -> bool:
        return self.program == "ours"


CLIENTS: dict[str, Peer] = {
    "ours, token": Peer("ours"),
    "ours, token, fast": Peer("ours", http="fast"),
    "ours, token, user's httpx": Peer("ours", http="httpx"),
    "ours, token, user's aiohttp": Peer("ours", http="aiohttp"),
    "ours, token, sync": Peer("ours", sync=True),
    "ours, token, sync, fast": Peer("ours", http="fast", sync=True),
    "ours, direct": Peer("ours", "direct"),
    "ours, direct, fast": Peer("ours", "direct", http="fast"),
    "ours, direct, user's aiohttp": Peer("ours", "direct", http="aiohttp"),
    "ours, direct, sync": Peer("ours", "direct", sync=True),
    "ours, token minted before": Peer("ours", "minted"),
    "ours, token minted before, fast": Peer("ours", "minted", http="fast"),
    "httpx, token": Peer("httpx"),
    "httpx, direct": Peer("httpx", "direct"),
    "aiohttp, token": Peer("aiohttp", lock=TODAY),
    "aiohttp, direct": Peer("aiohttp", "direct", lock=TODAY),
    "plugin 1.6.10, token": Peer("plugin", lock=BEFORE),
    "plugin 1.6.10 kept open, token": Peer("plugin kept open", lock=BEFORE),
    "plugin 1.8.9, direct": Peer("plugin", "direct", lock=TODAY),
    "plugin 1.8.9 kept open, direct": Peer("plugin kept open", "direct", lock=TODAY),
    "anam 0.12, direct": Peer("anam", "direct", lock=TODAY),
}
"""`plugin` is livekit-plugins-anam; httpx and aiohttp are what one would write by hand."""

FAULTY = (
    *("ours, token, sync", "ours, token", "ours, token, fast", "ours, token, user's httpx"),
    *("ours, token, user's aiohttp", "ours, direct"),
    *("plugin 1.8.9, direct", "plugin 1.6.10, token", "anam 0.12, direct"),
)
"""Those that are run against the sandbox: ours in every way that there is, and those of others that talk to Anam."""


def python_of(client: str) -> Path:
    """The interpreter that has the client; its environment is made on first use, which takes a minute or two."""
    lock = CLIENTS[client].lock
    return Path(sys.executable) if lock is None else tools.peer_environment(lock) / "bin" / "python"


def job(client: str, **more: Any) -> str:
    """The line that tells a worker what to run."""
    peer = CLIENTS[client]
    return json.dumps({**peer._asdict(), "lock": None, "timeout": 60.0, **more}) + "\n"


def environment(trust: Path | None = None) -> dict[str, str]:
    """The variables of a client's process: no proxies, no keys, no paths; trust in the certificate of a file."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith("ANAM_") and name != "PYTHONPATH"
    }
    return kept | ({} if trust is None else {"SSL_CERT_FILE": str(trust)})


def run(
    client: str,
    *,
    names: Sequence[str],
    before: Callable[[], object] = lambda: None,
    limit: float = 600.0,
    **more: Any,
) -> tuple[float, list[dict[str, Any]]]:
    """Starts one session a name, after `before`; CPU seconds of them all, and what each caller knows.

    Raises:
        RuntimeError: It could not be run.
    """
    with subprocess.Popen(
        [python_of(client), HERE / "worker.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(job(client, names=list(names), **more))
            process.stdin.flush()
            if process.stdout.readline() == "ready\n":
                before()
            out, errors = process.communicate("go\n", timeout=limit)
        finally:
            process.kill()
    if process.returncode != 0:
        raise RuntimeError(f"{client} failed to run: {errors[-2000:]}")
    cpu, outcomes = json.loads(out)
    return cpu, outcomes
