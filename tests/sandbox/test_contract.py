"""What the sandbox answers is what openapi.yaml says, whoever asks and whatever for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import anam_facade
from anam_facade.sandbox import Fault, Sandbox
from tests.sandbox.contract import documented, violations
from tests.sandbox.support import EXAMPLES, OPERATIONS, Api

ROOT = Path(__file__).resolve().parents[2]

# --- Generated from the document, by schemathesis -------------------------------------------------

# Schemathesis' own checks are all on, with two exceptions that `schemathesis_hooks` makes up for.
#
# positive_data_acceptance wants everything accepted that satisfies a schema. The contract bounds some values in words
# and in extensions (avatar models, video sizes), and which of its two bodies a start must have depends on the bearer.
# Only a lenient mint takes everything.
STRICT = """
[checks]
positive_data_acceptance.enabled = false
"""
# negative_data_rejection wants everything refused that breaks a schema. Anam mints from nearly anything, and refuses
# when the session is started; so does a sandbox that is not strict.
#
# The phase that goes through a schema keyword by keyword takes most of the time. It is left out where the body is
# judged as in another run (a start, by a lenient sandbox as by a strict one), or hardly at all (with a session token).
LENIENT = """
[[operations]]
include-operation-id = "createSessionToken"
checks.negative_data_rejection.enabled = false

[[operations]]
include-operation-id = "createEngineSession"
checks.positive_data_acceptance.enabled = false
phases.coverage.enabled = false
"""
FUZZING_ONLY = ("--phases=fuzzing",)


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """A run of schemathesis, and what it must have come across to be worth something."""

    strict: bool = False
    bearer: str = "api_key"
    config: str
    arguments: tuple[str, ...] = ()
    fault: Fault | None = None
    cases: int = 0
    mints: frozenset[int] = frozenset()
    starts: frozenset[int] = frozenset()


RUNS = {
    "strict, API key": Run(
        strict=True,
        config=STRICT,
        cases=1200,
        mints=frozenset({200, 400, 401}),
        starts=frozenset({201, 400, 401, 404}),
    ),
    "lenient, API key": Run(
        config=LENIENT,
        cases=600,
        mints=frozenset({200, 400, 401}),
        starts=frozenset({201, 400, 401}),
    ),
    "strict, session token": Run(
        strict=True,
        bearer="session_token",
        config=STRICT,
        arguments=FUZZING_ONLY,
        cases=40,
        mints=frozenset({401}),
        starts=frozenset({200, 400, 401}),
    ),
    "lenient, session token": Run(
        bearer="session_token",
        config=LENIENT,
        arguments=FUZZING_ONLY,
        cases=40,
        mints=frozenset({401}),
        starts=frozenset({200, 400, 401}),
    ),
}
WRONG_BODY = Run(
    config=LENIENT,
    arguments=("--phases=examples", "--include-operation-id=createSessionToken"),
    fault=Fault(operation="createSessionToken", status=200, body={"sessionToken": 7}),
)


class Schemathesis:
    """Runs of schemathesis, all at once, each in a process of its own against a sandbox of its own."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._runs: dict[Run, tuple[Sandbox, subprocess.Popen[bytes], Path]] = {}
        for number, run in enumerate([*RUNS.values(), WRONG_BODY]):
            here = folder / str(number)
            here.mkdir()
            sandbox = stack.enter_context(Sandbox(strict=run.strict))
            if run.fault is not None:
                sandbox.inject(run.fault)
            process = stack.enter_context(_started(run, sandbox, here))
            stack.callback(process.kill)
            self._runs[run] = sandbox, process, here / "output"

    def finished(self, run: Run) -> tuple[Sandbox, int, str]:
        """The sandbox that was asked, and what schemathesis said about it."""
        sandbox, process, output = self._runs[run]
        process.wait(timeout=300)
        return sandbox, process.returncode, output.read_text("utf-8")


def _started(run: Run, sandbox: Sandbox, folder: Path) -> subprocess.Popen[bytes]:
    (folder / "schemathesis.toml").write_text(
        'seed = 1\nhooks = "tests.sandbox.schemathesis_hooks"\n' + run.config, "utf-8"
    )
    about = {"base_url": sandbox.base_url, "api_key": sandbox.api_key, "strict": run.strict, "bearer": run.bearer}
    command = [sys.executable, "-m", "schemathesis.cli", "--no-color", "run", str(anam_facade.openapi_path())]
    with (folder / "output").open("wb") as output:
        return subprocess.Popen(
            [*command, f"--url={sandbox.base_url}", "--max-examples=20", "--workers=1", *run.arguments],
            cwd=folder,  # where it finds its configuration and leaves its caches
            env={**os.environ, "PYTHONPATH": str(ROOT), "SANDBOX_UNDER_TEST": json.dumps(about)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )


@pytest.fixture(scope="module")
def schemathesis_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Schemathesis]:
    with ExitStack() as stack:
        yield Schemathesis(stack, tmp_path_factory.mktemp("schemathesis"))


@pytest.mark.slow
@pytest.mark.xdist_group("schemathesis")
@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_schemathesis_finds_nothing(schemathesis_runs: Schemathesis, run: Run) -> None:
    """Valid and invalid requests, made from the whole document, are all answered as it says."""
    sandbox, code, said = schemathesis_runs.finished(run)
    assert code == 0, said
    tested = re.search(r"(\d+) generated, (\d+) passed", said)
    assert tested, said
    assert int(tested[1]) == int(tested[2]) >= run.cases, said
    # Tokens for its starts are minted besides.
    asked = [request for request in sandbox.requests if request.body != EXAMPLES["MintSaved"]]
    assert {request.status for request in asked if request.operation == "createSessionToken"} == run.mints
    assert {request.status for request in asked if request.operation == "createEngineSession"} == run.starts


@pytest.mark.slow
@pytest.mark.xdist_group("schemathesis")
def test_schemathesis_would_find_a_wrong_answer(schemathesis_runs: Schemathesis) -> None:
    """A token that is a number is reported, by a check of its own and by one of these tests'."""
    _, code, said = schemathesis_runs.finished(WRONG_BODY)
    assert code == 1, said
    assert "Response violates schema" in said
    assert '/sessionToken: 7 is not of type "string"' in said


# --- What only faults bring about -----------------------------------------------------------------


def path_of(operation: str) -> str:
    return next(path for path, name in OPERATIONS.items() if name == operation)


@pytest.mark.parametrize(
    ("operation", "status"), [pair for pair in sorted(documented()) if pair[1] >= 400], ids=lambda value: str(value)
)
def test_a_fault_that_only_names_a_status_is_answered_as_documented(api: Api, operation: Any, status: int) -> None:
    """Every error status that the document has, those that only a fault brings about included."""
    api.sandbox.inject(Fault(operation=operation, status=status))
    assert api.post(path_of(operation), {}, None).status_code == status


@pytest.mark.parametrize("status", [408, 418, 502, 504, 599])
def test_a_status_of_nobody_s_has_the_body_of_every_error(serve: Callable[..., Api], status: int) -> None:
    """Also a status that the document has no example of."""
    api = serve(check=False)
    api.sandbox.inject(Fault(status=status))
    answer = api.mint()
    assert answer.status_code == status
    assert violations("POST", "/", status, dict(answer.headers), answer.content) == []


WRONG = {
    "a field is missing": (Fault(status=200, body={}), '"sessionToken" is a required property'),
    "a field has the wrong type": (Fault(status=200, body={"sessionToken": 7}), "/sessionToken: 7 is not of type"),
    "a field is too short": (Fault(status=200, body={"sessionToken": ""}), "/sessionToken: .* shorter than 1"),
    "an error with the wrong type": (Fault(status=500, body={"error": 500}), "/error: 500 is not of type"),
    "no object": (Fault(status=400, body=["bad"]), 'is not of type "object"'),
    "a status that is another operation's": (Fault(status=402), "status 402 is not documented"),
    "a status of nobody's": (Fault(status=418, body={"error": "Teapot"}), "status 418 is not documented"),
    "a page": (Fault(status=500, body="<h1>Oops</h1>"), "the content type is text/html"),
    "a page in disguise": (
        Fault(status=500, body="<h1>Oops</h1>", content_type="application/json"),
        "the body is not JSON",
    ),
    "no body": (Fault(status=500, body="", content_type="application/json"), "the body is not JSON"),
    "a header of the wrong type": (
        Fault(status=429, headers={"RateLimit-Reset": "soon"}),
        "the header RateLimit-Reset",
    ),
}


@pytest.mark.parametrize(("fault", "found"), WRONG.values(), ids=WRONG)
def test_an_answer_that_is_not_as_documented_is_reported(api: Api, fault: Fault, found: str) -> None:
    """The checks of this folder tell a wrong body, status, content type and header."""
    api.sandbox.inject(fault)
    with pytest.raises(AssertionError, match=found):
        api.mint()
