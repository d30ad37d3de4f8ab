"""What the unit tests share: no setting of the surrounding shell reaches them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from anam_facade import Problem

SETTINGS = ("ANAM_API_KEY", "ANAM_API_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes away what the client would read from the environment."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def problems() -> Callable[[Callable[[], Any]], list[str]]:
    """Runs something that must be refused, and gives the problems as strings."""
    from anam_facade import AnamConfigError

    def found(action: Callable[[], Any]) -> list[str]:
        with pytest.raises(AnamConfigError) as caught:
            action()
        listed: Iterable[Problem] = caught.value.problems
        return [str(problem) for problem in listed]

    return found
