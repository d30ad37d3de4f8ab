"""What a client weighs: importing it, making one, keeping many, and a thousand starts under way."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import attrs
import import_time

from bench import clients, servers
from bench.clients import ALL
from bench.stats import Figure, ratios

NOTHING, HTTPX, OURS = "(nothing)", "import httpx", "import anam_facade"

PROGRAMS: dict[str, tuple[str, str]] = {
    NOTHING: ("ours, async, token", "pass"),
    **{name: ("ours, async, token", program) for name, program in import_time.PROGRAMS.items()},
    '… with transport="fast"': (
        "ours, async, token",
        "from anam_facade import AnamClient; AnamClient('key', 'http://127.0.0.1:1', transport='fast').close()",
    ),
    "import anam_api": ("generated client, token", "import anam_api.api.engine.create_engine_session"),
    "import aiohttp": ("aiohttp, token", "import aiohttp"),
    "import pyreqwest.client": ("pyreqwest, token", "import pyreqwest.client"),
    "import anam": ("anam 0.12, direct", "import anam"),
    "import livekit.plugins.anam 1.6.10": ("plugin 1.6.10, token", "import livekit.plugins.anam"),
    "import livekit.plugins.anam 1.8.9": ("plugin 1.8.9, direct", "import livekit.plugins.anam"),
}
"""What is imported → by which client's interpreter, and how."""

KEPT_OPEN = (
    "ours, async, direct",
    "ours, async, direct, fast",
    "ours, sync, direct",
    "ours, sync, direct, fast",
    "httpx, direct",
    "generated client, direct",
    "plugin 1.8.9 kept open, direct",
    "aiohttp, direct",
    "pyreqwest, direct",
)
UNDER_WAY = (
    "ours, async, token",
    "ours, async, token, fast",
    "httpx, token",
    "plugin 1.6.10, token",
    "aiohttp, token",
    "pyreqwest, token",
)
MEASURE = """
import sys, time
began = time.perf_counter()
exec(sys.argv[1])
took = time.perf_counter() - began
try:
    status = open("/proc/self/status").read()
    peak = int(status.partition("VmHWM:")[2].split()[0])
except (OSError, IndexError):
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(took, peak / 1024)
"""
"""Seconds and MiB. Not `ru_maxrss` where it can be helped: Linux counts in it what the parent had before the exec."""

MANY = 1000
SLOW = 3.0
"""Round-trip time, in seconds, of the server that a thousand starts wait for."""


@attrs.define
class Imports:
    """Seconds and MiB of every import, round by round."""

    seconds: dict[str, list[float]] = attrs.field(factory=dict)
    mebibytes: dict[str, list[float]] = attrs.field(factory=dict)
    failed: dict[str, str] = attrs.field(factory=dict)

    def ratio(self) -> Figure:
        """Ours over httpx's."""
        return ratios(self.seconds[OURS], self.seconds[HTTPX])


def imports(names: tuple[str, ...], rounds: int) -> Imports:
    """Each import in a fresh interpreter, in turn; one round before the first, for the caches."""
    found = Imports()
    for number in range(rounds + 1):
        for name in names:
            if name in found.failed:
                continue
            client, program = PROGRAMS[name]
            done = subprocess.run(
                [clients.python_of(ALL[client]), "-c", MEASURE, program],
                capture_output=True,
                text=True,
                env=clients.environment(ALL[client]),
                check=False,
            )
            if done.returncode != 0:
                found.failed[name] = done.stderr.strip().rpartition("\n")[2][:200]
            elif number > 0:
                seconds, mebibytes = map(float, done.stdout.split()[-2:])
                found.seconds.setdefault(name, []).append(seconds)
                found.mebibytes.setdefault(name, []).append(mebibytes)
    return found


def idle_clients(names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Seconds to make a client and MiB to keep it, averages of up to a thousand made in up to four seconds.

    With an https:// address, and so with the machine's certificates; none of them connects.
    """
    return {
        name: attempt(name, do="idle clients", base_url=f"https://{servers.HOST}:1", count=MANY, seconds=4.0)
        for name in names
    }


def in_flight(server: servers.Server, names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """MiB per start while a thousand are under way, over plain HTTP."""
    with servers.delays(server.http, [SLOW], many=True) as ports:
        url = f"http://127.0.0.1:{ports[SLOW]}"
        return {name: attempt(name, do="in flight", base_url=url, count=MANY) for name in names}


def attempt(name: str, **job: Any) -> dict[str, Any]:
    if not sys.platform.startswith("linux"):
        return {"unavailable": "memory is read from /proc, which this system does not have"}
    try:
        return clients.measure(ALL[name], **job)
    except subprocess.TimeoutExpired:
        return {"unavailable": "did not end in time"}
    except clients.FailedError as error:
        return {"unavailable": str(error)}
