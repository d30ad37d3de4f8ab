"""What the figures were measured on: enough to judge them, nothing that names the machine or its owner."""

from __future__ import annotations

import os
import platform
import re
import ssl
import sys
from importlib import metadata
from pathlib import Path

import peers

from bench import clients


def cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor() or "unknown"
    found = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()


def memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    except (ValueError, OSError):
        return "unknown"


def load() -> float:
    """How many processes wanted a core, on average over the last minute."""
    return round(os.getloadavg()[0], 2)


def locked(lock: Path, *names: str) -> list[str]:
    """`name version`, as a lock has it."""
    text = lock.read_text("utf-8")
    return [f"{name} {found[1]}" for name in names if (found := re.search(rf"^{name}==(\S+)", text, re.MULTILINE))]


def describe(nginx: str) -> dict[str, str]:
    own = ["anam-facade", "httpx", "httpcore", "anyio", "h11"]
    peer = next(clients.ROOT.joinpath("interop", "peers").glob("livekit-anam-1.8.9.txt"))
    return {
        "CPU": f"{cpu_model()}, {os.cpu_count()} cores",
        "memory": memory(),
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {sys.version.split()[0]}, {ssl.OPENSSL_VERSION}",
        "server": nginx,
        "ours": ", ".join(f"{name} {metadata.version(name)}" for name in own),
        "theirs": ", ".join([*peers.LOCKS, *locked(peer, "aiohttp")]),
        "others": ", ".join(locked(clients.LOCK, "aiohttp", "pyreqwest")),
    }
