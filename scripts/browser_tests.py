"""Open the sandbox's page in a real browser and check what a person would see: `browser_tests.py`.

It takes Node, for the tools pinned in tools/, and a Chromium that the system has (on Debian: `apt-get install
chromium`); CHROMIUM names another one. Where one of them is missing, one line says that the tests were skipped; with
REQUIRE_BROWSER=1, as in CI, that is an error. Nothing outside this machine is asked for: names are not even looked up.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import node_tools
from bootstrap import alone

from anam_facade.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence

TESTS = node_tools.ROOT / "tests" / "browser" / "docs.test.mjs"
LONGEST = 180.0
"""Seconds after which the browser is given up."""

BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def browser() -> str | None:
    """The browser to use, or None if there is none."""
    named = os.environ.get("CHROMIUM")
    return next((path for name in ([named] if named else BROWSERS) if (path := shutil.which(name))), None)


def what_is_missing() -> str | None:
    """Why the tests cannot run here, or None if they can."""
    if missing := node_tools.what_is_missing():
        return missing
    if browser() is None:
        named = os.environ.get("CHROMIUM")
        return f"CHROMIUM={named} is no program" if named else "no Chromium or Chrome is installed"
    return None


def main(args: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--screenshots", type=Path, metavar="FOLDER", help="keep pictures of the page there")
    options = parser.parse_args(args)

    missing = what_is_missing()
    if missing is not None:
        if os.environ.get("REQUIRE_BROWSER") == "1":
            sys.exit(f"error: the browser tests cannot run: {missing}.")
        print(f"SKIPPED: the browser tests did not run: {missing}.")
        return 0
    try:
        with alone(node_tools.MODULES):
            node_tools.install()
    except subprocess.CalledProcessError as error:
        sys.exit(f"error: npm could not install tools/ (exit {error.returncode}; its words are above).")

    environment = {**os.environ, "CHROMIUM": browser() or ""}
    if options.screenshots is not None:
        options.screenshots.mkdir(parents=True, exist_ok=True)
        environment["SCREENSHOTS"] = str(options.screenshots.resolve())
    with Sandbox() as sandbox:
        environment["SANDBOX"] = sandbox.base_url
        try:
            # By its own reporter, not by what a terminal suggests: the output is read in logs too.
            command = ["node", "--test", "--test-reporter=spec", str(TESTS)]
            return subprocess.run(
                command, cwd=node_tools.ROOT, env=environment, timeout=LONGEST, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            sys.exit(f"error: the browser tests took longer than {LONGEST:g} s.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
