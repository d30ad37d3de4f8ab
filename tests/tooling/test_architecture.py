"""The arrows of docs/architecture.md hold, and the check that holds them (import-linter, in pyproject.toml) can
fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def lint(folder: Path) -> tuple[int, str]:
    """Exit status and output of the check on the packages of a folder."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--no-cache"]
    path = os.pathsep.join([str(folder), str(folder / "generated")])
    environment = {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of both packages, in which all contracts are kept."""
    folder = tmp_path_factory.mktemp("packages")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in ("anam_facade", "generated/anam_api"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    status, printed = lint(folder)
    assert (status, " 0 broken" in printed) == (0, True), printed
    return folder


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("generated/anam_api/types.py", "import anam_facade", "The generated package knows nobody"),
        ("anam_facade/retry.py", "import socket", "Decisions do no I/O"),
        ("anam_facade/session.py", "from . import client", "Rooms of the facade"),
        ("anam_facade/client.py", "import httpcore", "Only http/ knows what moves bytes"),
        ("anam_facade/client.py", "from . import sandbox", "The facade does not know the sandbox"),
        ("anam_facade/sandbox/state.py", "from .. import errors", "The sandbox knows openapi.yaml"),
    ],
)
def test_an_arrow_that_is_not_in_the_picture_is_found(copy: Path, file: str, line: str, contract: str) -> None:
    text = (copy / file).read_text("utf-8")
    (copy / file).write_text(f"{text}\n{line}\n", "utf-8")
    status, printed = lint(copy)
    (copy / file).write_text(text, "utf-8")
    assert status == 1
    assert re.search(rf"^{re.escape(contract)}.* BROKEN", printed, re.MULTILINE), printed


def test_the_page_names_every_room() -> None:
    """Nobody adds a module to the facade without saying where it belongs."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    for folder in (path for path in (ROOT / "anam_facade").iterdir() if path.is_dir() and path.name != "__pycache__"):
        assert f"`{folder.name}/`" in page or f"anam_facade/{folder.name}/" in page, folder.name
