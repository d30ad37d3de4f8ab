"""Run one of the Node tools pinned in tools/: `node_tools.py redocly lint`.

They are installed with `npm ci` on first use and whenever their lock changes. Where Node is missing or too old, one
line says that the check was skipped; with REQUIRE_NODE=1, as in CI, that is an error.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import alone

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "tools"
MODULES = TOOLS / "node_modules"
STAMP = MODULES / ".anam-facade"
OLDEST_NODE = (20, 19)

# Nothing is reported to anyone, and nothing asks for a newer version of itself.
QUIET = {
    "REDOCLY_TELEMETRY": "off",
    "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
    "NO_UPDATE_NOTIFIER": "1",
    "npm_config_update_notifier": "false",
}


def what_is_missing() -> str | None:
    """Why the tools cannot run here, or None if they can."""
    node = shutil.which("node")
    if node is None:
        return "Node is not installed"
    if shutil.which("npm") is None:
        return "npm is not installed"
    found = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    numbers = re.match(r"v(\d+)\.(\d+)\.", found)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST_NODE:
        return f"Node {'.'.join(map(str, OLDEST_NODE))} or newer is needed, not {found or 'one that does not start'}"
    return None


def install() -> None:
    wanted = hashlib.sha256((TOOLS / "package-lock.json").read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text("utf-8") == wanted:
        return
    print("Installing tools/package-lock.json …", flush=True)
    # From inside the folder, so that its .npmrc counts.
    subprocess.run(["npm", "ci", "--loglevel=error"], cwd=TOOLS, env={**os.environ, **QUIET}, check=True)
    STAMP.write_text(wanted, "utf-8")


def main(args: Sequence[str]) -> int:
    if not args:
        sys.exit("usage: node_tools.py TOOL [ARGUMENT ...]")
    missing = what_is_missing()
    if missing is not None:
        if os.environ.get("REQUIRE_NODE") == "1":
            sys.exit(f"error: {args[0]} cannot run: {missing}.")
        print(f"SKIPPED: {args[0]} did not run: {missing}.")
        return 0
    try:
        with alone(MODULES):
            install()
    except subprocess.CalledProcessError as error:
        sys.exit(f"error: npm could not install tools/ (exit {error.returncode}; its words are above).")
    tool = MODULES / ".bin" / args[0]
    return subprocess.run([str(tool), *args[1:]], cwd=ROOT, env={**os.environ, **QUIET}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
