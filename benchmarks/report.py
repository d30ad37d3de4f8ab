"""What was measured: the targets, a table, a small JSON, and pictures drawn from it."""

from __future__ import annotations

import json
import os
import platform
import re
import ssl
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import attrs
import peers
from speed import BASE, CLOSED, IDLE, KINDS, WARM, Findings, Load, Start

import tools

PICTURES = Path(__file__).resolve().parent / "pictures.py"


def figure(values: Sequence[float], scale: float = 1.0) -> list[float]:
    """The median of the rounds and half the distance between their quartiles, which is called the noise everywhere."""
    if len(values) < 2:
        return [values[0] * scale, 0.0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return [middle * scale, (high - low) / 2 * scale]


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Ours over theirs, round by round: what slows the machine down for a while slows both down in the same round."""
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def per_second(rounds: Sequence[dict[str, float]]) -> list[float]:
    return [found["starts"] / found["wall"] for found in rounds]


def cpu(rounds: Sequence[dict[str, float]]) -> list[float]:
    """Microseconds of the client's CPU time per start."""
    return [found["cpu"] / found["starts"] * 1e6 for found in rounds]


# --- Targets --------------------------------------------------------------------------------------


@attrs.frozen
class Target:
    """A promise: of a client, in a unit, at most (or at least) so much; `measured` gives the rounds."""

    name: str
    unit: str
    limit: float
    measured: Callable[[Findings], Sequence[float]]
    at_least: bool = False


def round_trips(client: str, kind: str, limit: float) -> Target:
    name = Start(client, kind, BASE)
    return Target(
        f"{kind}, {client}", "round trips", limit, lambda found: [seconds / BASE for seconds in found.starts[name]]
    )


def compared(client: str, other: str, n: int, *, unit: str, limit: float) -> Target:
    """The CPU time per start of one client over another's; or the starts per second, which are to be as many."""
    of = cpu if "CPU" in unit else per_second

    def measured(found: Findings) -> list[float]:
        return ratios(*(of(found.loads[Load(one, n)]) for one in (client, other)))

    return Target(f"{client}, {n} at a time", unit, limit, measured, at_least=of is per_second)


KEPT_OPEN = "plugin 1.6.10 kept open, token"
FACADE = "from anam_facade import AnamClient"
TARGETS = (
    *(round_trips(f"ours, direct{http}", WARM, 1.10) for http in ("", ", fast", ", sync")),
    *(round_trips(f"ours, token{http}", WARM, 2.15) for http in ("", ", fast", ", sync")),
    *(round_trips(f"ours, direct{http}", IDLE, 1.10) for http in ("", ", fast")),
    *(
        compared("ours, token", "httpx, token", n, unit="times the CPU of httpx", limit=limit)
        for n, limit in ((1, 1.15), (32, 0.6), (256, 0.45))
    ),
    *(
        compared(f"ours, token, {http}", KEPT_OPEN, n, unit=f"times the {of} of the plugin kept open", limit=limit)
        for http, of, limit in (("fast", "starts/s", 1.0), ("user's aiohttp", "CPU", 1.5))
        for n in (32, 256)
    ),
    Target(FACADE, "times import httpx", 1.3, lambda f: ratios(f.imports[FACADE], f.imports["import httpx"])),
)


def judged(found: Findings) -> list[dict[str, Any]]:
    """Each target with what was measured; one is missed when it is exceeded by more than the noise."""
    verdicts = []
    for target in TARGETS:
        try:
            median, noise = figure(target.measured(found))
        except (KeyError, ValueError, IndexError):
            median, noise = None, 0.0
        excess = 0.0 if median is None else (target.limit - median if target.at_least else median - target.limit)
        outcome = "not measured" if median is None else "met" if excess <= 0 else "met within the noise"
        verdicts.append(
            {
                "target": target.name,
                "at least" if target.at_least else "at most": target.limit,
                "unit": target.unit,
                "measured": None if median is None else round(median, 3),
                "noise": round(noise, 3),
                "outcome": "MISSED" if excess > noise else outcome,
            }
        )
    return verdicts


# --- The files ------------------------------------------------------------------------------------


def machine(server: str) -> dict[str, str]:
    """Enough to judge the figures, nothing that names the machine or its owner."""
    cpus = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.*)$", cpus.read_text("utf-8") if cpus.exists() else "", re.MULTILINE)
    model = found[1] if found else platform.machine()
    packages = ("anam-facade", "httpx", "httpcore", "anyio", "h11")
    lock = peers.TODAY.read_text("utf-8")
    theirs = re.findall(r"^(livekit-plugins-anam|anam|aiohttp)==(\S+)", lock, re.MULTILINE)
    return {
        "CPU": f"{model}, {os.cpu_count()} cores",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {sys.version.split()[0]}, {ssl.OPENSSL_VERSION}",
        "server": server,
        "ours": ", ".join(f"{name} {metadata.version(name)}" for name in packages),
        "theirs": ", ".join(["livekit-plugins-anam 1.6.10", *(f"{name} {version}" for name, version in theirs)]),
    }


def summary(found: Findings, **about: Any) -> dict[str, Any]:
    """All that is kept: medians and noise."""
    starts: dict[str, dict[str, Any]] = {}
    for start, seconds in found.starts.items():
        if seconds:
            by_kind = starts.setdefault(start.client, {}).setdefault(start.kind, {})
            by_kind[f"{start.round_trip * 1e3:g}"] = [round(n, 2) for n in figure(seconds, 1e3)]
    loads: dict[str, dict[str, Any]] = {}
    for load, rounds in found.loads.items():
        rates, costs = ([round(n) for n in figure(values)] for values in (per_second(rounds), cpu(rounds)))
        loads.setdefault(load.client, {})[str(load.at_a_time)] = {"starts/s": rates, "CPU µs": costs}
    return about | {
        "targets": judged(found),
        "ms to a session, by round trip in ms": starts,
        "throughput, by starts at a time": loads,
        "ms to import": {name: [round(n, 1) for n in figure(values, 1e3)] for name, values in found.imports.items()},
        "failures": found.failures,
    }


def as_json(kept: dict[str, Any]) -> str:
    """One line for each client or target."""
    text = partial(json.dumps, ensure_ascii=False)
    parts = []
    for key, value in kept.items():
        if isinstance(value, dict):
            inner = "{\n" + ",\n".join(f"    {text(name)}: {text(item)}" for name, item in value.items()) + "\n  }"
        elif isinstance(value, list):
            inner = "[\n" + ",\n".join(f"    {text(item)}" for item in value) + "\n  ]"
        else:
            inner = text(value)
        parts.append(f"  {text(key)}: {inner}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows))


def shown(pair: Sequence[float] | None, digits: int, scale: float = 1.0) -> str:
    return "" if pair is None else f"{pair[0] * scale:,.{digits}f} ± {pair[1] * scale:,.{digits}f}"


PAGE = """\
# What starting a session costs

Measured on {day} by `{command}`, ours and theirs in turn, in one run: medians of the rounds, ± half the distance
between the quartiles.

{machine}

{targets}

![Milliseconds to a session by round trip](latency.png)
![Starts per second and CPU time per start by starts at a time](throughput.png)
![Import time](imports.png)

The first columns are round trips of {base} ms over TLS 1.3, of which a new connection takes two and a request one; then
come starts per second and CPU time per start, so many at a time, over plain HTTP on loopback.

{clients}

{imports}

{failures}
"""


def as_markdown(kept: dict[str, Any]) -> str:
    verdicts = []
    for verdict in kept["targets"]:
        limit = f"≥ {verdict['at least']}" if "at least" in verdict else f"≤ {verdict['at most']}"
        measured = None if verdict["measured"] is None else (verdict["measured"], verdict["noise"])
        verdicts.append([verdict["target"], f"{limit} {verdict['unit']}", shown(measured, 2), verdict["outcome"]])
    starts, loads = kept["ms to a session, by round trip in ms"], kept["throughput, by starts at a time"]
    base = f"{BASE * 1e3:g}"
    sizes = sorted({size for by_size in loads.values() for size in by_size}, key=int)
    columns = [(what, size) for what in ("starts/s", "CPU µs") for size in sizes]
    rows = []
    for client in dict.fromkeys([*starts, *loads]):
        trips = [starts.get(client, {}).get(kind, {}).get(base) for kind in KINDS]
        costs = [loads.get(client, {}).get(size, {}).get(what) for what, size in columns]
        rows.append([client, *(shown(pair, 2, 1 / float(base)) for pair in trips), *(shown(pair, 0) for pair in costs)])
    load = ("load average before and after", ", ".join(map(str, kept["load average"])))
    return PAGE.format(
        day=kept["day"],
        command=kept["command"],
        base=base,
        machine=table(["", ""], [*kept["machine"].items(), load]),
        targets=table(["target", "limit", "measured", "outcome"], verdicts),
        clients=table(["client", *KINDS, *(f"{what}, {size}" for what, size in columns)], rows),
        imports=table(["", "ms"], [[name, shown(pair, 1)] for name, pair in kept["ms to import"].items()]),
        failures="\n".join(f"- {client}: {failure}" for client, failure in kept["failures"].items()),
    )


def write(kept: dict[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.json").write_text(as_json(kept), "utf-8")
    (folder / "bench.md").write_text(as_markdown(kept), "utf-8")
    python = tools.peer_environment(peers.TODAY) / "bin" / "python"
    subprocess.run([python, PICTURES, folder / "bench.json", folder], env=peers.environment(), check=True)


def hang_ups(found: Findings) -> tuple[int, int]:
    """Starts of ours that failed after the server had hung up, and how many there should have been."""
    clients = [s.client for s in found.starts if s.kind == CLOSED and peers.CLIENTS[s.client].is_ours]
    return sum(2 - len(found.starts[Start(client, CLOSED, BASE)]) for client in clients), 2 * len(clients)
