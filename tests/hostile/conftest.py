"""A server that sends whatever bytes a test wants, and both clients towards it."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.client.servers import RawServer
from tests.conftest import Calls

KEY = "a2V5OnNlY3JldA=="


@pytest.fixture
def server() -> Iterator[RawServer]:
    made = RawServer()
    yield made
    made.stop()


@pytest.fixture(params=["sync", "async"])
def calls(request: pytest.FixtureRequest, server: RawServer) -> Iterator[Calls]:
    made = Calls(request.param, SimpleNamespace(api_key=KEY, base_url=server.url))
    made.configure(retry=0)
    yield made
    made.close()
