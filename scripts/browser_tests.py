"""Run tests/browser in a real browser, against a sandbox; SCREENSHOTS names a folder that is to keep pictures.

It takes Node, for the tools pinned in tools/, and a Chromium that the system has (on Debian: `apt-get install
chromium`); CHROMIUM names another one. Where one of them is missing, one line says that the tests were skipped; with
REQUIRE_BROWSER=1, as in CI, that is an error. Nothing outside this machine is asked for: names are not even looked up.
"""

from __future__ import annotations

import os
import subprocess
import sys

import tools
from anam_facade.sandbox import Sandbox

# By its own reporter, not by what a terminal suggests: the output is read in logs too. The files side by side, on two
# cores too: what they do is wait for a browser.
NODE = ("node", "--test", "--test-reporter=spec", "--test-concurrency=3", "--test-timeout=420000")


def main() -> int:
    chromium = tools.browser()
    missing = tools.node_is_missing() or (None if chromium else "no Chromium or Chrome is installed")
    if tools.skips("the browser tests", missing, "REQUIRE_BROWSER"):
        return 0
    tools.install_node_tools()
    tests = map(str, sorted(tools.ROOT.glob("tests/browser/*.test.mjs")))
    with Sandbox() as sandbox:
        told = {"CHROMIUM": chromium or "", "PYTHON": sys.executable, "SANDBOX": sandbox.base_url}
        return subprocess.run([*NODE, *tests], cwd=tools.ROOT, env={**os.environ, **told}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
