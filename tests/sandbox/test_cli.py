"""`python -m anam_facade.sandbox` as a process of its own. With `-- COMMAND` it is tried in tests/cli."""

from __future__ import annotations

import logging
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from anam_facade.sandbox.__main__ import _Coloured, main
from tests.sandbox.support import SAVED, START

ROOT = Path(__file__).parents[2]


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The process, and the lines it printed until it was ready."""
    command = [sys.executable, "-W", "error", "-m", "anam_facade.sandbox", "--port", "0", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, cwd=ROOT, **pipes) as process:  # type: ignore[call-overload]
        try:
            assert process.stdout is not None
            yield process, [process.stdout.readline().rstrip("\n") for _ in range(6)]
        finally:
            if process.poll() is None:
                process.kill()


@pytest.mark.parametrize(("number", "host"), [(signal.SIGTERM, "127.0.0.1"), (signal.SIGINT, "0.0.0.0")])
def test_it_prints_what_a_client_needs_serves_and_ends_when_asked(number: signal.Signals, host: str) -> None:
    """URL, key, lines for a shell; one masked log line per request; a warning if the network reaches it; status 0."""
    fault = '{"operation": "createEngineSession", "status": 503, "times": 1}'
    options = ("--host", host, "--max-sessions", "1", "--latency", "0", "0.01", "--strict", "--fault", fault)
    with running("--api-key", "it's$HOME", *options) as (process, lines):
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
    assert (process.returncode, out) == (0, "")
    assert ("warning: 0.0.0.0 is not a loopback address" in err) == (host == "0.0.0.0")
    logged = [line.split(" ", 2)[2].partition(" in ")[0] for line in err.splitlines() if "warning" not in line]
    assert logged == [*(f"POST {START} -> {status}" for status in statuses), "GET /_sandbox/state -> 200"]
    assert "it's$HOME" not in err


def test_a_busy_port_is_one_line_and_exit_status_2() -> None:
    """No traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "anam_facade.sandbox", "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=20)
    assert (done.returncode, done.stderr) == (2, f"Error: cannot listen on 127.0.0.1:{port}: Address already in use\n")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--fault", "{"], "--fault"),
        (["--fault", '{"status": 999}'], "status"),
        (["--max-sessions", "-1"], "max_sessions"),
        (["--latency", "-1", "0"], "latency"),
        (["--port", "99999"], "port"),
    ],
)
def test_wrong_arguments_are_told_and_exit_with_2(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names the option or the value, in one line; nothing is served."""
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    told = capsys.readouterr()
    assert named in told.err
    assert (told.out, told.err.count("\n")) == ("", 1)


def test_colour_is_for_terminals() -> None:
    """A failure is red, a refusal yellow, all else plain."""

    def line(**more: object) -> str:
        return _Coloured("%(message)s").format(logging.makeLogRecord({"msg": "x", **more}))

    assert [line(status=200), line(), line(status=404)] == ["x", "x", "\x1b[33mx\x1b[0m"]
    assert line(status=503) == line(status="closed") == "\x1b[31mx\x1b[0m"
