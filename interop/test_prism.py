"""The facade and openapi.yaml understand each other: `make interop`.

Prism is a server made from the document and nothing else. It checks what it is sent (bearer, body) and answers with the
document's examples, with any status it is asked for (`Prefer: code=429`), or with values made up from the schemas. It
must accept whatever the facade sends, and the facade must understand whatever it answers. The requests are those of the
shared vectors, which hold every example of the document, and which both clients are tested with. What Prism does not
check: `dependentRequired`, `unevaluatedProperties`, the `x-` extensions, and which bearer it is.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import spec

import anam_facade as facade
import tools

KEY, MINT, START = "ak-prism", "/v1/auth/session-token", "/v1/engine/session"
CONTRACT = spec.Contract(spec.load())
VECTORS = [json.loads(file.read_text("utf-8")) for file in sorted(Path(__file__).parent.glob("vectors/*/*.json"))]
TOKEN = facade.SessionToken(CONTRACT.document["components"]["examples"]["Minted"]["value"]["sessionToken"])


@pytest.fixture(scope="module")
def prism() -> Iterator[str]:
    """The address of a Prism that serves the document on this machine."""
    if not tools.has_node("prism"):
        pytest.skip("Node is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # node itself rather than the script that finds it, for this is the process to stop.
    command = ["node", f"{tools.MODULES}/@stoplight/prism-cli/dist/index.js", "mock", f"{facade.openapi_path()}"]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, env={**os.environ, **tools.QUIET}, stdout=subprocess.DEVNULL) as process:
        for _ in range(600):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
        process.terminate()


class Preferring(httpx.HTTPTransport):
    """Tells Prism which answer is wanted, which the facade has no argument for."""

    def __init__(self, prefer: str) -> None:
        super().__init__()
        self.prefer = prefer

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["Prefer"] = self.prefer
        return super().handle_request(request)


def call(base_url: str, operation: str, body: dict[str, Any], prefer: str = "code=200") -> Any:
    """What comes of a request: the result, or the facade's error."""
    options = {re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", name): value for name, value in body.items()}
    persona = options.pop("persona_config", None)
    with facade.AnamClient(KEY, base_url, retry=0, transport=Preferring(prefer)) as client:
        try:
            if operation == "createSessionToken":
                return client.create_session_token(persona, **options)
            if persona is not None:
                return client.start_session(persona, direct=True, **options)
            asked = options.pop("session_options", {}).get("voiceDetection", {})
            sensitivity = asked.get("endOfSpeechSensitivity")
            return client.start_engine_session(TOKEN, end_of_speech_sensitivity=sensitivity, **options)
        except facade.AnamError as error:
            return error


@pytest.mark.filterwarnings("ignore::anam_facade.AnamConfigWarning")
def test_prism_accepts_what_the_facade_sends(prism: str) -> None:
    """The requests of all vectors, each once."""
    requests = {json.dumps([v["operation"], v["request"]["body"]], sort_keys=True): v for v in VECTORS}
    for vector in requests.values():
        outcome = call(prism, vector["operation"], vector["request"]["body"])
        assert isinstance(outcome, facade.SessionToken | facade.EngineSession), (vector["name"], outcome)


SAVED = {"personaConfig": {"personaId": "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"}}
ANSWERS = [
    (operation["operationId"], body, int(status) if status != "default" else 418, name, CONTRACT.at(example)["value"])
    for path, bodies in ((MINT, [SAVED]), (START, [SAVED, {}]))
    for operation in [CONTRACT.document["paths"][path]["post"]]
    for status, response in operation["responses"].items()
    for name, example in CONTRACT.at(response)["content"]["application/json"]["examples"].items()
    for body in bodies
]


@pytest.mark.parametrize(("operation", "body", "status", "example", "answer"), ANSWERS)
def test_the_facade_understands_every_example_and_what_else_the_schemas_allow(
    prism: str, operation: str, body: dict[str, Any], status: int, example: str, answer: dict[str, Any]
) -> None:
    """An example is read whole; of values that Prism makes up comes a result or a typed error."""
    call(prism, operation, body, f"code={status}, dynamic=true")
    outcome = call(prism, operation, body, f"code={status}, example={example}")
    if status >= 300:
        assert isinstance(outcome, facade.AnamStatusError), outcome
        found = (outcome.status_code, outcome.code, outcome.message)
        assert found == (status, answer.get("error"), answer.get("message"))
    else:
        assert (outcome.value if operation == "createSessionToken" else outcome.raw) in (*answer.values(), answer)


INLINE = {"voiceId": SAVED["personaConfig"]["personaId"]}
BOTH_STYLES = {"presetStyle": "warm", "customStylePrompt": "x"}
FORBIDDEN: list[tuple[str, Any]] = [
    (MINT, {}),
    (MINT, {"personaConfig": SAVED["personaConfig"] | INLINE}),
    (MINT, {"personaConfig": {**INLINE, "nonsense": 1}}),
    (MINT, {"personaConfig": {**INLINE, "directorNotes": BOTH_STYLES}}),
    (MINT, {**SAVED, "environment": {"livekitUrl": "wss://rooms.example.org"}}),
    (START, {**SAVED, "expiresIn": "1h"}),
]


@pytest.mark.parametrize(("path", "body"), [*FORBIDDEN, (MINT, SAVED), (START, {})])
def test_prism_refuses_what_the_document_forbids(prism: str, path: str, body: Any) -> None:
    """So being accepted means something; the last two are accepted, but not without a bearer."""
    answers = [httpx.post(prism + path, json=body, headers=h) for h in ({"Authorization": f"Bearer {KEY}"}, {})]
    assert answers[0].status_code in ((400, 422) if (path, body) in FORBIDDEN else (200,))
    assert answers[1].status_code in (400, 401, 422)
