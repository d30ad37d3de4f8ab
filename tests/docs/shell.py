"""A reader's shell: a copy of the checkout, a fresh environment whose `python` and `pip` come first, and no `make`."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0
"""Seconds after which a command that neither ends nor serves is a failure."""


class Shell:
    """Runs commands in `folder`; what serves (prints an address and does not end) runs until `close()`.

    `fresh` is where an environment is made, once, for the pages that install.
    """

    def __init__(self, folder: Path, fresh: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self._fresh = fresh
        self._environment = os.environ | environment
        self._servers: list[subprocess.Popen[bytes]] = []

    def run(self, command: str) -> str:
        """What the command printed; it must succeed."""
        if made := re.match(r"make ([\w-]+)", command):
            # The checks run these themselves; here it is enough that there is such a verb.
            command = f"make -C {ROOT} --dry-run {made[1]}"
        if "pip install" in command:
            self._prepare()
        log = self.folder.parent / f"{time.monotonic_ns()}.log"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", command],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._servers.append(process)
        ends = time.monotonic() + PATIENCE
        while process.poll() is None:
            printed = log.read_text("utf-8", "replace")
            if re.search(r"http://(127\.0\.0\.1|localhost):\d+", printed):
                return printed
            assert time.monotonic() < ends, f"{command!r} did not end: {printed}"
            time.sleep(0.05)
        printed = log.read_text("utf-8", "replace")
        assert process.returncode == 0, f"{command!r} exited with {process.returncode}:\n{printed}"
        return printed

    def close(self) -> None:
        for process in self._servers:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(10)

    def _prepare(self) -> None:
        """The checkout's tracked files, and an environment with nothing in it, at the locked versions."""
        tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        for name in tracked.decode().split("\0"):
            if name and (ROOT / name).is_file():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.folder / name)
        if not self._fresh.exists():
            venv.create(self._fresh, with_pip=True)
        pins = re.findall(r"^[\w.-]+==[^ \\]+", (ROOT / "requirements" / "dev.txt").read_text("utf-8"), re.MULTILINE)
        (self.folder.parent / "pins.txt").write_text("\n".join(pins), "utf-8")
        self._environment["PIP_CONSTRAINT"] = str(self.folder.parent / "pins.txt")
        self._environment["PATH"] = f"{self._fresh / 'bin'}:{self._environment['PATH']}"


def with_python_first(path: str) -> str:
    """The PATH on which `python` is the one that runs the tests."""
    return f"{Path(sys.executable).parent}:{path}"
