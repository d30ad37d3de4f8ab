"""The package from outside: its names, its command (with `-- COMMAND` in tests/cli), its fixture, without the extra."""

import logging
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

import anam_facade.sandbox
from anam_facade.sandbox.__main__ import _Coloured, main
from tests.sandbox.support import SAVED, START

ROOT = Path(__file__).parents[2]


def test_the_public_names_are_these():
    """Adding or removing one is a decision, not an accident."""
    names = ["Fault", "Sandbox", "SeenRequest", "Session", "Settings", "Token"]
    assert anam_facade.sandbox.__all__ == [getattr(anam_facade.sandbox, name).__name__ for name in names]
    assert set(names) <= set(dir(anam_facade.sandbox))
    with pytest.raises(AttributeError, match="sandbocks"):
        _ = anam_facade.sandbox.sandbocks


@pytest.mark.parametrize(("number", "host"), [(signal.SIGTERM, "127.0.0.1"), (signal.SIGINT, "0.0.0.0")])
def test_it_prints_what_a_client_needs_serves_and_ends_when_asked(number, host):
    """URL, key, lines for a shell; one masked log line per request; a warning if the network reaches it; status 0."""
    fault = '{"operation": "createEngineSession", "status": 503, "times": 1}'
    command = [sys.executable, "-W", "error", "-m", "anam_facade.sandbox", "--port", "0", "--api-key", "it's$HOME"]
    options = ["--host", host, "--max-sessions", "1", "--latency", "0", "0.01", "--strict", "--fault", fault]
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, *options], stdout=pipe, stderr=pipe, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline().rstrip("\n") for _ in range(6)]
            url = re.fullmatch(r"base URL: (http://127\.0\.0\.1:\d+)", lines[1])
            assert url is not None
            assert lines[2] == "API key:  it's$HOME"
            assert lines[3] == f"look:     {url[1]} in a browser; {url[1]}/docs for the contract"
            script = "\n".join([*lines[4:], 'printf "%s %s" "$ANAM_API_URL" "$ANAM_API_KEY"'])
            printed = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
            assert printed == f"{url[1]} it's$HOME"
            with httpx.Client(base_url=url[1], trust_env=False, headers={"Authorization": "Bearer it's$HOME"}) as http:
                statuses = [http.post(START, json={"personaConfig": SAVED}).status_code for _ in range(3)]
                settings = http.get("/_sandbox/state").json()["settings"]
            assert statuses == [503, 201, 429]
            assert (settings["strict"], settings["latency"]) == (True, [0, 0.01])
            process.send_signal(number)
            out, err = process.communicate(timeout=10)
        finally:
            process.kill()
    assert (process.returncode, out) == (0, "")
    assert ("warning: 0.0.0.0 is not a loopback address" in err) == (host == "0.0.0.0")
    logged = [line.split(" ", 2)[2].partition(" in ")[0] for line in err.splitlines() if "warning" not in line]
    assert logged == [*(f"POST {START} -> {status}" for status in statuses), "GET /_sandbox/state -> 200"]
    assert "it's$HOME" not in err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--fault", "{"], "--fault"),
        (["--fault", '{"status": 999}'], "status"),
        (["--max-sessions", "-1"], "max_sessions"),
        (["--latency", "-1", "0"], "latency"),
        (["--port", "99999"], "port"),
        (["--port", "{taken}"], "Error: cannot listen on 127.0.0.1:{taken}: Address already in use\n"),
    ],
)
def test_wrong_arguments_are_told_and_exit_with_2(arguments, named):
    """The message names the option or the value, in one line; nothing is served."""
    with socket.create_server(("127.0.0.1", 0)) as rival:
        taken = str(rival.getsockname()[1])
        done = CliRunner().invoke(main, [argument.replace("{taken}", taken) for argument in arguments])
    assert done.exit_code == 2
    assert named.replace("{taken}", taken) in done.stderr
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)


def test_colour_is_for_terminals():
    """A failure is red, a refusal yellow, all else plain."""
    records = [logging.makeLogRecord({"msg": "x", "status": status}) for status in (200, 404, 503, "closed")]
    lines = [_Coloured("%(message)s").format(record) for record in records]
    assert lines == ["x", "\x1b[33mx\x1b[0m", "\x1b[31mx\x1b[0m", "\x1b[31mx\x1b[0m"]


# --- Without the extra ------------------------------------------------------------------------------

ADVICE = 'which is not installed: pip install "anam_facade[sandbox]"'
NEEDS = "anam_facade.sandbox needs {}, " + ADVICE
COMMAND = "from anam_facade.sandbox.__main__ import main; main('--port 0 {}'.split())"
IMPORT = "import anam_facade.sandbox.pytest_plugin; from anam_facade.sandbox import Sandbox"
PYTEST = "import pytest; sys.exit(pytest.main(['-p', 'anam_facade.sandbox.pytest_plugin', '-W', 'error']))"


def run(program, *missing, cwd=ROOT):
    """Runs a program that finds some modules not to be installed."""
    variables = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    without = f"import sys; sys.modules |= dict.fromkeys({missing})\n"
    command = [sys.executable, "-W", "error", "-c", without + program]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=os.environ | variables, timeout=60)


@pytest.mark.parametrize(
    ("program", "missing", "told"),
    [
        (IMPORT, "jwt", "ImportError: " + NEEDS.format("jwt")),
        (
            COMMAND.format(""),
            "jsonschema_rs",
            "Error: " + NEEDS.format("jsonschema_rs"),
        ),
        (COMMAND.format("--livekit"), "livekit", "needs livekit, " + ADVICE.replace("sandbox", "livekit")),
        # A broken dependency shows as what it is.
        (IMPORT, "yaml", "ModuleNotFoundError: import of yaml halted; None in sys.modules"),
    ],
)
def test_without_an_extra_the_error_says_what_to_install(program, missing, told):
    """Whatever is missing; the command says it in one line, and exits with status 2."""
    done = run(program, missing)
    assert done.stderr.splitlines()[-1].endswith(told)
    if program != IMPORT:
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_without_the_extra_the_fixture_says_so_to_who_uses_it(tmp_path):
    """Others' tests run as ever. That each test gets a sandbox of its own, all tests of the project rely on."""
    (tmp_path / "test_user.py").write_text("def test_it(anam_sandbox): ...\ndef test_without_it(): ...\n")
    done = run(PYTEST, "jwt", cwd=tmp_path)
    assert (done.returncode, "1 passed, 1 error" in done.stdout, ADVICE in done.stdout) == (1, True, True)
    assert "Traceback" not in done.stdout
