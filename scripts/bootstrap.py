"""Make the virtual environment match a lock file: `bootstrap.py demo` or `bootstrap.py dev`.

Needs nothing but Python. What was installed is remembered in the environment by content, not by time stamps, which a
clone does not keep: a second run does nothing, and a changed lock, interpreter or folder starts afresh.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / os.environ.get("VENV", ".venv")
STATE = VENV / "anam-facade.json"

# `dev` holds everything that `demo` does, at the same versions.
SATISFIED_BY = {"demo": ("demo", "dev"), "dev": ("dev",)}

# What decides about the project's own installation: its metadata and its version.
PROJECT_FILES = ("pyproject.toml", "anam_facade/_version.py")


def digest(*paths: Path) -> str:
    """Hash of the files' contents; a missing file counts as empty."""
    total = hashlib.sha256()
    for path in paths:
        total.update(path.read_bytes() if path.exists() else b"")
        total.update(b"\0")
    return total.hexdigest()


def lock_file(name: str) -> Path:
    return ROOT / "requirements" / f"{name}.txt"


def read_state() -> dict[str, Any]:
    """What the environment says about itself; empty if it is missing, broken, or of an unknown kind."""
    try:
        state = json.loads(STATE.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def write_state(state: dict[str, Any]) -> None:
    STATE.write_text(json.dumps(state, indent=2) + "\n", "utf-8")


def identity() -> dict[str, str]:
    """The interpreter and the folder, either of which makes an environment useless when it changes."""
    return {"python": sys.version, "base": sys.base_prefix, "root": str(ROOT)}


def is_usable(state: dict[str, Any]) -> bool:
    return (
        all(state.get(key) == value for key, value in identity().items())
        and (VENV / "bin" / "python").exists()
        and all(digest(lock_file(name)) == value for name, value in state.get("locks", {}).items())
    )


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One installation into `folder` at a time: two `make` in two terminals would trip over each other."""
    try:
        import fcntl
    except ImportError:  # no such thing on Windows
        yield
        return
    # Beside the folder, not inside: it may be removed.
    with folder.with_name(f"{folder.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def pip(*args: str) -> None:
    command = [str(VENV / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet", "--no-input", *args]
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    if done.returncode != 0:
        sys.exit(f"error: pip could not install into {VENV.name} (its words are above); run the same command again.")


def create() -> None:
    print(f"Creating {VENV.name} with Python {sys.version.split()[0]} …", flush=True)
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit("error: this Python cannot make virtual environments; on Debian or Ubuntu, install python3-venv.")
    shutil.rmtree(VENV, ignore_errors=True)
    if sys.prefix == sys.base_prefix:
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    else:  # run from inside an environment, perhaps the very one that was just removed
        base = getattr(sys, "_base_executable", sys.executable)
        subprocess.run([base, "-m", "venv", str(VENV)], check=True)


def bootstrap(name: str) -> None:
    state = read_state()
    usable = is_usable(state)
    installed = usable and any(lock in state["locks"] for lock in SATISFIED_BY[name])
    project = digest(*(ROOT / file for file in PROJECT_FILES))
    if installed and state.get("project") == project:
        return

    if not usable:
        create()
        state = {**identity(), "locks": {}}
    if not installed:
        print(f"Installing requirements/{name}.txt …", flush=True)
        STATE.unlink(missing_ok=True)  # an installation that is interrupted starts afresh
        pip("install", "--require-hashes", "-r", str(lock_file(name)))
        state["locks"][name] = digest(lock_file(name))
        write_state(state)
    pip("install", "--no-deps", "--no-build-isolation", "--no-index", "-e", ".")
    write_state({**state, "project": project})


def main(args: Sequence[str]) -> None:
    if len(args) != 1 or args[0] not in SATISFIED_BY:
        sys.exit(f"usage: bootstrap.py {{{','.join(SATISFIED_BY)}}}")
    with alone(VENV):
        bootstrap(args[0])


if __name__ == "__main__":
    main(sys.argv[1:])
