"""What starting a session costs, ours and theirs: `make bench`, and `make bench-check`.

The whole benchmark takes about twelve minutes, five of which pass anyway, while connections are idle; `--quick` takes
two, with fewer cells and rounds. Tables go to standard output, and with all the rounds and pictures into
`benchmarks/results` (`--quick` and `--check` write nothing unless told where to).

`--check` measures what the targets need, in about three minutes, and exits with 1 when one is missed by more than the
noise of its measurement. There, five minutes of idle pass by moving the clients' clocks; with `--wait` they pass.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import clients, footprint, machine, report, servers, throughput
from bench.latency import BASE, CLOSED, IDLE_30, IDLE_300, Latency
from bench.report import Findings
from bench.throughput import Cell, cells

RESULTS = Path(__file__).resolve().parent.parent / "results"

OURS = tuple(client.name for client in clients.ALL.values() if client.is_ours)
EVENT_LOOP = tuple(client.name for client in clients.ALL.values() if not client.sync and not client.is_ours)
QUICK_LATENCY = (
    "ours, async, token",
    "ours, async, direct",
    "ours, async, direct, fast",
    "ours, async, token minted before",
    "ours, sync, direct",
    "httpx, token",
    "httpx, direct",
    "plugin 1.6.10, token",
    "plugin 1.8.9, direct",
    "anam 0.12, direct",
)
QUICK_THROUGHPUT = (
    "ours, async, token",
    "ours, async, token, fast",
    "httpx, token",
    "plugin 1.6.10, token",
    "plugin 1.6.10 kept open, token",
    "ours, async, direct",
    "ours, async, direct, fast",
    "httpx, direct",
    "plugin 1.8.9, direct",
    "plugin 1.8.9 kept open, direct",
    "aiohttp, direct",
)
CHECKED = (
    Cell("ours, async, token", 256),
    Cell("httpx, token", 256),
    *(
        Cell(client, size)
        for size in (32, 256)
        for client in (
            "ours, async, token, fast",
            "plugin 1.6.10 kept open, token",
            "ours, async, direct, fast",
            "plugin 1.8.9 kept open, direct",
        )
    ),
)
"""What the targets need, each next to what it is compared with."""

WAITED, MOVED = "waited for", "the clients' clocks moved ahead; a full run waits"


def say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


def overhead(rounds: int, calls: int) -> dict[str, dict[str, list[float]]]:
    command = [sys.executable, str(clients.HERE / "overhead.py"), str(rounds), str(calls)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"error: the facade's overhead could not be measured:\n{done.stderr[-2000:]}")
    found: dict[str, dict[str, list[float]]] = json.loads(done.stdout)
    return found


def full(found: Findings, server: servers.Server) -> None:
    far = Latency(server, [*OURS, *EVENT_LOOP], [0.0, 0.02, BASE, 0.1])
    found.latency, found.calibration, found.idle_note = far.found, far.calibration, WAITED
    with far.running():
        say("connections that will be idle for 30 s and for 5 min")
        leave_idle(far, {CLOSED: 2, IDLE_300: 3, IDLE_30: 3})
        say("what the facade adds")
        found.overhead = overhead(15, 300)
        wait_idle(far, IDLE_30, 30)
        say("distances, and starts over them")
        far.calibrate(9)
        far.rounds(5)
        far.first_of_a_program(2)
        say("throughput, while connections are idle")
        some = cells(throughput.TOKEN + throughput.DIRECT, (1, 32, 256)) + cells(throughput.THREADS, (1, 8, 32))
        idle = True
        for found.throughput in throughput.measure(server, some, rounds=3, seconds=0.6):
            if idle and far.idle_for(IDLE_300) >= 300:
                far.start_idle(IDLE_300)
                idle = False
        if idle:
            wait_idle(far, IDLE_300, 300)
    many = cells(throughput.TOKEN + throughput.DIRECT, (1000,))
    *_, more = throughput.measure(server, many, rounds=1, seconds=1.0)
    found.throughput |= more
    say("importing")
    found.imports = footprint.imports(tuple(footprint.PROGRAMS), 7)
    say("memory")
    found.idle_clients = footprint.idle_clients(footprint.KEPT_OPEN)
    found.in_flight = footprint.in_flight(server, footprint.UNDER_WAY)


def quick(found: Findings, server: servers.Server) -> None:
    far = Latency(server, QUICK_LATENCY, [0.0, BASE])
    found.latency, found.calibration = far.found, far.calibration
    with far.running():
        say("starts over a distance")
        leave_idle(far, {CLOSED: 2})
        far.calibrate(5)
        far.rounds(3)
    say("throughput")
    *_, found.throughput = throughput.measure(server, cells(QUICK_THROUGHPUT, (1, 32, 256)), rounds=1, seconds=0.5)
    say("what the facade adds, and importing")
    found.overhead = overhead(7, 200)
    found.imports = footprint.imports((footprint.HTTPX, footprint.OURS), 7)


def check(found: Findings, server: servers.Server, *, wait: bool) -> None:
    far = Latency(server, OURS, [BASE])
    found.latency, found.calibration, found.idle_note = far.found, far.calibration, WAITED if wait else MOVED
    with far.running():
        say("starts over a distance")
        leave_idle(far, {CLOSED: 2, IDLE_300: 3})
        far.calibrate(9)
        far.rounds(7)
        say("throughput")
        *_, found.throughput = throughput.measure(server, CHECKED, rounds=5, seconds=1.0)
        say("what the facade adds, and importing")
        found.overhead = overhead(15, 300)
        found.imports = footprint.imports((footprint.HTTPX, footprint.OURS), 15)
        if wait:
            say("the rest of five minutes idle")
        else:
            far.move_clocks(300)
        wait_idle(far, IDLE_300, 300 if wait else 0)


def leave_idle(far: Latency, kinds: dict[str, int]) -> None:
    """Clients of each kind, so many of each, that have started a session; what the server soon hangs up on, at once."""
    for kind, count in kinds.items():
        far.leave_idle(kind, count)
    wait_idle(far, CLOSED, servers.SHORT + 1)


def wait_idle(far: Latency, kind: str, seconds: float) -> None:
    time.sleep(max(0.0, seconds - far.idle_for(kind)))
    far.start_idle(kind)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer cells and rounds")
    parser.add_argument("--check", action="store_true", help="what the targets need; exits with 1 when one is missed")
    parser.add_argument("--wait", action="store_true", help="with --check: wait five minutes for the idle connections")
    parser.add_argument("--results", type=Path, help="where to write to")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("error: ended from outside"))  # so that servers are stopped
    kind = "check" if arguments.check else "quick" if arguments.quick else "full"
    results = arguments.results or (RESULTS if kind == "full" else None)
    servers.find_nginx()
    for client in clients.ALL.values():
        clients.python_of(client)
    began = time.monotonic()
    with servers.nginx() as server:
        found = Findings(machine.describe(server.version), f"{datetime.now(UTC):%Y-%m-%d}", kind, [machine.load()])
        found.ceiling = servers.ceiling(server, 1.0)
        if arguments.check:
            check(found, server, wait=arguments.wait)
        elif arguments.quick:
            quick(found, server)
        else:
            full(found, server)
    found.load.append(machine.load())
    found.minutes = (time.monotonic() - began) / 60
    print(found.text())
    if results is not None:
        report.write(found, results)
    missed = [verdict for verdict in found.verdicts() if not verdict.met]
    for verdict in missed:
        print(f"MISSED: {verdict.name} ({verdict.note})")
    if busy := sum(outcome.is_busy() for outcome in found.throughput.values()):
        print(f"The machine was busy: {busy} of {len(found.throughput)} clients had to wait for a core.")
    for round_trip, calibration in found.calibration.items():
        if not calibration.is_sound:
            print(f"MISSED: the distance of {round_trip * 1e3:g} ms is not what it should be; is the machine busy?")
    sound = all(calibration.is_sound for calibration in found.calibration.values())
    return int(arguments.check and (bool(missed) or not sound))


if __name__ == "__main__":
    sys.exit(main())
