"""oasdiff, which compares two OpenAPI documents: built from tools/oasdiff with Go, and run.

Its version and the hashes of all that goes into it are in go.mod and go.sum. It is built on first use and whenever they
change, with the Go that is installed and no other: nothing is downloaded but Go modules.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootstrap import alone

ROOT = Path(__file__).resolve().parent.parent
MODULE = ROOT / "tools" / "oasdiff"
BIN = MODULE / "bin"
PROGRAM = BIN / "oasdiff"
STAMP = BIN / "stamp"
INFO = 1

# What oasdiff only mentions, and we call breaking: generated code is built on names; a documented answer that is gone
# may be waited for; a default that changes, changes what programs do that say nothing. (`--severity-levels` would be
# oasdiff's own way to say so; it does not reach the rules for components.)
RAISED = frozenset(
    {
        "api-operation-id-removed",
        "api-path-removed-with-deprecation",
        "api-removed-with-deprecation",
        "api-schema-removed",
        "api-security-component-removed",
        "api-security-component-type-changed",
        "api-tag-removed",
        "optional-response-header-removed",
        "request-body-default-value-changed",
        "request-body-default-value-removed",
        "request-optional-property-became-read-only",
        "request-parameter-default-value-changed",
        "request-parameter-default-value-removed",
        "request-parameter-removed-with-deprecation",
        "request-property-default-value-changed",
        "request-property-default-value-removed",
        "request-required-property-became-read-only",
        "response-body-default-value-changed",
        "response-body-default-value-removed",
        "response-media-type-name-specialized",
        "response-non-success-status-removed",
        "response-optional-property-became-write-only",
        "response-optional-property-removed",
        "response-property-default-value-changed",
        "response-property-default-value-removed",
        "response-required-property-became-write-only",
    }
)

# Go as it is installed: no other toolchain, no shared flags of the user's, nothing written to go.mod.
ALONE = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false", "GOWORK": "off", "CGO_ENABLED": "0"}


class Unreadable(Exception):
    """oasdiff cannot read a document."""


@dataclass(frozen=True)
class Finding:
    """Something that a rule says about a change."""

    rule: str
    text: str


def oldest_go() -> tuple[int, int]:
    wanted = re.search(r"^go (\d+)\.(\d+)", (MODULE / "go.mod").read_text("utf-8"), re.MULTILINE)
    assert wanted is not None
    return int(wanted[1]), int(wanted[2])


def what_is_missing() -> str | None:
    """Why oasdiff cannot be built here, or None if it can."""
    go = shutil.which("go")
    if go is None:
        return "Go is not installed"
    done = subprocess.run([go, "version"], env={**os.environ, **ALONE}, capture_output=True, text=True, check=False)
    numbers = re.search(r"\bgo(\d+)\.(\d+)", done.stdout)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < oldest_go():
        found = numbers[0].removeprefix("go") if numbers else "one that does not start"
        return f"Go {'.'.join(map(str, oldest_go()))} or newer is needed, not {found}"
    return None


def wanted() -> str:
    """What the program was built from."""
    return hashlib.sha256((MODULE / "go.mod").read_bytes() + (MODULE / "go.sum").read_bytes()).hexdigest()


def is_built() -> bool:
    return PROGRAM.exists() and STAMP.exists() and STAMP.read_text("utf-8") == wanted()


def build() -> None:
    """Builds the program unless it is there.

    Raises:
        subprocess.CalledProcessError: Go failed; its words have been printed.
    """
    with alone(BIN):
        if is_built():
            return
        print("Building oasdiff …", file=sys.stderr, flush=True)
        BIN.mkdir(exist_ok=True)
        command = ["go", "build", "-trimpath", "-o", str(PROGRAM), "github.com/oasdiff/oasdiff"]
        subprocess.run(command, cwd=MODULE, env={**os.environ, **ALONE}, check=True)
        STAMP.write_text(wanted(), "utf-8")


def breaking(old: dict[str, Any], new: dict[str, Any]) -> list[Finding]:
    """What oasdiff, or we, call breaking of what oasdiff finds.

    Raises:
        Unreadable: oasdiff could not read a document.
    """
    with tempfile.TemporaryDirectory(prefix="oasdiff-") as folder:
        files = []
        for name, document in (("old", old), ("new", new)):
            file = Path(folder) / f"{name}.json"
            file.write_text(json.dumps(document), "utf-8")
            files.append(str(file))
        command = [str(PROGRAM), "changelog", *files, "--format", "json"]
        # In a folder of its own: it would read a configuration file of the folder that it is run in.
        done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        raise Unreadable(f"oasdiff cannot compare (exit {done.returncode}): {done.stderr.strip()}")
    said = json.loads(done.stdout) if done.stdout.strip() else []
    found = {
        Finding(entry["id"], _sentence(entry)): None
        for entry in said
        # 2 is a warning, 3 an error: both may break someone.
        if entry["level"] > INFO or entry["id"] in RAISED
    }
    return list(found)


def _sentence(entry: dict[str, Any]) -> str:
    where = " ".join(filter(None, (entry.get("operation"), entry.get("path"))))
    return f"{where}: {entry['text']}" if where else str(entry["text"])
