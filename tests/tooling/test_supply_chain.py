"""What a user takes in with the package: few dependencies, each justified, and no code that runs what it should not."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

SHIPPED = ("anam_facade", "generated/anam_api")
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "subprocess", "ctypes", "pdb"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "breakpoint"}
FORBIDDEN_ATTRIBUTES = {"yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.system", "os.popen"}


def sources(root: Path) -> list[Path]:
    return [path for folder in SHIPPED for path in sorted((root / folder).rglob("*.py"))]


def findings(tree: ast.AST) -> set[str]:
    """Names of what must not be in shipped code."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.partition(".")[0] in FORBIDDEN_MODULES}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in FORBIDDEN_MODULES:
            found.add(str(node.module))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
            found.add(node.func.id)
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in FORBIDDEN_ATTRIBUTES:
            found.add(ast.unparse(node))
    return found


def test_no_shipped_code_runs_or_unpickles_data(root: Path) -> None:
    """No `eval`, `exec`, `pickle`, `yaml.load` or sub-process in anything that is installed."""
    assert len(sources(root)) > 40
    found = {path: seen for path in sources(root) if (seen := findings(ast.parse(path.read_text("utf-8"))))}
    # `sandbox -- COMMAND` runs the command that its user gives it, and nothing else.
    assert found == {root / "anam_facade" / "sandbox" / "run.py": {"subprocess"}}


@pytest.mark.parametrize(
    "code", ["import pickle", "from pickle import loads", "eval('1')", "yaml.load(f)", "os.system(c)"]
)
def test_the_search_finds_what_it_is_for(code: str) -> None:
    """The check above can fail."""
    assert findings(ast.parse(code))


def test_every_runtime_dependency_is_justified(root: Path) -> None:
    """The lock holds no package that SECURITY.md does not account for, and the other way round."""
    lock = (root / "requirements" / "runtime.txt").read_text("utf-8")
    locked = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    table = (root / "SECURITY.md").read_text("utf-8")
    justified = {name.lower() for name in re.findall(r"^\| `([A-Za-z0-9_.-]+)` \|", table, re.MULTILINE)}
    assert justified == locked


def test_importing_touches_neither_network_nor_processes(root: Path) -> None:
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
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=root)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100
