"""The examples run, as they stand in `examples/`, against the sandbox."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import httpx
import jwt
import pytest
from starlette.testclient import TestClient

from anam_facade.sandbox import Fault, Sandbox

ROOT = Path(__file__).resolve().parents[2]
ID = "30fa96d0-26c4-4e55-94a0-517025942e18"
START = "createEngineSession"
DEMO = (
    "(?=.*nothing leaves this machine)(?=(.*started +[0-9a-f-]{36}){4})(?=.*trying again in)"
    "(?=.*AnamConfigError)(?=.*ConcurrencyLimitError)(?=.*PermissionDeniedError)"
)


def at(sandbox: Sandbox) -> dict[str, str]:
    return {"ANAM_API_KEY": sandbox.api_key, "ANAM_API_URL": sandbox.base_url, "PERSONA_ID": ID}


def run(command: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANAM_")}
    line = [sys.executable, *command.split()]
    return subprocess.run(line, cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("command", "environment", "status", "printed"),
    [
        # The real API takes the flag, the key and a persona; a key alone in the environment changes nothing.
        ("examples/demo.py", {"ANAM_API_KEY": "k"}, 0, DEMO),
        ("examples/demo.py --real", {}, 2, "ANAM_API_KEY"),
        ("examples/demo.py --real", {"ANAM_API_KEY": "k"}, 2, "--persona-id"),
        ("examples/load.py 60 20", {}, 0, r"\{'started': 60\}.*counts 60 sessions"),
        ("-m pytest -q -p no:cacheprovider examples/test_your_own_code.py", {}, 0, "4 passed"),
    ],
)
def test_what_runs_by_itself_says_what_it_should(
    command: str, environment: dict[str, str], status: int, printed: str
) -> None:
    done = run(command, environment)
    assert done.returncode == status, done.stderr
    assert re.search(printed, done.stdout + done.stderr, re.DOTALL), done.stdout + done.stderr


FROM_FILE = "examples/start_from_file.py examples/cara.yaml"
PROBE = "examples/operations.py"


@pytest.mark.parametrize(
    ("command", "fault", "status", "started"),
    [
        (f"examples/demo.py --real --persona-id {ID}", None, 0, 1),
        (FROM_FILE, None, 0, 1),
        ("examples/start_from_file.py examples/demo.py", None, 2, 0),
        (FROM_FILE, Fault(operation=START, status=403, times=1), 1, 0),
        (FROM_FILE, Fault(operation=START, close="after", times=1), 3, 1),
        # What monitoring systems expect of a probe; it starts nothing.
        (PROBE, None, 0, 0),
        (PROBE, Fault(status=503), 1, 0),
        (PROBE, Fault(status=401), 2, 0),
    ],
)
def test_the_exit_status_tells_what_became_of_it(
    anam_sandbox: Sandbox, command: str, fault: Fault | None, status: int, started: int
) -> None:
    """The id of a session is printed; of one whose start is uncertain, the label to look for."""
    if fault is not None:
        anam_sandbox.inject(fault)
    done = run(command, at(anam_sandbox))
    assert (done.returncode, len(anam_sandbox.sessions)) == (status, started), done.stdout + done.stderr
    for session in anam_sandbox.sessions:
        assert session.id in done.stdout if status == 0 else str(session.label) in done.stderr
        assert command != FROM_FILE or session.persona["name"] == "Cara"


@pytest.mark.parametrize("example", ["token_server", "flask_app"])
def test_a_token_endpoint_hands_out_tokens(
    anam_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, example: str
) -> None:
    """A browser gets a token and never sees the key; when Anam fails it learns no details."""
    for name, value in at(anam_sandbox).items():
        monkeypatch.setenv(name, value)
    module = importlib.import_module(f"examples.{example}")
    with ExitStack() as stack:
        if example == "token_server":
            browser: httpx.Client = stack.enter_context(TestClient(module.app))
        else:
            browser = httpx.Client(transport=httpx.WSGITransport(module.app), base_url="http://web")
            stack.enter_context(browser)
            stack.enter_context(module.anam)
        good = browser.post("/api/session-token")
        anam_sandbox.inject(Fault(status=429, headers={"Retry-After": "40"}))
        bad = browser.post("/api/session-token")
    assert jwt.decode(good.json()["sessionToken"], options={"verify_signature": False})["type"] == "stateful"
    assert good.headers["Cache-Control"] == "no-store"
    assert (bad.status_code, bad.json()) == (503, {"error": "no avatar right now"})
    assert bad.headers.get("Retry-After") == ("41" if example == "token_server" else None)
    assert anam_sandbox.api_key not in good.text
    assert [token.label for token in anam_sandbox.tokens] == ["web"]


def test_traces_of_a_start_that_was_retried(tmp_path: Path) -> None:
    """The tree of spans with the retry, the metrics, and the picture of them that stands in the docs, figures aside."""
    picture, kept = tmp_path / "trace.svg", ROOT / "docs" / "observability" / "trace.svg"
    told, drawn = run("examples/traces.py", {}), run(f"examples/traces.py --svg {picture}", {})

    assert (told.returncode, drawn.returncode) == (0, 0), told.stderr + drawn.stderr
    assert "  anam start_with_token (attempts 2, outcome ok)\n    * anam.retry " in told.stdout
    assert "anam.client.retries 1 " in told.stdout
    texts = [re.findall(r">([^<>]+)</text>", file.read_text("utf-8")) for file in (picture, kept)]
    made, shown = ([re.sub(r"[\d.]+ (ms|s)\b", "", text) for text in one] for one in texts)
    assert made == shown
    assert len(made) == 13


def test_the_table_of_examples_is_true() -> None:
    """Every file that the page names is there, and is as long as the page says."""
    rows = re.findall(r"^\| .+ \| `(\S+)` \| (\d+) \|$", (ROOT / "docs/examples.md").read_text("utf-8"), re.MULTILINE)
    assert len(rows) == 10
    assert rows == [(name, str(len((ROOT / name).read_text("utf-8").splitlines()))) for name, _ in rows]
