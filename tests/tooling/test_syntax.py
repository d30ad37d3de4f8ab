"""`interop/languages/syntax.py`, over a grammar of our own: a line that holds `?` cannot be parsed."""

import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "interop" / "languages" / "syntax.py"
spec = importlib.util.spec_from_file_location("syntax", SCRIPT)
assert spec is not None
assert spec.loader is not None
syntax = importlib.util.module_from_spec(spec)
spec.loader.exec_module(syntax)


@dataclass
class Node:
    start_point: tuple[int, int] = (0, 0)
    is_error: bool = False
    is_missing: bool = False
    children: Sequence["Node"] = field(default_factory=list)

    @property
    def has_error(self) -> bool:
        return self.is_error or self.is_missing or any(child.has_error for child in self.children)


class Parser:
    def __init__(self, language: str) -> None:
        assert language == "the language"

    def parse(self, source: bytes) -> SimpleNamespace:
        lines = source.decode().splitlines()
        nodes = [Node((row, 0), "?" in line, "!" in line) for row, line in enumerate(lines)]
        return SimpleNamespace(root_node=Node(children=[Node(children=nodes)]))


@pytest.fixture(autouse=True)
def grammar(monkeypatch: pytest.MonkeyPatch) -> None:
    tree_sitter = SimpleNamespace(Parser=Parser, Language=lambda pointer: f"the {pointer}")
    monkeypatch.setitem(sys.modules, "tree_sitter", tree_sitter)
    monkeypatch.setitem(sys.modules, "a_grammar", SimpleNamespace(language=lambda: "language"))


def run(folder: Path, known: str | None = None) -> int:
    arguments = [folder, ".x"]
    if known is not None:
        arguments.append(folder / "known.txt")
        (folder / "known.txt").write_text(known, "utf-8")
    code: int = syntax.main("a_grammar", *arguments)
    return code


def test_correct_files_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.x").write_text("fine\nfine\n")
    (tmp_path / "b.y").write_text("?")
    assert run(tmp_path) == 0
    assert capsys.readouterr().out == "1 files parsed, 0 places were not understood.\n"


@pytest.mark.parametrize("line", ["what?", "missing!"])
def test_a_mistake_fails_and_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str) -> None:
    (tmp_path / "a.x").write_text(f"fine\n  {line}\n")
    assert run(tmp_path) == 1
    assert f"cannot be parsed: a.x:2: {line}\n" in capsys.readouterr().out


def test_no_file_at_all_fails(tmp_path: Path) -> None:
    assert run(tmp_path) == 1


def test_what_is_known_passes_wherever_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.x").write_text("fine\n\n  what?\n")
    assert run(tmp_path, "# a comment\n\na.x: what?\n") == 0
    assert run(tmp_path, "b.x: what?\n") == 1


def test_what_is_known_but_does_not_occur_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.x").write_text("what?\nfine\n")
    assert run(tmp_path, "a.x: what?\na.x: fine\n") == 1
    assert "listed as known, but parsed or gone by now: a.x: fine\n" in capsys.readouterr().out
