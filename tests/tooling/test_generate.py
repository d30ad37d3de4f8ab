"""scripts/generate.py: the same document gives the same bytes, and drift does not pass.

Everything happens in temporary folders: the real package is never touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def generate(root: Path, *args: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(root / "scripts" / "generate.py"), *map(str, args)],
        env={**os.environ, **environment},
        cwd=environment.get("PATH"),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def contents(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


@pytest.fixture(scope="module")
def fresh(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built from openapi.yaml just now."""
    package = tmp_path_factory.mktemp("fresh") / "anam_api"
    done = generate(root, "--package", package)
    assert done.returncode == 0, done.stderr
    return package


@pytest.fixture
def package(fresh: Path, tmp_path: Path) -> Path:
    """A copy of it to spoil, and to use."""
    copy = Path(shutil.copytree(fresh, tmp_path / "anam_api"))
    (copy / "__pycache__").mkdir()
    (copy / "__pycache__" / "client.pyc").write_bytes(b"left by running the code")
    return copy


def test_neither_what_was_there_nor_folder_path_locale_and_hash_seed_change_a_byte(
    root: Path, fresh: Path, package: Path, tmp_path: Path
) -> None:
    (package / "stray").mkdir()
    (package / "stray" / "old.txt").write_text("old\n")
    # A formatter's settings here, and a formatter on the PATH, are the ones that must not be found.
    (tmp_path / "ruff.toml").write_text("line-length = 40\n")
    (tmp_path / "ruff").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "ruff").chmod(0o755)

    done = generate(root, "--package", package, PATH=str(tmp_path), LC_ALL="C", PYTHONHASHSEED="42")

    assert done.returncode == 0, done.stderr
    assert contents(package) == contents(fresh)
    modules = [text for name, text in contents(package).items() if name.endswith(".py")]
    assert all(text.startswith(b"# Generated from openapi.yaml by ") for text in modules)
    assert (package / "py.typed").exists()


def test_a_document_that_cannot_be_generated_leaves_the_old_package_whole(
    root: Path, fresh: Path, package: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "openapi.yaml"
    text = (root / "openapi.yaml").read_text("utf-8")
    broken.write_text(text.replace("#/components/schemas/EngineSession'", "#/components/schemas/Nowhere'"), "utf-8")

    done = generate(root, "--spec", broken, "--package", package)

    assert done.returncode == 1
    assert "#/components/schemas/Nowhere" in done.stderr
    assert contents(package) == contents(fresh)


DRIFT = {
    "nothing": ("", None, "", []),
    "a line": (
        "client.py",
        "import httpx\n",
        "import httpx  # by hand\n",
        ["-import httpx  # by hand\n+import httpx\n"],
    ),
    "a file": ("types.py", None, "", ["missing: anam_api/types.py\n", "+++ generated anam_api/types.py\n"]),
    "one too many": ("helpers.py", "", "", ["not generated: anam_api/helpers.py\n"]),
}


@pytest.mark.parametrize("drift", DRIFT)
def test_check_shows_what_differs_and_does_not_mend_it(root: Path, package: Path, drift: str) -> None:
    name, old, new, told = DRIFT[drift]
    file = package / name
    if old is None and name:
        file.unlink()
    elif name:
        file.write_text(file.read_text("utf-8").replace(old or "", new, 1) if file.exists() else "", "utf-8")
    before = contents(package)

    done = generate(root, "--check", "--package", package)

    assert done.returncode == bool(told)
    assert all(text in done.stdout for text in told)
    assert ("make generate" in done.stderr) == bool(told)
    assert contents(package) == before
