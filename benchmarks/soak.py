"""Mixed traffic with faults, for a long time: memory and descriptors stay flat, and nothing gets lost.

Threads on one `AnamClient` and tasks on one `AsyncAnamClient`, which live as long as the run, start sessions against a
sandbox in a process of its own that answers with errors, resets, cuts answers short, is late, and goes away at times.
After each phase the sandbox's sessions are compared with what the callers know: each was returned, or reported as
uncertain, and none was started twice. Memory and descriptors are compared between phases, when nothing is under way.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import attrs
import httpx
import peers
import report
import servers

import tools
from anam_facade import AnamClient, AnamError, AsyncAnamClient, RetryPolicy

PERSONA = {"personaId": "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"}
FAULTS = (
    {"rate": 0.05, "seed": 1, "status": 503},
    {"rate": 0.02, "seed": 2, "status": 502, "body": "<html>bad gateway</html>"},
    {"rate": 0.02, "seed": 3, "status": 502, "processed": True},
    {"rate": 0.02, "seed": 4, "status": 429, "headers": {"Retry-After": "0"}, "body": {"error": "Too Many Requests"}},
    {"rate": 0.02, "seed": 5, "close": "before"},
    {"rate": 0.02, "seed": 6, "close": "after"},
    {"rate": 0.02, "seed": 7, "truncate": True},
    {"rate": 0.01, "seed": 8, "delay_answer": 1.0},
    {"rate": 0.01, "seed": 9, "status": 200, "body": "not what you expect", "processed": True},
)
THREADS, TASKS, PHASES = 8, 24, 40
TIMEOUT = 0.5
WARM_UP = 0.2
"""Share of the run after which nothing may grow any more."""


class Sample(NamedTuple):
    """What the process holds at one moment: seconds since the start, MiB resident, open descriptors."""

    at: float
    memory: float
    descriptors: int


@attrs.define
class Ledger:
    """What the callers know: ids by label, labels they were told to look for, and how their starts ended."""

    known: dict[str, str] = attrs.field(factory=dict)
    reported: set[str] = attrs.field(factory=set)
    outcomes: Counter[str] = attrs.field(factory=Counter)

    def note(self, label: str, result: Any) -> None:
        if isinstance(result, AnamError):
            self.outcomes[type(result).__name__] += 1
            if result.may_have_started:
                self.reported.add(label)
        else:
            self.outcomes["started"] += 1
            self.known[label] = result.session_id


def sample(began: float) -> Sample:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    return Sample(time.monotonic() - began, pages * os.sysconf("SC_PAGE_SIZE") / 2**20, descriptors)


def phase(
    control: httpx.Client, clients: tuple[AnamClient, AsyncAnamClient], runner: asyncio.Runner, seconds: float
) -> tuple[Counter[str], int]:
    """Traffic for so many seconds; how the starts ended, and how many sessions nobody knows of."""
    client, aclient = clients
    control.post("/_sandbox/reset").raise_for_status()
    starts, mints = {"operation": "createEngineSession"}, {"operation": "createSessionToken"}
    faults = [*(starts | fault for fault in FAULTS), mints | FAULTS[0]]
    control.post("/_sandbox/faults", json=faults).raise_for_status()
    ledger, labels, end = Ledger(), map(str, itertools.count()), time.monotonic() + seconds

    def by_thread(_: int) -> None:
        while time.monotonic() < end:
            label = next(labels)
            try:
                ledger.note(label, client.start_session(PERSONA, client_label=label))
            except AnamError as error:
                ledger.note(label, error)

    async def by_task(direct: bool) -> None:
        while time.monotonic() < end:
            label = next(labels)
            try:
                ledger.note(label, await aclient.start_session(PERSONA, client_label=label, direct=direct))
            except AnamError as error:
                ledger.note(label, error)
            await asyncio.sleep(0.01)

    async def by_tasks() -> None:
        await asyncio.gather(*(by_task(direct=i % 2 == 0) for i in range(TASKS)))

    away = threading.Timer(seconds / 2, lambda: control.post("/_sandbox/outage", json={"seconds": 0.3}))
    away.start()
    with ThreadPoolExecutor(THREADS) as pool:
        threads = [pool.submit(by_thread, i) for i in range(THREADS)]
        runner.run(by_tasks())
        for thread in threads:
            thread.result()
    away.join()
    time.sleep(0.2)  # what is under way at the server
    known, sessions = set(ledger.known.values()), recorded(control)
    unknown = [name for name, label in sessions if name not in known and label not in ledger.reported]
    twice = len(sessions) - len({label for _, label in sessions})
    return ledger.outcomes, len(unknown) + twice


def recorded(control: httpx.Client) -> list[list[str]]:
    """Id and label of the sandbox's sessions. Fetched by another process: the whole state is megabytes of JSON."""
    program = (
        "import httpx, json, sys; state = httpx.get(sys.argv[1], timeout=60).json();"
        "print(json.dumps([[s['id'], s['label']] for s in state['sessions']]))"
    )
    command = [sys.executable, "-c", program, f"{control.base_url}/_sandbox/state"]
    sessions: list[list[str]] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return sessions


def grown(samples: Sequence[Sample]) -> list[str]:
    """What grew between the first and the last third after warming up."""
    steady = [s for s in samples if s.at >= samples[-1].at * WARM_UP]
    third = max(1, len(steady) // 3)
    memory, descriptors = (
        median(s[of] for s in steady[-third:]) - median(s[of] for s in steady[:third]) for of in (1, 2)
    )
    # A short run is over before the allocator has settled.
    found = [f"memory grew by {memory:.1f} MiB"] if memory > (2.0 if samples[-1].at > 300 else 6.0) else []
    return found + ([f"{descriptors:.0f} more descriptors"] if descriptors > 4 else [])


def soak(minutes: float, picture: Path | None, transport: str | None) -> int:
    """Exits with 1 when a session is lost, or memory or descriptors grow."""
    if not Path("/proc/self/statm").exists():
        print("SKIPPED: memory and descriptors are read from /proc, which this system does not have.")
        return 0
    logging.disable(logging.CRITICAL)  # a warning a retry, by design
    options: dict[str, Any] = {"retry": RetryPolicy(initial_backoff=0.02, max_backoff=0.5, budget=None)}
    options |= {"timeout": TIMEOUT, "transport": transport}
    began, outcomes, lost = time.monotonic(), Counter[str](), 0
    samples: list[Sample] = []
    with servers.sandbox() as control, asyncio.Runner() as runner:
        url = str(control.base_url)
        aclient = AsyncAnamClient(servers.KEY, url, **options)
        with AnamClient(servers.KEY, url, **options) as client:
            try:
                while time.monotonic() - began < minutes * 60:
                    ended, unknown = phase(control, (client, aclient), runner, max(2.0, minutes * 60 / PHASES))
                    outcomes += ended
                    lost += unknown
                    samples.append(now := sample(began))
                    print(
                        f"{now.at:6.0f} s  {ended.total():6} starts  {unknown} lost"
                        f"  {now.memory:6.1f} MiB  {now.descriptors:4} descriptors",
                        flush=True,
                    )
            finally:
                runner.run(aclient.aclose())
    if picture is not None:
        python = tools.peer_environment(peers.TODAY) / "bin" / "python"
        subprocess.run([python, report.PICTURES, "soak", picture], input=json.dumps(samples), text=True, check=True)
    problems = grown(samples) + ([f"{lost} sessions that no caller knows of"] if lost else [])
    print(json.dumps(dict(outcomes.most_common())))
    print(f"{outcomes.total()} starts in {samples[-1].at / 60:.1f} minutes; {'; '.join(problems) or 'all flat.'}")
    return int(bool(problems))
