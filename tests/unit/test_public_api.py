"""The public names, and what importing them costs."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import anam_facade
from anam_api import models
from anam_facade import AnamClient, AsyncAnamClient, _contract

PROMISED = {
    "AnamClient",
    "AsyncAnamClient",
    "PersonaConfig",
    "DirectorNotes",
    "VoiceDetectionOptions",
    "ElevenLabsV1VoiceOptions",
    "ElevenLabsV2VoiceOptions",
    "CartesiaSonic3VoiceOptions",
    "FishAudioVoiceOptions",
    "ClientTool",
    "WebhookTool",
    "KnowledgeTool",
    "SystemTool",
    "LiveKitEnvironment",
    "SessionOptions",
    "SessionToken",
    "EngineSession",
    "RetryPolicy",
    "AnamError",
    "AnamConfigError",
    "AnamConnectionError",
    "AnamTimeoutError",
    "AnamResponseError",
    "SessionStartUncertainError",
    "AnamStatusError",
    "BadRequestError",
    "AuthenticationError",
    "PlanRequiredError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "ConcurrencyLimitError",
    "ConflictError",
    "SpendCapError",
    "ServiceBusyError",
    "ServerError",
    "openapi_path",
}


def test_the_promised_names_are_there():
    """Every promised name is exported; `__all__` is sorted and without doubles."""
    assert set(anam_facade.__all__) >= PROMISED
    assert len(anam_facade.__all__) == len(set(anam_facade.__all__))


def test_every_name_exists_and_every_schema_has_one():
    """Every exported name can be imported; what the contract has is among them without being listed."""
    assert all(hasattr(anam_facade, name) for name in anam_facade.__all__)
    assert set(models.__all__) <= set(anam_facade.__all__)
    assert anam_facade.PersonaConfig is not models.PersonaConfig
    assert issubclass(anam_facade.PersonaConfig, models.PersonaConfig)


def test_a_name_that_does_not_exist():
    """An unknown name is an AttributeError, as with any module."""
    with pytest.raises(AttributeError, match="module 'anam_facade' has no attribute 'Nonsense'"):
        anam_facade.Nonsense  # noqa: B018


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


def test_the_contract_is_found_in_a_source_tree():
    """The contract's path leads to the document."""
    assert anam_facade.openapi_path().read_text().startswith("openapi: 3.1")


def test_the_contract_is_found_in_an_installed_package_first(tmp_path, monkeypatch):
    """In a wheel the document lies inside the package."""
    package = tmp_path / "site-packages" / "anam_facade"
    package.mkdir(parents=True)
    monkeypatch.setattr(_contract, "__file__", str(package / "_contract.py"))
    (package.parent / "openapi.yaml").write_text("beside")
    assert _contract.openapi_path() == package.parent / "openapi.yaml"
    (package / "openapi.yaml").write_text("inside")
    assert _contract.openapi_path() == package / "openapi.yaml"


def test_an_incomplete_installation_is_named(tmp_path, monkeypatch):
    """Without the document the error says where it was looked for."""
    monkeypatch.setattr(_contract, "__file__", str(tmp_path / "anam_facade" / "_contract.py"))
    with pytest.raises(FileNotFoundError, match="reinstall anam-facade"):
        _contract.openapi_path()
