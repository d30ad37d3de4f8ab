"""Cargo.lock without the address of the package registry: `lockfile.py restore LEAN FULL`, `… strip FULL LEAN`.

A Cargo.lock names the registry of every package; this project's files name none. So the lock is committed without
those lines, its versions and checksums untouched, and they are put back before a build. What they have to say is read
from a lock that cargo itself makes for one small package.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = re.compile(r'^source = "[^"]*"\n', re.MULTILINE)
PROBE = '[package]\nname = "probe"\nversion = "1.0.0"\nedition = "2021"\n\n[dependencies]\nitoa = "1"\n'


def registry() -> str:
    """The line by which this machine's cargo names the registry in a lock."""
    with tempfile.TemporaryDirectory(prefix="anam-facade-cargo-") as folder:
        (Path(folder) / "Cargo.toml").write_text(PROBE, "utf-8")
        (Path(folder) / "src").mkdir()
        (Path(folder) / "src" / "lib.rs").touch()
        subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=folder, check=True)
        (line,) = SOURCE.findall((Path(folder) / "Cargo.lock").read_text("utf-8"))
    return str(line)


def main() -> None:
    action, source, target = sys.argv[1:]
    text = Path(source).read_text("utf-8")
    if action == "strip":
        lean = SOURCE.sub("", text)
        if "://" in lean:
            sys.exit(f"error: an address is left in {source}")
        Path(target).write_text(lean, "utf-8")
    elif action == "restore":
        # Only what comes from a registry has a checksum.
        line = registry()
        Path(target).write_text(re.sub(r"^(?=checksum = )", lambda _: line, text, flags=re.MULTILINE), "utf-8")
    else:
        sys.exit("usage: lockfile.py {strip,restore} FROM TO")


if __name__ == "__main__":
    main()
