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
from typing import TYPE_CHECKING

import livekit_server
from peers import ENVIRONMENTS, environment

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
OLDER = "1.6.10"


def older_plugin(python: Path) -> None:
    """Puts the plugin of the older generation, as it is, into a folder of its own."""
    folder, lock = ENVIRONMENTS / f"livekit-plugins-anam-{OLDER}", ENVIRONMENTS / "plugin.txt"
    everything = (ROOT / "interop" / "peers" / f"livekit-anam-{OLDER}.txt").read_text("utf-8")
    entry = re.search(rf"^livekit-plugins-anam=={re.escape(OLDER)} .*(\n .*)*", everything, re.MULTILINE)
    assert entry is not None
    if not folder.exists():
        lock.write_text(entry[0] + "\n", "utf-8")
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        subprocess.run([*pip, "--require-hashes", "--no-deps", "--target", str(folder), "-r", str(lock)], check=True)


def main(arguments: Sequence[str]) -> int:
    livekit_server.main()
    if livekit_server.find() is None:
        print("SKIPPED: the rooms were not tested.")
        return 0
    python = environment("rooms", ROOT / "requirements" / "rooms.txt") / "bin" / "python"
    older_plugin(python)
    path = os.pathsep.join([str(ROOT), str(ROOT / "generated")])
    command = [str(python), "-m", "pytest", "tests/livekit", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, check=False).returncode


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "interop"))
    sys.exit(main(sys.argv[1:]))
