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

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("generate")]


def generate(
    root: Path, *args: str | Path, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(root / "scripts" / "generate.py"), *map(str, args)],
        env={**os.environ, **environment},
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


@pytest.fixture(scope="module")
def fresh(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built from openapi.yaml just now."""
    package = tmp_path_factory.mktemp("fresh") / "anam_api"
    done = generate(root, "--package", package)
    assert done.returncode == 0, done.stderr
    return package


@pytest.fixture
def package(fresh: Path, tmp_path: Path) -> Path:
    """A copy of it to spoil."""
    return Path(shutil.copytree(fresh, tmp_path / "anam_api"))


def test_neither_folder_nor_path_nor_locale_nor_hash_seed_changes_a_byte(
    root: Path, fresh: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "somewhere else"
    elsewhere.mkdir()
    # A formatter's settings here, and a formatter on the PATH, are the ones that must not be found.
    (elsewhere / "ruff.toml").write_text("line-length = 40\n")
    impostor = elsewhere / "ruff"
    impostor.write_text("#!/bin/sh\nexit 1\n")
    impostor.chmod(0o755)

    done = generate(
        root,
        *("--package", elsewhere / "anam_api"),
        cwd=elsewhere,
        PATH=str(elsewhere),
        LC_ALL="C",
        PYTHONHASHSEED="42",
    )

    assert done.returncode == 0, done.stderr
    assert contents(elsewhere / "anam_api") == contents(fresh)


def test_every_module_says_where_it_comes_from_and_the_package_is_typed(fresh: Path) -> None:
    modules = list(fresh.rglob("*.py"))
    assert modules
    for module in modules:
        assert module.read_text("utf-8").startswith("# Generated from openapi.yaml by "), module
    assert (fresh / "py.typed").exists()


def test_building_over_an_old_package_leaves_nothing_of_it(root: Path, fresh: Path, package: Path) -> None:
    (package / "models" / "stray.py").write_text("old = 1\n")
    (package / "stray").mkdir()
    (package / "stray" / "old.txt").write_text("old\n")

    assert generate(root, "--package", package).returncode == 0

    assert contents(package) == contents(fresh)


def test_a_document_that_cannot_be_generated_leaves_the_old_package_whole(
    root: Path, fresh: Path, package: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "openapi.yaml"
    text = (root / "openapi.yaml").read_text("utf-8")
    broken.write_text(text.replace("#/components/schemas/EngineSession'", "#/components/schemas/Nowhere'"), "utf-8")

    done = generate(root, "--spec", broken, "--package", package)

    assert done.returncode == 1
    assert "error: openapi_python_client failed:" in done.stderr or "#/components/schemas/Nowhere" in done.stderr
    assert contents(package) == contents(fresh)


def test_check_is_silent_when_nothing_would_change(root: Path, package: Path) -> None:
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "client.pyc").write_bytes(b"left by running the code")

    done = generate(root, "--check", "--package", package)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_check_shows_an_edited_line_and_does_not_mend_it(root: Path, package: Path) -> None:
    edited = package / "client.py"
    spoilt = edited.read_text("utf-8").replace("import httpx\n", "import httpx  # by hand\n", 1)
    edited.write_text(spoilt, "utf-8")

    done = generate(root, "--check", "--package", package)

    assert done.returncode == 1
    assert "--- committed anam_api/client.py" in done.stdout
    assert "+++ generated anam_api/client.py" in done.stdout
    assert "-import httpx  # by hand\n+import httpx\n" in done.stdout
    assert "make generate" in done.stderr
    assert edited.read_text("utf-8") == spoilt


@pytest.mark.parametrize(("spoil", "line"), [("remove", "missing: "), ("add", "not generated: ")])
def test_check_notices_a_missing_file_and_one_too_many(root: Path, package: Path, spoil: str, line: str) -> None:
    file = package / ("types.py" if spoil == "remove" else "helpers.py")
    if spoil == "remove":
        file.unlink()
    else:
        file.write_text("")  # even an empty one

    done = generate(root, "--check", "--package", package)

    assert done.returncode == 1
    assert f"{line}anam_api/{file.name}\n" in done.stdout
