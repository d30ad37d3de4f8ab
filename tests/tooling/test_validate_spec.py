"""scripts/validate_spec.py: each problem in one line, instead of the whole document."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def validate(root: Path, file: Path) -> tuple[int, str]:
    command = [sys.executable, str(root / "scripts" / "validate_spec.py"), file.name]
    done = subprocess.run(command, cwd=file.parent, capture_output=True, encoding="utf-8", check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_the_contract_is_valid(root: Path) -> None:
    assert validate(root, root / "openapi.yaml") == (0, "openapi.yaml: valid\n")


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ("openapi: 3.1.0", "openapi: 3.1.0\nunheard-of: 1", "openapi.yaml: Unevaluated properties are not allowed"),
        ("default: true", "default: 7", "openapi.yaml: 7 is not of type 'boolean'"),
        ("in: header", "in: nowhere", "openapi.yaml: #/components/parameters/AnamTargetUrl"),
        ("schemas/EngineSession'", "schemas/Nowhere'", "openapi.yaml: $ref leads nowhere: /components/schemas/Nowhere"),
        ("openapi: 3.1.0", "openapi: [", "openapi.yaml: cannot be read: "),
    ],
    ids=["unknown key", "wrong default", "wrong value", "dangling reference", "not YAML"],
)
def test_a_mistake_is_named_in_a_line(root: Path, tmp_path: Path, right: str, wrong: str, line: str) -> None:
    text = (root / "openapi.yaml").read_text("utf-8")
    assert right in text
    broken = tmp_path / "openapi.yaml"
    broken.write_text(text.replace(right, wrong, 1), "utf-8")

    status, output = validate(root, broken)

    assert status == 1
    assert output.startswith(line), output[:500]
    assert max(map(len, output.splitlines())) < 400
