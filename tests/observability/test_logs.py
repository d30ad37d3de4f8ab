"""Log lines and their fields."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from anam_facade import SessionStartUncertainError
from anam_facade._observer import follow
from anam_facade.sandbox import Fault, Sandbox
from tests.conftest import Calls

PERSONA = {"personaId": "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"}


@pytest.mark.every_transport
def test_a_start_that_is_retried(anam_sandbox: Sandbox, calls: Calls, caplog: pytest.LogCaptureFixture) -> None:
    """Every request and answer at DEBUG, the retry at WARNING, the session at INFO; each with its fields."""
    anam_sandbox.inject(Fault(operation="createEngineSession", status=503, body={"error": "Busy"}, times=1))
    with caplog.at_level(logging.DEBUG, "anam_facade"):
        session = calls("start_session", PERSONA, client_label="one")

    records = [vars(record) for record in caplog.records if record.name == "anam_facade"]
    url = anam_sandbox.base_url
    mint, engine = f"POST {url}/v1/auth/session-token: ", f"POST {url}/v1/engine/session: "
    expected = [
        ("DEBUG", f"{mint}attempt 1 of 5"),
        ("DEBUG", f"{mint}200 after "),
        ("DEBUG", f"{engine}attempt 1 of 5"),
        ("DEBUG", f"{engine}503 after "),
        (
            "WARNING",
            f"start a session: attempt 1 of 5 failed ({engine}503 Service Unavailable: Busy); trying again in 0.01 s",
        ),
        ("DEBUG", f"{engine}attempt 2 of 5"),
        ("DEBUG", f"{engine}200 after "),
        ("INFO", f"start a session: {session.session_id} after "),
    ]
    assert [record["levelname"] for record in records] == [level for level, _ in expected]
    for record, (_, line) in zip(records, expected, strict=True):
        assert record["message"].startswith(line)

    fields = ("operation", "attempt", "client_label", "status", "session_id", "url", "livekit_room")
    told = [tuple(record[f"anam_{field}"] for field in fields) for record in records]
    where = f"{url}/v1/engine/session"
    assert told[1] == ("mint", 1, "one", 200, None, f"{url}/v1/auth/session-token", None)
    assert told[4] == ("start_with_token", 1, "one", 503, None, where, None)
    assert told[7] == ("start_with_token", 2, "one", None, session.session_id, where, None)
    assert [record["anam_delay"] is not None for record in records] == [n == 4 for n in range(8)]


def test_the_end_of_a_start_that_fails(anam_sandbox: Sandbox, calls: Calls, caplog: pytest.LogCaptureFixture) -> None:
    """What is raised is not logged as well, except at DEBUG."""
    anam_sandbox.inject(Fault(operation="createEngineSession", close="after"))
    with caplog.at_level(logging.DEBUG, "anam_facade"), pytest.raises(SessionStartUncertainError):
        calls("start_session", PERSONA, direct=True)

    records = [record for record in caplog.records if record.name == "anam_facade"]
    assert [record.levelname for record in records] == ["DEBUG", "DEBUG"]
    assert records[1].getMessage().startswith("start a session directly: attempt 1 of 5 failed (")


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """The package's logger, afterwards as it was."""
    logger = logging.getLogger("anam_facade")
    level, handlers = logger.level, logger.handlers[:]
    yield logger
    logger.setLevel(level)
    logger.handlers[:] = handlers


@pytest.mark.parametrize(("value", "lines"), [("debug", 2), ("INFO", 1), ("", 0), ("nonsense", 0)])
@pytest.mark.parametrize("configured", [False, True])
def test_anam_log_shows_them(
    logger: logging.Logger,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    value: str,
    lines: int,
    configured: bool,
) -> None:
    """On standard error, and not a second time where the program has set up logging itself."""
    monkeypatch.setattr(logging.root, "handlers", [logging.NullHandler()] if configured else [])
    follow(value)
    logger.debug("a request")
    logger.info("a session")

    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == (0 if configured else lines)


def test_the_variable_is_read_when_the_package_is_used() -> None:
    """`ANAM_LOG=debug python program.py`."""
    program = "import anam_facade, logging; anam_facade.AnamClient; logging.getLogger('anam_facade').debug('a line')"
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, env={"ANAM_LOG": "debug"}, capture_output=True, text=True, check=True)
    assert done.stderr.endswith("DEBUG anam_facade: a line\n")
