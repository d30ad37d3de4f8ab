"""The fault matrix: `make chaos`. Every client meets the same faults; the server counts the sessions.

One table: a row a fault, a column a client; ours, and those people use today, unmodified. Exits with 1 when a target
is missed:

- ours starts all that can be started: every start in the rows whose fault can be repeated safely;
- no session of ours is one of which the caller neither got the id nor was told to look for it, in any row;
- our 99th percentile is at most a third of livekit-plugins-anam 1.8.9's where no hint of the server's forces a wait.

`--quick` runs fewer starts against fewer clients and compares no times, for machines that are busy. `--markdown FILE`
writes the table to a file.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import attrs

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))

import peers

from anam_facade.sandbox import Fault, Sandbox

START: Literal["createEngineSession"] = "createEngineSession"
CONCURRENCY = 50
TIMEOUT = 2.0
"""Seconds for one attempt, for every client that can be told."""

OURS_TOKEN = ("ours, token, sync", "ours, token, async", "ours, token, fast")
OURS_DIRECT = "ours, direct, async"
PEER = "livekit-plugins-anam 1.8.9"


@attrs.frozen(kw_only=True)
class Row:
    """One fault.

    Attributes:
        name: Its name in the table.
        fault: What the sandbox does; None when `set_up` does it all.
        whole: The columns of ours in which every start must succeed.
        fast: Whether the 99th percentile is compared.
        set_up: Further preparation of the sandbox, called right before the starts begin.
    """

    name: str
    fault: dict[str, Any] | None = None
    whole: tuple[str, ...] = ()
    fast: bool = False
    set_up: Callable[[Sandbox], object] | None = None


ALL_OURS = peers.OURS
ROWS = (
    Row(name="20 % 503", fault={"rate": 0.2, "status": 503}, whole=ALL_OURS, fast=True),
    Row(
        name="20 % 429, Retry-After: 1",
        fault={"rate": 0.2, "status": 429, "headers": {"Retry-After": "1"}, "body": {"error": "Too Many Requests"}},
        whole=ALL_OURS,
    ),
    Row(
        name="20 % 429, no hint",
        fault={"rate": 0.2, "status": 429, "body": {"error": "Too Many Requests"}},
        whole=ALL_OURS,
        fast=True,
    ),
    Row(
        name="20 % HTML 502",
        fault={"rate": 0.2, "status": 502, "body": "<html><h1>502 Bad Gateway</h1></html>"},
        whole=OURS_TOKEN,
        fast=True,
    ),
    Row(name="5 % reset before the start", fault={"rate": 0.05, "close": "before"}, whole=OURS_TOKEN),
    Row(name="5 % reset after the start", fault={"rate": 0.05, "close": "after"}),
    Row(name="5 % later than the time-out", fault={"rate": 0.05, "delay_answer": TIMEOUT + 1.0}),
    Row(name="5 % truncated", fault={"rate": 0.05, "truncate": True}),
    Row(name="down for 2 s, then back", whole=ALL_OURS, set_up=lambda sandbox: sandbox.outage(2.0)),
    Row(
        name="token expires before the start",
        whole=("ours, direct, async",),
        set_up=lambda sandbox: sandbox.configure(token_lifetime=0.001, latency=(0.01, 0.0)),
    ),
)


@attrs.frozen(kw_only=True)
class Cell:
    """What one client did in one row."""

    started: int
    starts: int
    silent: int
    told: int
    p50: float
    p99: float
    wall: float
    errors: tuple[str, ...]

    def __str__(self) -> str:
        counts = f"{self.started}/{self.starts} · {self.silent} · {self.told}"
        return f"{counts} · {self.p50:.2f} · {self.p99:.2f} · {self.wall:.1f}"


def label(number: int) -> str:
    """The name of a start; the same for every client, so that the same starts meet the same faults."""
    return f"start-{number}"


def run_cell(row: Row, client: str, starts: int, seed: int) -> Cell:
    names = [label(i) for i in range(starts)]
    with Sandbox() as sandbox:
        if row.fault is not None:
            sandbox.inject(Fault(operation=START, seed=seed, per_session=True, **row.fault))
        results, _ = peers.run(
            client,
            base_url=sandbox.base_url,
            api_key=sandbox.api_key,
            names=names,
            concurrency=CONCURRENCY,
            timeout=TIMEOUT,
            before=None if row.set_up is None else partial(row.set_up, sandbox),
        )
        time.sleep(0.05)  # what is still under way at the server
        sessions = sandbox.sessions
    known = {result["session_id"] for result in results if result["session_id"]}
    told = {result["name"] for result in results if result["told"]}
    # A session is silent when its caller has another id or none, and was not told that it may exist. One that was told
    # may still have been started twice: the second is silent.
    silent, excused = 0, set(told)
    for session in sessions:
        name = (session.label or session.livekit_url or "").removeprefix("wss://").removesuffix(".example.org")
        if session.id in known:
            continue
        if name in excused:
            excused.discard(name)
        else:
            silent += 1
    seconds = sorted(result["seconds"] for result in results)
    return Cell(
        started=len(known),
        starts=starts,
        silent=silent,
        told=len(told),
        p50=seconds[len(seconds) // 2],
        p99=seconds[min(len(seconds) - 1, int(len(seconds) * 0.99))],
        wall=max(result["ended"] for result in results) - min(result["began"] for result in results),
        errors=tuple(sorted({result["error"] for result in results if result["error"]}))[:3],
    )


def missed(row: Row, cells: dict[str, Cell], *, compare_times: bool) -> list[str]:
    """The targets that the row misses."""
    found = []
    for client, cell in cells.items():
        if client not in peers.OURS:
            continue
        if client in row.whole and cell.started != cell.starts:
            found.append(f"{row.name}, {client}: started {cell.started} of {cell.starts}; {cell.errors}")
        if cell.silent:
            found.append(f"{row.name}, {client}: {cell.silent} sessions that the caller was not told of")
        if row.fast and compare_times and cell.p99 > cells[PEER].p99 / 3:
            found.append(
                f"{row.name}, {client}: p99 {cell.p99:.2f} s, a third of {PEER}'s is {cells[PEER].p99 / 3:.2f} s"
            )
    return found


def table(rows: Sequence[Row], cells: dict[str, dict[str, Cell]], clients: Sequence[str]) -> str:
    lines = ["| fault | " + " | ".join(clients) + " |", "|---" * (len(clients) + 1) + "|"]
    lines += [
        "| " + " | ".join([row.name, *(str(cells[row.name][client]) for client in clients)]) + " |" for row in rows
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100 starts; ours and livekit-plugins-anam 1.8.9 only")
    parser.add_argument("--seed", type=int, default=1, help="by default one that hits some start four times in a row")
    parser.add_argument("--markdown", type=Path, help="also write the table to this file")
    arguments = parser.parse_args()
    starts = 100 if arguments.quick else 300
    clients = (*peers.OURS, PEER) if arguments.quick else peers.CLIENTS
    began = time.monotonic()
    for client in clients:
        peers.python_of(client)
    cells: dict[str, dict[str, Cell]] = {}
    misses: list[str] = []
    for row in ROWS:
        print(f"{row.name} (started · silent · told · p50 s · p99 s · wall s)", flush=True)
        cells[row.name] = {}
        for client in clients:
            cell = cells[row.name][client] = run_cell(row, client, starts, arguments.seed)
            print(f"    {client:28} {cell}", flush=True)
            if cell.errors:
                print(f"    {'':28} {cell.errors[0][:120]}", flush=True)
        misses += missed(row, cells[row.name], compare_times=not arguments.quick)
    print()
    text = table(ROWS, cells, clients)
    print(text)
    if arguments.markdown:
        arguments.markdown.write_text(text + "\n", "utf-8")
    print(
        f"\n{len(ROWS)} faults, {starts} starts each, {CONCURRENCY} at a time; {time.monotonic() - began:.0f} s in all."
    )
    for miss in misses:
        print(f"MISSED: {miss}")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
