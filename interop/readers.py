"""Let tools that read strictly have openapi.yaml: ogen, openapi-pydantic and FastMCP must see both operations.

They have choked on it before (docs/contract-choices.md). Each is installed into a folder that is thrown away; without
Go, ogen is skipped in one line, and with REQUIRE_GO=1, as in CI, that is an error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = ROOT / "openapi.yaml"
OGEN = "github.com/ogen-go/ogen/cmd/ogen@v1.24.0"
PYTHON = ("openapi-pydantic==0.6.0", "fastmcp==4.2.3", "PyYAML")
OPERATIONS = ("createEngineSession", "createSessionToken")
READ = """
import asyncio, sys, httpx2, yaml
from fastmcp import FastMCP
from openapi_pydantic.v3.v3_1 import OpenAPI
document = yaml.safe_load(open(sys.argv[1], encoding="utf-8"))
OpenAPI.model_validate(document)
server = FastMCP.from_openapi(document, client=httpx2.AsyncClient(base_url="http://127.0.0.1"))
print(*sorted(tool.name for tool in asyncio.run(server.list_tools())))
"""


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="readers-") as folder:
        venv.create(f"{folder}/venv", with_pip=True)
        python = f"{folder}/venv/bin/python"
        subprocess.run([python, "-m", "pip", "-q", "--disable-pip-version-check", "install", *PYTHON], check=True)
        done = subprocess.run([python, "-c", READ, CONTRACT], stdout=subprocess.PIPE, encoding="utf-8", check=True)
        tools = done.stdout.split()
        print(f"openapi-pydantic loads it; FastMCP makes tools of {', '.join(tools)}")
        if shutil.which("go") is None:
            print("SKIPPED: ogen: Go is not installed")
            return 1 if os.environ.get("REQUIRE_GO") == "1" else 0
        # It leaves out what it cannot make, and says so; but for that, this is what it does by itself.
        (Path(folder) / "ogen.yml").write_text("generator:\n  ignore_not_implemented: [all]\n")
        command = ["go", "run", OGEN, "--target", "out", "--package", "anam", "--config", "ogen.yml", str(CONTRACT)]
        subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        handlers = (Path(folder) / "out" / "oas_server_gen.go").read_text("utf-8")
        made = [name for name in OPERATIONS if f"{name[0].upper()}{name[1:]}(ctx" in handlers]
        print(f"ogen makes {', '.join(made)}")
    return 0 if tools == made == list(OPERATIONS) else 1


if __name__ == "__main__":
    sys.exit(main())
