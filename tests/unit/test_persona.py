"""Personas from files: what is read, and what is refused by file, line and rule."""

from __future__ import annotations

import itertools
import json

import pytest

from anam_facade import PersonaConfig
from anam_facade.persona import MAX_FILE_BYTES

WIRE = {"name": "Cara é", "tools": [{"type": "client", "name": "t"}], "directorNotes": {"presetStyle": "warm"}}
YAML = b"""
# shared with the other team
name: "Cara \\u00e9"
tools:
  - {type: client, name: t}
directorNotes:
  presetStyle: warm
"""
JSON, MARK = json.dumps(WIRE).encode(), b"\xef\xbb\xbf"
READ = {
    "p.json": JSON,
    "p.JSON": MARK + json.dumps(WIRE, ensure_ascii=False).encode(),
    "p.yaml": YAML,
    "p.yml": MARK + YAML,
    "j.yaml": JSON,
}


@pytest.mark.parametrize("name", READ)
def test_personas_are_read_from_files(tmp_path, name):
    """JSON and YAML, with or without a byte order mark, by path or by string, up to the largest size."""
    path = tmp_path / name
    path.write_bytes(READ[name])
    assert PersonaConfig.load(path).to_dict() == WIRE
    path.write_bytes(READ[name].ljust(MAX_FILE_BYTES))
    assert PersonaConfig.load(str(path)).to_dict() == WIRE


KEY = "a key must be a string; YAML takes this one for something else: quote it"
DATED = b"metadata:\n  a: 1\n  when: 2026-01-02"
NO_DATE = 'must be a JSON value, not date; YAML does not take 2026-01-02 for a string: write "2026-01-02"'
NO_STRING = 'must be a string, not bool; YAML does not take no for a string: write "no"'
BAD_FILES = [
    (".json", b"{}".ljust(MAX_FILE_BYTES + 1), ": must be at most 1,048,576 bytes"),
    (".json", b" ", ": is empty; it must hold a mapping of the persona's fields"),
    (".json", b'{"name": "Cara"', ": cannot be parsed: Expecting ',' delimiter: line 1 column 16 (char 15)"),
    (".json", b'{"name": "\xff"}', ": must be UTF-8: invalid start byte at byte 10"),
    (".json", b'{"a":' * 100_000, ": nests too deeply"),
    (".json", b'{"maxSessionLengthSeconds": ' + b"9" * 5000 + b"}", ": cannot be parsed: Exceeds the limit"),
    (".json", b'{"name": "a", "name": "b"}', ": the key name stands twice"),
    (".json", b"[]", ": must hold a mapping of the persona's fields, not a list"),
    (".yaml", b"", ": is empty"),
    (".yaml", b"[" * 5000, ": nests too deeply"),
    (".yaml", b"name: [", ": cannot be parsed: expected the node content, but found '<stream end>' (line 1, column 8)"),
    (".yaml", b"\x00", ": cannot be parsed: not valid YAML"),
    (".yaml", b'name: "\\UFFFFFFFF"', ": cannot be parsed: not valid YAML"),
    (
        ".yaml",
        b'name: !!python/object/apply:os.system ["true"]',
        ": cannot be parsed: could not determine a constructor",
    ),
    (".yaml", b"name: &n [*n]", ": cannot be parsed: aliases (*) are not supported (line 1, column 11)"),
    (".yaml", b"metadata:\n  <<: {b: 1}", ", line 2: merge keys (<<) are not supported"),
    (".yaml", b"? [a]\n: {}", f", line 1: {KEY}"),
    (".yaml", b"no: 1", f", line 1: {KEY}"),
    (".yaml", b"name: a\n\nname: b", ", line 3: the key name stands twice; first in line 1"),
    (".yaml", b"\npersonality: 2026-99-99", ", line 2: personality cannot be read as YAML's type timestamp; quote it"),
    (".yaml", b'languageCode: !!int ""', ", line 1: languageCode cannot be read as YAML's type int"),
    (".yaml", b"languageCode: " + b"1:" * 50 + b"1", ", line 1: languageCode is too long a number"),
    (".yaml", b"languageCode: no", f", line 1: languageCode = False: {NO_STRING}"),
    (".yaml", DATED, f", line 3: metadata.when: {NO_DATE}"),
    (".yaml", b"metadata: {a: .nan}", ", line 1: metadata.a = nan: must be finite"),
    (".yaml", b"tools:\n- type: client\n  name: t\n- type: client", ", line 4: tools[1].name: is required"),
    (".yaml", b"name: n\nnaem: m", ", line 2: naem: unknown; did you mean name?"),
    (".txt", b"{}", ": must end in .json, .yaml or .yml"),
]


@pytest.mark.parametrize(("ending", "content", "words"), BAD_FILES, ids=itertools.count())
def test_bad_files_are_refused_by_name_and_line(tmp_path, problems, ending, content, words):
    """Whatever is wrong with a file, the error names file and line, and says what YAML made of a word."""
    path = tmp_path / f"p{ending}"
    path.write_bytes(content)
    (found,) = problems(lambda: PersonaConfig.load(path))
    assert found.startswith(f"{path}{words}")


def test_all_problems_of_a_file_are_told_at_once(tmp_path, problems):
    """Doubled keys, wrong values and words that YAML takes for something else come in one error, each with its line."""
    path = tmp_path / "p.yaml"
    path.write_text("name: a\nname: b\nmaxSessionLengthSeconds: 0\npersonality: off\n")
    lines = [found.removeprefix(f"{path}, ")[:6] for found in problems(lambda: PersonaConfig.load(path))]
    assert lines == ["line 2", "line 4", "line 3"]


@pytest.mark.parametrize(
    ("name", "rule"), [("missing.json", "No such file"), ("folder.yaml", "Is a directory"), ("a\0b.json", "null")]
)
def test_paths_that_cannot_be_read_are_refused(tmp_path, problems, name, rule):
    """A missing file, a folder, an impossible name: an error of the same kind."""
    (tmp_path / "folder.yaml").mkdir()
    (found,) = problems(lambda: PersonaConfig.load(tmp_path / name))
    assert rule in found
    assert found.isprintable()
