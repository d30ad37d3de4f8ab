"""Rewrite the lock files: `lock.py` keeps what is locked as far as it is allowed, `lock.py --upgrade` takes the newest.

For maintainers only: it installs uv into a temporary environment, and uses npm. No lock names a package registry, so
that everyone installs from the one they have set up.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import tools

UV = "uv==0.13.9"
HEADER = "# Made by `make lock`: do not edit.\n"

# Lock: what it is made from. `demo` and `runtime` may use only versions that `dev` has.
PYTHON_LOCKS: dict[str, tuple[str, ...]] = {
    "requirements/dev.txt": (
        "pyproject.toml",
        *("--extra=sandbox", "--extra=fast", "--extra=cli", "--extra=otel", "--group=dev"),
    ),
    "requirements/demo.txt": (
        "pyproject.toml",
        "--extra=sandbox",
        "--group=build",
        "--constraint=requirements/dev.txt",
    ),
    # What the plugin's own lock has, too.
    "requirements/rooms.txt": (
        "pyproject.toml",
        *("--extra=sandbox", "--extra=livekit", "--group=rooms"),
        "--constraint=interop/peers/today.txt",
    ),
    "requirements/runtime.txt": ("pyproject.toml", "--constraint=requirements/dev.txt"),
    "requirements/tools.txt": ("requirements/tools.in",),
    "interop/peers/today.txt": ("interop/peers/today.in",),
    "interop/peers/livekit-anam-1.6.10.txt": ("interop/peers/livekit-anam-1.6.10.in",),
}
# Apart from each other: the second is 440 MB that `make rooms` alone needs.
NODE_LOCKS = ("tools", "tests/livekit/npm")


def lock_python(scratch: Path, options: list[str]) -> None:
    tools.new_environment(scratch / "venv")
    python = scratch / "venv" / "bin" / "python"
    tools.run(python, "-m", "pip", "install", "--quiet", UV)
    common = ("--quiet", "pip", "compile", "--no-config", "--universal", "--generate-hashes", "--python-version=3.11")
    for name, sources in PYTHON_LOCKS.items():
        output = tools.ROOT / name
        shape = ("--no-header", "--no-annotate", f"--output-file={output}")
        tools.run(python, "-m", "uv", *common, *shape, *sources, *options)
        output.write_text(HEADER + output.read_text("utf-8").removeprefix(HEADER), "utf-8")


def lock_node(scratch: Path, place: str, options: list[str]) -> None:
    # In a folder of its own: what is installed in node_modules must not leak into the lock.
    folder, lock = scratch / place, tools.ROOT / place / "package-lock.json"
    folder.mkdir(parents=True)
    for name in ("package.json", ".npmrc", *([] if options else [lock.name])):
        if (lock.parent / name).exists():
            shutil.copy(lock.parent / name, folder)
    tools.run("npm", "install", "--package-lock-only", "--loglevel=error", cwd=folder)
    content = json.loads((folder / lock.name).read_text("utf-8"))
    for package in content["packages"].values():
        # Addresses: where a package was found (.npmrc leaves out most of them), and who asks for donations.
        for key in ("resolved", "funding", "deprecated"):
            package.pop(key, None)
        if "://" in str(package.get("license")):
            del package["license"]
    lock.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def main(options: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="anam-facade-lock-") as scratch:
        lock_python(Path(scratch), options)
        if not tools.skips("npm", tools.node_is_missing(), "REQUIRE_NODE"):
            for place in NODE_LOCKS:
                lock_node(Path(scratch), place, options)


if __name__ == "__main__":
    main(sys.argv[1:])
