"""The examples run, as they stand in `examples/`, against the sandbox."""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import httpx
import jwt
import pytest

from anam_facade.sandbox import Fault, Sandbox

ROOT = Path(__file__).resolve().parents[2]
ID = "30fa96d0-26c4-4e55-94a0-517025942e18"
FOUR_STARTS_AND_THREE_ERRORS = (
    "(?=(.*started +[0-9a-f-]{36}){4})(?=.*trying again in)"
    "(?=.*AnamConfigError)(?=.*ConcurrencyLimitError)(?=.*PermissionDeniedError)"
)


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ANAM_")}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=False
    )


def at(sandbox: Sandbox) -> dict[str, str]:
    return {"ANAM_API_KEY": sandbox.api_key, "ANAM_API_URL": sandbox.base_url, "PERSONA_ID": ID}


@pytest.mark.parametrize(
    ("command", "environment", "status", "printed"),
    [
        # The real API takes the flag, the key and a persona; a key alone in the environment changes nothing.
        (
            "examples/demo.py",
            {"ANAM_API_KEY": "k"},
            0,
            f"(?=.*nothing leaves this machine){FOUR_STARTS_AND_THREE_ERRORS}",
        ),
        ("examples/demo.py --real", {}, 2, "ANAM_API_KEY"),
        ("examples/demo.py --real", {"ANAM_API_KEY": "k"}, 2, "--persona-id"),
        ("examples/load.py 60 20", {}, 0, r"\{'started': 60\}.*counts 60 sessions"),
        ("-m pytest -q -p no:cacheprovider examples/test_your_own_code.py", {}, 0, "4 passed"),
    ],
)
def test_what_runs_by_itself_says_what_it_should(
    command: str, environment: dict[str, str], status: int, printed: str
) -> None:
    done = run(*command.split(), **environment)
    assert done.returncode == status, done.stderr
    assert re.search(printed, done.stdout + done.stderr, re.DOTALL), done.stdout + done.stderr


def test_the_demo_starts_one_session_when_asked(anam_sandbox: Sandbox) -> None:
    """With flag, key and persona it starts exactly one session, at the address it is given."""
    done = run("examples/demo.py", "--real", "--persona-id", ID, **at(anam_sandbox))
    assert done.returncode == 0, done.stderr
    (session,) = anam_sandbox.sessions
    assert session.id in done.stdout


@pytest.fixture
def token_server(anam_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ModuleType:
    """One of the examples, which reads its settings from the environment."""
    for name, value in at(anam_sandbox).items():
        monkeypatch.setenv(name, value)
    return importlib.import_module(request.param)


def is_stateful(token: str) -> bool:
    return bool(jwt.decode(token, options={"verify_signature": False})["type"] == "stateful")


@pytest.mark.parametrize("token_server", ["examples.token_server"], indirect=True)
def test_the_token_server_hands_out_tokens(anam_sandbox: Sandbox, token_server: ModuleType) -> None:
    """A browser gets a token and never sees the key; when Anam fails it learns no details."""

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(token_server.app)
        async with (
            token_server.lifespan(token_server.app),
            httpx.AsyncClient(transport=transport, base_url="http://web") as browser,
        ):
            good = await browser.post("/api/session-token")
            anam_sandbox.inject(Fault(status=429, headers={"Retry-After": "40"}))
            return [good, await browser.post("/api/session-token")]

    good, bad = asyncio.run(ask())
    assert is_stateful(good.json()["sessionToken"])
    assert good.headers["Cache-Control"] == "no-store"
    assert (bad.status_code, bad.headers["Retry-After"]) == (503, "41")
    assert anam_sandbox.api_key not in good.text + bad.text
    assert [token.label for token in anam_sandbox.tokens] == ["web"]


@pytest.mark.parametrize("token_server", ["examples.flask_app"], indirect=True)
def test_the_flask_view_hands_out_tokens(anam_sandbox: Sandbox, token_server: ModuleType) -> None:
    """One client serves every request; a failure is logged, and the visitor learns no details."""
    with token_server.anam, token_server.app.test_client() as browser:
        good = browser.post("/api/session-token")
        anam_sandbox.inject(Fault(status=403))
        bad = browser.post("/api/session-token")
    assert is_stateful(good.get_json()["sessionToken"])
    assert good.headers["Cache-Control"] == "no-store"
    assert (bad.status_code, bad.get_json()) == (503, {"error": "no avatar right now"})


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
