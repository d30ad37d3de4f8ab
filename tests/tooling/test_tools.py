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
    """A changed lock, so that no dropped package stays; another Python; an interpreter or a memory that is gone; an
    installation that was interrupted, though a mistake in the metadata costs no second download.
    """
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
    (project.venv / ".holds").unlink()
    for project.fails_at in ("dev", "project"):
        with pytest.raises(SystemExit):
            project.make("dev")
        assert project.done == (["create"] if project.fails_at == "dev" else ["create", "dev"])
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


@pytest.mark.parametrize(
    ("drift", "shown"),
    [
        ({}, ""),
        ({"b/c.py": "2\n"}, "-2\n+1\n"),
        ({"b/c.py": None}, "+1\n"),
        ({"d.py": "3\n"}, "-3\n"),
        ({"__pycache__/a.pyc": "left by running the code"}, ""),
    ],
)
def test_check_shows_what_differs_and_does_not_mend_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], drift: dict[str, str | None], shown: str
) -> None:
    """Nothing; a line; a file that is missing; one too many. Without --check, what was made is put in its place."""
    made, place = tmp_path / "made", tmp_path / "place"
    (made / "b").mkdir(parents=True)
    (made / "b" / "c.py").write_text("1\n")
    assert tools.keep(place, made, [], "make it") == 0
    for name, text in drift.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).unlink() if text is None else (place / name).write_text(text)
    assert tools.keep(place, made, ["--check"], "make it") == bool(shown)
    printed = capfd.readouterr()
    assert (shown in printed.out, "make it" in printed.err) == (True, bool(shown))
    assert all((place / name).exists() != (text is None) for name, text in drift.items())
    assert tools.keep(place, made, [], "make it") == tools.keep(place, made, ["--check"], "make it") == 0
    assert tools.keep(place / "b" / "c.py", "2\n", ["--check"], "make it") == 1


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


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ("echo v18.20.4", "it 20.19 or newer is needed, not 18.20.4"),
        ("echo 'go version go20.9.9 linux'", "it 20.19 or newer is needed, not 20.9.9"),
        ("echo nonsense", "it 20.19 or newer is needed, not ?"),
        ("echo broken; exit 1", "it does not do: broken"),
        ("echo v20.19.0", None),
        ("echo 'it 21'", None),
    ],
)
def test_a_tool_too_old_counts_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: str, why: str | None
) -> None:
    (tmp_path / "it").write_text(f"#!/bin/sh\n{answers}\n")
    (tmp_path / "it").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tools.missing("it", ["--version"], "20.19") == why
