"""The examples run, as they stand in `examples/`, against the sandbox."""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import jwt
import pytest

from anam_facade.sandbox import Fault, Sandbox

ROOT = Path(__file__).resolve().parents[2]
ID = "30fa96d0-26c4-4e55-94a0-517025942e18"


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ANAM_")}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=False
    )


def test_the_demo_starts_sessions_and_ends_by_itself() -> None:
    """It prints the ids of four sessions, one retry, and three errors, and exits with 0."""
    done = run("examples/demo.py")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert len(re.findall(r"started +[0-9a-f-]{36}", done.stdout)) == 4
    assert done.stdout.count("trying again in") == 1
    for error in ("AnamConfigError", "ConcurrencyLimitError", "PermissionDeniedError"):
        assert error in done.stdout


@pytest.mark.parametrize(
    ("arguments", "environment", "missing"),
    [
        (["--real"], {}, "ANAM_API_KEY"),
        (["--real"], {"ANAM_API_KEY": "k"}, "--persona-id"),
    ],
)
def test_the_demo_does_not_go_to_anam_unasked(arguments: list[str], environment: dict[str, str], missing: str) -> None:
    """The real API takes the flag, the key and a persona; a key alone in the environment changes nothing."""
    done = run("examples/demo.py", *arguments, **environment)
    assert done.returncode == 2
    assert missing in done.stderr
    assert "nothing leaves this machine" in run("examples/demo.py", ANAM_API_KEY="k").stdout


def test_the_demo_starts_one_session_when_asked(anam_sandbox: Sandbox) -> None:
    """With flag, key and persona it starts exactly one session, at the address it is given."""
    environment = {"ANAM_API_KEY": anam_sandbox.api_key, "ANAM_API_URL": anam_sandbox.base_url}
    done = run("examples/demo.py", "--real", "--persona-id", ID, **environment)
    assert done.returncode == 0, done.stderr
    (session,) = anam_sandbox.sessions
    assert session.id in done.stdout


def test_the_users_tests_pass() -> None:
    """The example of testing one's own code passes under a pytest of its own."""
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "examples/test_your_own_code.py")
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout


def test_the_token_server_hands_out_tokens(anam_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser gets a token and never sees the key; when Anam fails it learns no details."""
    monkeypatch.setenv("ANAM_API_KEY", anam_sandbox.api_key)
    monkeypatch.setenv("ANAM_API_URL", anam_sandbox.base_url)
    monkeypatch.setenv("PERSONA_ID", ID)
    server = importlib.import_module("examples.token_server")

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(server.app)
        async with (
            server.lifespan(server.app),
            httpx.AsyncClient(transport=transport, base_url="http://web") as browser,
        ):
            good = await browser.post("/api/session-token")
            anam_sandbox.inject(Fault(status=429, headers={"Retry-After": "40"}))
            return [good, await browser.post("/api/session-token")]

    good, bad = asyncio.run(ask())
    assert jwt.decode(good.json()["sessionToken"], options={"verify_signature": False})["type"] == "stateful"
    assert good.headers["Cache-Control"] == "no-store"
    assert (bad.status_code, bad.headers["Retry-After"]) == (503, "41")
    assert anam_sandbox.api_key not in good.text + bad.text
    assert [token.label for token in anam_sandbox.tokens] == ["web"]


def test_the_flask_view_hands_out_tokens(anam_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """One client serves every request; a failure is logged, and the visitor learns no details."""
    monkeypatch.setenv("ANAM_API_KEY", anam_sandbox.api_key)
    monkeypatch.setenv("ANAM_API_URL", anam_sandbox.base_url)
    monkeypatch.setenv("PERSONA_ID", ID)
    server = importlib.import_module("examples.flask_app")
    with server.anam, server.app.test_client() as browser:
        good = browser.post("/api/session-token")
        anam_sandbox.inject(Fault(status=403))
        bad = browser.post("/api/session-token")
    assert jwt.decode(good.get_json()["sessionToken"], options={"verify_signature": False})["type"] == "stateful"
    assert good.headers["Cache-Control"] == "no-store"
    assert (bad.status_code, bad.get_json()) == (503, {"error": "no avatar right now"})


def at(sandbox: Sandbox) -> dict[str, str]:
    return {"ANAM_API_KEY": sandbox.api_key, "ANAM_API_URL": sandbox.base_url, "PERSONA_ID": ID}


def test_a_persona_file_is_started(anam_sandbox: Sandbox) -> None:
    """The script prints the session, and its exit status tells a wrong file from a failed or an uncertain start."""
    script = "examples/start_from_file.py"
    done = run(script, "examples/cara.yaml", **at(anam_sandbox))
    assert done.returncode == 0, done.stderr
    (session,) = anam_sandbox.sessions
    assert session.id in done.stdout
    assert session.persona["name"] == "Cara"
    assert run(script, "examples/demo.py", **at(anam_sandbox)).returncode == 2
    anam_sandbox.inject(Fault(operation="createEngineSession", status=403, times=1))
    assert run(script, "examples/cara.yaml", **at(anam_sandbox)).returncode == 1
    anam_sandbox.inject(Fault(operation="createEngineSession", close="after", times=1))
    lost = run(script, "examples/cara.yaml", **at(anam_sandbox))
    assert (lost.returncode, "from-a-file" in lost.stderr) == (3, True)


def test_the_load_test_starts_every_session() -> None:
    """Every start is counted once, by the client and by the sandbox."""
    done = run("examples/load.py", "60", "20")
    assert done.returncode == 0, done.stderr
    assert "{'started': 60}" in done.stdout
    assert "counts 60 sessions" in done.stdout


def test_traces_of_a_start_that_was_retried(tmp_path: Path) -> None:
    """The tree of spans with the retry, the metrics, and the picture of them that stands in the docs, figures aside."""
    told, picture = run("examples/traces.py"), tmp_path / "trace.svg"
    drawn = run("examples/traces.py", "--svg", str(picture))

    assert (told.returncode, drawn.returncode) == (0, 0), told.stderr + drawn.stderr
    assert "  anam start_with_token (attempts 2, outcome ok)\n    * anam.retry " in told.stdout
    assert "anam.client.retries 1 " in told.stdout
    kept = ROOT / "docs" / "observability" / "trace.svg"
    texts = [re.findall(r">([^<>]+)</text>", file.read_text("utf-8")) for file in (picture, kept)]
    without_figures = [[re.sub(r"[\d.]+ (ms|s)\b", "", text) for text in one] for one in texts]
    assert without_figures[0] == without_figures[1]
    assert len(without_figures[0]) == 13


@pytest.mark.parametrize(("fault", "status"), [(None, 0), (503, 1), (401, 2)])
def test_the_probe_tells_passing_trouble_from_what_needs_a_person(
    anam_sandbox: Sandbox, fault: int | None, status: int
) -> None:
    """0, 1 and 2 are what monitoring systems expect; nothing is started."""
    if fault is not None:
        anam_sandbox.inject(Fault(status=fault))
    done = run("examples/operations.py", **at(anam_sandbox))
    assert done.returncode == status, done.stdout + done.stderr
    assert anam_sandbox.sessions == ()


def test_the_table_of_examples_is_true() -> None:
    """Every file that the page names is there, and is as long as the page says."""
    rows = re.findall(r"^\| .+ \| `(\S+)` \| (\d+) \|$", (ROOT / "docs/examples.md").read_text("utf-8"), re.MULTILINE)
    assert len(rows) == 10
    assert rows == [(name, str(len((ROOT / name).read_text("utf-8").splitlines()))) for name, _ in rows]
