"""The package itself: its names, the pytest fixture, and what happens without the extra."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import anam_facade.sandbox

ROOT = Path(__file__).parents[2]
ADVICE = 'which is not installed: pip install "anam_facade[sandbox]"'
PYTEST = """
import pytest
sys.exit(pytest.main(["-q", "-p", "anam_facade.sandbox.pytest_plugin", "-p", "no:cacheprovider", "-W", "error"]))
"""
TESTS = '''
"""Two tests that would disturb each other if they shared a sandbox, and one that needs none."""
import pytest

@pytest.mark.parametrize("n", [1, 2])
def test_fresh(anam_sandbox, n):
    from anam_facade.sandbox import Fault, Sandbox
    assert isinstance(anam_sandbox, Sandbox) and anam_sandbox.base_url
    assert (anam_sandbox.tokens, anam_sandbox.faults) == ((), ())
    anam_sandbox.mint_token()
    anam_sandbox.inject(Fault(status=500))

def test_without_it():
    pass
'''


def run(program: str, *missing: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Runs a program that finds some modules not to be installed."""
    without = f"""
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    command = [sys.executable, "-W", "error", "-c", without + program]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=60)


EXTRA = ("jwt", "starlette", "uvicorn", "jsonschema_rs")


def test_the_public_names_are_these() -> None:
    """Adding or removing one is a decision, not an accident."""
    assert anam_facade.sandbox.__all__ == ["Fault", "Sandbox", "SeenRequest", "Session", "Settings", "Token"]
    assert set(anam_facade.sandbox.__all__) <= set(dir(anam_facade.sandbox))
    for name in anam_facade.sandbox.__all__:
        assert getattr(anam_facade.sandbox, name).__name__ == name
    with pytest.raises(AttributeError, match="sandbocks"):
        _ = anam_facade.sandbox.sandbocks


@pytest.mark.parametrize(("missing", "name"), [("jwt", "Sandbox"), ("starlette", "Fault")])
def test_without_the_extra_the_error_says_what_to_install(missing: str, name: str) -> None:
    """Whatever is missing and whichever name is asked for; every pytest run loads the plugin, and needs none of it."""
    done = run(f"import anam_facade.sandbox.pytest_plugin; from anam_facade.sandbox import {name}", missing)
    assert done.stderr.splitlines()[-1] == f"ImportError: anam_facade.sandbox needs {missing}, {ADVICE}"


@pytest.mark.parametrize(
    ("missing", "extra", "options"), [("starlette", "sandbox", ""), ("livekit", "livekit", "--livekit")]
)
def test_without_an_extra_the_command_says_the_same(missing: str, extra: str, options: str) -> None:
    """One line, exit status 2."""
    program = f"from anam_facade.sandbox.__main__ import main; main('--port 0 {options}'.split())"
    done = run(program, missing)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith(f'needs {missing}, which is not installed: pip install "anam_facade[{extra}]"\n')
    assert done.stderr.count("\n") == 1


def test_a_missing_module_of_another_kind_is_not_blamed_on_the_extra() -> None:
    """A broken dependency shows as what it is."""
    done = run("from anam_facade.sandbox import Sandbox", "yaml")
    assert "No module named 'yaml'" in done.stderr
    assert "anam_facade[sandbox]" not in done.stderr


def test_the_fixture_gives_each_test_a_sandbox_of_its_own(tmp_path: Path) -> None:
    """Nothing of one test is seen by the next. Without the extra those that use it fail, and say what to install."""
    (tmp_path / "test_user.py").write_text(TESTS)
    done = run(PYTEST, cwd=tmp_path)
    assert (done.returncode, "3 passed" in done.stdout) == (0, True), done.stdout
    done = run(PYTEST, *EXTRA, cwd=tmp_path)
    assert (done.returncode, "1 passed, 2 errors" in done.stdout, ADVICE in done.stdout) == (1, True, True)
    assert "Traceback" not in done.stdout
