"""What holds of the whole project: its rooms, its verbs, its locks, and what may stand in a file."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import spec
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import ROOT


def run(*command: str | Path, cwd: Path = ROOT, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    # Without what an outer `make test` says to the makes below it.
    kept = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(command, cwd=cwd, env=kept | more, input=stdin, capture_output=True, text=True, check=False)


NOT_IN_THE_PICTURE = {
    "generated/anam_api/types.py": "import anam_facade",
    "anam_facade/retry.py": "import socket",
    "anam_facade/session.py": "from . import client",
    "anam_facade/_settings.py": "import httpcore",
    "anam_facade/sandbox/state.py": "from .. import errors",
    "anam_facade/sandbox/app.py": "import pickle",
}
"""A line for each contract of import-linter (the rooms of docs/architecture.md), which breaks that one."""


def test_an_arrow_that_is_not_in_the_picture_is_found(tmp_path: Path) -> None:
    def lint() -> str:
        command = (Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache")
        path = f"{tmp_path}{os.pathsep}{tmp_path / 'generated'}"
        return run(*command, cwd=tmp_path, PYTHONPATH=path, NO_COLOR="1").stdout

    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in ("anam_facade", "generated/anam_api"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    assert " 0 broken" in lint()
    for file, line in NOT_IN_THE_PICTURE.items():
        (tmp_path / file).write_text(f"{(tmp_path / file).read_text('utf-8')}\n{line}\n", "utf-8")
    assert f"Contracts: 0 kept, {len(NOT_IN_THE_PICTURE)} broken" in lint()


def test_lint_finds_code_that_runs_data() -> None:
    """ruff's rules for it are on for what is shipped; the imports that do it are the last contract above."""
    code = "import os\n\nimport yaml\n\n\ndef f(x):\n    eval(x)\n    exec(x)\n    yaml.load(x)\n    os.system(x)\n"
    ruff = ["-m", "ruff", "check", "--output-format=concise", "--stdin-filename=anam_facade/new.py", "-"]
    done = run(sys.executable, *ruff, stdin=code)
    assert {"S102", "S307", "S506", "S605"} <= set(re.findall(r": (S\d+) ", done.stdout))


def test_importing_touches_neither_network_nor_processes() -> None:
    """Importing every module opens no connection, looks up no name, starts no process and no thread."""
    program = """
import importlib, pkgutil, sys, threading

def hook(event, args):
    if event.startswith(("socket.connect", "socket.getaddrinfo", "socket.bind", "subprocess.", "os.system")):
        raise SystemExit(f"importing raised {event} {args}")

sys.modules["trio"] = None  # not a dependency; httpcore imports it where it is installed, and it looks for libraries
sys.addaudithook(hook)
import anam_facade, anam_api
for package in (anam_facade, anam_api):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            try:
                importlib.import_module(module.name)
            except ImportError as error:
                if (error.name or "").partition(".")[0] != "livekit":  # in an environment of its own: `make rooms`
                    raise
for name in anam_facade.__all__:
    getattr(anam_facade, name)
assert threading.active_count() == 1
print(len(sys.modules))
"""
    done = run(sys.executable, "-c", program)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


def pinned(lock: str) -> dict[str, str]:
    """Name to exact version, on the Python that runs this."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8")
    entries = map(Requirement, re.findall(r"^\w.*(?= \\$)", text, re.MULTILINE))
    return {e.name: str(e.specifier)[2:] for e in entries if e.marker is None or e.marker.evaluate()}


def test_the_locks_hold_what_pyproject_asks_for_and_security_md_accounts_for() -> None:
    """Each is a part of the next; no package comes with the client that SECURITY.md does not justify; those of Node
    have hashes too.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups, extras = project["dependency-groups"], project["project"]["optional-dependencies"]
    wanted: dict[str, list[str]] = {"runtime": project["project"]["dependencies"]}
    wanted["demo"] = [*wanted["runtime"], *extras["sandbox"], *groups["build"]]
    wanted["dev"] = [*wanted["demo"], *(entry for entry in groups["dev"] if isinstance(entry, str))]
    locks = {lock: pinned(lock) for lock in wanted}
    assert locks["runtime"].items() < locks["demo"].items() < locks["dev"].items()
    for lock, requirements in wanted.items():
        for requirement in map(Requirement, requirements):
            version = locks[lock][canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), (lock, str(requirement))
    assert project["build-system"]["requires"] == groups["build"]
    table = (ROOT / "SECURITY.md").read_text("utf-8")
    justified = {name.lower() for name in re.findall(r"^\| `([A-Za-z0-9_.-]+)` \|", table, re.MULTILINE)}
    every = set(re.findall(r"^([\w-]+)==", (ROOT / "requirements" / "runtime.txt").read_text("utf-8"), re.MULTILINE))
    assert justified == every
    for file in map(ROOT.joinpath, ("tools/package-lock.json", "tests/livekit/npm/package-lock.json")):
        assert all("integrity" in e for path, e in json.loads(file.read_text("utf-8"))["packages"].items() if path)


# What may stand in a file.

# Put together here, so that this file does not name them either.
NAMED = "pypi org, pythonhosted org, npmjs org, npmjs com, yarnpkg com, crates io, proxy golang org, maven org"
HOSTS = NAMED.replace(" ", ".").split(",.")
OPTIONS = ["-".join(parts) for parts in (("--index", "url"), ("--extra-index", "url"), ("--find", "links"))]
# Home folders and the like, but not a part of an address or of a longer path.
FOLDERS = r"(?<![\w.:/~-])/(?:work|root|home/\w+|Users/\w+)/"
FORBIDDEN = re.compile("|".join([*map(re.escape, (*HOSTS, *OPTIONS)), FOLDERS]))


def test_no_file_names_a_registry_or_a_folder_of_a_machine() -> None:
    """Of what is committed or about to be; and the rule finds what it is for, and leaves the rest alone."""
    for text in (f"see {HOSTS[0]}", f"{OPTIONS[0]} here", "in /" + "root/x", '"/' + 'work/main"', "/" + "home/me/x"):
        assert FORBIDDEN.search(text)
    for text in ("https://example.com/work/x", "./work/x", "a/home/b/c", "the npm client", "/v1/root/"):
        assert not FORBIDDEN.search(text)
    if not (ROOT / ".git").exists():
        pytest.skip("an unpacked sdist: what is committed cannot be told from what the verbs made")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout.split("\0")
    texts = {name: (ROOT / name).read_bytes().decode("utf-8", "replace") for name in listed if (ROOT / name).is_file()}
    assert "pyproject.toml" in texts
    assert {name: found[0] for name, text in texts.items() if (found := FORBIDDEN.search(text))} == {}


# A choice of the contract's, with a reason that is one; all else is a word. See contract/README.md.
SOURCE = re.compile(r"vendor|meetings|clients|live|(chosen)(?:: \S.{19,})")


def test_the_contract_says_of_each_field_how_it_is_known() -> None:
    """In `x-source`; a field that is another schema has that schema's source."""
    for source in ("", "rumour", "chosen", "chosen: because", "vendor: it stands in its document, page 4"):
        assert not SOURCE.fullmatch(source)
    nodes = dict(spec.load()["components"]["schemas"])
    for name, schema in list(nodes.items()):
        nodes |= {f"{name}.{field}": node for field, node in schema.get("properties", {}).items()}
    told = {place: node.get("x-source", "") for place, node in nodes.items() if "$ref" not in node}
    assert [place for place, source in told.items() if not SOURCE.fullmatch(source)] == []
    assert {source.partition(":")[0] for source in told.values()} == {"vendor", "meetings", "clients", "live", "chosen"}


def test_help_is_the_default_lists_every_verb_and_fits_a_screen() -> None:
    verbs = re.findall(r"^(\w[\w-]*):.* ## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    listed = run("make").stdout
    assert {"demo", "test", "check", "generate"} <= set(verbs)
    assert re.findall(r"^  make (\S+) +\S", listed, re.MULTILINE) == verbs
    assert len(listed.splitlines()) <= 40
    assert max(map(len, listed.splitlines())) <= 120


def test_without_a_python_new_enough_one_line_says_so() -> None:
    for python in ("false", ""):  # one that is too old, none at all
        done = run("make", "demo", f"PYTHON={python}")
        assert (done.returncode != 0, done.stdout) == (True, "")
        assert done.stderr.startswith("error: Python 3.11 or newer is needed")
