"""Record the terminal sessions in docs/command.md: `terminal.py` writes what they print, `--check` only compares.

Each line that begins with `$ ` is given to a shell, in docs/command, with a sandbox in ANAM_API_URL and ANAM_API_KEY.
What differs from run to run (times, ids, ports, versions) is replaced by something fixed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import tools
from anam_facade.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE = tools.ROOT / "docs" / "command.md"

SESSIONS = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
KNOWN = (
    "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506",
    "30fa96d0-26c4-4e55-94a0-517025942e18",
    "6bfbe25a-979d-40f3-a92b-5394170af54b",
)

FIXED = (
    (r"eyJ[\w.-]+", "eyJhbGciOiJIUzI1NiJ9.…"),
    (
        rf"(?!{'|'.join(KNOWN)})\b[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}\b",
        "5d2f1c9e-7b64-4c1a-9f3e-2a8b6d4c0e71",
    ),
    (r"127\.0\.0\.1:\d{4,}", "127.0.0.1:8787"),
    (r"\d\.\d{2,3} s\b", "0.01 s"),
    (r"\d+ a second", "100 a second"),
    (r'"iat": \d+, "exp": \d+', '"iat": 1795640400, "exp": 1795644000'),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "2026-11-25 22:00:00 UTC"),
    (r"(versions +anam_facade ).*", r"\g<1>…, Python …, httpx …, OpenSSL …"),
    (r"version \d\S*", "version …"),
)


def recorded(page: str, sandbox: Sandbox) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment |= {
        "ANAM_API_URL": sandbox.base_url,
        "ANAM_API_KEY": sandbox.api_key,
        "COLUMNS": "100",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }

    def run(session: re.Match[str]) -> str:
        commands = [line for line in session[0].splitlines() if line.startswith("$ ")]
        return "\n".join(f"{command}\n{output(command[2:])}" for command in commands)

    def output(command: str) -> str:
        done = subprocess.run(
            ["sh", "-c", f"exec 2>&1; {command}"],
            cwd=PAGE.with_suffix(""),
            env=environment,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        text = done.stdout.rstrip("\n") + "\n"
        for pattern, replacement in FIXED:
            text = re.sub(pattern, replacement, text)
        return text

    return SESSIONS.sub(run, page)


def main(arguments: Sequence[str]) -> int:
    with Sandbox() as sandbox:
        return tools.keep(PAGE, recorded(PAGE.read_text("utf-8"), sandbox), arguments, "make docs")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
