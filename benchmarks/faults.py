"""Every client under the same faults, and two thousand starts at once.

`chaos`: a row a fault, a column a client, ours and those people use today, unmodified; the server counts the sessions.
It exits with 1 when a target is missed:

- ours starts all that can be started: every start in the rows whose fault can be repeated safely;
- no session of ours is one of which the caller neither got the id nor was told to look for it, in any row;
- our 99th percentile is at most a third of livekit-plugins-anam 1.8.9's where no hint of the server's forces a wait.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import attrs
import peers
import report
import servers

from anam_facade.sandbox import Fault, Sandbox

TIMEOUT = 2.0
"""Seconds for one attempt, for every client that can be told."""

OURS = tuple(client for client in peers.FAULTY if peers.CLIENTS[client].is_ours)
OURS_TOKEN = tuple(client for client in OURS if peers.CLIENTS[client].mode == "token")
PEER = "plugin 1.8.9, direct"


@attrs.frozen(kw_only=True)
class Row:
    """One fault.

    Attributes:
        fault: What the sandbox does; None when `set_up` does it all.
        whole: The columns of ours in which every start must succeed.
        fast: Whether the 99th percentile is compared.
        set_up: Further preparation of the sandbox, called right before the starts begin.
    """

    fault: dict[str, Any] | None = None
    whole: tuple[str, ...] = ()
    fast: bool = False
    set_up: Callable[[Sandbox], object] = lambda _: None


TOO_MANY = {"rate": 0.2, "status": 429, "body": {"error": "Too Many Requests"}}
ROWS = {
    "20 % 503": Row(fault={"rate": 0.2, "status": 503}, whole=OURS, fast=True),
    "20 % 429, Retry-After: 1": Row(fault={**TOO_MANY, "headers": {"Retry-After": "1"}}, whole=OURS),
    "20 % 429, no hint": Row(fault=TOO_MANY, whole=OURS, fast=True),
    "20 % HTML 502": Row(
        fault={"rate": 0.2, "status": 502, "body": "<html><h1>502 Bad Gateway</h1></html>"}, whole=OURS_TOKEN, fast=True
    ),
    "5 % reset before the start": Row(fault={"rate": 0.05, "close": "before"}, whole=OURS_TOKEN),
    "5 % reset after the start": Row(fault={"rate": 0.05, "close": "after"}),
    "5 % later than the time-out": Row(fault={"rate": 0.05, "delay_answer": TIMEOUT + 1.0}),
    "5 % truncated": Row(fault={"rate": 0.05, "truncate": True}),
    "down for 2 s, then back": Row(whole=OURS, set_up=lambda sandbox: sandbox.outage(2.0)),
    "token expires before the start": Row(
        whole=("ours, direct",),
        set_up=lambda sandbox: sandbox.configure(token_lifetime=0.001, latency=(0.01, 0.0)),
    ),
}


@attrs.frozen(kw_only=True)
class Cell:
    """What one client did in one row; `silent` sessions are those that its caller neither got nor was warned of."""

    started: int
    starts: int
    silent: int
    reported: int
    p50: float
    p99: float
    wall: float
    errors: list[str]

    def __str__(self) -> str:
        counts = f"{self.started}/{self.starts} · {self.silent} · {self.reported}"
        return f"{counts} · {self.p50:.2f} · {self.p99:.2f} · {self.wall:.1f}"


def run_cell(row: Row, client: str, starts: int, *, at_a_time: int, seed: int) -> Cell:
    with Sandbox() as sandbox:
        if row.fault is not None:
            # The draw depends on the seed, the start and the number of its attempt alone: every client meets the same.
            sandbox.inject(Fault(operation="createEngineSession", seed=seed, per_session=True, **row.fault))
        _, results = peers.run(
            client,
            base_url=sandbox.base_url,
            api_key=sandbox.api_key,
            names=[f"start-{i}" for i in range(starts)],
            concurrency=at_a_time,
            timeout=TIMEOUT,
            before=partial(row.set_up, sandbox),
        )
        time.sleep(0.05)  # what is still under way at the server
        sessions = sandbox.sessions
    known = {result["session_id"] for result in results if result["session_id"]}
    # A start that was reported as uncertain excuses one session; if it was started twice, the second is silent.
    excused = {result["name"] for result in results if result["reported"]}
    reported, silent = len(excused), 0
    for session in sessions:
        name = (session.label or session.livekit_url or "").removeprefix("wss://").removesuffix(".example.org")
        if session.id not in known:
            silent += name not in excused
            excused.discard(name)
    percentiles = statistics.quantiles((r["ended"] - r["began"] for r in results), n=100, method="inclusive")
    return Cell(
        started=len(known),
        starts=starts,
        silent=silent,
        reported=reported,
        p50=percentiles[49],
        p99=percentiles[98],
        wall=max(result["ended"] for result in results) - min(result["began"] for result in results),
        errors=sorted({result["error"] for result in results if result["error"]})[:3],
    )


def missed(name: str, cells: dict[str, Cell], *, compare_times: bool) -> list[str]:
    """The targets that a row misses."""
    found, row = [], ROWS[name]
    for client in OURS:
        cell = cells[client]
        if client in row.whole and cell.started != cell.starts:
            found.append(f"{name}, {client}: started {cell.started} of {cell.starts}; {cell.errors}")
        if cell.silent:
            found.append(f"{name}, {client}: {cell.silent} sessions that the caller does not know of")
        if row.fast and compare_times and cell.p99 > cells[PEER].p99 / 3:
            found.append(f"{name}, {client}: p99 {cell.p99:.2f} s, a third of {PEER}'s is {cells[PEER].p99 / 3:.2f} s")
    return found


def chaos(*, quick: bool, seed: int) -> int:
    starts, at_a_time, clients = (100, 25, (*OURS, PEER)) if quick else (300, 50, peers.FAULTY)
    began = time.monotonic()
    rows, misses = [], []
    for client in clients:
        peers.python_of(client)
    # They wait most of the time; but what shares the machine cannot be compared.
    with ThreadPoolExecutor(3 if quick else 1) as side_by_side:
        played = {
            (name, client): side_by_side.submit(run_cell, row, client, starts, at_a_time=at_a_time, seed=seed)
            for name, row in ROWS.items()
            for client in clients
        }
        for name in ROWS:
            print(f"{name} (started · silent · reported · p50 s · p99 s · wall s)", flush=True)
            cells = {}
            for client in clients:
                cells[client] = cell = played[name, client].result()
                print(f"    {client:28} {cell}  {''.join(cell.errors[:1])[:100]}", flush=True)
            rows.append([name, *map(str, cells.values())])
            misses += missed(name, cells, compare_times=not quick)
    print("\n" + report.table(["fault", *clients], rows))
    print(
        f"\n{len(ROWS)} faults, {starts} starts each, {at_a_time} at a time; {time.monotonic() - began:.0f} s in all."
    )
    for miss in misses:
        print(f"MISSED: {miss}")
    return int(bool(misses))


# --- Load -----------------------------------------------------------------------------------------

STARTS, AT_A_TIME, LATENCY = 2000, 500, 0.2
LOADED = (*(c for c in OURS_TOKEN if "sync" not in c), "httpx, token", "plugin 1.6.10, token")


def load() -> int:
    """2,000 starts (mint, then start), 500 at a time, against a sandbox that answers after 200 ms; the floor is 1.6 s.

    Exits with 1 when one of ours does not start them all.
    """
    servers.raise_file_limit()
    whole = True
    print(report.table(["client", "started", "wall s", "CPU ms per start"], []), flush=True)
    for client in LOADED:
        peers.python_of(client)
        with servers.sandbox("--latency", str(LATENCY), str(LATENCY)) as control:
            cpu, results = peers.run(
                client,
                base_url=str(control.base_url),
                api_key=servers.KEY,
                names=[f"load-{i}" for i in range(STARTS)],
                concurrency=AT_A_TIME,
                timeout=10.0,
            )
        started = sum(1 for result in results if result["session_id"])
        whole &= started == STARTS or not peers.CLIENTS[client].is_ours
        wall = max(result["ended"] for result in results) - min(result["began"] for result in results)
        print(f"| {client} | {started}/{STARTS} | {wall:.1f} | {cpu / STARTS * 1e3:.2f} |", flush=True)
    return int(not whole)
