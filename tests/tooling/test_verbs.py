"""Makefile and .ci/run: what a person sees who asks for help or lacks Python, and what CI does."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    # Without what an outer `make test` says to the makes below it.
    kept = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, encoding="utf-8", check=False)


def test_help_is_the_default_lists_every_verb_and_fits_a_screen() -> None:
    verbs = re.findall(r"^(\w[\w-]*):.* ## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert {"demo", "test", "check", "generate"} <= set(verbs)

    listed = run("make").stdout

    assert re.findall(r"^  make (\S+) +\S", listed, re.MULTILINE) == verbs
    assert len(listed.splitlines()) <= 40
    assert max(map(len, listed.splitlines())) <= 120


@pytest.mark.parametrize("python", ["false", ""])  # one that is too old, none at all
def test_without_a_python_new_enough_one_line_says_so(python: str) -> None:
    done = run("make", "demo", f"PYTHON={python}")

    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.splitlines()[0].startswith("error: Python 3.11 or newer is needed")


def test_ci_requires_every_tool_and_runs_the_two_commands_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    text = script.read_text("utf-8")

    assert os.access(script, os.X_OK)
    assert run("bash", "-n", str(script)).returncode == 0
    for tool in ("NODE", "GO", "BROWSER"):
        assert f"REQUIRE_{tool}=1" in text
    for verb in ("demo", "test", "lint", "types", "contract", "interop", "browser"):
        assert re.search(rf"\bmake {verb}\b", text), verb
