"""A server that sends whatever bytes a test wants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.client.servers import RawServer


@pytest.fixture
def server() -> Iterator[RawServer]:
    made = RawServer()
    yield made
    made.stop()
