"""Starts per second and CPU time per start: plain HTTP on loopback, so many starts at a time, each cell in a process of
its own.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs

from bench import clients, servers
from bench.stats import Figure, ratios

TOKEN = (
    "ours, async, token",
    "ours, async, token, fast",
    "httpx, token",
    "generated client, token",
    "plugin 1.6.10, token",
    "plugin 1.6.10 kept open, token",
    "aiohttp, token",
    "pyreqwest, token",
)
DIRECT = (
    "ours, async, direct",
    "ours, async, direct, fast",
    "httpx, direct",
    "generated client, direct",
    "plugin 1.8.9, direct",
    "plugin 1.8.9 kept open, direct",
    "anam 0.12, direct",
    "aiohttp, direct",
    "pyreqwest, direct",
)
THREADS = (
    "ours, sync, token",
    "ours, sync, token, fast",
    "httpx, sync, token",
    "ours, sync, direct",
    "ours, sync, direct, fast",
    "httpx, sync, direct",
)

BUSY = 0.1
"""Part of the time: a client that waits longer for a core than this was not alone on the machine."""


@attrs.frozen
class Cell:
    """One client, with so many starts (or threads) at a time."""

    client: str
    at_a_time: int


def cells(names: Iterable[str], sizes: Iterable[int]) -> list[Cell]:
    names = tuple(names)
    return [Cell(name, size) for size in sizes for name in names]


@attrs.define
class Outcome:
    """What the rounds of a cell found; `failure` says why there is nothing, or no more."""

    rounds: list[dict[str, Any]] = attrs.field(factory=list)
    failure: str | None = None

    def per_second(self) -> list[float]:
        return [found["starts"] / found["wall"] for found in self.rounds]

    def cpu(self) -> list[float]:
        """Microseconds of the client's CPU time per start."""
        return [found["cpu"] / max(1, found["starts"]) * 1e6 for found in self.rounds]

    def server_share(self) -> float:
        """The part of one core that the server used, at most."""
        shares: list[float] = [found["server_cpu"] / found["wall"] for found in self.rounds]
        return max(shares)

    def waited(self) -> float:
        """The part of the time for which the client could have run, and something else had the cores."""
        return Figure.of([found["waited"] / found["wall"] for found in self.rounds]).median

    def is_busy(self) -> bool:
        """Whether something else had the cores for so long that the starts per second say little."""
        return bool(self.rounds) and self.waited() > BUSY

    def errors(self) -> int:
        return sum(sum(found["errors"].values()) for found in self.rounds)


Outcomes = dict[Cell, Outcome]


def measure(server: servers.Server, wanted: Sequence[Cell], *, rounds: int, seconds: float) -> Iterator[Outcomes]:
    """Measures every cell once a round, in turn; yields what there is after each cell, so that others can step in."""
    found = {cell: Outcome() for cell in wanted}
    for _ in range(rounds):
        for cell, outcome in found.items():
            if outcome.failure is None:
                once(server, cell, outcome, seconds)
            yield found


def once(server: servers.Server, cell: Cell, outcome: Outcome, seconds: float) -> None:
    try:
        said = clients.measure(
            clients.ALL[cell.client],
            do="throughput",
            base_url=server.url,
            server=server.pid,
            at_a_time=cell.at_a_time,
            seconds=seconds,
            run_up=0.2,
            patience=8.0,
        )
    except subprocess.TimeoutExpired:
        outcome.failure = "did not end in time"
        return
    except clients.FailedError as error:
        outcome.failure = str(error)
        return
    if "unavailable" in said:
        outcome.failure = f"unavailable: {said['unavailable']}"
    else:
        outcome.rounds.append(said)


def rows(found: Outcomes) -> list[list[str]]:
    """For a table: what, at a time, starts/s over httpx's, starts/s, CPU µs per start, the server's share, remarks."""
    table = []
    for cell, outcome in found.items():
        line = [cell.client, str(cell.at_a_time)]
        if not outcome.rounds:
            table.append([*line, "-", "-", "-", "-", outcome.failure or "not measured"])
            continue
        rate, cpu = Figure.of(outcome.per_second()), Figure.of(outcome.cpu())
        remarks = []
        if errors := outcome.errors():
            remarks.append(f"{errors} errors: {next(iter(outcome.rounds[-1]['errors'] or ['earlier']))}")
        if outcome.is_busy():
            remarks.append(f"waited for a core {outcome.waited():.0%} of the time")
        if (begun := min(said["begun"] for said in outcome.rounds)) < cell.at_a_time:
            remarks.append(f"only {begun} of {cell.at_a_time} had started one before")
        table.append(
            [
                *line,
                over_httpx(found, cell),
                rate.text(0),
                cpu.text(0),
                f"{outcome.server_share():.0%}",
                "; ".join(remarks),
            ]
        )
    return table


def over_httpx(found: Outcomes, cell: Cell) -> str:
    """How many times as many starts as httpx's own client in the same mode."""
    client = clients.ALL[cell.client]
    other = found.get(Cell(f"httpx, {'sync, ' if client.sync else ''}{client.mode}", cell.at_a_time))
    mine = found[cell]
    if other is None or len(other.rounds) != len(mine.rounds) or not other.rounds:
        return "-"
    return ratios(mine.per_second(), other.per_second()).text(2)
