"""What the unit tests share."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import pytest

from anam_facade import AnamConfigError

OURS = ("anam_api.", "anam_facade.")


@pytest.fixture
def problems() -> Callable[[Callable[[], Any]], list[str]]:
    """Runs something that must be refused, and gives the problems as strings.

    A credential that was given is a `swordfish` here: neither the error nor a variable on its way shows one.
    """

    def found(action: Callable[[], Any]) -> list[str]:
        with pytest.raises(AnamConfigError) as caught:
            action()
        frames = [
            frame.f_locals for frame, _ in traceback.walk_tb(caught.tb) if frame.f_globals["__name__"].startswith(OURS)
        ]
        held = [(value, getattr(value, "__dict__", None)) for frame in frames for value in frame.values()]
        assert held
        assert "swordfish" not in f"{caught.value} {held}"
        return [str(problem) for problem in caught.value.problems]

    return found
