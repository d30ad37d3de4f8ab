"""The distributions, built once, and empty environments to install them into."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Distributions:
    sdist: Path
    wheel: Path


@dataclass(frozen=True)
class Environment:
    """A virtual environment that knows nothing of this checkout."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def install(self, *args: str | Path) -> None:
        # pip stays outside, so that the environment holds what is installed and nothing else.
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", *map(str, args)], check=True)

    def run(self, *args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        # -I: neither the current folder nor PYTHONPATH leads back to the checkout.
        command = [str(self.python), "-I", *args]
        return subprocess.run(command, cwd=cwd or self.folder, capture_output=True, encoding="utf-8", check=False)

    def execute(self, program: str) -> str:
        """What the program printed; it must not fail."""
        done = self.run("-W", "error", "-c", program)
        assert done.returncode == 0, done.stderr
        return done.stdout


def requirements_for(lock: str, names: set[str]) -> str:
    """The part of a lock file that pins `names`."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8")
    entries = re.findall(r"^([a-z0-9-]+)(==(?:.*\\\n)+.*\n)", text, re.MULTILINE)
    assert names <= {name for name, _ in entries}
    return "".join(name + rest for name, rest in entries if name in names)


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
    venv.create(tmp_path, symlinks=True)
    return Environment(tmp_path)


def new_environment(folder: Path, distributions: Distributions, lock: str) -> Environment:
    venv.create(folder, symlinks=True)
    environment = Environment(folder)
    environment.install("--require-hashes", "-r", ROOT / "requirements" / f"{lock}.txt")
    environment.install("--no-deps", "--no-index", distributions.wheel)
    return environment


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory, distributions: Distributions) -> Environment:
    """The wheel with what it needs and nothing else: what `pip install anam-facade` gives."""
    return new_environment(tmp_path_factory.mktemp("plain"), distributions, "runtime")


@pytest.fixture(scope="session")
def plain_with_pytest(tmp_path_factory: pytest.TempPathFactory, distributions: Distributions) -> Environment:
    """The same, in the environment of someone who uses pytest for things of their own."""
    environment = new_environment(tmp_path_factory.mktemp("pytest"), distributions, "runtime")
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(requirements_for("dev", {"pytest", "pluggy", "iniconfig", "packaging", "pygments"}))
        file.flush()
        environment.install("--require-hashes", "-r", file.name)
    return environment


@pytest.fixture(scope="session")
def with_sandbox(tmp_path_factory: pytest.TempPathFactory, distributions: Distributions) -> Environment:
    """The wheel with its extra: what `pip install anam-facade[sandbox]` gives."""
    return new_environment(tmp_path_factory.mktemp("sandbox"), distributions, "demo")
