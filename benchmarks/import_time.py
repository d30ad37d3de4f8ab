"""What importing costs, next to httpx: `make import-time`. Each import in a fresh interpreter, in turn.

Exits with 1 when `import anam_facade` takes more than 1.15 times as long as `import httpx`.
"""

from __future__ import annotations

import subprocess
import sys
from statistics import median

TARGET = 1.15
ROUNDS = 21
PROGRAMS = {
    "import httpx": "import httpx",
    "import anam_facade": "import anam_facade",
    "… and all its names": "from anam_facade import *",
    "… and a first AnamClient": "from anam_facade import AnamClient; AnamClient('key', 'http://127.0.0.1:1').close()",
}
MEASURE = """
import resource, sys, time
began = time.perf_counter()
exec(sys.argv[1])
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def main() -> int:
    seconds: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    memory: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(ROUNDS):
        for name, program in PROGRAMS.items():
            done = subprocess.run([sys.executable, "-c", MEASURE, program], capture_output=True, text=True, check=True)
            took, mebibytes = map(float, done.stdout.split())
            seconds[name].append(took)
            memory[name].append(mebibytes)
    base = median(seconds["import httpx"])
    for name in PROGRAMS:
        took = median(seconds[name])
        print(f"{name:26} {took * 1e3:6.1f} ms  {took / base:5.2f} times httpx  {median(memory[name]):5.1f} MiB")
    ratio = median(seconds["import anam_facade"]) / base
    verdict = "yes" if ratio <= TARGET else "MISSED"
    print(f"medians of {ROUNDS} rounds; `import anam_facade` at most {TARGET} times `import httpx`: {verdict}")
    return int(ratio > TARGET)


if __name__ == "__main__":
    sys.exit(main())
