"""The Containerfile, without a container engine: it is read, and its steps are done in a folder instead of an image.

What this cannot show: that the base image exists, and what an engine makes of users, ports and read-only file systems.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tools import ROOT

pytestmark = pytest.mark.slow


def read() -> list[tuple[str, str]]:
    """Every instruction and what it says, its lines joined and the values of ARG filled in."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Containerfile").read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    for key, value in re.findall(r"^ARG (\w+)=(.*)$", text, re.MULTILINE):
        text = text.replace(f"${{{key}}}", value)
    return [(name, " ".join(rest)) for name, *rest in map(str.split, filter(str.strip, text.splitlines()))]


STEPS = read()
LAST = dict(STEPS[max(i for i, (name, _) in enumerate(STEPS) if name == "FROM") :])  # the stage that is the image
COPIED = [text.split() for name, text in STEPS if name == "COPY" and not text.startswith("--from=")]


def test_it_is_built_from_what_is_locked_and_runs_as_nobody() -> None:
    """The base is exact; one step reaches a registry, by hashes; only what is copied is let into the build. That it
    listens on every address is asked for on the command line; the sandbox itself stays on loopback.
    """
    commands = [part for name, text in STEPS if name == "RUN" for part in text.split(" && ")]
    (online,) = (part for part in commands if " pip " in part and " --no-index " not in part)
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", LAST["FROM"])
    assert " download --quiet --require-hashes --only-binary=:all: -r requirements/demo.txt " in online
    assert not [name for name, text in STEPS if name == "ADD" or re.search(r"\b(apt|curl|wget|git)\b|://", text)]
    rules = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert rules[0] == "*"
    assert {name for names in COPIED for name in names[:-1]} == {rule[1:] for rule in rules if rule[0] == "!"}
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", LAST["USER"])
    assert '"--host", "0.0.0.0"' in LAST["ENTRYPOINT"]


class Image:
    """A folder in which every RUN and COPY of both stages was done, with this Python as that of the base image."""

    def __init__(self, folder: Path) -> None:
        self.folder, here = folder, folder
        programs = folder / "usr" / "bin"
        programs.mkdir(parents=True)
        (programs / "python").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
        kept |= {"PATH": f"{programs}:{os.environ['PATH']}", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        for name, text in STEPS:
            if name == "WORKDIR":
                here = Path(self.moved(text))
                here.mkdir(parents=True)
            elif name == "COPY" and text.split() in COPIED:  # not from stage to stage: here they share a folder
                *origins, target = text.split()
                (here / target).parent.mkdir(parents=True, exist_ok=True)
                subprocess.run(["cp", "-R", *map(ROOT.joinpath, origins), here / target], check=True)
            elif name == "RUN":
                command = ("sh", "-ec", self.moved(text))
                done = subprocess.run(command, cwd=here, env=kept, capture_output=True, encoding="utf-8", check=False)
                assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"

    def moved(self, text: str) -> str:
        """The same with the image's folders below this one."""
        return re.sub(r"(?<![\w./])(/wheels|/build|/opt/sandbox|/src)\b", rf"{self.folder}\1", text)

    def command(self, written: str, port: int, *arguments: str) -> list[str]:
        """ENTRYPOINT or CMD, on another port of loopback."""
        words = [self.moved(word).replace(LAST["EXPOSE"], str(port)) for word in json.loads(written)]
        return ["127.0.0.1" if word == "0.0.0.0" else word for word in [*words, *arguments]]

    def state(self) -> dict[str, tuple[int, int]]:
        files = [path for path in self.folder.rglob("*") if not path.is_symlink()]
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in files}


def test_it_holds_the_sandbox_and_no_tool_starts_is_healthy_writes_nothing_and_ends_when_told(tmp_path: Path) -> None:
    """Neither pip nor what building takes, every package at the version that is locked; arguments behind the image's
    name reach the sandbox; SIGTERM ends it, with exit status 0.
    """
    image = Image(tmp_path)
    (packages,) = (tmp_path / "opt" / "sandbox" / "lib").glob("python*/site-packages")
    found = (folder.stem.rpartition("-") for folder in packages.glob("*.dist-info"))
    installed = {re.sub(r"[-_.]+", "-", name).lower(): version for name, _, version in found}
    assert installed.pop("anam-facade")
    assert {"starlette", "uvicorn", "jsonschema-rs"} <= installed.keys()
    assert not {"pip", "setuptools", "hatchling", "pytest"} & installed.keys()
    lock = (ROOT / "requirements" / "demo.txt").read_text("utf-8")
    assert installed.items() <= dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", lock, re.MULTILINE)).items()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    check = image.command(LAST["HEALTHCHECK"].partition(" CMD ")[2], port)

    def is_healthy() -> bool:
        return subprocess.run(check, env={}, capture_output=True, timeout=20, check=False).returncode == 0

    before = image.state()
    assert not is_healthy()
    command = image.command(LAST["ENTRYPOINT"], port, "--api-key", "local-key")
    with subprocess.Popen(command, cwd="/", env={}, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            printed = [process.stdout.readline().strip() for _ in range(6)]
            assert {f"base URL: http://127.0.0.1:{port}", "API key:  local-key"} <= set(printed)
            assert is_healthy()
            process.terminate()
            assert process.wait(10) == 0
        finally:
            process.kill()
    assert image.state() == before
