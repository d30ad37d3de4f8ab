"""Checks the syntax of generated code where no compiler can be had: `syntax.py GRAMMAR FOLDER SUFFIX [KNOWN]`.

The tree-sitter grammar parses every file of the folder. What it cannot parse is an error, unless the file KNOWN lists
it: lines of correct code that the grammar does not know. A listed line that is parsed by now, or is gone, is an error
too. A parse says nothing about names and types.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def mistakes(node: Any) -> Iterator[Any]:
    """The places where the parser gave up, or where it had to add something."""
    if node.is_error or node.is_missing:
        yield node
    elif node.has_error:
        for child in node.children:
            yield from mistakes(child)


def main(grammar: str, folder: Path, suffix: str, known: Path | None = None) -> int:
    # By name, since these are in the environment of a language, not in the one this file is checked in.
    tree_sitter, language = (importlib.import_module(name) for name in ("tree_sitter", grammar))
    parser = tree_sitter.Parser(tree_sitter.Language(language.language()))
    files = sorted(folder.rglob(f"*{suffix}"))
    if not files:
        print(f"There is no {suffix} file in {folder.name}/.")
        return 1
    told = known.read_text("utf-8").splitlines() if known else []
    listed = {line for line in told if line and not line.startswith("#")}
    found: dict[str, str] = {}
    for file in files:
        source = file.read_bytes()
        lines = source.decode().splitlines()
        for node in mistakes(parser.parse(source).root_node):
            row = node.start_point[0]
            text = lines[row].strip() if row < len(lines) else ""
            found[f"{file.name}: {text}"] = f"{file.relative_to(folder)}:{row + 1}: {text}"
    problems = [
        *(f"cannot be parsed: {place}" for line, place in found.items() if line not in listed),
        *(f"listed as known, but parsed or gone by now: {line}" for line in sorted(listed - found.keys())),
    ]
    print(*problems, f"{len(files)} files parsed, {len(found)} places were not understood.", sep="\n")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], *map(Path, sys.argv[4:5])))
