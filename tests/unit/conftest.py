"""What the unit tests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from anam_facade import AnamConfigError


@pytest.fixture
def problems() -> Callable[[Callable[[], Any]], list[str]]:
    """Runs something that must be refused, and gives the problems as strings."""

    def found(action: Callable[[], Any]) -> list[str]:
        with pytest.raises(AnamConfigError) as caught:
            action()
        return [str(problem) for problem in caught.value.problems]

    return found
