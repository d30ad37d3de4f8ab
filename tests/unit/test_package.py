"""The public names, and what importing them costs and needs."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import anam_facade
from anam_api import models
from anam_facade import AnamClient, AsyncAnamClient, _contract
from anam_facade.http import preload


def test_every_name_exists_and_every_schema_has_one():
    """Each exported name can be imported, once, and is explained; what the contract has is among them, unlisted."""
    assert len(anam_facade.__all__) == len(set(anam_facade.__all__))
    public = {name: getattr(anam_facade, name) for name in anam_facade.__all__}
    assert [name for name, value in public.items() if callable(value) and not inspect.getdoc(value)] == []
    assert set(models.__all__) <= set(public)
    assert models.PersonaConfig in public["PersonaConfig"].__bases__


def test_both_clients_take_the_same_arguments():
    """The async client has the sync client's methods, with its parameters, defaults and results, and no others."""
    methods = {"create_session_token", "start_engine_session", "start_session", "warm_up"}
    for name in ("__init__", *methods):
        both = [inspect.signature(getattr(cls, name)) for cls in (AnamClient, AsyncAnamClient)]
        given = [[p for p in made.parameters.values() if p.name not in ("transport", "http_client")] for made in both]
        assert (given[0], both[0].return_annotation) == (given[1], both[1].return_annotation), name
    for cls, closing in ((AnamClient, "close"), (AsyncAnamClient, "aclose")):
        assert {name for name in vars(cls) if not name.startswith("_")} == {*methods, closing}


def output_of(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_importing_leaves_out_what_only_some_programs_need():
    """Neither YAML nor httpcore nor the sandbox is loaded before it is used; a missing LiveKit is asked for by name."""
    heavy = ("yaml", "httpcore", "starlette", "difflib")
    program = f"import sys; from anam_facade import AnamClient; print([m for m in {heavy!r} if m in sys.modules])"
    assert output_of(program).stdout == "[]\n"
    without = output_of("import sys; sys.modules['livekit'] = None\nimport anam_facade.livekit")
    assert without.stderr.endswith("needs livekit-agents, which is not installed: pip install livekit-agents\n")


FIRST_CALL = """
import asyncio, sys
from anam_facade import AsyncAnamClient
from anam_facade.http import preload

async def main(where):
    async with AsyncAnamClient(**where) as client:
        before = set(sys.modules)
        await client.create_session_token({"personaId": "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"})
        print(sorted(set(sys.modules) - before))

preload()
"""


def test_after_preloading_the_first_call_loads_nothing(anam_sandbox):
    """A program that imports ahead of the work imports nothing later."""
    preload()  # here too, for its coverage: what programs run is not measured
    where = {"api_key": anam_sandbox.api_key, "base_url": anam_sandbox.base_url}
    done = output_of(f"{FIRST_CALL}asyncio.run(main({where}))")
    assert done.stdout == "[]\n", done.stderr


def test_the_contract_is_found_in_a_source_tree_and_in_an_installed_package(tmp_path, monkeypatch):
    """In a checkout it lies beside the package; in a wheel inside of it, which goes first; else that is said."""
    assert anam_facade.openapi_path().read_text().startswith("openapi: 3.1")
    package = tmp_path / "site-packages" / "anam_facade"
    package.mkdir(parents=True)
    monkeypatch.setattr(_contract, "__file__", str(package / "_contract.py"))
    with pytest.raises(FileNotFoundError, match="reinstall anam-facade"):
        _contract.openapi_path()
    for path in (package.parent / "openapi.yaml", package / "openapi.yaml"):
        path.touch()
        assert _contract.openapi_path() == path
