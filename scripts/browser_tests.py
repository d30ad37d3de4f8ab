"""Run tests/browser in a real browser, against a sandbox: `browser_tests.py [--screenshots FOLDER]`.

It takes Node, for the tools pinned in tools/, and a Chromium that the system has (on Debian: `apt-get install
chromium`); CHROMIUM names another one. Where one of them is missing, one line says that the tests were skipped; with
REQUIRE_BROWSER=1, as in CI, that is an error. Nothing outside this machine is asked for: names are not even looked up.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import tools
from anam_facade.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST = 420.0
"""Seconds after which the browser is given up."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--screenshots", type=Path, metavar="FOLDER", help="keep pictures of the page there")
    folder = parser.parse_args(arguments).screenshots
    chromium = tools.browser()
    missing = tools.node_is_missing() or (None if chromium else "no Chromium or Chrome is installed")
    if tools.skips("the browser tests", missing, "REQUIRE_BROWSER"):
        return 0
    tools.install_node_tools()
    environment = {**os.environ, "CHROMIUM": chromium or "", "PYTHON": sys.executable}
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        environment["SCREENSHOTS"] = str(folder.resolve())
    # By its own reporter, not by what a terminal suggests: the output is read in logs too.
    # The files side by side, on two cores too: what they do is wait for a browser.
    options = ("--test-reporter=spec", "--test-concurrency=3")
    command = ["node", "--test", *options, *map(str, sorted(tools.ROOT.glob("tests/browser/*.test.mjs")))]
    with Sandbox() as sandbox:
        environment["SANDBOX"] = sandbox.base_url
        try:
            return subprocess.run(command, cwd=tools.ROOT, env=environment, timeout=LONGEST, check=False).returncode
        except subprocess.TimeoutExpired:
            sys.exit(f"error: the browser tests took longer than {LONGEST:g} s.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
