"""The wheel, installed where nothing else is, and used there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Distributions, Environment

pytestmark = pytest.mark.slow

USED = """
import importlib.metadata, importlib.util, json, sys
import anam_api, anam_facade, yaml
from anam_facade import AnamClient, AsyncAnamClient
contract = anam_facade.openapi_path()
for place in (anam_facade.__file__, anam_api.__file__, str(contract)):
    assert place.startswith(sys.prefix), place
assert yaml.safe_load(contract.read_text("utf-8"))["openapi"].startswith("3.1")
assert anam_facade.__version__ == importlib.metadata.version("anam-facade")
found = [name for name in ("starlette", "uvicorn", "jwt", "jsonschema_rs", "pytest") if importlib.util.find_spec(name)]
assert not found, found
"""


def test_the_clients_need_nothing_but_what_the_wheel_asks_for(plain: Environment) -> None:
    """Both packages and the contract come from the installation, whose version is the distribution's."""
    done = plain.run("-W", "error", "-c", USED)

    assert done.returncode == 0, done.stderr


def test_the_command_names_the_extra_that_it_needs(plain: Environment) -> None:
    for command in (plain.run("-m", "anam_facade"), plain.run("-c", "from anam_facade.cli import main; main()")):
        assert command.returncode == 1
        assert command.stderr.splitlines()[-1].endswith('pip install "anam-facade[cli]"')
        assert "Traceback" not in command.stderr


@pytest.mark.parametrize("fastapi", ["fastapi==0.115.0", "fastapi"])
def test_the_sandbox_works_beside(fastapi: str, empty: Environment, distributions: Distributions, root: Path) -> None:
    """Each FastAPI wants another range of Starlette, which the sandbox is built on too: the oldest, and the newest.

    The wheel with its extra is enough for that, for the page and for the contract: no Node, no template engine.
    """
    empty.install(fastapi, f"{distributions.wheel}[sandbox]", "pytest>=9,<10", "aiohttp")
    names = ("http", "pages", "signalling", "operations")
    tests = [str(root / "tests" / "sandbox" / f"test_{name}.py") for name in names]

    # The tests' own conftest is about clients, and needs more than that.
    options = ("-q", "-p", "no:cacheprovider", f"--confcutdir={root / 'tests' / 'sandbox'}")
    done = empty.run("-m", "pytest", *options, *tests, cwd=root)

    assert done.returncode == 0, done.stdout + done.stderr
