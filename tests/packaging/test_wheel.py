"""The sdist and the wheel: built once, looked into, installed where nothing else is, and used there."""

from __future__ import annotations

import email
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


class Built(NamedTuple):
    """The distributions, and the files of the wheel."""

    sdist: Path
    wheel: Path
    files: dict[str, bytes]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The wheel is built from the sdist: so the sdist holds what a build needs."""
    output = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--no-isolation", "--outdir", output, ROOT], check=True)
    (sdist,), (wheel,) = output.glob("*.tar.gz"), output.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return Built(sdist, wheel, {name: archive.read(name) for name in archive.namelist()})


class Environment:
    """A virtual environment that knows nothing of this checkout."""

    def __init__(self, folder: Path) -> None:
        self.python = str(folder / "bin" / "python")
        venv.create(folder, symlinks=True)

    def install(self, *args: str | Path) -> None:
        # pip stays outside, so that the environment holds what is installed and nothing else.
        pip = [sys.executable, "-m", "pip", "--python", self.python, "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", *args], check=True)

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        # -I: neither the current folder nor PYTHONPATH leads back to the checkout.
        command = [self.python, "-I", *args]
        return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, built: Built) -> Environment:
    """The wheel with what it needs and nothing else: what `pip install anam-facade` gives."""
    environment = Environment(tmp_path_factory.mktemp("plain"))
    environment.install("--require-hashes", "-r", ROOT / "requirements" / "runtime.txt")
    environment.install("--no-deps", "--no-index", built.wheel)
    return environment


def test_the_wheel_holds_the_two_packages_whole_and_nothing_else(built: Built) -> None:
    assert {name.partition("/")[0].partition("-")[0] for name in built.files} == {"anam_facade", "anam_api"}
    assert not [name for name in built.files if name.endswith((".pyc", "config.yaml")) or "/test_" in name]
    for package in (ROOT / "anam_facade", ROOT / "generated" / "anam_api"):
        modules = {file.relative_to(package.parent).as_posix() for file in package.rglob("*.py")}
        assert modules
        assert modules | {f"{package.name}/py.typed"} <= built.files.keys()
    assert built.files["anam_facade/openapi.yaml"] == (ROOT / "openapi.yaml").read_bytes()


def test_the_metadata_say_what_a_user_needs(built: Built) -> None:
    (name,) = (name for name in built.files if name.endswith(".dist-info/METADATA"))
    metadata = email.message_from_bytes(built.files[name])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    told = [metadata[field] for field in ("Name", "Requires-Python", "License-Expression")]
    assert told == ["anam-facade", ">=3.11", "MIT"]
    assert sorted(metadata.get_all("Provides-Extra", [])) == sorted(project["optional-dependencies"])
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert len(required) == len(project["dependencies"])


def test_the_sdist_holds_what_building_and_testing_need(built: Built) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert {
        *("pyproject.toml", "Makefile", "openapi.yaml", "README.md", "LICENSE", "CHANGELOG.md"),
        *("anam_facade/_version.py", "generated/config.yaml", "generated/anam_api/client.py"),
        *("scripts/tools.py", "scripts/generate.py", "requirements/dev.txt", "requirements/demo.txt"),
        *("tools/package.json", "tools/package-lock.json", "tools/redocly.yaml", "examples/demo.py"),
        "tests/packaging/test_wheel.py",
    } <= names
    assert not [name for name in names if name.startswith((".venv", ".git/", "tools/node_modules", "dist"))]


USED = """
import importlib.metadata, importlib.util, sys
import anam_api, anam_facade, yaml
from anam_facade import AnamClient, AsyncAnamClient
contract = anam_facade.openapi_path()
for place in (anam_facade.__file__, anam_api.__file__, str(contract)):
    assert place.startswith(sys.prefix), place
assert yaml.safe_load(contract.read_text("utf-8"))["openapi"].startswith("3.1")
assert anam_facade.__version__ == importlib.metadata.version("anam-facade")
found = [name for name in ("starlette", "uvicorn", "jwt", "jsonschema_rs", "pytest") if importlib.util.find_spec(name)]
assert not found, found
"""


def test_the_clients_need_nothing_but_what_the_wheel_asks_for(plain: Environment) -> None:
    """Both packages and the contract come from the installation; the command names the extra that it needs."""
    done = plain.run("-W", "error", "-c", USED)
    assert done.returncode == 0, done.stderr
    for command in (plain.run("-m", "anam_facade"), plain.run("-c", "from anam_facade.cli import main; main()")):
        assert (command.returncode, "Traceback" in command.stderr) == (1, False)
        assert command.stderr.splitlines()[-1].endswith('pip install "anam-facade[cli]"')


@pytest.mark.parametrize("fastapi", ["fastapi==0.115.0", "fastapi"])
def test_the_sandbox_works_beside(fastapi: str, built: Built, tmp_path: Path) -> None:
    """Each FastAPI wants another range of Starlette, which the sandbox is built on too: the oldest, and the newest.

    The wheel with its extra is enough for that, for the page and for the contract: no Node, no template engine.
    """
    environment = Environment(tmp_path)
    environment.install(fastapi, f"{built.wheel}[sandbox]", "pytest>=9,<10", "aiohttp")
    sandbox = ROOT / "tests" / "sandbox"
    tests = [str(sandbox / f"test_{name}.py") for name in ("http", "browsers", "operations")]
    # The tests' own conftest is about clients, and needs more than that.
    done = environment.run("-m", "pytest", "-q", "-p", "no:cacheprovider", f"--confcutdir={sandbox}", *tests)
    assert done.returncode == 0, done.stdout + done.stderr
