"""Many starts at once, ours next to theirs: `make load`. Wall time and the client's CPU time per start, in one run.

2,000 starts (mint, then start), 500 at a time, against a sandbox in a process of its own that answers after 200 ms.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))

import httpx
import peers

KEY = "bG9hZDpsb2Fk"
STARTS, CONCURRENCY, LATENCY = 2000, 500, 0.2
CLIENTS = ("ours, token, async", "ours, token, fast", "httpx 0.28.1, by hand", "livekit-plugins-anam 1.6.10")


def main() -> int:
    command = [sys.executable, "-m", "anam_facade.sandbox", "--port", "0", "--api-key", KEY]
    command += ["--latency", str(LATENCY), str(LATENCY)]
    print("| client | started | wall s | CPU ms per start |\n|---|---|---|---|", flush=True)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            address = next(found for line in process.stdout if (found := re.search(r"http://[\d.:]+", line)))
            for client in CLIENTS:
                done = peers.run(
                    client,
                    base_url=address.group(),
                    api_key=KEY,
                    names=[f"load-{i}" for i in range(STARTS)],
                    concurrency=CONCURRENCY,
                    timeout=10.0,
                    limit=600.0,
                )
                started = sum(1 for result in done.results if result["session_id"])
                wall = max(result["ended"] for result in done.results) - min(r["began"] for r in done.results)
                print(f"| {client} | {started}/{STARTS} | {wall:.1f} | {done.cpu / STARTS * 1e3:.2f} |", flush=True)
                httpx.post(f"{address.group()}/_sandbox/reset", timeout=60.0).raise_for_status()
                httpx.put(
                    f"{address.group()}/_sandbox/settings", json={"latency": [LATENCY, LATENCY]}, timeout=60.0
                ).raise_for_status()
        finally:
            process.terminate()
    return 0


if __name__ == "__main__":
    sys.exit(main())
