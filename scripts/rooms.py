"""Run the tests in real rooms: `rooms.py [ARGUMENTS OF PYTEST]`. `rooms.py demo` shows one, `rooms.py build` only
builds the server, which takes some minutes where there is none.

They run in an environment of their own, .peers/rooms: livekit-agents, the plugin and LiveKit's client are 440 MB that
no other test needs. Older versions of the plugin lie in folders beside it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import tools

AGENTS = [f"tests/livekit/test_rooms.py::test_{name}" for name in ("an_agent_has_a_face", "a_start_goes_wrong")]
"""The half of the tests that is played by agents in processes of their own."""
OLDER = {
    "1.6.10": "sha256:f5aa58c1dd7c1e3812c48f0c8223c350c0038d99deffdc1847f69458746125b6",
    "1.4.6": "sha256:4e48bb406ef252143aa7a007a23962866b99d56bcb679eba05c206b106aa3259",
}
"""Versions of the plugin from the time of its two calls, and the hashes of their wheels."""


def older_plugins(python: Path) -> None:
    """Puts each older plugin, as it is, into a folder of its own."""
    for version, digest in OLDER.items():
        folder = tools.PEERS / f"livekit-plugins-anam-{version}"
        lock, text = folder / "lock.txt", f"livekit-plugins-anam=={version} --hash={digest}\n"
        with tools.outdated(folder, text) as must_install:
            if must_install:
                folder.mkdir(exist_ok=True)
                lock.write_text(text, "utf-8")
                options = ("--quiet", "--require-hashes", "--no-deps", "--upgrade", "--target", folder, "-r", lock)
                tools.run(python, "-m", "pip", "install", *options)


def main(arguments: list[str]) -> int:
    if not tools.build_livekit() or arguments == ["build"]:
        return 0
    python = tools.peer_environment(tools.ROOT / "requirements" / "rooms.txt") / "bin" / "python"
    if arguments[:1] == ["demo"]:
        return run(python, "scripts/demo_room.py", *arguments[1:])
    older_plugins(python)
    tools.has_node("the plugin for Node", tools.ROOT / "tests" / "livekit" / "npm")
    # Without a path among the arguments: all of them.
    tests = ("-m", "pytest", "-o", "testpaths=tests/livekit")
    if arguments:
        return run(python, *tests, *arguments)
    # In two halves side by side: it plays in real time. What an agent's own process does is not measured: the other
    # half covers every branch of what needs LiveKit.
    with tempfile.TemporaryFile() as output:
        agents = start(python, "-m", "pytest", *AGENTS, stdout=output, stderr=output)
        coverage = ("-m", "coverage", "run", "--rcfile=", "--data-file=.coverage.rooms", "--branch")
        others = (*tests, *(f"--deselect={test}" for test in AGENTS))
        failed = run(python, *coverage, "--source=anam_facade.livekit", *others) or run(
            python, "-m", "coverage", "report", "--data-file=.coverage.rooms", "--show-missing", "--fail-under=100"
        )
        failed = agents.wait() or failed
        output.seek(0)
        print(output.read().decode())
    return failed


def start(python: Path, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(tools.ROOT), str(tools.ROOT / "generated")])
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.Popen([str(python), *arguments], cwd=tools.ROOT, env=environment, **options)


def run(python: Path, *arguments: str) -> int:
    return start(python, *arguments).wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
