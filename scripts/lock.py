"""Rewrite the lock files in requirements/, in tools/ and of the clients in C# and TypeScript.

`lock.py` keeps the versions that a lock already has unless pyproject.toml or a package.json says otherwise;
`lock.py --upgrade` takes the newest ones allowed. For maintainers only: it installs uv into a temporary environment,
and uses npm. No lock names a package registry, so that everyone installs from the one they have set up.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
UV = "uv==0.13.9"
OLDEST_PYTHON = "3.11"

HEADER = "# Made by `make lock` from pyproject.toml: do not edit.\n"

# In this order: each may use only versions that `dev` has.
LOCKS = {
    "dev": ("--extra=sandbox", "--extra=fast", "--group=dev"),
    "demo": ("--extra=sandbox", "--group=build", "--constraint=requirements/dev.txt"),
    "runtime": ("--constraint=requirements/dev.txt",),
}

# Folders with a package.json.
NODE_LOCKS = ("tools", "interop/languages/csharp", "interop/languages/typescript")


def lock_python(scratch: Path, options: Sequence[str]) -> None:
    venv.create(scratch / "venv", with_pip=True)
    python = scratch / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV], check=True)
    (ROOT / "requirements").mkdir(exist_ok=True)
    for name, arguments in LOCKS.items():
        output = ROOT / "requirements" / f"{name}.txt"
        subprocess.run(
            [
                *(python, "-m", "uv", "--quiet", "pip", "compile", "--no-config", "pyproject.toml"),
                *("--universal", "--generate-hashes", f"--python-version={OLDEST_PYTHON}"),
                *("--no-header", "--no-annotate", f"--output-file={output}"),
                *arguments,
                *options,
            ],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        text = output.read_text("utf-8")
        output.write_text(HEADER + text.removeprefix(HEADER), "utf-8")


def without_addresses(node: Any) -> Any:
    """A package-lock without the addresses npm collects: where a package was found, who asks for donations."""
    if isinstance(node, dict):
        return {
            key: without_addresses(value)
            for key, value in node.items()
            if not (key == "funding" or (key in ("resolved", "deprecated") and "://" in str(value)))
        }
    return [without_addresses(value) for value in node] if isinstance(node, list) else node


def lock_node(scratch: Path, place: str, options: Sequence[str]) -> None:
    if shutil.which("npm") is None:
        print(f"SKIPPED: {place}/package-lock.json was left alone: npm is not installed.")
        return
    # In a folder of its own: what is installed in node_modules must not leak into the lock.
    folder = scratch / place
    folder.mkdir(parents=True)
    lock = ROOT / place / "package-lock.json"
    for name in ("package.json", ".npmrc", "package-lock.json"):
        if (ROOT / place / name).exists() and not (name == lock.name and "--upgrade" in options):
            shutil.copy(ROOT / place / name, folder / name)
    subprocess.run(["npm", "install", "--package-lock-only", "--loglevel=error"], cwd=folder, check=True)
    content = without_addresses(json.loads((folder / lock.name).read_text("utf-8")))
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    if re.search(r"\w+://", text):
        sys.exit(f"error: an address is left in {place}/package-lock.json; see lock.py's without_addresses.")
    lock.write_text(text, "utf-8")


def main(args: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="anam-facade-lock-") as scratch:
        lock_python(Path(scratch), args)
        for place in NODE_LOCKS:
            lock_node(Path(scratch), place, args)


if __name__ == "__main__":
    main(sys.argv[1:])
