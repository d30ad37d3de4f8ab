"""The package itself: its names, the pytest fixture, and what happens without the extra."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import anam_facade.sandbox

ROOT = Path(__file__).parents[2]


def run(program: str, *, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=60)


WITHOUT_EXTRA = """
    import sys
    class Missing:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in {"jwt", "starlette", "uvicorn", "jsonschema_rs"}:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    sys.meta_path.insert(0, Missing())
"""


def test_the_public_names_are_these() -> None:
    """Adding or removing one is a decision, not an accident."""
    assert anam_facade.sandbox.__all__ == ["Fault", "Sandbox", "SeenRequest", "Session", "Settings", "Token"]
    assert set(anam_facade.sandbox.__all__) <= set(dir(anam_facade.sandbox))
    for name in anam_facade.sandbox.__all__:
        assert getattr(anam_facade.sandbox, name).__name__ == name
    with pytest.raises(AttributeError, match="sandbocks"):
        _ = anam_facade.sandbox.sandbocks


def test_without_the_extra_the_error_says_what_to_install() -> None:
    """Whichever name is asked for, the message names the missing package and the command."""
    done = run(
        WITHOUT_EXTRA
        + """
    import anam_facade.sandbox
    for name in ("Sandbox", "Fault"):
        try:
            getattr(anam_facade.sandbox, name)
        except ImportError as error:
            print(error)
    try:
        from anam_facade.sandbox import Sandbox
    except ImportError as error:
        print(error)
    """
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 3, done.stderr
    for line in lines:
        assert line.startswith("anam_facade.sandbox needs ")
        assert line.endswith('which is not installed: pip install "anam_facade[sandbox]"')


def test_without_the_extra_the_command_says_the_same() -> None:
    """One line, exit status 2."""
    done = run(WITHOUT_EXTRA + '    from anam_facade.sandbox.__main__ import main; sys.exit(main(["--port", "0"]))')
    assert done.returncode == 2
    assert 'pip install "anam_facade[sandbox]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_without_livekit_the_error_says_what_to_install() -> None:
    """Also on the command line; a sandbox without avatars does without it."""
    done = run(
        """
    import sys
    sys.modules["livekit"] = None
    from anam_facade.sandbox.__main__ import main
    sys.exit(main(["--port", "0", "--livekit"]))
    """
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert 'needs livekit, which is not installed: pip install "anam_facade[livekit]"' in done.stderr


def test_a_missing_module_of_another_kind_is_not_blamed_on_the_extra() -> None:
    """A broken dependency shows as what it is."""
    done = run(
        WITHOUT_EXTRA.replace('"jwt"', '"yaml"').replace(', "starlette", "uvicorn", "jsonschema_rs"', "")
        + "    from anam_facade.sandbox import Sandbox"
    )
    assert "No module named 'yaml'" in done.stderr
    assert "anam_facade[sandbox]" not in done.stderr


def test_the_plugin_loads_nothing_of_the_extra() -> None:
    """Every pytest run of every user loads it."""
    done = run(
        """
    import sys
    import anam_facade.sandbox.pytest_plugin
    print(sorted({"jwt", "starlette", "uvicorn", "jsonschema_rs", "h11"} & set(sys.modules) - {"h11"}))
    """
    )
    assert done.stdout == "[]\n", done.stderr


TESTS = '''
    """Two tests that would disturb each other if they shared a sandbox."""
    import httpx
    import pytest

    urls = set()

    @pytest.mark.parametrize("n", [1, 2])
    def test_fresh(anam_sandbox, n):
        from anam_facade.sandbox import Fault, Sandbox
        assert isinstance(anam_sandbox, Sandbox)
        assert (anam_sandbox.sessions, anam_sandbox.faults) == ((), ())
        response = httpx.post(
            anam_sandbox.base_url + "/v1/engine/session",
            json={"personaConfig": {"personaId": "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"}},
            headers={"Authorization": "Bearer " + anam_sandbox.api_key},
            trust_env=False,
        )
        assert response.status_code == 201
        assert len(anam_sandbox.sessions) == 1
        anam_sandbox.inject(Fault(status=500))

    def test_without_it():
        pass
'''


def test_the_fixture_gives_each_test_a_sandbox_of_its_own(tmp_path: Path) -> None:
    """Nothing of one test is seen by the next."""
    (tmp_path / "test_user.py").write_text(textwrap.dedent(TESTS))
    done = run(
        """
    import sys, pytest
    sys.exit(pytest.main(["-q", "-p", "anam_facade.sandbox.pytest_plugin", "-p", "no:cacheprovider", "-W", "error"]))
    """,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_without_the_extra_only_tests_that_use_the_fixture_fail(tmp_path: Path) -> None:
    """They say what to install, without a traceback; nothing is skipped in silence."""
    (tmp_path / "test_user.py").write_text(textwrap.dedent(TESTS))
    done = run(
        WITHOUT_EXTRA
        + """
    import pytest
    sys.exit(pytest.main(["-q", "-p", "anam_facade.sandbox.pytest_plugin", "-p", "no:cacheprovider", "-W", "error"]))
    """,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert "1 passed, 2 errors" in done.stdout
    assert 'pip install "anam_facade[sandbox]"' in done.stdout
    assert "Traceback" not in done.stdout
