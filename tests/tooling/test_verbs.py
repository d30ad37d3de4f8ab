"""Makefile and scripts/node_tools.py: what a person sees who lacks something, or asks for help."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def run(*command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    # Without what an outer `make test` says to the makes below it.
    inherited = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    inherited.pop("REQUIRE_NODE", None)
    return subprocess.run(
        command, cwd=cwd, env={**inherited, **environment}, capture_output=True, encoding="utf-8", check=False
    )


def test_help_is_the_default_and_lists_every_verb(root: Path) -> None:
    verbs = re.findall(r"^\.PHONY: (\w[\w-]*)$", (root / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert {"demo", "test", "check", "generate"} <= set(verbs)

    listed = run("make", cwd=root).stdout

    assert re.findall(r"^  make (\S+) +\S", listed, re.MULTILINE) == verbs


@pytest.mark.parametrize("python", ["false", ""])  # one that is too old, none at all
def test_without_a_python_new_enough_one_line_says_so(root: Path, python: str) -> None:
    done = run("make", "demo", f"PYTHON={python}", cwd=root)

    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.splitlines()[0].startswith("error: Python 3.11 or newer is needed")


def node_tool(root: Path, path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    script = root / "scripts" / "node_tools.py"
    return run(sys.executable, str(script), "redocly", "lint", cwd=root, PATH=str(path), **environment)


def stand_in(path: Path, version: str) -> None:
    for name in ("node", "npm"):
        (path / name).write_text(f"#!/bin/sh\necho {version}\n")
        (path / name).chmod(0o755)


def test_without_node_one_line_says_what_was_skipped(root: Path, tmp_path: Path) -> None:
    done = node_tool(root, tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "SKIPPED: redocly did not run: Node is not installed.\n"


@pytest.mark.parametrize("version", ["v18.20.4", "v20.18.9"])
def test_a_node_too_old_counts_as_none(root: Path, tmp_path: Path, version: str) -> None:
    stand_in(tmp_path, version)

    done = node_tool(root, tmp_path)

    assert done.returncode == 0
    assert done.stdout == f"SKIPPED: redocly did not run: Node 20.19 or newer is needed, not {version}.\n"


def test_where_node_is_required_its_absence_is_an_error(root: Path, tmp_path: Path) -> None:
    done = node_tool(root, tmp_path, REQUIRE_NODE="1")

    assert done.returncode == 1
    assert done.stderr == "error: redocly cannot run: Node is not installed.\n"


def test_ci_requires_node_and_runs_the_two_commands_of_the_readme(root: Path) -> None:
    script = root / ".ci" / "run"
    text = script.read_text("utf-8")

    assert os.access(script, os.X_OK)
    assert run("bash", "-n", str(script), cwd=root).returncode == 0
    assert "export REQUIRE_NODE=1" in text
    for verb in ("demo", "test", "lint", "types", "lint-spec", "check-generated"):
        assert re.search(rf"^step make {verb}\b", text, re.MULTILINE), verb
