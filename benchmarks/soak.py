"""Mixed traffic with faults, for a long time: `make soak`. Memory and descriptors stay flat, and nothing gets lost.

Threads on one `AnamClient` and tasks on one `AsyncAnamClient`, which live as long as the run, start sessions against a
sandbox in a process of its own that answers with errors, resets, cuts answers short, is late, and goes away at times.
After each phase the sandbox's sessions are compared with what the callers know: each was returned, or told of, and none
was started twice. Memory and descriptors are compared between the phases, when nothing is under way.

Exits with 1 when a session is lost, or memory or descriptors grow. `--plot FILE` draws both over time, as SVG.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import attrs
import httpx

from anam_facade import AnamClient, AnamError, AsyncAnamClient, RetryPolicy

KEY = "c29hazpzb2Fr"
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
THREADS, TASKS = 8, 24
PHASES = 40
"""Between any two of them everything is checked."""
TIMEOUT = 0.5
WARM_UP = 0.2
"""Share of the run after which nothing may grow any more."""


@attrs.frozen
class Sample:
    """What the process holds at one moment: seconds since the start, MiB resident, open descriptors."""

    at: float
    memory: float
    descriptors: int


@attrs.define
class Ledger:
    """What the callers know."""

    known: dict[str, str] = attrs.field(factory=dict)
    told: set[str] = attrs.field(factory=set)
    outcomes: Counter[str] = attrs.field(factory=Counter)

    def note(self, label: str, result: Any) -> None:
        if isinstance(result, AnamError):
            self.outcomes[type(result).__name__] += 1
            if result.may_have_started:
                self.told.add(label)
        else:
            self.outcomes["started"] += 1
            self.known[label] = result.session_id


@contextmanager
def sandbox() -> Iterator[httpx.Client]:
    command = [sys.executable, "-m", "anam_facade.sandbox", "--port", "0", "--api-key", KEY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            address = next(found for line in process.stdout if (found := re.search(r"http://[\d.:]+", line)))
            with httpx.Client(base_url=address.group(), timeout=60.0) as control:
                yield control
        finally:
            process.terminate()


def sample(began: float) -> Sample:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    return Sample(time.monotonic() - began, pages * os.sysconf("SC_PAGE_SIZE") / 2**20, descriptors)


def phase(
    control: httpx.Client,
    client: AnamClient,
    runner: asyncio.Runner,
    aclient: AsyncAnamClient,
    seconds: float,
    number: int,
) -> tuple[Ledger, int]:
    """Traffic for so many seconds; what the callers know, and how many sessions nobody knows of."""
    control.post("/_sandbox/reset").raise_for_status()
    control.post(
        "/_sandbox/faults", json=[{"operation": "createEngineSession", **f} for f in FAULTS]
    ).raise_for_status()
    control.post("/_sandbox/faults", json={"operation": "createSessionToken", **FAULTS[0]}).raise_for_status()
    ledger, labels, end = Ledger(), itertools.count(), time.monotonic() + seconds

    def by_thread(_: int) -> None:
        while time.monotonic() < end:
            label = f"{number}-{next(labels)}"
            try:
                ledger.note(label, client.start_session(PERSONA, client_label=label))
            except AnamError as error:
                ledger.note(label, error)

    async def by_task(direct: bool) -> None:
        while time.monotonic() < end:
            label = f"{number}-{next(labels)}"
            try:
                ledger.note(label, await aclient.start_session(PERSONA, client_label=label, direct=direct))
            except AnamError as error:
                ledger.note(label, error)
            await asyncio.sleep(0.01)

    async def all_tasks() -> None:
        await asyncio.gather(*(by_task(direct=i % 2 == 0) for i in range(TASKS)))

    def go_away() -> None:
        if not stop.wait(seconds / 2):
            control.post("/_sandbox/outage", json={"seconds": 0.3})

    stop = threading.Event()
    away = threading.Thread(target=go_away)
    away.start()
    with ThreadPoolExecutor(THREADS) as pool:
        futures = [pool.submit(by_thread, i) for i in range(THREADS)]
        runner.run(all_tasks())
        for future in futures:
            future.result()
    stop.set()
    away.join()
    time.sleep(0.2)  # what is under way at the server
    known = set(ledger.known.values())
    sessions = recorded(str(control.base_url))
    unknown = [name for name, label in sessions if name not in known and label not in ledger.told]
    twice = len(sessions) - len({label for _, label in sessions})
    return ledger, len(unknown) + twice


def recorded(url: str) -> list[tuple[str, str]]:
    """Id and label of the sandbox's sessions. Fetched by another process: the whole state is megabytes of JSON."""
    program = (
        "import httpx, json, sys; state = httpx.get(sys.argv[1], timeout=60).json();"
        "print(json.dumps([[s['id'], s['label']] for s in state['sessions']]))"
    )
    command = [sys.executable, "-c", program, f"{url}/_sandbox/state"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [(name, label) for name, label in json.loads(done.stdout)]


def grown(samples: Sequence[Sample]) -> list[str]:
    """What grew between the first and the last third after warming up."""
    steady = [s for s in samples if s.at >= samples[-1].at * WARM_UP]
    third = max(1, len(steady) // 3)
    first, last = steady[:third], steady[-third:]
    found = []
    memory = median(s.memory for s in last) - median(s.memory for s in first)
    # A short run is over before the allocator has settled.
    allowed = 2.0 if samples[-1].at > 300 else 6.0
    if memory > allowed:
        found.append(f"memory grew by {memory:.1f} MiB")
    descriptors = median(s.descriptors for s in last) - median(s.descriptors for s in first)
    if descriptors > 4:
        found.append(f"{descriptors:.0f} more descriptors")
    return found


def plot(samples: Sequence[Sample], path: Path) -> None:
    """Two curves over the minutes, each on its own scale from zero."""
    width, height, margin = 720, 120, 46
    end = samples[-1].at or 1.0

    def curve(top: int, name: str, unit: str, values: Sequence[float]) -> str:
        highest = max(values) * 1.2
        points = " ".join(
            f"{margin + s.at / end * (width - margin - 10):.1f},{top + height - value / highest * height:.1f}"
            for s, value in zip(samples, values, strict=True)
        )
        return (
            f'<text x="{margin}" y="{top - 6}">{name}: {min(values):.0f} to {max(values):.0f} {unit}</text>'
            f'<path d="M{margin} {top}V{top + height}H{width - 10}" fill="none" stroke="#999"/>'
            f'<text x="{margin - 6}" y="{top + height}" text-anchor="end">0</text>'
            f'<polyline points="{points}" fill="none" stroke="#06c" stroke-width="1.5"/>'
        )

    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{2 * height + 100}"'
        ' font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>'
        + curve(30, "resident memory", "MiB", [s.memory for s in samples])
        + curve(height + 70, "open descriptors", "", [float(s.descriptors) for s in samples])
        + f'<text x="{width - 10}" y="{2 * height + 90}" text-anchor="end">{end / 60:.1f} minutes</text></svg>\n',
        "utf-8",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    if not Path("/proc/self/statm").exists():
        print("SKIPPED: memory and descriptors are read from /proc, which this system does not have.")
        return 0
    logging.disable(logging.CRITICAL)  # a warning a retry, by design
    retry = RetryPolicy(initial_backoff=0.02, max_backoff=0.5, budget=None)
    began, outcomes, lost = time.monotonic(), Counter[str](), 0
    samples: list[Sample] = []
    resting: list[Sample] = []
    length = max(2.0, arguments.minutes * 60 / PHASES)
    done = threading.Event()

    def watch() -> None:
        while not done.wait(1.0):
            gc.collect()
            samples.append(sample(began))

    with sandbox() as control, asyncio.Runner() as runner:
        url = str(control.base_url)

        async def connect() -> AsyncAnamClient:
            return AsyncAnamClient(KEY, url, retry=retry, timeout=TIMEOUT)

        aclient = runner.run(connect())
        with AnamClient(KEY, url, retry=retry, timeout=TIMEOUT) as client:
            watcher = threading.Thread(target=watch)
            watcher.start()
            try:
                for number in itertools.count():
                    if time.monotonic() - began >= arguments.minutes * 60:
                        break
                    ledger, unknown = phase(control, client, runner, aclient, length, number)
                    outcomes += ledger.outcomes
                    lost += unknown
                    starts = sum(ledger.outcomes.values())
                    del ledger
                    gc.collect()
                    last = sample(began)
                    resting.append(last)
                    print(
                        f"{last.at:6.0f} s  {starts:6} starts  {unknown} lost"
                        f"  {last.memory:6.1f} MiB  {last.descriptors:4} descriptors",
                        flush=True,
                    )
            finally:
                done.set()
                watcher.join()
                runner.run(aclient.aclose())
    if arguments.plot:
        plot(samples, arguments.plot)
    problems = grown(resting) + ([f"{lost} sessions that no caller knows of"] if lost else [])
    print(json.dumps(dict(outcomes.most_common())))
    print(
        f"{sum(outcomes.values())} starts in {samples[-1].at / 60:.1f} minutes; " + ("; ".join(problems) or "all flat.")
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
