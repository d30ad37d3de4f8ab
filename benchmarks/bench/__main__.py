"""What starting a session costs: `make bench`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import servers, throughput


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer cells and rounds: about two minutes")
    arguments = parser.parse_args()
    sizes = (1, 32, 256) if arguments.quick else (1, 32, 256, 1000)
    wanted = throughput.cells(throughput.TOKEN + throughput.DIRECT, sizes)
    wanted += throughput.cells(throughput.THREADS, (1, 8, 32))
    with servers.nginx() as server:
        *_, found = throughput.measure(server, wanted, rounds=1 if arguments.quick else 3, seconds=1.0)
    print("| client | at a time | starts/s | CPU µs per start | server's share of a core | remarks |")
    print("|---|---|---|---|---|---|")
    for row in throughput.rows(found):
        print(f"| {' | '.join(row)} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
