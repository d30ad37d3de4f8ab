"""livekit-server, built from tools/livekit with Go: `livekit_server.py`.

`LIVEKIT_SERVER` names another one; one on the PATH is taken, too. Its version and the hashes of all that goes into it
are in go.mod and go.sum. It is built when it is missing and whenever they change, which takes some minutes.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # imported by the tests, too
from bootstrap import alone
from oasdiff import ALONE

MODULE = Path(__file__).resolve().parent.parent / "tools" / "livekit"
BIN = MODULE / "bin"
PROGRAM = BIN / "livekit-server"
STAMP = BIN / "stamp"


def what_is_missing() -> str | None:
    """Why it cannot be built here, or None if it can."""
    go = shutil.which("go")
    if go is None:
        return "Go is not installed"
    oldest = re.search(r"^go (\d+)\.(\d+)", (MODULE / "go.mod").read_text("utf-8"), re.MULTILINE)
    done = subprocess.run([go, "version"], env={**os.environ, **ALONE}, capture_output=True, text=True, check=False)
    found = re.search(r"\bgo(\d+)\.(\d+)", done.stdout)
    assert oldest is not None
    if found is None or (int(found[1]), int(found[2])) < (int(oldest[1]), int(oldest[2])):
        return f"Go {oldest[1]}.{oldest[2]} or newer is needed, not {found[0] if found else 'one that does not start'}"
    return None


def wanted() -> str:
    return hashlib.sha256((MODULE / "go.mod").read_bytes() + (MODULE / "go.sum").read_bytes()).hexdigest()


def find() -> str | None:
    """The server to use: the one named, one on the PATH, or the one built; None if there is none."""
    named = os.environ.get("LIVEKIT_SERVER")
    if named or (named := shutil.which("livekit-server")):
        return named
    return str(PROGRAM) if STAMP.exists() and STAMP.read_text("utf-8") == wanted() else None


def main() -> int:
    if server := find():
        print(f"livekit-server: {server}")
        return 0
    if missing := what_is_missing():
        if os.environ.get("REQUIRE_LIVEKIT") == "1":
            sys.exit(f"error: livekit-server cannot be built: {missing}.")
        print(f"SKIPPED: livekit-server was not built: {missing}.")
        return 0
    with alone(BIN):
        if find() is None:
            print("Building livekit-server, which takes some minutes …", file=sys.stderr, flush=True)
            BIN.mkdir(exist_ok=True)
            package = "github.com/livekit/livekit-server/cmd/server"
            command = ["go", "build", "-trimpath", "-ldflags=-s -w", "-o", str(PROGRAM), package]
            if subprocess.run(command, cwd=MODULE, env={**os.environ, **ALONE}, check=False).returncode != 0:
                sys.exit("error: Go could not build livekit-server (its words are above).")
            STAMP.write_text(wanted(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
