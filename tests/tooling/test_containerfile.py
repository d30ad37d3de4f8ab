"""The Containerfile, without a container engine: it is read, and its steps are done in a folder instead of an image.

What this cannot show: that the base image exists, and what an engine makes of users, ports and read-only file systems.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

# Folders of the image that steps write to.
PLACES = ("/wheels", "/build", "/opt/sandbox", "/src")


@dataclass(frozen=True)
class Step:
    """One instruction, its lines joined."""

    name: str
    text: str

    @property
    def command(self) -> list[str]:
        """The words of the form without a shell."""
        words: list[str] = json.loads(self.text)
        return words


@pytest.fixture(scope="module")
def steps(root: Path) -> list[Step]:
    """Every instruction but ARG, whose values are filled in."""
    lines = [line for line in (root / "Containerfile").read_text("utf-8").splitlines() if not line.startswith("#")]
    values: dict[str, str] = {}
    found = []
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        name, _, text = line.partition(" ")
        text = re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], " ".join(text.split()))
        if name == "ARG":
            key, _, value = text.partition("=")
            values[key] = value
        else:
            found.append(Step(name, text))
    return found


def only(steps: list[Step], name: str) -> Step:
    (step,) = (step for step in steps if step.name == name)
    return step


def last_stage(steps: list[Step]) -> list[Step]:
    return steps[max(i for i, step in enumerate(steps) if step.name == "FROM") :]


def health_check(steps: list[Step]) -> list[str]:
    words: list[str] = json.loads(only(steps, "HEALTHCHECK").text.partition(" CMD ")[2])
    return words


def test_the_base_is_one_release_of_a_small_python_that_the_package_supports(steps: list[Step]) -> None:
    bases = {step.text.partition(" AS ")[0] for step in steps if step.name == "FROM"}

    (base,) = bases
    match = re.fullmatch(r"python:(\d+)\.(\d+)\.\d+-slim-\w+", base)
    assert match is not None
    assert (int(match[1]), int(match[2])) >= (3, 11)


def test_what_is_downloaded_is_hashed_and_the_rest_is_offline(steps: list[Step]) -> None:
    """One step reaches a registry, with the lock file; nothing else is fetched from anywhere."""
    commands = [part for step in steps if step.name == "RUN" for part in step.text.split(" && ")]
    pips = [command for command in commands if " pip " in command]
    online = [command for command in pips if " --no-index " not in command]

    assert len(pips) >= 3
    assert len(online) == 1
    assert " download " in online[0]
    assert "--require-hashes" in online[0]
    assert "-r requirements/demo.txt" in online[0]
    assert not [step for step in steps if step.name == "ADD" or "://" in step.text.replace("http.client", "")]
    assert not [command for command in commands if re.search(r"\b(apt|curl|wget|git)\b", command)]


def test_it_runs_as_nobody_and_without_a_shell(steps: list[Step]) -> None:
    stage = last_stage(steps)

    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", only(stage, "USER").text)
    assert only(stage, "ENTRYPOINT").command[0].startswith("/")
    assert health_check(stage)[0].startswith("/")
    assert only(stage, "STOPSIGNAL").text == "SIGTERM"


def test_the_port_is_the_same_everywhere_and_the_address_is_said(steps: list[Step]) -> None:
    """Listening on every address is asked for on the command line; the sandbox itself stays on loopback."""
    stage = last_stage(steps)
    port = only(stage, "EXPOSE").text
    started = only(stage, "ENTRYPOINT").command

    assert started[started.index("--host") + 1] == "0.0.0.0"
    assert started[started.index("--port") + 1] == port
    assert f"('127.0.0.1', {port}," in health_check(stage)[-1]


def test_what_is_copied_is_there_and_not_ignored(root: Path, steps: list[Step]) -> None:
    rules = [line for line in (root / ".containerignore").read_text("utf-8").splitlines() if not line.startswith("#")]
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = [step.text for step in steps if step.name == "COPY" and "--from=" not in step.text]
    sources = {source for text in copied for source in text.split()[:-1]}

    assert rules[0] == "*"
    assert (root / ".dockerignore").read_text("utf-8").splitlines()[-len(rules) :] == rules  # what docker reads
    assert sources == let_in
    assert all((root / source).exists() for source in sources)
    for never in (".git/config", ".venv/x", "tests/x.py", ".env", "anam_facade/__pycache__/x.pyc"):
        kept = False
        for rule in rules:
            pattern = rule.removeprefix("!").replace("**/", "*")
            if fnmatch.fnmatch(never, pattern) or fnmatch.fnmatch(never, f"{pattern}/*"):
                kept = rule.startswith("!")
        assert not kept, never


# The steps themselves


def moved(text: str, image: Path) -> str:
    """The same with the image's folders below another one."""
    return re.sub(rf"(?<![\w./])({'|'.join(PLACES)})\b", lambda match: f"{image}{match[1]}", text)


@pytest.fixture(scope="module")
def image(root: Path, steps: list[Step], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every RUN and COPY of both stages was done, with this Python as that of the base image."""
    image = tmp_path_factory.mktemp("image")
    programs = image / "usr" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    environment |= {"PATH": f"{programs}:{os.environ['PATH']}", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    here = image
    for step in steps:
        if step.name == "WORKDIR":
            here = Path(moved(step.text, image))
            here.mkdir(parents=True)
        elif step.name == "COPY" and step.text.startswith("--from="):
            # Both stages have the same folder here, so it is there already.
            _, source, target = step.text.split()
            assert source == target
        elif step.name == "COPY":
            *names, target = step.text.split()
            for origin in map(root.joinpath, names):
                place = here / target / origin.name if target.endswith("/") else here / target
                place.parent.mkdir(parents=True, exist_ok=True)
                if origin.is_dir():
                    shutil.copytree(origin, place, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(origin, place)
        elif step.name == "RUN":
            done = subprocess.run(
                ["sh", "-ec", moved(step.text, image)],
                cwd=here,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                check=False,
            )
            assert done.returncode == 0, f"{step.text}\n{done.stdout}{done.stderr}"
    return image


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return str(listening.getsockname()[1])


@contextmanager
def running(steps: list[Step], image: Path, port: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """What the image starts, on another port, with an environment and a folder that hold nothing."""
    stage = last_stage(steps)
    command = [moved(word, image) for word in only(stage, "ENTRYPOINT").command]
    command[command.index(only(stage, "EXPOSE").text)] = port
    # On loopback: the tests let nobody in from outside.
    command[command.index("0.0.0.0")] = "127.0.0.1"
    with subprocess.Popen(
        [*command, *arguments], cwd="/", env={}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def healthy(steps: list[Step], image: Path, port: str) -> int:
    stage = last_stage(steps)
    command = [moved(word, image).replace(only(stage, "EXPOSE").text, port) for word in health_check(stage)]
    return subprocess.run(command, env={}, capture_output=True, timeout=20, check=False).returncode


def test_it_holds_what_the_sandbox_needs_and_no_tool(image: Path, root: Path) -> None:
    """Neither pip nor what building takes; every package at the version that is locked."""
    (packages,) = (image / "opt" / "sandbox" / "lib").glob("python*/site-packages")
    installed = {
        re.sub(r"[-_.]+", "-", name).lower(): version
        for name, _, version in (folder.stem.rpartition("-") for folder in packages.glob("*.dist-info"))
    }
    lock = (root / "requirements" / "demo.txt").read_text("utf-8")
    pinned = dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", lock, re.MULTILINE))

    assert {"anam-facade", "starlette", "uvicorn", "jsonschema-rs"} <= installed.keys()
    assert not {"pip", "setuptools", "hatchling", "pytest"} & installed.keys()
    del installed["anam-facade"]
    assert installed.items() <= pinned.items()
    assert not list((image / "opt" / "sandbox" / "bin").glob("pip*"))


def test_it_starts_is_healthy_and_ends_when_told(steps: list[Step], image: Path) -> None:
    """Arguments behind the image's name reach the sandbox; SIGTERM ends it at once, with exit status 0."""
    port = free_port()
    assert healthy(steps, image, port) == 1
    with running(steps, image, port, "--api-key", "local-key") as process:
        assert process.stdout is not None
        said = [process.stdout.readline().strip() for _ in range(6)]
        assert f"base URL: http://127.0.0.1:{port}" in said
        assert "API key:  local-key" in said
        assert healthy(steps, image, port) == 0
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
        assert process.returncode == 0
        assert time.monotonic() - asked < 5
    assert healthy(steps, image, port) == 1


def test_it_writes_nothing(steps: list[Step], image: Path) -> None:
    """So it can run from a file system that is read-only."""

    def state() -> dict[str, tuple[int, int]]:
        files = [path for path in image.rglob("*") if not path.is_symlink()]
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in files}

    port, before = free_port(), state()
    with running(steps, image, port) as process:
        assert process.stdout is not None
        for _ in range(6):
            process.stdout.readline()
        assert healthy(steps, image, port) == 0
        process.terminate()
        process.communicate(timeout=10)
    assert state() == before
