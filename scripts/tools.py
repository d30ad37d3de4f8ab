"""Install what is pinned, once, and run it. Needs nothing but Python 3.11.

`tools.py env demo` and `tools.py env dev` make the virtual environment match a lock in requirements/;
`tools.py run pyright …` runs a tool that is pinned in tools/ or requirements/, and `tools.py node` installs those of
Node. What was installed is remembered by content, not by time stamps, which a clone does not keep. Where Node, Go or a
browser is missing, one line says what was skipped; with REQUIRE_NODE=1 and so on, as in CI, that is an error.
"""

from __future__ import annotations

import contextlib
import difflib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / os.environ.get("VENV", ".venv")
PEERS = ROOT / ".peers"
MODULES = ROOT / "tools" / "node_modules"
OASDIFF = ROOT / "tools" / "oasdiff" / "bin" / "oasdiff"
LIVEKIT = ROOT / "tools" / "livekit" / "bin" / "livekit-server"

# Nothing is reported to anyone, and nothing asks for a newer version of itself.
QUIET = {
    "NO_UPDATE_NOTIFIER": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
    "REDOCLY_TELEMETRY": "off",
    "npm_config_update_notifier": "false",
}
# Go as it is installed: no other toolchain, no shared flags of the user's, nothing written to go.mod.
GO = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off", "CGO_ENABLED": "0"}
BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome-stable", "google-chrome"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> None:
    """Runs a command with its output shown.

    Raises:
        SystemExit: It failed.
    """
    # What Python is told by the environment is about the Python that runs this, not about another one.
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(list(map(str, command)), cwd=cwd, env={**kept, **QUIET, **environment}, check=False)
    if done.returncode != 0:
        sys.exit(f"error: {Path(command[0]).name} failed (its output is above); run the same command again.")


def keep(file: Path, text: str, arguments: Sequence[str], verb: str) -> int:
    """Writes a file that is made; with --check only shows how it differs from what is there, and gives 1 if it does."""
    there = file.read_text("utf-8") if file.exists() else ""
    if arguments != ["--check"]:
        file.write_text(text, "utf-8", newline="\n")
    elif there != text:
        sys.stdout.writelines(difflib.unified_diff(there.splitlines(True), text.splitlines(True), "committed", "made"))
        print(f"error: {file.name} is not what it is made from; run `{verb}`.", file=sys.stderr)
        return 1
    return 0


def digest(*parts: Path | str) -> str:
    """Hash of texts and of the contents of files."""
    total = hashlib.sha256()
    for part in parts:
        total.update((part.encode() if isinstance(part, str) else part.read_bytes()) + b"\0")
    return total.hexdigest()


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process at a time makes `folder`: two `make` in two terminals would trip over each other."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside the folder, not inside: it may be removed.
    with folder.with_name(f"{folder.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def outdated(folder: Path, *made_from: Path | str) -> Iterator[bool]:
    """Whether `folder` must be made anew from these; afterwards it counts as made, unless making it failed."""
    stamp, wanted = folder / ".made-from", digest(*made_from)
    with alone(folder):
        is_outdated = not stamp.exists() or stamp.read_text("ascii") != wanted
        if is_outdated:
            stamp.unlink(missing_ok=True)
        yield is_outdated
        if is_outdated:
            stamp.write_text(wanted, "ascii")


# --- Python environments --------------------------------------------------------------------------


def new_environment(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    # Not with `sys.executable`: that may be of the very environment that was just removed.
    run(getattr(sys, "_base_executable", sys.executable), "-m", "venv", folder)


def environment(name: str) -> None:
    """Makes the project's own environment hold what `demo` or `dev` asks for; `dev` holds everything of `demo`."""
    kind = VENV / ".holds"
    identity = f"{sys.version} {sys.base_prefix} {ROOT}"  # a change of which makes an environment useless
    locks = {lock: digest(identity, ROOT / "requirements" / f"{lock}.txt") for lock in ("demo", "dev")}
    with alone(VENV):
        intact = (VENV / "bin" / "python").exists() and kind.exists()
        held = kind.read_text("ascii").split() if intact else []
        if held[:1] not in [[locks["dev"]], [locks[name]]]:
            if held[:1] != [locks["demo"]]:
                print(f"Creating {VENV.name} with Python {sys.version.split()[0]} …", flush=True)
                new_environment(VENV)
            print(f"Installing requirements/{name}.txt …", flush=True)
            kind.unlink(missing_ok=True)  # an installation that is interrupted starts afresh
            lock = ROOT / "requirements" / f"{name}.txt"
            run(VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock)
            held = [locks[name]]
            kind.write_text(held[0], "ascii")
        project = digest(ROOT / "pyproject.toml", ROOT / "anam_facade" / "_version.py")
        if held[1:] != [project]:
            options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index")
            run(VENV / "bin" / "python", "-m", "pip", "install", *options, "-e", ".")
            kind.write_text(f"{held[0]} {project}", "ascii")


def peer_environment(lock: Path) -> Path:
    """An environment in .peers/ with what a hashed lock lists, and nothing else; its folder."""
    folder = PEERS / lock.stem
    with outdated(folder, lock, sys.version) as must_install:
        if must_install:
            print(f"Installing {lock.relative_to(ROOT)} into .peers/{lock.stem} …", file=sys.stderr, flush=True)
            new_environment(folder)
            # Wheels only: a dependency that has to be compiled would want more than Python.
            options = ("--quiet", "--only-binary=:all:", "--require-hashes", "-r", str(lock))
            run(folder / "bin" / "python", "-m", "pip", "install", *options)
    return folder


# --- Tools that are not Python --------------------------------------------------------------------


def is_missing(what: str, program: str, oldest: str = "") -> str | None:
    """Why a program cannot be used: it is not installed, or older than `oldest`; None when it can."""
    path = shutil.which(program)
    if path is None:
        return f"{what} is not installed"
    if oldest:
        argument = "version" if program == "go" else "--version"
        done = subprocess.run([path, argument], capture_output=True, text=True, check=False, env={**os.environ, **GO})
        found = re.search(r"\d+\.\d+(\.\d+)?", done.stdout)
        if found is None or [*map(int, found[0].split("."))] < [*map(int, oldest.split("."))]:
            return f"{what} {oldest} or newer is needed, not {found[0] if found else 'one that does not start'}"
    return None


def skips(what: str, missing: str | None, variable: str) -> bool:
    """Whether `what` is left out because something is missing, which is printed.

    Raises:
        SystemExit: The variable, such as REQUIRE_NODE, is 1.
    """
    if missing is not None:
        if os.environ.get(variable) == "1":
            sys.exit(f"error: {what} cannot run: {missing}.")
        print(f"SKIPPED: {what} did not run: {missing}.")
    return missing is not None


def node_is_missing() -> str | None:
    return is_missing("Node", "node", "20.19") or is_missing("npm", "npm")


def install_node_tools(folder: Path = MODULES.parent) -> None:
    """Installs what a folder's package-lock.json lists."""
    lock = folder / "package-lock.json"
    with outdated(folder / "node_modules", lock) as must_install:
        if must_install:
            print(f"Installing {lock.relative_to(ROOT)} …", file=sys.stderr, flush=True)
            run("npm", "ci", "--loglevel=error", cwd=folder)  # inside the folder, so that its .npmrc counts


def go_is_missing() -> str | None:
    wanted = re.search(r"^go (\d+\.\d+)", (ROOT / "tools" / "oasdiff" / "go.mod").read_text("utf-8"), re.MULTILINE)
    return is_missing("Go", "go", wanted[1] if wanted else "1")


def build_with_go(program: Path, package: str) -> None:
    module = program.parent.parent
    with outdated(program.parent, module / "go.mod", module / "go.sum") as must_build:
        if must_build:
            print(f"Building {program.name} …", file=sys.stderr, flush=True)
            run("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, package, cwd=module, **GO)


def build_oasdiff() -> None:
    build_with_go(OASDIFF, "github.com/oasdiff/oasdiff")


def livekit_server() -> str | None:
    """The LiveKit server to use: LIVEKIT_SERVER, one on the PATH, or the one that `make rooms` has built."""
    named = os.environ.get("LIVEKIT_SERVER") or shutil.which("livekit-server")
    return named or (str(LIVEKIT) if LIVEKIT.exists() else None)


def build_livekit() -> bool:
    """Builds a LiveKit server where there is none, which takes minutes. False when it cannot be built here."""
    named = livekit_server()
    if named in (None, str(LIVEKIT)):
        if skips("LiveKit's server", go_is_missing(), "REQUIRE_LIVEKIT"):
            return False
        build_with_go(LIVEKIT, "github.com/livekit/livekit-server/cmd/server")
    return True


def browser() -> str | None:
    """The Chromium to use, or None; CHROMIUM names another one."""
    named = os.environ.get("CHROMIUM")
    return next((path for name in ([named] if named else BROWSERS) if (path := shutil.which(name))), None)


def main(arguments: Sequence[str]) -> int:
    match arguments:
        case ["env", ("demo" | "dev") as name]:
            environment(name)
            return 0
        case ["node"]:
            if skips("npm", node_is_missing(), "REQUIRE_NODE"):
                return 1
            install_node_tools()
            return 0
        case ["run", "hadolint", *rest]:
            program = peer_environment(ROOT / "requirements" / "tools.txt") / "bin" / "hadolint"
        case ["run", tool, *rest]:
            if skips(tool, node_is_missing(), "REQUIRE_NODE"):
                return 0
            install_node_tools()
            program = MODULES / ".bin" / tool
        case _:
            sys.exit("usage: tools.py env {demo,dev} | tools.py node | tools.py run TOOL [ARGUMENT ...]")
    return subprocess.run([str(program), *rest], cwd=ROOT, env={**os.environ, **QUIET}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
