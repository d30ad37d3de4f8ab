"""What the sandbox answers is what openapi.yaml says, whoever asks and whatever for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

import anam_facade
from anam_facade.sandbox import Fault, Sandbox
from tests.sandbox.contract import documented
from tests.sandbox.support import EXAMPLES, OPERATIONS, Api

ROOT = Path(__file__).resolve().parents[2]

# Schemathesis' own checks are all on, but for one that `schemathesis_hooks` makes up for: positive_data_acceptance
# wants everything accepted that satisfies a schema. The contract bounds some values in words and in extensions (avatar
# models, video sizes), and which of its two bodies a start must have depends on the bearer. The sandbox is strict: as
# Anam, it would otherwise mint from nearly anything.
CONFIGURATION = """
seed = 1
hooks = "tests.sandbox.schemathesis_hooks"
[checks]
positive_data_acceptance.enabled = false
"""


@dataclass(frozen=True, eq=False)
class Run:
    """A run of schemathesis, and what it must have come across to be worth something."""

    bearer: str
    arguments: tuple[str, ...]
    cases: int
    mints: frozenset[int]
    starts: frozenset[int]
    fault: Fault | None = None


KEY = Run("api_key", (), 1200, frozenset({200, 400, 401}), frozenset({201, 400, 401, 404}))
# Going through a schema keyword by keyword takes most of the time, and with a token the body is hardly judged.
TOKEN = Run("session_token", ("--phases=fuzzing",), 40, frozenset({401}), frozenset({200, 400, 401}))
WRONG = Run(
    "api_key",
    ("--phases=examples", "--include-operation-id=createSessionToken"),
    *(0, frozenset(), frozenset()),
    Fault(operation="createSessionToken", status=200, body={"sessionToken": 7}),
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Run, tuple[Sandbox, int, str]]]:
    """What was asked, the exit status and the output of all runs, each in a process against a sandbox of its own."""
    with ExitStack() as stack:
        begun = {}
        for run in (KEY, TOKEN, WRONG):
            sandbox = stack.enter_context(Sandbox(strict=True))
            if run.fault is not None:
                sandbox.inject(run.fault)
            folder = tmp_path_factory.mktemp("schemathesis")  # where it finds its configuration and leaves its caches
            (folder / "schemathesis.toml").write_text(CONFIGURATION, "utf-8")
            about = {"base_url": sandbox.base_url, "api_key": sandbox.api_key, "bearer": run.bearer}
            command = [sys.executable, "-m", "schemathesis.cli", "--no-color", "run", str(anam_facade.openapi_path())]
            process = subprocess.Popen(
                [*command, f"--url={sandbox.base_url}", "--max-examples=20", "--workers=1", *run.arguments],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(ROOT), "SANDBOX_UNDER_TEST": json.dumps(about)},
                stdout=stack.enter_context((folder / "output").open("wb")),
                stderr=subprocess.STDOUT,
            )
            begun[run] = sandbox, stack.enter_context(process), folder / "output"
            stack.callback(process.kill)
        yield {
            run: (sandbox, process.wait(timeout=300), output.read_text("utf-8"))
            for run, (sandbox, process, output) in begun.items()
        }


@pytest.mark.slow
@pytest.mark.parametrize("run", [KEY, TOKEN], ids=["API key", "session token"])
def test_schemathesis_finds_nothing(finished: dict[Run, tuple[Sandbox, int, str]], run: Run) -> None:
    """Valid and invalid requests, made from the whole document, are all answered as it says."""
    sandbox, code, printed = finished[run]
    assert code == 0, printed
    tested = re.search(r"(\d+) generated, (\d+) passed", printed)
    assert tested, printed
    assert int(tested[1]) == int(tested[2]) >= run.cases, printed
    # Tokens for its starts are minted besides.
    asked = [request for request in sandbox.requests if request.body != EXAMPLES["MintSaved"]]
    assert {request.status for request in asked if request.operation == "createSessionToken"} == run.mints
    assert {request.status for request in asked if request.operation == "createEngineSession"} == run.starts


@pytest.mark.slow
def test_schemathesis_would_find_a_wrong_answer(finished: dict[Run, tuple[Sandbox, int, str]]) -> None:
    """A token that is a number is reported, by a check of its own and by one of these tests'."""
    _, code, printed = finished[WRONG]
    assert code == 1, printed
    assert "Response violates schema" in printed
    assert '/sessionToken: 7 is not of type "string"' in printed


@pytest.mark.parametrize("path", OPERATIONS)
def test_a_fault_that_only_names_a_status_is_answered_as_documented(api: Api, path: str) -> None:
    """Every error status that the document has, those that only a fault brings about included."""
    statuses = [status for operation, status in sorted(documented()) if OPERATIONS[path] == operation and status >= 400]
    for status in statuses:
        api.sandbox.inject(Fault(status=status, times=1))
        assert api.post(path, {}, None).status_code == status
    assert len(statuses) >= 5


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (Fault(status=200, body={}), '"sessionToken" is a required property'),
        (Fault(status=200, body={"sessionToken": ""}), "/sessionToken: .* shorter than 1"),
        (Fault(status=500, body={"error": 500}), "/error: 500 is not of type"),
        (Fault(status=402), "status 402 is not documented"),
        (Fault(status=500, body="<h1>Oops</h1>"), "the content type is text/html"),
        (Fault(status=500, body="<h1>Oops</h1>", content_type="application/json"), "the body is not JSON"),
        (Fault(status=429, headers={"RateLimit-Reset": "soon"}), "the header RateLimit-Reset"),
    ],
)
def test_an_answer_that_is_not_as_documented_is_reported(api: Api, fault: Fault, found: str) -> None:
    """The checks of this folder tell a wrong body, status, content type and header."""
    api.sandbox.inject(fault)
    with pytest.raises(AssertionError, match=found):
        api.mint()
