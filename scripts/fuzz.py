"""Search for input and answers that break the facade: `fuzz.py --minutes 5`.

Runs the property tests of `tests/hostile` again and again, each time with another seed, until the time is over or one
fails. A failure is shown with the command that repeats it; hypothesis also remembers it, so that the next ordinary run
of the tests tries it first.
"""

from __future__ import annotations

import argparse
import random
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent


def command(seed: int, folder: str) -> list[str]:
    return [
        *(sys.executable, "-m", "pytest", folder, "-q", "-x", "-m", "hypothesis"),
        "-p",
        "no:schemathesis",  # it makes hypothesis print failing examples without their values
        "--hypothesis-profile=default",  # the one it picks on a build machine tries the same examples every time
        f"--hypothesis-seed={seed}",
    ]


def main(args: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Search for input and answers that break the facade.")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long to search (default: 5)")
    parser.add_argument("--seed", type=int, help="seed of the first round (default: at random)")
    parser.add_argument("folder", nargs="?", default="tests/hostile", help="the tests (default: tests/hostile)")
    options = parser.parse_args(args)

    began, rounds = time.monotonic(), 0
    first = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    while rounds == 0 or time.monotonic() - began < options.minutes * 60:
        run = command(first + rounds, options.folder)
        result = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)
        rounds += 1
        summary = (result.stdout.strip().splitlines() or ["nothing was said"])[-1].strip("= ")
        print(f"round {rounds}, seed {first + rounds - 1}: {summary}", flush=True)
        if result.returncode != 0:
            print(result.stdout + result.stderr)
            print("again with:", shlex.join(run))
            return result.returncode
    print(f"{rounds} rounds in {(time.monotonic() - began) / 60:.1f} minutes; nothing broke")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
