"""The pytest fixture. Every pytest run loads this module, with the extra or without: it imports next to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .api import Sandbox


@pytest.fixture
def anam_sandbox() -> Iterator[Sandbox]:
    """A local Anam, started for this test alone: give its `base_url` and `api_key` to a client."""
    try:
        from anam_facade.sandbox import Sandbox
    except ImportError as error:
        pytest.fail(str(error), pytrace=False)
    with Sandbox() as sandbox:
        yield sandbox
