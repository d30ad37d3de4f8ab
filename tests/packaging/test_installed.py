"""The wheel, installed where nothing else is, and used there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Distributions, Environment

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("packaging")]


def test_everything_is_imported_from_the_installation(plain: Environment) -> None:
    places = json.loads(
        plain.execute(
            "import json, anam_facade, anam_api\nprint(json.dumps([anam_facade.__file__, anam_api.__file__]))"
        )
    )

    assert all(place.startswith(str(plain.folder)) for place in places)


def test_every_module_of_the_generated_client_can_be_imported(plain: Environment) -> None:
    count = plain.execute(
        "import importlib, pkgutil, anam_api\n"
        "names = [module.name for module in pkgutil.walk_packages(anam_api.__path__, 'anam_api.')]\n"
        "for name in names: importlib.import_module(name)\n"
        "print(len(names))"
    )

    assert int(count) >= 9  # the client, the types, the models, the support, and two operations in their folders


def test_the_version_is_the_distributions(plain: Environment) -> None:
    versions = plain.execute(
        "import importlib.metadata, anam_facade\n"
        "print(anam_facade.__version__, importlib.metadata.version('anam-facade'))"
    ).split()

    assert versions[0] == versions[1]


def test_the_contract_is_found_and_can_be_read(plain: Environment, root: Path) -> None:
    shown = json.loads(
        plain.execute(
            "import json, pathlib, yaml, anam_facade\n"
            "path = anam_facade.openapi_path()\n"
            "assert isinstance(path, pathlib.Path) and path.is_file()\n"
            "document = yaml.safe_load(path.read_text('utf-8'))\n"
            "print(json.dumps([str(path), document['openapi'], sorted(document['paths'])]))"
        )
    )

    assert shown[0].startswith(str(plain.folder))
    assert shown[1].startswith("3.1")
    assert shown[2] == ["/v1/auth/session-token", "/v1/engine/session"]


def test_the_command_names_the_extra_that_it_needs(plain: Environment) -> None:
    for command in (plain.run("-m", "anam_facade"), plain.run("-c", "from anam_facade.cli import main; main()")):
        assert command.returncode == 1
        assert command.stderr.splitlines()[-1].endswith('pip install "anam-facade[cli]"')
        assert "Traceback" not in command.stderr


def test_the_clients_need_nothing_of_the_sandbox(plain: Environment) -> None:
    plain.execute(
        "import importlib.util\n"
        "unwanted = ('starlette', 'uvicorn', 'jwt', 'jsonschema_rs', 'pytest')\n"
        "assert not [name for name in unwanted if importlib.util.find_spec(name)]\n"
        "from anam_facade import AnamClient, AsyncAnamClient"
    )


def test_without_the_extra_a_users_own_pytest_still_runs(plain_with_pytest: Environment, tmp_path: Path) -> None:
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n")

    done = plain_with_pytest.run("-W", "error", "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path), cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


@pytest.mark.parametrize("fastapi", ["fastapi==0.115.0", "fastapi"])
def test_the_sandbox_works_beside(fastapi: str, empty: Environment, distributions: Distributions, root: Path) -> None:
    """Each FastAPI wants another range of Starlette, which the sandbox is built on too: the oldest, and the newest."""
    empty.install(fastapi, f"{distributions.wheel}[sandbox]", "pytest>=9,<10")
    tests = [str(root / "tests" / "sandbox" / f"test_{name}.py") for name in ("http", "page", "signalling", "start")]

    # The tests' own conftest is about clients, and needs more than that.
    options = ("-q", "-p", "no:cacheprovider", f"--confcutdir={root / 'tests' / 'sandbox'}")
    done = empty.run("-m", "pytest", *options, *tests, cwd=root)

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_installed_sandbox_serves_the_page_and_the_contract(with_sandbox: Environment, root: Path) -> None:
    """With nothing but the wheel and its extra: no Node, no template engine, no checkout."""
    sizes = json.loads(
        with_sandbox.execute(
            "import json, httpx\n"
            "from anam_facade.sandbox import Sandbox\n"
            "with Sandbox() as sandbox:\n"
            "    urls = [sandbox.base_url + path for path in ('/docs', '/openapi.yaml')]\n"
            "    answers = [httpx.get(url, trust_env=False).raise_for_status() for url in urls]\n"
            "print(json.dumps([len(answer.content) for answer in answers]))"
        )
    )

    page, contract = ((root / name).stat().st_size for name in ("generated/docs.html", "openapi.yaml"))
    assert sizes[0] > page  # its own address and a command for each example are added
    assert sizes[1] == contract
