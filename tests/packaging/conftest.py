"""The distributions, built once, and empty environments to install them into."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Distributions(NamedTuple):
    sdist: Path
    wheel: Path


class Environment:
    """A virtual environment that knows nothing of this checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.python = folder, str(folder / "bin" / "python")
        venv.create(folder, symlinks=True)

    def install(self, *args: str | Path) -> None:
        # pip stays outside, so that the environment holds what is installed and nothing else.
        pip = [sys.executable, "-m", "pip", "--python", self.python, "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", *map(str, args)], check=True)

    def run(self, *args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        # -I: neither the current folder nor PYTHONPATH leads back to the checkout.
        command = [self.python, "-I", *args]
        return subprocess.run(command, cwd=cwd or self.folder, capture_output=True, encoding="utf-8", check=False)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """The sdist, and the wheel built from that sdist: so the sdist holds what a build needs."""
    output = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(output), str(ROOT)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (sdist,), (wheel,) = output.glob("*.tar.gz"), output.glob("*.whl")
    return Distributions(sdist, wheel)


@pytest.fixture
def empty(tmp_path: Path) -> Environment:
    return Environment(tmp_path)


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory, distributions: Distributions) -> Environment:
    """The wheel with what it needs and nothing else: what `pip install anam-facade` gives."""
    environment = Environment(tmp_path_factory.mktemp("plain"))
    environment.install("--require-hashes", "-r", ROOT / "requirements" / "runtime.txt")
    environment.install("--no-deps", "--no-index", distributions.wheel)
    return environment
