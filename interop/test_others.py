"""What others made for Anam, or make of openapi.yaml, gets on with what is here: `make interop`."""

from __future__ import annotations

import os
import shutil
import subprocess
import venv
from pathlib import Path
from typing import Any

import peers
import pytest

import tools
from anam_facade import openapi_path
from anam_facade.sandbox import Sandbox

OPERATIONS = ["createEngineSession", "createSessionToken"]


@pytest.mark.parametrize("client", peers.FAULTY)
def test_a_client_gets_the_sessions_that_it_started(client: str) -> None:
    """Ours and those people use today, unmodified: the sandbox has recorded exactly what the client returned."""
    with Sandbox() as sandbox:
        names = ["one", "two", "three"]
        at: dict[str, Any] = {"base_url": sandbox.base_url, "api_key": sandbox.api_key}
        _, outcomes = peers.run(client, names=names, concurrency=1, timeout=10.0, **at)
        assert sorted(o["session_id"] for o in outcomes) == sorted(s.id for s in sandbox.sessions), outcomes
        assert [session.mode for session in sandbox.sessions] == [peers.CLIENTS[client].mode] * 3


# Tools that read strictly must see both operations. They have choked on the contract before: docs/contract-choices.md.

PYTHON = ("openapi-pydantic==0.6.0", "fastmcp==4.2.3", "PyYAML")
OGEN = "github.com/ogen-go/ogen/cmd/ogen@v1.24.0"
READ = """
import asyncio, sys, httpx2, yaml
from fastmcp import FastMCP
from openapi_pydantic.v3.v3_1 import OpenAPI
document = yaml.safe_load(open(sys.argv[1], encoding="utf-8"))
OpenAPI.model_validate(document)
server = FastMCP.from_openapi(document, client=httpx2.AsyncClient(base_url="http://127.0.0.1"))
print(*sorted(tool.name for tool in asyncio.run(server.list_tools())))
"""


def test_openapi_pydantic_loads_it_and_fastmcp_makes_tools_of_it(tmp_path: Path) -> None:
    venv.create(tmp_path, with_pip=True)
    python = tmp_path / "bin" / "python"
    subprocess.run([python, "-m", "pip", "-q", "--disable-pip-version-check", "install", *PYTHON], check=True)
    done = subprocess.run([python, "-c", READ, openapi_path()], stdout=subprocess.PIPE, encoding="utf-8", check=True)
    assert done.stdout.split() == OPERATIONS


def test_ogen_makes_a_server_of_it(tmp_path: Path) -> None:
    if tools.skips("ogen", tools.missing("go", ["version"]), "REQUIRE_GO"):
        pytest.skip("Go is not installed")
    # It leaves out what it cannot make, and says so; but for that, this is what it does by itself.
    (tmp_path / "ogen.yml").write_text("generator:\n  ignore_not_implemented: [all]\n")
    command = ["go", "run", OGEN, "--target", "out", "--package", "anam", "--config", "ogen.yml", str(openapi_path())]
    subprocess.run(command, cwd=tmp_path, check=True)
    handlers = (tmp_path / "out" / "oas_server_gen.go").read_text("utf-8")
    assert [name for name in OPERATIONS if f"{name[0].upper()}{name[1:]}(ctx" in handlers] == OPERATIONS


def test_the_typescript_client_holds_to_all_vectors_and_starts_nothing_twice() -> None:
    """Its own tests, against a sandbox; what is compiled, in `dist`, is all that a program needs."""
    if not tools.has_node("the TypeScript client"):
        pytest.skip("Node is not installed")
    client, binaries = Path(__file__).parent / "typescript-client", tools.MODULES / ".bin"
    # Without the option, a property with a default must be there: in requests, where nobody has to send it, too.
    options = ("--default-non-nullable=false", "-o", "openapi.d.ts")
    tools.run(binaries / "openapi-typescript", openapi_path(), *options, cwd=client)
    tools.run(binaries / "tsc", cwd=client)
    shutil.copy(client / "openapi.d.ts", client / "dist")
    with Sandbox(api_key="the-api-key") as sandbox:
        environment = {**os.environ, "SANDBOX": sandbox.base_url}
        subprocess.run(["node", "--test", "client.test.mjs"], cwd=client, env=environment, timeout=180, check=True)
