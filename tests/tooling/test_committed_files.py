"""No file of the project names a package registry, or a folder of the machine that it was written on."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# Put together here, so that this file does not name them either.
NAMED = "pypi org, pythonhosted org, npmjs org, npmjs com, yarnpkg com, crates io, proxy golang org, maven org"
HOSTS = NAMED.replace(" ", ".").split(",.")
OPTIONS = ["-".join(parts) for parts in (("--index", "url"), ("--extra-index", "url"), ("--find", "links"))]

# Folders that the verbs make.
MADE_HERE = {"__pycache__", "dist", "node_modules"}
MADE_HERE |= {f".{name}" for name in ("hypothesis", "mypy_cache", "pytest_cache", "ruff_cache", "venv")}

FORBIDDEN = re.compile(
    "|".join(
        [
            *(re.escape(word) for word in (*HOSTS, *OPTIONS)),
            # Home folders and the like, but not a part of an address or of a longer path.
            r"(?<![\w.:/~-])/(?:work|root|home/\w+|Users/\w+)/",
        ]
    )
)


@pytest.fixture(scope="module")
def files(root: Path) -> list[Path]:
    """What is committed or about to be; in an unpacked sdist, everything."""
    if (root / ".git").exists():
        listing = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = subprocess.run(listing, cwd=root, capture_output=True, encoding="utf-8", check=True).stdout.split("\0")
        found = [root / name for name in names if name]
    else:
        found = [file for file in root.rglob("*") if not MADE_HERE & set(file.relative_to(root).parts)]
    return [file for file in found if file.is_file()]


def test_no_file_names_a_registry_or_a_folder_of_a_machine(root: Path, files: list[Path]) -> None:
    assert root / "pyproject.toml" in files
    findings = []
    for file in files:
        text = file.read_bytes().decode("utf-8", "replace")
        findings += [f"{file.relative_to(root)}: {match[0]}" for match in FORBIDDEN.finditer(text)]

    assert findings == []


def test_the_rule_finds_what_it_is_for_and_leaves_the_rest_alone() -> None:
    for text in (f"see {HOSTS[0]}", f"{OPTIONS[0]} here", "in /" + "root/x", '"/' + 'work/main"', "/" + "home/me/x"):
        assert FORBIDDEN.search(text)
    for text in ("https://example.com/work/x", "./work/x", "a/home/b/c", "the npm client", "/v1/root/"):
        assert not FORBIDDEN.search(text)
