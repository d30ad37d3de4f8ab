"""Install what is pinned, once, and run it. Needs nothing but Python 3.11.

`tools.py env demo` and `tools.py env dev` make the virtual environment match a lock in requirements/; `tools.py run
pyright …` runs a tool that is pinned in tools/ or requirements/tools.txt; `tools.py node` installs those of Node, and
`tools.py browser` runs tests/browser in the system's Chromium (or the one that CHROMIUM names), against a sandbox.

What was installed is remembered by content, not by time stamps, which a clone does not keep. Where Node, Go or a
browser is missing, one line says what was skipped; with REQUIRE_NODE=1 and so on, as in CI, that is an error.
"""

from __future__ import annotations

import contextlib
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

IN_PYTHON = ("hadolint", "uv")
"""Tools that are not Python, in Python packages: requirements/tools.in."""
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
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# By its own reporter, not by what a terminal suggests: the output is read in logs too. The files side by side, on two
# cores too: what they do is wait for a browser.
NODE_TEST = ("node", "--test", "--test-reporter=spec", "--test-concurrency=3", "--test-timeout=420000")


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


def keep(place: Path, made: Path | str, arguments: Sequence[str], verb: str) -> int:
    """Puts a file's text, or a folder, in its place; with --check only shows what differs, and gives 1 if it does."""
    if arguments == ["--check"]:
        text, other = (made, "-") if isinstance(made, str) else (None, str(made))
        command = ["diff", "-ruN", "--exclude=__pycache__", str(place), other]
        if status := subprocess.run(command, input=text, encoding="utf-8", check=False).returncode:
            print(f"error: {place.name} is not what it is made from; run `{verb}`.", file=sys.stderr)
        return status
    if arguments:
        sys.exit("usage: [--check]")
    if isinstance(made, str):
        place.write_text(made, "utf-8", newline="\n")
    else:
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(made, place)
    return 0


def digest(*parts: Path | str) -> str:
    """Hash of texts and of the contents of files."""
    total = hashlib.sha256()
    for part in parts:
        total.update((part.encode() if isinstance(part, str) else part.read_bytes()) + b"\0")
    return total.hexdigest()


def is_made(folder: Path, *made_from: Path | str) -> bool:
    stamp = folder / ".made-from"
    return stamp.exists() and stamp.read_text("ascii") == digest(*made_from)


@contextlib.contextmanager
def outdated(folder: Path, *made_from: Path | str) -> Iterator[bool]:
    """Whether `folder` must be made anew from these; afterwards it counts as made, unless making it failed."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    # One process at a time: two `make` in two terminals would trip over each other. Beside it, for it may be removed.
    with folder.with_name(f"{folder.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if is_made(folder, *made_from):
            yield False
        else:
            (folder / ".made-from").unlink(missing_ok=True)
            yield True
            (folder / ".made-from").write_text(digest(*made_from), "ascii")


# --- Python environments --------------------------------------------------------------------------


def install(folder: Path, lock: Path, *options: str) -> None:
    """Installs what a lock lists, after making the environment where there is none."""
    print(f"Installing {lock.relative_to(ROOT)} into {folder.name} …", file=sys.stderr, flush=True)
    if not (folder / "bin" / "python").exists():
        # Not with `sys.executable`: that may be of the very environment that was just removed.
        run(getattr(sys, "_base_executable", sys.executable), "-m", "venv", folder)
    run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", *options, "--require-hashes", "-r", lock)


def environment(name: str) -> None:
    """Makes the project's own environment hold what `demo` or `dev` asks for; `dev` holds everything of `demo`."""
    identity = f"{sys.version} {sys.base_prefix} {ROOT}"  # a change of which makes an environment useless
    demo, dev, asked = (ROOT / "requirements" / f"{lock}.txt" for lock in ("demo", "dev", name))
    if not (VENV / "bin" / "python").exists():  # or not yet: somebody else may be making it
        (VENV / ".made-from").unlink(missing_ok=True)
    if not is_made(VENV, identity, dev):
        to_be_added_to = is_made(VENV, identity, demo)
        with outdated(VENV, identity, asked) as must_install:
            if must_install:
                if not to_be_added_to:
                    shutil.rmtree(VENV, ignore_errors=True)
                install(VENV, asked)
    project = VENV / "project"
    with outdated(project, ROOT / "pyproject.toml", ROOT / "anam_facade" / "_version.py") as must_install:
        if must_install:
            options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index")
            run(VENV / "bin" / "python", "-m", "pip", "install", *options, "-e", ".")
            project.mkdir(exist_ok=True)


def peer_environment(lock: Path) -> Path:
    """An environment in .peers/ with what a hashed lock lists, and nothing else; its folder."""
    folder = PEERS / lock.stem
    with outdated(folder, lock, sys.version) as must_install:
        if must_install:
            shutil.rmtree(folder, ignore_errors=True)
            install(folder, lock, "--only-binary=:all:")  # what has to be compiled would want more than Python
    return folder


# --- Tools that are not Python --------------------------------------------------------------------


def missing(command: str, ask: Sequence[str] = (), oldest: str = "0") -> str | None:
    """Why a command cannot be used, None if it can: it is not there or, asked for its version, fails or is too old."""
    if (path := shutil.which(command)) is None:
        return f"{command} is not installed"
    if not ask:
        return None
    done = subprocess.run([path, *ask], capture_output=True, text=True, check=False)
    printed = re.sub(r"\x1b\[[\d;]*m", "", done.stdout or done.stderr)  # Maven's is coloured, asked or not
    found = re.search(r"\d+(?:\.\d+)*", printed)
    if done.returncode != 0:
        return f"{command} does not do: {printed.strip()[:160]}"
    have, least = ([int(number) for number in version.split(".")] for version in (found[0] if found else "0", oldest))
    return f"{command} {oldest} or newer is needed, not {found[0] if found else '?'}" if have < least else None


def skips(what: str, why: str | None, variable: str) -> bool:
    """Whether `what` is left out because something is missing, which is printed.

    Raises:
        SystemExit: The variable, such as REQUIRE_NODE, is 1.
    """
    if why is not None:
        if os.environ.get(variable) == "1":
            sys.exit(f"error: {what} cannot run: {why}.")
        print(f"SKIPPED: {what} did not run: {why}.")
    return why is not None


def has_node(what: str, folder: Path = MODULES.parent) -> bool:
    """Whether Node is here for `what`, with what a folder's package-lock.json lists, which is installed."""
    if skips(what, missing("node", ["--version"], "20.19") or missing("npm"), "REQUIRE_NODE"):
        return False
    lock = folder / "package-lock.json"
    with outdated(folder / "node_modules", lock) as must_install:
        if must_install:
            print(f"Installing {lock.relative_to(ROOT)} …", file=sys.stderr, flush=True)
            run("npm", "ci", "--loglevel=error", cwd=folder)  # inside the folder, so that its .npmrc counts
    return True


def has_go(program: Path, variable: str = "REQUIRE_GO") -> bool:
    """Whether Go is here for a program, which is built: the tool of the go.mod in the folder above its own."""
    module = program.parent.parent
    (oldest,) = re.findall(r"^go (\S+)$", (module / "go.mod").read_text("utf-8"), re.MULTILINE)
    if skips(program.name, missing("go", ["version"], oldest), variable):
        return False
    with outdated(program.parent, module / "go.mod", module / "go.sum") as must_build:
        if must_build:
            print(f"Building {program.name} …", file=sys.stderr, flush=True)
            run("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "tool", cwd=module, **GO)
    return True


def livekit_server() -> str | None:
    """The LiveKit server to use: LIVEKIT_SERVER, one on the PATH, or the one that `make rooms` has built."""
    named = os.environ.get("LIVEKIT_SERVER") or shutil.which("livekit-server")
    return named or (str(LIVEKIT) if LIVEKIT.exists() else None)


def build_livekit() -> bool:
    """Builds a LiveKit server where there is none, which takes minutes. False when it cannot be built here."""
    return livekit_server() not in (None, str(LIVEKIT)) or has_go(LIVEKIT, "REQUIRE_LIVEKIT")


def main(arguments: Sequence[str]) -> int:
    told = {**os.environ, **QUIET}
    match arguments:
        case ["env", ("demo" | "dev") as name]:
            environment(name)
            return 0
        case ["node"]:
            return int(not has_node("npm"))
        case ["browser"]:
            named = os.environ.get("CHROMIUM")
            browser = next(filter(None, map(shutil.which, [named] if named else BROWSERS)), None)
            why = None if browser else f"there is no {named or 'Chromium or Chrome'}"
            if skips("the browser tests", why, "REQUIRE_BROWSER") or not has_node("the browser tests"):
                return 0
            told |= {"CHROMIUM": str(browser), "PYTHON": sys.executable}
            tests = map(str, sorted(ROOT.glob("tests/browser/*.test.mjs")))
            command = [sys.executable, "-m", "anam_facade.sandbox", "--", *NODE_TEST, *tests]
        case ["run", tool, *rest] if tool in IN_PYTHON:
            command = [str(peer_environment(ROOT / "requirements" / "tools.txt") / "bin" / tool), *rest]
        case ["run", tool, *rest]:
            if not has_node(tool):
                return 0
            command = [str(MODULES / ".bin" / tool), *rest]
        case _:
            sys.exit("usage: tools.py env {demo,dev} | tools.py {node,browser} | tools.py run TOOL [ARGUMENT ...]")
    return subprocess.run(command, cwd=ROOT, env=told, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
