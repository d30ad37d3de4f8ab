"""Both clients towards a server that sends whatever bytes a test wants."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.client.servers import RawServer
from tests.conftest import Calls

KEY = "a2V5OnNlY3JldA=="


@pytest.fixture(params=["sync", "async"])
def calls(request: pytest.FixtureRequest, raw_server: RawServer) -> Iterator[Calls]:
    made = Calls(request.param, SimpleNamespace(api_key=KEY, base_url=raw_server.url))
    made.configure(retry=0)
    yield made
    made.close()
