"""What sessions cost, and what becomes of them when servers fail; ours and the clients people use today, in one run.

`speed` measures it all into docs/benchmarks; `check` what the targets need, and exits with 1 when one is missed by
more than the noise; `chaos` plays faults, `load` two thousand starts, `soak` ten minutes of mixed traffic.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))

import faults
import peers
import report
import servers
import soak
import speed
from speed import BASE, Findings, Latency, Load

RESULTS = Path(__file__).resolve().parents[1] / "docs" / "benchmarks"
SYNC = ("ours, token, sync", "ours, direct, sync", "ours, token, sync, fast")
AT_ONCE = tuple(client for client in peers.CLIENTS if client not in SYNC and "minted" not in client)
OVER_A_DISTANCE = tuple(client for client in peers.CLIENTS if "user's" not in client)
CHECKED_STARTS = tuple(c for c in OVER_A_DISTANCE if peers.CLIENTS[c].is_ours and "minted" not in c)
CHECKED_AT_ONCE = ("ours, token", "ours, token, fast", "ours, token, user's aiohttp", "httpx, token", report.KEPT_OPEN)


def measure(options: argparse.Namespace) -> int:
    """`speed` and `check`."""
    is_check, is_quick = options.command == "check", options.command == "speed" and options.quick
    clients = CHECKED_STARTS if is_check else OVER_A_DISTANCE
    sizes = (32,) if is_quick else (1, 32, 256)
    loads = [Load(client, size) for size in sizes for client in (CHECKED_AT_ONCE if is_check else AT_ONCE)]
    rounds, seconds = (5, 0.8) if is_check else (1, 0.3) if is_quick else (5, 0.6)
    servers.find_nginx()
    for client in peers.CLIENTS:
        peers.python_of(client)
    found, began, load_average = Findings(), time.monotonic(), [speed.load_average()]
    with servers.nginx() as server:
        trips = [BASE] if is_check or is_quick else [0.0, 0.02, BASE, 0.1]
        latency = Latency(server, clients, trips, found)
        with latency.running():
            speed.say("connections that will be idle")
            latency.leave_idle()
            latency.start_after_hang_up()
            speed.say("starts over a distance")
            latency.rounds(1 if is_quick else 7)
            # Now: after ten minutes of idleness connections are closed.
            latency.start_after_idling(wait=options.wait)
            speed.say("throughput")
            speed.throughput(server, loads, found, rounds=rounds, seconds=seconds)
            speed.say("importing")
            imported = list(speed.IMPORTS)[:2] if is_check else list(speed.IMPORTS)
            speed.imports(found, imported, 1 if is_quick else 15)
        version = server.version
    kept = report.summary(
        found,
        day=f"{datetime.now(UTC):%Y-%m-%d}",
        command="make bench" if sys.argv[1:] == ["speed"] else f'make bench ARGS="{" ".join(sys.argv[1:])}"',
        minutes=round((time.monotonic() - began) / 60, 1),
        machine=report.machine(version),
        **{"load average": [*load_average, speed.load_average()]},
    )
    print(report.as_markdown(kept))
    results = options.results or (None if is_check or is_quick else RESULTS)
    if results is not None:
        report.write(kept, results)
    missed = [verdict for verdict in kept["targets"] if verdict["outcome"] in ("MISSED", "not measured")]
    for verdict in missed:
        print("{outcome}: {target}: {measured} ± {noise} {unit}".format_map(verdict))
    lost, of = report.hang_ups(found)
    if lost:
        print(f"MISSED: {lost} of {of} starts failed after the server had hung up")
    return int(is_check and bool(missed or lost))


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("speed", "check"):
        command = commands.add_parser(name)
        command.add_argument("--wait", action="store_true", help="let five minutes pass, not the clients' clocks")
        command.add_argument("--results", type=Path, help="where to write to")
        if name == "speed":
            command.add_argument("--quick", action="store_true", help="fewer rounds; nothing is written unless told")
    chaos = commands.add_parser("chaos")
    chaos.add_argument("--quick", action="store_true", help="100 starts, side by side; ours and one other")
    chaos.add_argument("--seed", type=int, default=1, help="the default hits some start four times in a row")
    commands.add_parser("load")
    long = commands.add_parser("soak")
    long.add_argument("--minutes", type=float, default=10.0)
    long.add_argument("--transport", choices=("fast",), help="instead of the default")
    long.add_argument("--picture", type=Path, help="draw memory and descriptors into this file")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("error: ended from outside"))  # so that servers are stopped
    match options.command:
        case "chaos":
            return faults.chaos(quick=options.quick, seed=options.seed)
        case "load":
            return faults.load()
        case "soak":
            return soak.soak(options.minutes, options.picture, options.transport)
    return measure(options)


if __name__ == "__main__":
    sys.exit(main())
