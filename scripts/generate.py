"""Build generated/anam_api from openapi.yaml, or with `--check` only tell whether that would change anything.

The same document gives the same bytes, whatever the folder, the PATH or the locale: generator and formatter come from
the environment that runs this script, and neither reads the settings of the repository.
"""

from __future__ import annotations

import argparse
import difflib
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "generated"))
from view import NotSupported, as_jinja

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
SPEC = ROOT / "openapi.yaml"
CONFIG = ROOT / "generated" / "config.yaml"
OVERLAY = ROOT / "generated" / "overlay.yaml"
TEMPLATES = ROOT / "generated" / "templates"
SUPPORT = ROOT / "generated" / "support.py"
PACKAGE = ROOT / "generated" / "anam_api"
GENERATOR = "openapi-python-client"


class GenerationError(Exception):
    """The generator or the formatter refused; the text holds their words."""


def run(*command: str, cwd: Path) -> None:
    environment = {**os.environ, "PYTHONUTF8": "1", "PYTHONHASHSEED": "0", "NO_COLOR": "1", "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-P", "-m", *command],  # -P: the package's types.py must not pass for Python's own
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    if done.returncode != 0:
        raise GenerationError(f"{command[0]} failed:\n{done.stdout.rstrip()}")


HEADER = f"# Generated from openapi.yaml by {GENERATOR}. Do not edit: change the contract and run `make generate`.\n"
"""First line of every file. The versions stand in one of them alone, so that a change touches what it changes."""


def build(spec: Path, config: Path, package: Path) -> None:
    """Generate `package` anew; whatever was there is gone."""
    if package.exists():
        shutil.rmtree(package)
    package.parent.mkdir(parents=True, exist_ok=True)
    templates = shutil.copytree(TEMPLATES, package.parent / "templates")
    try:
        told = as_jinja(yaml.safe_load(spec.read_text("utf-8")), yaml.safe_load(OVERLAY.read_text("utf-8")))
    except NotSupported as error:
        raise GenerationError(f"the generated classes would leave this out: {error}") from None
    (templates / "contract.jinja").write_text(told + f"{{% set generator = {version(GENERATOR)!r} %}}\n", "ascii")
    run(
        "openapi_python_client",
        "generate",
        f"--path={spec}",
        f"--config={config}",
        f"--custom-template-path={templates}",
        f"--output-path={package}",
        "--meta=none",
        "--overwrite",
        "--fail-on-warning",
        cwd=package.parent,
    )
    for module in (package / "models").iterdir():  # all classes are in its __init__.py
        if module.name != "__init__.py":
            module.unlink()
    (package / "errors.py").unlink()  # for statuses without a `default`; the contract has one
    shutil.copy(SUPPORT, package / "support.py")
    (package / "py.typed").touch()
    shutil.rmtree(package / ".ruff_cache", ignore_errors=True)

    for file in sorted(package.rglob("*.py")):
        file.write_text(f"{HEADER}\n{file.read_text('utf-8').lstrip()}", "utf-8", newline="\n")

    style = ("--isolated", "--no-cache", "--target-version=py311", "--line-length=120")
    run("ruff", "check", "--quiet", "--fix", "--select=E4,E7,E9,F,I", *style, package.name, cwd=package.parent)
    run("ruff", "format", "--quiet", *style, package.name, cwd=package.parent)


def files_of(package: Path) -> dict[str, str]:
    """Relative path to text, leaving out what running the code leaves behind."""
    return {
        file.relative_to(package).as_posix(): file.read_bytes().decode("utf-8", "replace")
        for file in sorted(package.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }


def differences(committed: Path, fresh: Path) -> str:
    """A unified diff from what is committed to what the document gives, empty if they are the same."""
    old, new = files_of(committed), files_of(fresh)
    lines: list[str] = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        path = f"{committed.name}/{name}"
        if before is None:
            lines.append(f"missing: {path}\n")
        elif after is None:
            lines.append(f"not generated: {path}\n")
        lines += difflib.unified_diff(
            (before or "").splitlines(keepends=True),
            (after or "").splitlines(keepends=True),
            f"committed {path}",
            f"generated {path}",
        )
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def main(args: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; tell what would change, and exit 1")
    parser.add_argument("--spec", type=Path, default=SPEC, help="the OpenAPI document")
    parser.add_argument("--config", type=Path, default=CONFIG, help="the generator's settings")
    parser.add_argument("--package", type=Path, default=PACKAGE, help="the folder to build or check")
    options = parser.parse_args(args)
    spec, config, package = options.spec.resolve(), options.config.resolve(), options.package.resolve()

    # Built aside and moved into place, so that a failure leaves the old package whole.
    with tempfile.TemporaryDirectory(prefix="anam-api-") as scratch:
        fresh = Path(scratch) / package.name
        try:
            build(spec, config, fresh)
        except GenerationError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        if options.check:
            diff = differences(package, fresh)
            if diff:
                print(diff, end="")
                print("error: generated/ is not what openapi.yaml gives; run `make generate`.", file=sys.stderr)
            return 1 if diff else 0
        if package.exists():
            shutil.rmtree(package)
        shutil.copytree(fresh, package)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
