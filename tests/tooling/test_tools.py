"""scripts/tools.py: installs once, again only when something changed, from scratch when in doubt, and says what is
missing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tools

ROOT = tools.ROOT


class Project:
    """A made-up project, on which every command is noted instead of run."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.venv, self.done, self.fails_at = folder, folder / ".venv", [""], ""
        for name in ("requirements/demo.txt", "requirements/dev.txt", "pyproject.toml", "anam_facade/_version.py"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(name)
        for name, value in {"ROOT": folder, "VENV": self.venv, "run": self.run}.items():
            monkeypatch.setattr(tools, name, value)

    def run(self, *command: str | Path) -> None:
        what = {"venv": "create", "-e": "project"}.get(str(command[-2]), Path(command[-1]).stem)
        if what == self.fails_at:
            sys.exit(f"error: {what}")
        if what == "create":
            (self.venv / "bin").mkdir(parents=True)
            (self.venv / "bin" / "python").touch()
        self.done.append(what)

    def make(self, name: str) -> list[str]:
        self.done = []
        tools.main(["env", name])
        return self.done


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(tmp_path, monkeypatch)


def test_what_is_installed_is_installed_once(project: Project) -> None:
    """The tools are added to a demo environment, and hold for it too; changed metadata installs the project alone."""
    assert project.make("demo") == ["create", "demo", "project"]
    assert project.make("dev") == ["dev", "project"]
    assert project.make("dev") == project.make("demo") == []
    for name in ("pyproject.toml", "anam_facade/_version.py"):
        (project.folder / name).write_text("other")
        assert project.make("dev") == ["project"]
        assert project.make("dev") == []


def test_what_makes_an_environment_useless_starts_afresh(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed lock, so that no dropped package stays; another Python; an interpreter or a memory that is gone."""
    project.make("dev")
    for spoil in (
        lambda: (project.folder / "requirements" / "dev.txt").write_text("other"),
        lambda: monkeypatch.setattr(sys, "base_prefix", "elsewhere"),
        (project.venv / "bin" / "python").unlink,
        (project.venv / ".holds").unlink,
        lambda: (project.venv / ".holds").write_text("what?"),
    ):
        spoil()
        assert project.make("dev") == ["create", "dev", "project"]
        assert project.make("dev") == []


def test_an_interrupted_installation_starts_afresh(project: Project) -> None:
    """But a mistake in the metadata costs no second download."""
    project.make("demo")
    for project.fails_at in ("dev", "project"):
        with pytest.raises(SystemExit):
            project.make("dev")
    assert project.done == ["create", "dev"]
    project.fails_at = ""
    assert project.make("dev") == ["project"]


def test_what_is_made_elsewhere_is_made_once_for_the_same_inputs(tmp_path: Path) -> None:
    """And again after a failure."""
    folder = tmp_path / "made"
    for inputs, expected in ((("a",), True), (("a",), False), (("b",), True)):
        with tools.outdated(folder, *inputs) as must_make:
            folder.mkdir(exist_ok=True)
        assert must_make is expected
    with pytest.raises(ZeroDivisionError), tools.outdated(folder, "c"):
        _ = 1 / 0
    with tools.outdated(folder, "c") as must_make:
        assert must_make


# What a person sees who lacks something.


@pytest.mark.parametrize(
    ("required", "said"),
    [
        ("", (0, "SKIPPED: redocly did not run: Node is not installed.\n", "")),
        ("1", (1, "", "error: redocly cannot run: Node is not installed.\n")),
    ],
)
def test_without_node_one_line_says_what_was_skipped(tmp_path: Path, required: str, said: tuple[int, str, str]) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "tools.py"), "run", "redocly", "lint"]
    environment = {**os.environ, "PATH": str(tmp_path), "REQUIRE_NODE": required}
    done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stdout, done.stderr) == said


@pytest.mark.parametrize(
    ("version", "missing"),
    [
        ("v18.20.4", "Node 20.19 or newer is needed, not 18.20.4"),
        ("v20.18.9", "Node 20.19 or newer is needed, not 20.18.9"),
        ("nonsense", "Node 20.19 or newer is needed, not one that does not start"),
        ("v20.19.0", "npm is not installed"),
    ],
)
def test_a_node_too_old_counts_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, missing: str
) -> None:
    (tmp_path / "node").write_text(f"#!/bin/sh\necho {version}\n")
    (tmp_path / "node").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tools.node_is_missing() == missing


def test_a_browser_that_is_named_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "none"))
    assert tools.browser() is None
