from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from anam_facade.sandbox import Sandbox
from tests.sandbox.support import Api, Serve


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts sandboxes with the settings a test wants, and ends them with it."""
    with ExitStack() as stack:

        def start(*, check: bool = True, **settings: Any) -> Api:
            api = Api(stack.enter_context(Sandbox(**settings)), check=check)
            stack.callback(api.http.close)
            return api

        yield start


@pytest.fixture
def api(serve: Serve) -> Api:
    """A sandbox as it is by default, with a client that checks every answer against the contract."""
    return serve()
