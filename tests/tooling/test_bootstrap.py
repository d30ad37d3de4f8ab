"""scripts/bootstrap.py: installs once, again only when something changed, and from scratch when in doubt."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


class Bench:
    """The script on a made-up project, with everything that takes time replaced by a note of it."""

    def __init__(self, script: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        spec = importlib.util.spec_from_file_location("bootstrap", script)
        assert spec is not None
        assert spec.loader is not None
        self.script: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.script)
        self.project = project
        self.done: list[str] = []
        self.pip_fails_at = ""
        (project / "requirements").mkdir()
        for name in ("demo", "dev"):
            (project / "requirements" / f"{name}.txt").write_text(f"{name}==1\n")
        (project / "pyproject.toml").write_text("[project]\n")
        monkeypatch.setattr(self.script, "ROOT", project)
        monkeypatch.setattr(self.script, "VENV", project / ".venv")
        monkeypatch.setattr(self.script, "STATE", project / ".venv" / "anam-facade.json")
        monkeypatch.setattr(self.script, "create", self.create)
        monkeypatch.setattr(self.script, "pip", self.pip)

    def create(self) -> None:
        self.done.append("create")
        (self.project / ".venv" / "bin").mkdir(parents=True, exist_ok=True)
        (self.project / ".venv" / "bin" / "python").touch()

    def pip(self, *args: str) -> None:
        what = "project" if "-e" in args else args[-1].rpartition("/")[2]
        if what == self.pip_fails_at:
            raise SystemExit("error: no network")
        self.done.append(what)

    def run(self, name: str) -> list[str]:
        self.done = []
        self.script.main([name])
        return self.done


@pytest.fixture
def bench(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(root / "scripts" / "bootstrap.py", tmp_path, monkeypatch)


def test_the_second_run_does_nothing(bench: Bench) -> None:
    assert bench.run("dev") == ["create", "dev.txt", "project"]
    assert bench.run("dev") == []


def test_the_tools_are_added_to_a_demo_environment_and_hold_for_it_too(bench: Bench) -> None:
    assert bench.run("demo") == ["create", "demo.txt", "project"]
    assert bench.run("dev") == ["dev.txt", "project"]
    assert bench.run("demo") == []


def test_an_environment_with_the_tools_needs_nothing_for_the_demo(bench: Bench) -> None:
    bench.run("dev")
    assert bench.run("demo") == []


def test_changed_metadata_installs_the_project_alone(bench: Bench) -> None:
    bench.run("dev")
    (bench.project / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    assert bench.run("dev") == ["project"]
    assert bench.run("dev") == []


def test_a_changed_lock_starts_afresh_so_that_no_dropped_package_stays(bench: Bench) -> None:
    bench.run("dev")
    (bench.project / "requirements" / "dev.txt").write_text("dev==2\n")
    assert bench.run("dev") == ["create", "dev.txt", "project"]


@pytest.mark.parametrize("key", ["python", "base", "root"])
def test_another_interpreter_or_folder_starts_afresh(bench: Bench, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    bench.run("dev")
    now = bench.script.identity()
    monkeypatch.setattr(bench.script, "identity", lambda: {**now, key: "another"})
    assert bench.run("dev") == ["create", "dev.txt", "project"]


def test_an_interpreter_that_is_gone_starts_afresh(bench: Bench) -> None:
    bench.run("dev")
    (bench.project / ".venv" / "bin" / "python").unlink()
    assert bench.run("dev") == ["create", "dev.txt", "project"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_an_unreadable_memory_starts_afresh(bench: Bench, text: str) -> None:
    bench.run("dev")
    (bench.project / ".venv" / "anam-facade.json").write_text(text)
    assert bench.run("dev") == ["create", "dev.txt", "project"]


def test_an_interrupted_installation_starts_afresh(bench: Bench) -> None:
    bench.run("demo")
    bench.pip_fails_at = "dev.txt"
    with pytest.raises(SystemExit, match="no network"):
        bench.run("dev")
    bench.pip_fails_at = ""
    assert bench.run("dev") == ["create", "dev.txt", "project"]


def test_a_mistake_in_the_projects_own_metadata_costs_no_second_download(bench: Bench) -> None:
    bench.pip_fails_at = "project"
    with pytest.raises(SystemExit):
        bench.run("dev")
    bench.pip_fails_at = ""
    assert bench.run("dev") == ["project"]
