"""scripts/tools.py: installs once, again only when something changed, from scratch when in doubt, and says what is
missing.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import tools


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


def test_what_is_installed_is_installed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tools are added to a demo environment, and hold for it too; changed metadata installs the project alone."""
    project = Project(tmp_path, monkeypatch)
    assert project.make("demo") == ["create", "demo", "project"]
    assert project.make("dev") == ["dev"]
    assert project.make("dev") == project.make("demo") == []
    for name in ("pyproject.toml", "anam_facade/_version.py"):
        (project.folder / name).write_text("other")
        assert project.make("dev") == ["project"]
        assert project.make("dev") == []


def test_what_makes_an_environment_useless_starts_afresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed lock, so that no dropped package stays; another Python; an interpreter or a memory that is gone; an
    installation that was interrupted, though a mistake in the metadata costs no second download.
    """
    project = Project(tmp_path, monkeypatch)
    project.make("dev")
    for spoil in (
        lambda: (project.folder / "requirements" / "dev.txt").write_text("other"),
        lambda: monkeypatch.setattr(sys, "base_prefix", "elsewhere"),
        (project.venv / "bin" / "python").unlink,
        (project.venv / ".made-from").unlink,
        lambda: (project.venv / ".made-from").write_text("what?"),
    ):
        spoil()
        assert project.make("dev") == ["create", "dev", "project"]
        assert project.make("dev") == []
    (project.venv / ".made-from").unlink()
    for project.fails_at in ("dev", "project"):
        with pytest.raises(SystemExit):
            project.make("dev")
        assert project.done == (["create"] if project.fails_at == "dev" else ["create", "dev"])
    project.fails_at = ""
    assert project.make("dev") == ["project"]


def test_what_failed_to_be_made_is_made_again(tmp_path: Path) -> None:
    with tools.outdated(tmp_path, "a"):
        pass
    with pytest.raises(ZeroDivisionError), tools.outdated(tmp_path, "b"):
        _ = 1 / 0
    with tools.outdated(tmp_path, "a") as must_make:
        assert must_make


def test_check_tells_what_differs_and_does_not_mend_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Of a text; scripts/generate.py keeps a folder in the same way."""
    file = tmp_path / "made.txt"
    file.write_text("by hand\n")
    assert tools.keep(file, "made\n", ["--check"], "make it") == 1
    told = capfd.readouterr()
    assert ("-by hand\n+made\n" in told.out, "run `make it`" in told.err) == (True, True)
    assert file.read_text() == "by hand\n"
    assert tools.keep(file, "made\n", [], "make it") == tools.keep(file, "made\n", ["--check"], "make it") == 0


# What a person sees who lacks something.


def test_without_node_one_line_says_what_was_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which is an error where Node is required, as in CI; the same goes for Go and a browser."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("REQUIRE_NODE", "")
    assert tools.main(["run", "redocly", "lint"]) == 0
    assert capsys.readouterr().out == "SKIPPED: redocly did not run: node is not installed.\n"
    monkeypatch.setenv("REQUIRE_NODE", "1")
    with pytest.raises(SystemExit, match=r"^error: redocly cannot run: node is not installed\.$"):
        tools.main(["run", "redocly", "lint"])
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "none"))
    monkeypatch.setenv("REQUIRE_BROWSER", "1")
    with pytest.raises(SystemExit, match=r"the browser tests cannot run: there is no .*none"):
        tools.main(["browser"])


def test_a_tool_too_old_counts_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for answers, why in {
        "echo v18.20.4": "it 20.19 or newer is needed, not 18.20.4",
        "echo 'go version go20.9.9 linux'": "it 20.19 or newer is needed, not 20.9.9",
        "echo nonsense": "it 20.19 or newer is needed, not ?",
        "echo broken; exit 1": "it does not do: broken",
        "echo v20.19": None,
    }.items():
        (tmp_path / "it").write_text(f"#!/bin/sh\n{answers}\n")
        (tmp_path / "it").chmod(0o755)
        assert tools.missing("it", ["--version"], "20.19") == why
