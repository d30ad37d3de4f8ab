"""The clients people use today, each installed into an environment of its own, and driven by `worker.py`."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = HERE.parent / ".peers"

OURS = ("ours, token, sync", "ours, token, async", "ours, token, fast", "ours, direct, async")

LOCKS: Mapping[str, str] = {
    "livekit-plugins-anam 1.8.9": "livekit-anam-1.8.9",
    "livekit-plugins-anam 1.6.10": "livekit-anam-1.6.10",
    "anam 0.12.0": "anam-0.12.0",
}
"""Client → its lock in `peers/`."""

CLIENTS = (*OURS, *LOCKS)


class Run(NamedTuple):
    """What the worker reports: for each start what its caller knows (`worker.outcome`), and the CPU seconds for all."""

    results: list[dict[str, Any]]
    cpu: float


def environment(name: str, lock: Path) -> Path:
    """An environment of its own with what a hashed lock lists; made on first use, which takes a minute or two.

    Args:
        name: Of the folder in `.peers/`.
        lock: Requirements with exact versions and hashes.

    Returns:
        The environment's folder; its interpreter is `bin/python`.
    """
    folder = ENVIRONMENTS / name
    python, stamp = folder / "bin" / "python", folder / "installed"
    wanted = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"Installing {lock.stem} into .peers/{name} …", file=sys.stderr, flush=True)
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        # Wheels only: a dependency that has to be compiled would want more than Python.
        subprocess.run([*pip, "--only-binary=:all:", "--require-hashes", "-r", str(lock)], check=True)
        stamp.write_text(wanted)
    return folder


def python_of(client: str) -> str:
    """The interpreter that has the client."""
    if client not in LOCKS:
        return sys.executable
    return str(environment(LOCKS[client], HERE / "peers" / f"{LOCKS[client]}.txt") / "bin" / "python")


def run(
    client: str,
    *,
    base_url: str,
    api_key: str,
    names: Sequence[str],
    concurrency: int,
    timeout: float,
    before: Callable[[], object] | None = None,
    limit: float = 300.0,
) -> Run:
    """Starts one session a name and returns what the client's caller got to know.

    `before` is called when the client is ready, right before the first start.
    """
    job = {
        "client": client,
        "base_url": base_url,
        "api_key": api_key,
        "names": list(names),
        "concurrency": concurrency,
        "timeout": timeout,
    }
    with subprocess.Popen(
        [python_of(client), str(HERE / "worker.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH" or client not in LOCKS},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            if process.stdout.readline() == "ready\n" and before is not None:
                before()
            out, errors = process.communicate("go\n", timeout=limit)
        finally:
            process.kill()
    if process.returncode != 0:
        raise RuntimeError(f"{client} failed to run:\n{errors[-2000:]}")
    answer: dict[str, Any] = json.loads(out)
    return Run(answer["results"], answer["cpu"])
