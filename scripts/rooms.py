"""Run the tests in real rooms: `rooms.py [ARGUMENTS OF PYTEST]`.

They run in an environment of their own, .peers/rooms: livekit-agents, the plugin and LiveKit's client are 440 MB that
no other test needs. The plugin's older generation is the same but for the plugin, which lies in a folder beside it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import tools

OLDER = "1.6.10"


def older_plugin(python: Path) -> None:
    """Puts the plugin of the older generation, as it is, into a folder of its own."""
    folder, version = tools.PEERS / f"livekit-plugins-anam-{OLDER}", re.escape(OLDER)
    everything = (tools.ROOT / "interop" / "peers" / f"livekit-anam-{OLDER}.txt").read_text("utf-8")
    entry = re.search(rf"^livekit-plugins-anam=={version} .*(\n .*)*\n", everything, re.MULTILINE)
    assert entry is not None
    with tools.outdated(folder, entry[0]) as must_install:
        if must_install:
            folder.mkdir(exist_ok=True)
            (folder / "lock.txt").write_text(entry[0], "utf-8")
            options = ("--quiet", "--require-hashes", "--no-deps", "--upgrade", "--target", folder)
            tools.run(python, "-m", "pip", "install", *options, "-r", folder / "lock.txt")


def main(arguments: list[str]) -> int:
    if not tools.build_livekit():
        return 0
    python = tools.peer_environment(tools.ROOT / "requirements" / "rooms.txt") / "bin" / "python"
    older_plugin(python)
    path = os.pathsep.join([str(tools.ROOT), str(tools.ROOT / "generated")])
    command = [str(python), "-m", "pytest", "tests/livekit", *arguments]
    return subprocess.run(command, cwd=tools.ROOT, env={**os.environ, "PYTHONPATH": path}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
