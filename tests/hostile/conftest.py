"""Both clients towards a server that sends whatever bytes a test wants."""

from __future__ import annotations

import pytest

from tests.client.servers import Local
from tests.conftest import Calls, Connect


@pytest.fixture
def calls(connect: Connect, raw_server: Local) -> Calls:
    return connect(base_url=raw_server.url, retry=0)
