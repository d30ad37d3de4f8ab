"""The public names, and what importing them costs."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import anam_facade
from anam_api import models
from anam_facade import AnamClient, AsyncAnamClient, _contract


def test_every_name_exists_and_every_schema_has_one():
    """Every exported name can be imported, once; what the contract has is among them without being listed."""
    assert len(anam_facade.__all__) == len(set(anam_facade.__all__))
    assert all(hasattr(anam_facade, name) for name in anam_facade.__all__)
    assert set(models.__all__) <= set(anam_facade.__all__)
    assert anam_facade.PersonaConfig is not models.PersonaConfig
    assert issubclass(anam_facade.PersonaConfig, models.PersonaConfig)


def test_public_names_have_a_docstring():
    """Every public class and function says what it is for."""
    undocumented = [
        name
        for name in anam_facade.__all__
        if inspect.isclass(value := getattr(anam_facade, name)) or inspect.isfunction(value)
        if not inspect.getdoc(value)
    ]
    assert undocumented == []


@pytest.mark.parametrize(
    "name", ["__init__", "create_session_token", "start_engine_session", "start_session", "warm_up"]
)
def test_both_clients_take_the_same_arguments(name):
    """The async client's methods have the sync client's parameters, defaults and results."""
    ours, theirs = (inspect.signature(getattr(cls, name)) for cls in (AnamClient, AsyncAnamClient))
    strip = {"transport", "http_client"}
    assert [p for p in ours.parameters.values() if p.name not in strip] == [
        p for p in theirs.parameters.values() if p.name not in strip
    ]
    assert ours.return_annotation == theirs.return_annotation


def test_both_clients_have_the_same_methods():
    """What one client can do the other can, up to the names that async code uses."""

    def methods(cls):
        return {name for name in vars(cls) if callable(getattr(cls, name)) and not name.startswith("_")}

    assert methods(AnamClient) - {"close"} == methods(AsyncAnamClient) - {"aclose"}


def test_importing_leaves_out_what_only_some_programs_need():
    """Neither YAML nor httpcore nor the sandbox is loaded before it is used."""
    heavy = ("yaml", "httpcore", "starlette", "difflib")
    code = f"import sys; from anam_facade import AnamClient; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_contract_is_found_in_a_source_tree_and_in_an_installed_package(tmp_path, monkeypatch):
    """In a checkout the document lies beside the package; in a wheel inside of it, which goes first."""
    assert anam_facade.openapi_path().read_text().startswith("openapi: 3.1")
    package = tmp_path / "site-packages" / "anam_facade"
    package.mkdir(parents=True)
    monkeypatch.setattr(_contract, "__file__", str(package / "_contract.py"))
    for path in (package.parent / "openapi.yaml", package / "openapi.yaml"):
        path.touch()
        assert _contract.openapi_path() == path


def test_an_incomplete_installation_is_named(tmp_path, monkeypatch):
    """Without the document the error says where it was looked for."""
    monkeypatch.setattr(_contract, "__file__", str(tmp_path / "anam_facade" / "_contract.py"))
    with pytest.raises(FileNotFoundError, match="reinstall anam-facade"):
        _contract.openapi_path()
