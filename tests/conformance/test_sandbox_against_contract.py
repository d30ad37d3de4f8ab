"""What the sandbox answers is what openapi.yaml says, whoever asks and whatever for."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

import anam_facade
from anam_facade.sandbox import Fault, Sandbox
from tests.conformance.client import EXAMPLES, INLINE, MINT, OPERATIONS, SAVED, START, UUID, Client
from tests.conformance.contract import documented, violations

ROOT = Path(__file__).resolve().parents[2]

# --- Generated from the document, by schemathesis -------------------------------------------------

# Schemathesis' own checks are all on, with two exceptions that `checks` makes up for.
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
    (folder / "schemathesis.toml").write_text('seed = 1\nhooks = "tests.conformance.checks"\n' + run.config, "utf-8")
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


def test_schemathesis_would_find_a_wrong_answer(schemathesis_runs: Schemathesis) -> None:
    """A token that is a number is reported, by a check of its own and by one of these tests'."""
    _, code, said = schemathesis_runs.finished(WRONG_BODY)
    assert code == 1, said
    assert "Response violates schema" in said
    assert '/sessionToken: 7 is not of type "string"' in said


# --- Every situation that the sandbox knows -------------------------------------------------------

# Answers that nothing but a fault brings about: the sandbox neither limits the rate nor fails, and has engines enough.
FAULTS_ONLY = {
    ("createSessionToken", 429),
    ("createSessionToken", 500),
    ("createEngineSession", 500),
    ("createEngineSession", 503),
}


@dataclass(frozen=True)
class Situation:
    """What is asked of which sandbox, and the status that answers."""

    status: int
    ask: Callable[[Client], httpx.Response]
    settings: Mapping[str, Any] | None = None


def used(client: Client) -> httpx.Response:
    token = client.token()
    assert client.start({}, token).status_code == 200
    return client.start({}, token)


def from_before_a_reset(client: Client) -> httpx.Response:
    token = client.token()
    client.sandbox.reset()
    return client.start({}, token)


def one_too_many(client: Client) -> httpx.Response:
    assert client.direct().status_code == 201
    return client.start({}, client.token())


def bound(**config: Any) -> Callable[[Client], httpx.Response]:
    return lambda client: client.start({}, client.token(**config))


def minting(body: Any) -> Callable[[Client], httpx.Response]:
    return lambda client: client.mint(body)


def with_every_option(client: Client) -> httpx.Response:
    return client.start({}, client.mint(EXAMPLES["MintEveryOption"]).json()["sessionToken"])


OF_MINTS = {name: body for name, body in EXAMPLES.items() if re.match("Mint[A-Z]", name)}
GATED = {**INLINE, "avatarModel": "cara-4-latest"}
TWICE = {**INLINE, "tools": [{"type": "client", "name": "a"}, {"type": "system", "name": "a"}]}
LARGE = {**INLINE, "tools": [{"type": "client", "name": "a", "parameters": {"title": "x" * 10_000}}]}
SMALL_VIDEO = {"videoWidth": 1, "videoHeight": 1}
DEEP = b'{"personaConfig":' * 100 + b"1" + b"}" * 100
STRICT_ONE = {"strict": True}

MINTS = {
    **{f"the example {name}": Situation(200, minting(body)) for name, body in OF_MINTS.items()},
    **{f"the example {name}, strict": Situation(200, minting(body), STRICT_ONE) for name, body in OF_MINTS.items()},
    "an unknown avatar model": Situation(200, lambda c: c.mint({"personaConfig": {**INLINE, "avatarModel": "x"}})),
    "no personaConfig": Situation(200, lambda c: c.mint({})),
    "fields that do not exist": Situation(200, lambda c: c.mint({"personaConfig": {"nonsense": 1}, "more": 2})),
    "a lifetime that is none": Situation(200, lambda c: c.mint({"personaConfig": SAVED, "expiresIn": "soon"})),
    "through a gateway": Situation(200, lambda c: c.mint(EXAMPLES["MintSaved"], X_Anam_Target_Url="https://a.example")),
    "personaConfig is no object": Situation(400, lambda c: c.mint({"personaConfig": "Cara"})),
    "not JSON": Situation(400, lambda c: c.mint(b"{")),
    "no body": Situation(400, lambda c: c.mint(b"")),
    "not UTF-8": Situation(400, lambda c: c.mint(b'{"a": "\xff"}')),
    "not finite": Situation(400, lambda c: c.mint(b'{"a": 1e999}')),
    "a lone surrogate": Situation(400, lambda c: c.mint(b'{"a": "\\ud800"}')),
    "too deep": Situation(400, lambda c: c.mint(DEEP)),
    "no object": Situation(400, lambda c: c.mint([])),
    "another content type": Situation(400, lambda c: c.mint(EXAMPLES["MintSaved"], content_type="text/plain")),
    "an unknown avatar model, strict": Situation(
        400, lambda c: c.mint({"personaConfig": {**INLINE, "avatarModel": "x"}}), STRICT_ONE
    ),
    "fields that do not exist, strict": Situation(
        400, lambda c: c.mint({"personaConfig": {"nonsense": 1}, "more": 2}), STRICT_ONE
    ),
    "a lifetime that is none, strict": Situation(
        400, lambda c: c.mint({"personaConfig": SAVED, "expiresIn": "soon"}), STRICT_ONE
    ),
    "no credential": Situation(401, lambda c: c.send(MINT, EXAMPLES["MintSaved"], None)),
    "a wrong key": Situation(401, lambda c: c.mint(EXAMPLES["MintSaved"], "wrong")),
    "another kind of credential": Situation(
        401, lambda c: c.send(MINT, EXAMPLES["MintSaved"], None, authorization="Basic YTpi")
    ),
    "a session token as the key": Situation(401, lambda c: c.mint(EXAMPLES["MintSaved"], c.token())),
    "a model that is not in the plan, strict": Situation(403, lambda c: c.mint({"personaConfig": GATED}), STRICT_ONE),
    "a body too large": Situation(413, lambda c: c.mint(b" " * (1024 * 1024 + 1))),
    "another method": Situation(405, lambda c: c.send(MINT, b"", None, method="GET")),
    "a method without an answer's body": Situation(405, lambda c: c.send(MINT, b"", None, method="HEAD")),
}

STARTS = {
    "a token": Situation(200, lambda c: c.start({}, c.token())),
    "a token, with metadata": Situation(
        200, lambda c: c.start(EXAMPLES["StartWithTokenAndMetadata"], c.token(personaConfig=INLINE))
    ),
    "a token for a LiveKit room": Situation(200, bound(**EXAMPLES["MintLiveKit"])),
    "a token with every option": Situation(200, with_every_option),
    "direct": Situation(201, lambda c: c.start(EXAMPLES["StartDirect"], c.sandbox.api_key)),
    "direct, into a LiveKit room": Situation(201, lambda c: c.start(EXAMPLES["StartDirectLiveKit"], c.sandbox.api_key)),
    "direct, with a lifetime": Situation(400, lambda c: c.direct(expiresIn="1h")),
    "direct, without a persona": Situation(400, lambda c: c.start({}, c.sandbox.api_key)),
    "direct, with what no schema allows": Situation(400, lambda c: c.direct(personaConfig={"nonsense": 1})),
    "a token and a persona, as the vendor's client": Situation(
        200, lambda c: c.start({"personaConfig": SAVED}, c.token())
    ),
    "a token and no body": Situation(200, lambda c: c.start(b"", c.token())),
    "a token and a lifetime": Situation(400, lambda c: c.start({"expiresIn": "1h"}, c.token())),
    "bound to an avatar that is no UUID": Situation(404, bound(personaConfig={**INLINE, "avatarId": "x"})),
    "not JSON": Situation(400, lambda c: c.start(b"{", c.token())),
    "another content type": Situation(400, lambda c: c.start({}, c.token(), content_type="text/plain")),
    "a legacy token": Situation(400, bound(personaConfig={"avatarId": UUID})),
    "bound to what no schema allows": Situation(400, bound(personaConfig={**INLINE, "nonsense": 1})),
    "bound to an unknown avatar model": Situation(400, bound(personaConfig={**INLINE, "avatarModel": "x"})),
    "bound to an unknown video size": Situation(400, bound(sessionOptions=SMALL_VIDEO)),
    "bound to two tools of one name": Situation(400, bound(personaConfig=TWICE)),
    "bound to parameters too large": Situation(400, bound(personaConfig=LARGE)),
    "bound to egress without passthrough": Situation(
        400, bound(sessionOptions={"egress": {"mode": "daily", "daily": {"roomUrl": "https://a.example"}}})
    ),
    "no credential": Situation(401, lambda c: c.start({}, None)),
    "a wrong key": Situation(401, lambda c: c.start({}, "wrong")),
    "a token that was not signed here": Situation(401, lambda c: c.start({}, "header.payload.signature")),
    "an expired token": Situation(401, lambda c: c.start({}, c.sandbox.mint_token(expires_in=-1))),
    "a used token": Situation(401, used),
    "a token from before a reset": Situation(401, from_before_a_reset),
    "no plan": Situation(402, lambda c: c.start({}, c.token()), {"has_plan": False}),
    "no plan, direct": Situation(402, lambda c: c.direct(), {"has_plan": False}),
    "a model that is not in the plan": Situation(403, bound(personaConfig=GATED)),
    "a model that is not in the plan, direct": Situation(403, lambda c: c.direct(personaConfig=GATED)),
    "a used token, where that is a conflict": Situation(409, used, {"used_token_status": 409}),
    "every slot in use": Situation(429, one_too_many, {"max_sessions": 1}),
    "the spend cap reached": Situation(429, lambda c: c.direct(), {"spend_cap_reached": True}),
    "a body too large": Situation(413, lambda c: c.start(b" " * (1024 * 1024 + 1), c.token())),
    "another method": Situation(405, lambda c: c.send(START, b"", None, method="DELETE")),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    """One sandbox for all that leave it as they find it."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(server: Sandbox) -> Iterator[Client]:
    server.reset()
    with Client(server) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "situation"),
    [
        pytest.param(path, situation, id=f"{OPERATIONS[path]}-{situation.status}-{name}")
        for path, situations in ((MINT, MINTS), (START, STARTS))
        for name, situation in situations.items()
    ],
)
def test_every_situation_is_answered_as_documented(client: Client, path: str, situation: Situation) -> None:
    """With the status it should have, and with that status' content type, headers and body."""
    client.sandbox.configure(**(situation.settings or {}))
    assert situation.ask(client).status_code == situation.status


def test_the_situations_are_all_there_are() -> None:
    """Together they have every status that the document names for an operation, those apart that take a fault."""
    listed = {
        (OPERATIONS[path], situation.status)
        for path, situations in ((MINT, MINTS), (START, STARTS))
        for situation in situations.values()
    }
    assert documented() - listed == FAULTS_ONLY
    assert {status for _, status in listed - documented()} == {405, 413}


@pytest.mark.parametrize("path", ["/", "/v1/engine", "/v1/auth/session-token/", "/docs"])
def test_another_path_is_answered_with_the_document_s_error(client: Client, path: str) -> None:
    """404, in the form that every error has."""
    assert client.send(path, {}, None).status_code == 404


def test_what_is_not_http_is_answered_with_the_document_s_error(server: Sandbox) -> None:
    """A line that is no request line gets 400 in the form that every error has."""
    url = httpx.URL(server.base_url)
    with socket.create_connection((url.host, url.port or 80), timeout=10) as connection:
        connection.sendall(b"\x16\x03\x01 what is this\r\n\r\n")
        response = http.client.HTTPResponse(connection, method="POST")
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        assert response.status == 400
        assert violations("POST", "/", 400, headers, response.read()) == []


# --- Faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "status"), [pair for pair in sorted(documented()) if pair[1] >= 400], ids=lambda value: str(value)
)
def test_a_fault_that_only_names_a_status_is_answered_as_documented(
    client: Client, operation: Any, status: int
) -> None:
    """Every error status that the document has, those that only a fault brings about included."""
    client.sandbox.inject(Fault(operation=operation, status=status))
    path = next(path for path, name in OPERATIONS.items() if name == operation)
    assert client.send(path, {}, None).status_code == status


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
def test_an_answer_that_is_not_as_documented_is_reported(client: Client, fault: Fault, found: str) -> None:
    """The checks of this folder tell a wrong body, status, content type and header."""
    client.sandbox.inject(fault)
    with pytest.raises(AssertionError, match=found):
        client.mint(EXAMPLES["MintSaved"])
