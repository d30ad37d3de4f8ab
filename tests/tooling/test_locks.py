"""The lock files: in step with pyproject.toml and with each other, and without addresses; pip asks for the hashes."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from pathlib import Path

LOCKS = ("runtime", "demo", "dev")


def pinned(root: Path, lock: str) -> dict[str, str]:
    """Name to exact version, on the Python that runs this."""
    versions: dict[str, str] = {}
    text = (root / "requirements" / f"{lock}.txt").read_text("utf-8")
    for entry in re.findall(r"^\w.*(?= \\$)", text, re.MULTILINE):
        requirement = Requirement(entry)
        (specifier,) = requirement.specifier
        if requirement.marker is None or requirement.marker.evaluate():
            assert requirement.name not in versions
            versions[requirement.name] = specifier.version
    return versions


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))


def test_a_smaller_lock_is_a_part_of_the_larger_one(root: Path) -> None:
    runtime, demo, dev = (pinned(root, lock).items() for lock in LOCKS)

    assert runtime < demo < dev


def test_the_locks_hold_what_pyproject_asks_for(root: Path, project: dict[str, Any]) -> None:
    groups = project["dependency-groups"]
    wanted = {"runtime": project["project"]["dependencies"]}
    wanted["demo"] = [*wanted["runtime"], *project["project"]["optional-dependencies"]["sandbox"], *groups["build"]]
    wanted["dev"] = [*wanted["demo"], *(entry for entry in groups["dev"] if isinstance(entry, str))]

    for lock, requirements in wanted.items():
        have = {canonicalize_name(name): version for name, version in pinned(root, lock).items()}
        for requirement in map(Requirement, requirements):
            assert requirement.specifier.contains(have[canonicalize_name(requirement.name)]), (lock, str(requirement))


def test_the_build_backend_is_the_one_that_is_locked(project: dict[str, Any]) -> None:
    assert project["build-system"]["requires"] == project["dependency-groups"]["build"]


def test_the_node_tools_are_exact_and_the_same_in_both_files(root: Path) -> None:
    wanted = json.loads((root / "tools" / "package.json").read_text("utf-8"))["dependencies"]
    lock = json.loads((root / "tools" / "package-lock.json").read_text("utf-8"))["packages"]

    assert lock[""]["dependencies"] == wanted
    for name, version in wanted.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert lock[f"node_modules/{name}"]["version"] == version
    assert all("integrity" in entry for path, entry in lock.items() if path)


def test_no_lock_holds_an_address(root: Path) -> None:
    for file in (*(root / "requirements").iterdir(), *(root / "tools").glob("*.json"), root / "tools" / ".npmrc"):
        assert "://" not in file.read_text("utf-8"), file
