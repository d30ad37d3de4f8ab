"""Build generated/anam_api from openapi.yaml, or with `--check` only tell whether that would change anything.

The same document gives the same bytes, whatever the folder, the PATH or the locale: generator and formatter come from
the environment that runs this script, and neither reads the settings of the repository.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

import tools

sys.path.insert(0, str(tools.ROOT / "generated"))
from view import NotSupported, as_jinja

if TYPE_CHECKING:
    from collections.abc import Sequence

SPEC = tools.ROOT / "openapi.yaml"
GENERATED = tools.ROOT / "generated"
PACKAGE = GENERATED / "anam_api"
GENERATOR = "openapi-python-client"
HEADER = f"# Generated from openapi.yaml by {GENERATOR}. Do not edit: change the contract and run `make generate`.\n"
"""First line of every file. The versions stand in one of them alone, so that a change touches what it changes."""


def run(*command: str, cwd: Path) -> None:
    environment = {**os.environ, "PYTHONUTF8": "1", "PYTHONHASHSEED": "0", "NO_COLOR": "1", "COLUMNS": "200"}
    command = (sys.executable, "-P", "-m", *command)  # -P: the package's types.py must not pass for Python's own
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, encoding="utf-8", check=False)
    if done.returncode != 0:
        sys.exit(f"error: {command[3]} failed:\n{done.stdout}{done.stderr}")


def build(folder: Path) -> Path:
    """Generates the package in an empty folder.

    Raises:
        SystemExit: The generator or the formatter refused, or the classes would leave out what the contract says.
    """
    package = folder / PACKAGE.name
    templates = shutil.copytree(GENERATED / "templates", folder / "templates")
    try:
        told = as_jinja(*(yaml.safe_load(file.read_text("utf-8")) for file in (SPEC, GENERATED / "overlay.yaml")))
    except NotSupported as error:
        sys.exit(f"error: the generated classes would leave this out: {error}")
    (templates / "contract.jinja").write_text(told + f"{{% set generator = {version(GENERATOR)!r} %}}\n", "ascii")
    sources = (f"--path={SPEC}", f"--config={GENERATED / 'config.yaml'}", f"--custom-template-path={templates}")
    options = (f"--output-path={package}", "--meta=none", "--fail-on-warning")
    run("openapi_python_client", "generate", *sources, *options, cwd=folder)
    for module in (package / "models").iterdir():  # all classes are in its __init__.py
        if module.name != "__init__.py":
            module.unlink()
    (package / "errors.py").unlink()  # for statuses without a `default`; the contract has one
    shutil.copy(GENERATED / "support.py", package)
    (package / "py.typed").touch()
    shutil.rmtree(package / ".ruff_cache", ignore_errors=True)

    for file in package.rglob("*.py"):
        file.write_text(f"{HEADER}\n{file.read_text('utf-8').lstrip()}", "utf-8", newline="\n")
    style = ("--quiet", "--isolated", "--no-cache", "--target-version=py311", "--line-length=120")
    rules = "--select=E4,E7,E9,F,I,S102,S307,S506,S605"  # the last are about code that runs data
    run("ruff", "check", "--fix", rules, *style, package.name, cwd=folder)
    run("ruff", "format", *style, package.name, cwd=folder)
    return package


def main(arguments: Sequence[str]) -> int:
    # Built aside and moved into place, so that a failure leaves the old package whole.
    with tempfile.TemporaryDirectory(prefix="anam-api-") as folder:
        return tools.keep(PACKAGE, build(Path(folder)), arguments, "make generate")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
