"""scripts/browser_tests.py: what a person sees who has no browser, or no Node."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def run(root: Path, path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name not in ("CHROMIUM", "REQUIRE_BROWSER")}
    return subprocess.run(
        [sys.executable, str(root / "scripts" / "browser_tests.py")],
        cwd=root,
        env={**inherited, "PATH": str(path), **environment},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def with_node(path: Path) -> Path:
    for name in ("node", "npm"):
        (path / name).write_text("#!/bin/sh\necho v22.1.0\n")
        (path / name).chmod(0o755)
    return path


def test_without_node_one_line_says_what_was_skipped(root: Path, tmp_path: Path) -> None:
    done = run(root, tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "SKIPPED: the browser tests did not run: Node is not installed.\n"


def test_without_a_browser_one_line_says_what_was_skipped(root: Path, tmp_path: Path) -> None:
    done = run(root, with_node(tmp_path), CHROMIUM=str(tmp_path / "none"))

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"SKIPPED: the browser tests did not run: CHROMIUM={tmp_path}/none is no program.\n"


@pytest.mark.skipif(sys.platform == "darwin", reason="a browser is found there outside the PATH")
def test_a_browser_is_looked_for_on_the_path(root: Path, tmp_path: Path) -> None:
    done = run(root, with_node(tmp_path))

    assert done.stdout == "SKIPPED: the browser tests did not run: no Chromium or Chrome is installed.\n"


def test_where_a_browser_is_required_its_absence_is_an_error(root: Path, tmp_path: Path) -> None:
    done = run(root, with_node(tmp_path), CHROMIUM=str(tmp_path / "none"), REQUIRE_BROWSER="1")

    assert done.returncode == 1
    assert done.stderr == f"error: the browser tests cannot run: CHROMIUM={tmp_path}/none is no program.\n"
