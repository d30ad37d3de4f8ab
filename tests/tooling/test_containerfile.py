"""The Containerfile, without a container engine: it is read, and its steps are done in a folder instead of an image.

What this cannot show: that the base image exists, and what an engine makes of users, ports and read-only file systems.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
# Folders of the image that steps write to.
PLACES = ("/wheels", "/build", "/opt/sandbox", "/src")


class Step(NamedTuple):
    """One instruction, its lines joined."""

    name: str
    text: str


def read() -> list[Step]:
    """Every instruction but ARG, whose values are filled in."""
    lines = [line for line in (ROOT / "Containerfile").read_text("utf-8").splitlines() if not line.startswith("#")]
    values: dict[str, str] = {}
    found = []
    for line in filter(str.strip, "\n".join(lines).replace("\\\n", " ").splitlines()):
        name, _, text = line.partition(" ")
        if name == "ARG":
            key, _, values[key] = text.strip().partition("=")
        else:
            for key, value in values.items():
                text = text.replace(f"${{{key}}}", value)
            found.append(Step(name, " ".join(text.split())))
    return found


STEPS = read()
LAST = {step.name: step.text for step in STEPS[max(i for i, step in enumerate(STEPS) if step.name == "FROM") :]}
ENTRYPOINT: list[str] = json.loads(LAST["ENTRYPOINT"])
HEALTH: list[str] = json.loads(LAST["HEALTHCHECK"].partition(" CMD ")[2])


def test_one_download_which_is_hashed_and_the_rest_is_offline() -> None:
    """One step reaches a registry, with the lock file; nothing else is fetched from anywhere, and the base is exact."""
    commands = [part for step in STEPS if step.name == "RUN" for part in step.text.split(" && ")]
    online = [command for command in commands if " pip " in command and " --no-index " not in command]

    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", LAST["FROM"])
    assert len(online) == 1
    assert " download " in online[0]
    assert "--require-hashes" in online[0]
    assert "-r requirements/demo.txt" in online[0]
    assert not [step for step in STEPS if step.name == "ADD" or "://" in step.text.replace("http.client", "")]
    assert not [command for command in commands if re.search(r"\b(apt|curl|wget|git)\b", command)]


def test_it_runs_as_nobody_and_listens_on_every_address() -> None:
    """Which is asked for on the command line; the sandbox itself stays on loopback."""
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", LAST["USER"])
    assert ENTRYPOINT[ENTRYPOINT.index("--host") + 1] == "0.0.0.0"


def test_nothing_is_let_into_the_build_but_what_is_copied() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if not line.startswith("#")]
    copied = [step.text.split()[:-1] for step in STEPS if step.name == "COPY" and "--from=" not in step.text]

    assert rules[0] == "*"
    assert {source for sources in copied for source in sources} == {rule[1:] for rule in rules if rule[0] == "!"}


# The steps themselves


def moved(text: str, image: Path) -> str:
    """The same with the image's folders below another one."""
    return re.sub(rf"(?<![\w./])({'|'.join(PLACES)})\b", lambda match: f"{image}{match[1]}", text)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every RUN and COPY of both stages was done, with this Python as that of the base image."""
    image = tmp_path_factory.mktemp("image")
    programs = image / "usr" / "bin"
    programs.mkdir(parents=True)
    (programs / "python").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    environment |= {"PATH": f"{programs}:{os.environ['PATH']}", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    here = image
    for step in STEPS:
        if step.name == "WORKDIR":
            here = Path(moved(step.text, image))
            here.mkdir(parents=True)
        elif step.name == "COPY" and not step.text.startswith("--from="):  # both stages have the same folder here
            *names, target = step.text.split()
            for origin in map(ROOT.joinpath, names):
                place = here / target / origin.name if target.endswith("/") else here / target
                place.parent.mkdir(parents=True, exist_ok=True)
                if origin.is_dir():
                    shutil.copytree(origin, place, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(origin, place)
        elif step.name == "RUN":
            command = ["sh", "-ec", moved(step.text, image)]
            done = subprocess.run(
                command, cwd=here, env=environment, capture_output=True, encoding="utf-8", check=False
            )
            assert done.returncode == 0, f"{step.text}\n{done.stdout}{done.stderr}"
    return image


@contextmanager
def running(image: Path, port: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """What the image starts, on another port of loopback, with an environment and a folder that hold nothing."""
    place = {LAST["EXPOSE"]: port, "0.0.0.0": "127.0.0.1"}
    command = [place.get(word, moved(word, image)) for word in [*ENTRYPOINT, *arguments]]
    with subprocess.Popen(command, cwd="/", env={}, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def healthy(image: Path, port: str) -> int:
    command = [moved(word, image).replace(LAST["EXPOSE"], port) for word in HEALTH]
    return subprocess.run(command, env={}, capture_output=True, timeout=20, check=False).returncode


def test_it_holds_what_the_sandbox_needs_and_no_tool(image: Path) -> None:
    """Neither pip nor what building takes; every package at the version that is locked."""
    (packages,) = (image / "opt" / "sandbox" / "lib").glob("python*/site-packages")
    installed = {
        re.sub(r"[-_.]+", "-", name).lower(): version
        for name, _, version in (folder.stem.rpartition("-") for folder in packages.glob("*.dist-info"))
    }
    lock = (ROOT / "requirements" / "demo.txt").read_text("utf-8")

    assert {"anam-facade", "starlette", "uvicorn", "jsonschema-rs"} <= installed.keys()
    assert not {"pip", "setuptools", "hatchling", "pytest"} & installed.keys()
    del installed["anam-facade"]
    assert installed.items() <= dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", lock, re.MULTILINE)).items()
    assert not list((image / "opt" / "sandbox" / "bin").glob("pip*"))


def test_it_starts_is_healthy_writes_nothing_and_ends_when_told(image: Path) -> None:
    """Arguments behind the image's name reach the sandbox; SIGTERM ends it, with exit status 0."""

    def state() -> dict[str, tuple[int, int]]:
        files = [path for path in image.rglob("*") if not path.is_symlink()]
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in files}

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = str(listening.getsockname()[1])
    before = state()
    assert healthy(image, port) == 1
    with running(image, port, "--api-key", "local-key") as process:
        assert process.stdout is not None
        printed = [process.stdout.readline().strip() for _ in range(6)]
        assert f"base URL: http://127.0.0.1:{port}" in printed
        assert "API key:  local-key" in printed
        assert healthy(image, port) == 0
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
        assert process.returncode == 0
    assert healthy(image, port) == 1
    assert state() == before
