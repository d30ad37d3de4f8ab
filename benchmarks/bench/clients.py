"""Which clients are compared, and how each is run: in a process, and an environment, of its own."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any, Literal

import attrs

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "interop"))

import peers

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

Mode = Literal["token", "direct", "minted"]
Transport = Literal["default", "fast"]

KEY = "YmVuY2g6YmVuY2g="
PLUGIN_1_6, PLUGIN_1_8 = "livekit-plugins-anam 1.6.10", "livekit-plugins-anam 1.8.9"
LOCK = ROOT / "requirements" / "bench.txt"


@attrs.frozen(kw_only=True)
class Client:
    """One column of the comparison.

    Attributes:
        name: What it is called in every table.
        program: What drives it; a key of `client.CLIENTS`.
        mode: Mint a token and start with it; start directly; start with a token that was minted beforehand.
        transport: Of ours, which one.
        sync: Whether it blocks, and is used by threads.
        peer: Of the clients people use today, which one; a key of `peers.LOCKS`.
    """

    name: str
    program: str
    mode: Mode
    transport: Transport = "default"
    sync: bool = False
    peer: str | None = None

    @property
    def is_ours(self) -> bool:
        return self.program == "ours"

    def job(self) -> dict[str, Any]:
        """What the process that runs it needs to know of it."""
        return {
            "client": self.program,
            "mode": self.mode,
            "transport": self.transport,
            "sync": self.sync,
            "peer": self.peer,
            "api_key": KEY,
            "timeout": 60.0,
        }


def _ours() -> list[Client]:
    return [
        Client(
            name=", ".join(("ours", "sync" if sync else "async", *words, *(["fast"] if transport == "fast" else []))),
            program="ours",
            mode=mode,
            transport=transport,
            sync=sync,
        )
        for sync in (False, True)
        for mode, words in MODES
        for transport in TRANSPORTS
    ]


MODES: tuple[tuple[Mode, tuple[str, ...]], ...] = (
    ("token", ("token",)),
    ("direct", ("direct",)),
    ("minted", ("token minted before",)),
)
TRANSPORTS: tuple[Transport, ...] = ("default", "fast")

ALL: dict[str, Client] = {
    client.name: client
    for client in (
        *_ours(),
        Client(name="httpx, token", program="httpx", mode="token"),
        Client(name="httpx, direct", program="httpx", mode="direct"),
        Client(name="httpx, sync, token", program="httpx", mode="token", sync=True),
        Client(name="httpx, sync, direct", program="httpx", mode="direct", sync=True),
        Client(name="generated client, token", program="generated", mode="token"),
        Client(name="generated client, direct", program="generated", mode="direct"),
        Client(name="plugin 1.6.10, token", program="peer", mode="token", peer=PLUGIN_1_6),
        Client(name="plugin 1.8.9, direct", program="peer", mode="direct", peer=PLUGIN_1_8),
        Client(name="plugin 1.6.10 kept open, token", program="plugin kept", mode="token", peer=PLUGIN_1_6),
        Client(name="plugin 1.8.9 kept open, direct", program="plugin kept", mode="direct", peer=PLUGIN_1_8),
        Client(name="anam 0.12, direct", program="peer", mode="direct", peer="anam 0.12.0"),
        Client(name="aiohttp, token", program="aiohttp", mode="token"),
        Client(name="aiohttp, direct", program="aiohttp", mode="direct"),
        Client(name="pyreqwest, token", program="pyreqwest", mode="token"),
        Client(name="pyreqwest, direct", program="pyreqwest", mode="direct"),
    )
}


def python_of(client: Client) -> str:
    """The interpreter that has the client."""
    if client.peer is not None:
        return peers.python_of(client.peer)
    if client.program in ("aiohttp", "pyreqwest"):
        return bench_python()
    return sys.executable


def bench_python() -> str:
    """The interpreter of the benchmark's own environment, made on first use: other HTTP clients, and what draws."""
    folder = peers.ENVIRONMENTS / "bench"
    python, stamp = folder / "bin" / "python", folder / "installed"
    wanted = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    if not stamp.exists() or stamp.read_text("ascii") != wanted:
        print(f"Installing {LOCK.relative_to(ROOT)} into .peers/{folder.name} …", file=sys.stderr, flush=True)
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        subprocess.run([*pip, "--only-binary=:all:", "--require-hashes", "-r", str(LOCK)], check=True)
        stamp.write_text(wanted, "ascii")
    return str(python)


def environment(client: Client, trust: Path | None = None) -> dict[str, str]:
    """The variables of the client's process: no proxies, no keys, and trust in the server's certificate."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith("ANAM_") and name != "PYTHONPATH"
    }
    if client.program in ("ours", "httpx", "generated"):
        kept["PYTHONPATH"] = os.environ.get("PYTHONPATH", "")
    return kept | ({} if trust is None else {"SSL_CERT_FILE": str(trust)})


class FailedError(Exception):
    """A client's process did not end as it should; what it said last."""


def last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2][:300]


def measure(client: Client, *, limit: float = 120.0, trust: Path | None = None, **job: Any) -> dict[str, Any]:
    """Runs one job in a process of its own.

    Returns:
        What `client.py` found; {"unavailable": why} when the client cannot do that.

    Raises:
        FailedError: It failed to run.
        subprocess.TimeoutExpired: It did not end within `limit` seconds.
    """
    done = subprocess.run(
        [python_of(client), str(HERE / "client.py")],
        input=json.dumps({**client.job(), **job}) + "\n",
        capture_output=True,
        text=True,
        env=environment(client, trust),
        timeout=limit,
        check=False,
    )
    if done.returncode != 0:
        raise FailedError(last_line(done.stderr) or f"its process ended with {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
