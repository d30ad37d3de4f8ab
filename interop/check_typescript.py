"""Compiles the TypeScript client and holds it to all vectors, and to a sandbox whose answers get lost.

Node's tools are those pinned in tools/; without Node one line says that this was skipped, and with REQUIRE_NODE=1 it is
an error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

import tools
from anam_facade import openapi_path
from anam_facade.sandbox import Sandbox

CLIENT = Path(__file__).resolve().parent / "typescript-client"
LONGEST = 180.0
"""Seconds after which the tests are given up."""


def build() -> None:
    """The types out of the contract, then the client; into `dist`, which is all that a program needs."""
    binaries = tools.MODULES / ".bin"
    # Without the option, a property with a default must be there: in requests, where nobody has to send it, too.
    options = ("--default-non-nullable=false", "-o", "openapi.d.ts")
    tools.run(binaries / "openapi-typescript", openapi_path(), *options, cwd=CLIENT)
    tools.run(binaries / "tsc", cwd=CLIENT)
    shutil.copy(CLIENT / "openapi.d.ts", CLIENT / "dist")


def main() -> int:
    if not tools.has_node("the TypeScript client"):
        return 0
    build()
    reporter = "--test-reporter=spec" if "-v" in sys.argv[1:] else "--test-reporter=dot"
    with Sandbox(api_key="the-api-key") as sandbox:
        environment = {**os.environ, "SANDBOX": sandbox.base_url}
        command = ["node", "--test", reporter, "client.test.mjs"]
        return subprocess.run(command, cwd=CLIENT, env=environment, timeout=LONGEST, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
