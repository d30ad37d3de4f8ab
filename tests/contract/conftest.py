"""The contract, read once."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

import anam_facade


@pytest.fixture(scope="session")
def contract() -> dict[str, Any]:
    """The document."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(anam_facade.openapi_path().read_text("utf-8"), loader)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes away what the client would read from the environment."""
    for name in ("ANAM_API_KEY", "ANAM_API_URL"):
        monkeypatch.delenv(name, raising=False)
