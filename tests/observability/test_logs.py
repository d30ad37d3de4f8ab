"""Log lines and their fields."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from anam_facade import SessionStartUncertainError, _observer
from anam_facade.sandbox import Fault, Sandbox
from tests.conftest import PERSONA, Calls

START = "createEngineSession"
FIELDS = ("operation", "attempt", "client_label", "status", "session_id", "url", "livekit_room")


def logged(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "anam_facade"]


def test_a_start_that_is_retried(anam_sandbox: Sandbox, calls: Calls, caplog: pytest.LogCaptureFixture) -> None:
    """Every request and answer at DEBUG, the retry at WARNING, the session at INFO; each with its fields."""
    anam_sandbox.inject(Fault(operation=START, status=503, body={"error": "Busy"}, times=1))
    with caplog.at_level(logging.DEBUG, "anam_facade"):
        session = calls("start_session", PERSONA, client_label="one")

    mint, start = (f"{anam_sandbox.base_url}/v1/{path}" for path in ("auth/session-token", "engine/session"))
    busy = f"attempt 1 of 5 failed (POST {start}: 503 Service Unavailable: Busy); trying again in 0.01 s"
    expected = [
        ("DEBUG", f"POST {mint}: attempt 1 of 5", "mint", 1, None),
        ("DEBUG", f"POST {mint}: 200 after ", "mint", 1, 200),
        ("DEBUG", f"POST {start}: attempt 1 of 5", "start_with_token", 1, None),
        ("DEBUG", f"POST {start}: 503 after ", "start_with_token", 1, 503),
        ("WARNING", f"start a session: {busy}", "start_with_token", 1, 503),
        ("DEBUG", f"POST {start}: attempt 2 of 5", "start_with_token", 2, None),
        ("DEBUG", f"POST {start}: 200 after ", "start_with_token", 2, 200),
        ("INFO", f"start a session: {session.session_id} after ", "start_with_token", 2, None),
    ]
    for record, (level, line, operation, attempt, status) in zip(logged(caplog), expected, strict=True):
        assert (record.levelname, record.getMessage()[: len(line)]) == (level, line)
        ended, url = session.session_id if level == "INFO" else None, mint if operation == "mint" else start
        told = tuple(vars(record)[f"anam_{field}"] for field in FIELDS)
        assert told == (operation, attempt, "one", status, ended, url, None)
        assert (vars(record)["anam_delay"] is not None) is (level == "WARNING")


def test_the_end_of_a_start_that_fails(anam_sandbox: Sandbox, calls: Calls, caplog: pytest.LogCaptureFixture) -> None:
    """What is raised is not logged as well, except at DEBUG."""
    anam_sandbox.inject(Fault(operation=START, close="after"))
    with caplog.at_level(logging.DEBUG, "anam_facade"):
        assert isinstance(calls.outcome("direct"), SessionStartUncertainError)
    sent, failed = logged(caplog)
    assert sent.levelname == failed.levelname == "DEBUG"
    assert failed.getMessage().startswith("start a session directly: attempt 1 of 5 failed (")


@pytest.mark.parametrize(("value", "lines"), [("debug", 2), ("INFO", 1), ("", 0), ("nonsense", 0)])
@pytest.mark.parametrize("configured", [False, True])
def test_anam_log_shows_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str, lines: int, configured: bool
) -> None:
    """On standard error, and not a second time where the program has set up logging itself."""
    logger = logging.Logger("anam_facade")
    monkeypatch.setattr(_observer, "logger", logger)
    monkeypatch.setattr(logging.root, "handlers", [logging.NullHandler()] if configured else [])
    _observer.follow(value)
    logger.debug("a request")
    logger.info("a session")
    told = capsys.readouterr()
    assert (told.out, len(told.err.splitlines())) == ("", 0 if configured else lines)


def test_the_variable_is_read_when_the_package_is_used() -> None:
    """`ANAM_LOG=debug python program.py`."""
    program = "import anam_facade, logging; anam_facade.AnamClient; logging.getLogger('anam_facade').debug('a line')"
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, env={"ANAM_LOG": "debug"}, capture_output=True, text=True, check=True)
    assert done.stderr.endswith("DEBUG anam_facade: a line\n")
