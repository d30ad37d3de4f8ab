"""What is in the sdist and the wheel."""

from __future__ import annotations

import email
import tarfile
import tomllib
import zipfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from email.message import Message
    from pathlib import Path

    from .conftest import Distributions

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel_files(distributions: Distributions) -> dict[str, bytes]:
    with zipfile.ZipFile(distributions.wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def metadata(wheel_files: dict[str, bytes]) -> Message:
    (name,) = (name for name in wheel_files if name.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(wheel_files[name])


def test_the_wheel_holds_the_two_packages_and_nothing_else(wheel_files: dict[str, bytes], metadata: Message) -> None:
    top = {name.partition("/")[0] for name in wheel_files}

    assert top == {"anam_facade", "anam_api", f"anam_facade-{metadata['Version']}.dist-info"}
    assert not [name for name in wheel_files if name.endswith((".pyc", "config.yaml")) or "/test_" in name]


def test_the_wheel_holds_the_contract_and_every_module_of_the_checkout(
    wheel_files: dict[str, bytes], root: Path
) -> None:
    for package in (root / "anam_facade", root / "generated" / "anam_api"):
        modules = {file.relative_to(package.parent).as_posix() for file in package.rglob("*.py")}
        assert modules
        assert modules | {f"{package.name}/py.typed"} <= wheel_files.keys()
    assert wheel_files["anam_facade/openapi.yaml"] == (root / "openapi.yaml").read_bytes()


def test_the_metadata_say_what_a_user_needs(metadata: Message, root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]

    assert metadata["Name"] == "anam-facade"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    assert sorted(metadata.get_all("Provides-Extra", [])) == sorted(project["optional-dependencies"])
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert len(required) == len(project["dependencies"])


def test_the_sdist_holds_what_building_and_testing_need(distributions: Distributions) -> None:
    with tarfile.open(distributions.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert {
        *("pyproject.toml", "Makefile", "openapi.yaml", "README.md", "LICENSE", "CHANGELOG.md"),
        *("anam_facade/_version.py", "generated/config.yaml", "generated/anam_api/client.py"),
        *("scripts/tools.py", "scripts/generate.py", "requirements/dev.txt", "requirements/demo.txt"),
        *("tools/package.json", "tools/package-lock.json", "tools/redocly.yaml", "examples/demo.py"),
        "tests/packaging/test_distributions.py",
    } <= names
    assert not [name for name in names if name.startswith((".venv", ".git/", "tools/node_modules", "dist"))]
