"""The contract, read once, and validators for its schemas."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest
import yaml

import anam_facade


@pytest.fixture(scope="session")
def contract() -> dict[str, Any]:
    """The document. Tests that change it take a copy."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(anam_facade.openapi_path().read_text("utf-8"), loader)


@pytest.fixture
def copied(contract: dict[str, Any]) -> dict[str, Any]:
    """A document to spoil."""
    return copy.deepcopy(contract)


@pytest.fixture(scope="session")
def validator() -> Callable[[dict[str, Any], str], jsonschema_rs.Validator]:
    """Makes a validator for one schema of a document."""

    def make(document: dict[str, Any], name: str) -> jsonschema_rs.Validator:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)

    return make


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes away what the client would read from the environment."""
    for name in ("ANAM_API_KEY", "ANAM_API_URL"):
        monkeypatch.delenv(name, raising=False)
