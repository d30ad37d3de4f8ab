from contextlib import ExitStack

import pytest

from anam_facade.sandbox import Sandbox
from tests.sandbox.support import Api


@pytest.fixture
def serve():
    """Starts sandboxes with the settings a test wants, and ends them with it."""
    with ExitStack() as stack:

        def start(*, check=True, **settings):
            api = Api(stack.enter_context(Sandbox(**settings)), check=check)
            stack.callback(api.http.close)
            return api

        yield start


@pytest.fixture
def api(serve):
    """A sandbox as it is by default, with a client that checks every answer against the contract."""
    return serve()
