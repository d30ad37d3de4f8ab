"""The vectors that programs in other languages read too: they keep to the contract, and so does the facade to them."""

from __future__ import annotations

import copy
import json
import re
import socket
import struct
from datetime import UTC, datetime
from typing import Any

import anyio
import httpx
import pytest
import spec
import vectors

import anam_facade
from anam_facade import AnamClient, AnamConfigError, AnamError, AnamStatusError, RetryPolicy
from tests.client.servers import Local
from tests.conftest import PERSONA, Calls

FILES = vectors.read()
assert len(FILES) > 100
CONTRACT = vectors.Validated(spec.load())
SCHEMA = json.loads((vectors.FOLDER / "vector.schema.json").read_text("utf-8"))
ANAM = "https://api.anam.ai"
ONCE_MORE = RetryPolicy(max_attempts=2, max_retry_after=86_400, deadline=None)
UNLIKE_THEIR_NAMES = {
    "tokenUsed": "ConflictError",
    "unexpectedStatus": "AnamStatusError",
    "unusableAnswer": "AnamResponseError",
    "answerLost": "AnamConnectionError",
    "notReached": "AnamConnectionError",
}

pytestmark = pytest.mark.filterwarnings("ignore::anam_facade.AnamConfigWarning")


def test_the_vectors_keep_to_the_contract(capsys):
    """Each is well-formed, in the form that is written, keeps to the contract or is a marked fault; every example is
    played: `make contract` says so.
    """
    assert vectors.main([]) == 0, capsys.readouterr().out
    assert capsys.readouterr().out.startswith(f"{len(FILES)} vectors, ")


def test_every_outcome_is_played():
    """Each error a client can meet, each retry and each doubt has a vector."""
    played = {vector["outcome"].get("error") for vector in FILES.values()}
    outcomes = SCHEMA["properties"]["outcome"]["properties"]
    assert set(outcomes["error"]["enum"]) <= played
    for field in ("kind", "started", "retry"):
        assert {vector["outcome"][field] for vector in FILES.values()} == set(outcomes[field]["enum"])


# The facade.


def call_of(vector: dict[str, Any]) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """The call of the facade that a vector's request stands for: method, arguments."""
    request = vector["request"]
    body = request["body"]
    setup = {
        "environment": body.get("environment"),
        "session_options": body.get("sessionOptions"),
        "client_label": body.get("clientLabel"),
    }
    if vector["operation"] == "createSessionToken":
        return "create_session_token", (body["personaConfig"],), setup | {"expires_in": body.get("expiresIn")}
    metadata = {"client_metadata": body.get("clientMetadata")}
    if request["credential"] == "apiKey":
        return "start_session", (body["personaConfig"],), setup | metadata | {"direct": True}
    sensitivity = body.get("sessionOptions", {}).get("voiceDetection", {}).get("endOfSpeechSensitivity")
    return "start_engine_session", (request["bearer"],), metadata | {"end_of_speech_sensitivity": sensitivity}


def answer(response: dict[str, Any], connection: socket.socket) -> None:
    """Answers as a vector says, or not at all."""
    match response["delivery"]:
        case "silent":
            connection.recv(1)  # until the client hangs up
        case "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        case delivery:
            body = vectors.body_bytes(response)
            own = {"Connection": "close", "Content-Length": len(body), "Content-Type": response["contentType"]}
            headers = {name: value for name, value in own.items() if value is not None} | response["headers"]
            lines = [f"{name}: {value}" for name, value in headers.items()]
            head = "\r\n".join([f"HTTP/1.1 {response['status']} X", *lines, "\r\n"])
            connection.sendall(head.encode() + body[: len(body) // 2 if delivery == "truncated" else None])


@pytest.mark.every_transport
def test_the_facade_keeps_to_the_vectors(calls: Calls, raw_server: Local, monkeypatch: Any) -> None:
    """It sends exactly the request, once or twice, and makes of the answer, the same each time, what it must."""

    async def no_pause(seconds: float) -> None:
        pass

    monkeypatch.setattr(anyio, "sleep", no_pause)
    monkeypatch.setattr("anam_facade.client._Lifetime.pause", lambda self, seconds: None)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    for vector in FILES.values():
        request, response, outcome = vector["request"], vector["response"], vector["outcome"]
        url = nobody if response["delivery"] == "refused" else raw_server.url
        raw_server.behave = lambda connection, _, response=response: answer(response, connection)
        raw_server.requests.clear()
        calls.configure(
            api_key=request["bearer"] if request["credential"] == "apiKey" else "another-key",
            auto_label=False,
            retry=ONCE_MORE,
            timeout=0.5 if response["delivery"] == "silent" else 10,
            base_url=ANAM if "X-Anam-Target-Url" in request["headers"] else url,
            gateway_url=url if "X-Anam-Target-Url" in request["headers"] else None,
        )
        method, arguments, options = call_of(vector)
        try:
            result = calls(method, *arguments, **options)
        except AnamError as error:
            result = error
        check_requests(raw_server, vector)
        {"token": check_token, "session": check_session, "error": check_error}[outcome["kind"]](result, vector)


def attempts_for(vector: dict[str, Any]) -> int:
    return 2 if vector["outcome"]["kind"] == "error" and vector["outcome"]["retry"] != "no" else 1


def check_requests(server: Local, vector: dict[str, Any]) -> None:
    """What was sent is what the vector says, and nothing more."""
    wanted = vector["request"]
    assert len(server.requests) == (0 if vector["response"]["delivery"] == "refused" else attempts_for(vector))
    for request, headers in zip(server.requests, server.headers, strict=True):
        assert request.startswith(f"{wanted['method']} {wanted['path']} HTTP/1.1\r\n".encode())
        assert headers["Authorization"] == f"Bearer {wanted['bearer']}"
        assert {name: headers[name] for name in wanted["headers"]} == wanted["headers"]
        assert ("X-Anam-Target-Url" in headers) == ("X-Anam-Target-Url" in wanted["headers"])
        assert json.loads(request.partition(b"\r\n\r\n")[2]) == wanted["body"]


def check_token(result: Any, vector: dict[str, Any]) -> None:
    wanted = vector["outcome"]["token"]
    assert (result.value, result.claims.get("type")) == (wanted["value"], wanted["type"])
    assert wanted["usable"] or result.expires_at > datetime.now(UTC)  # its type makes it unusable, not its age
    started = httpx.MockTransport(lambda request: httpx.Response(200, json={"sessionId": "s-1"}))
    with AnamClient("the-api-key", ANAM, transport=started) as client:
        if wanted["usable"]:
            assert client.start_engine_session(result).session_id == "s-1"
        else:
            with pytest.raises(AnamConfigError):
                client.start_engine_session(result)


def check_session(result: Any, vector: dict[str, Any]) -> None:
    check_fields(result, vector["outcome"]["session"])
    assert result.raw == vector["response"]["body"]


def check_fields(made: Any, wanted: Any) -> None:
    """An object has what is wanted, in the fields of the same names."""
    match wanted:
        case dict():
            for name, value in wanted.items():
                check_fields(getattr(made, re.sub("(?=[A-Z])", "_", name).lower()), value)
        case list():
            for one, value in zip(made, wanted, strict=True):
                check_fields(one, value)
        case _:
            assert made == wanted


def check_error(result: Any, vector: dict[str, Any]) -> None:
    wanted, error, name = vector["outcome"], result, vector["outcome"]["error"]
    assert result.attempts == attempts_for(vector)
    assert result.may_have_started == (wanted["started"] == "maybe")
    if wanted["started"] == "maybe" and name in ("answerLost", "unusableAnswer"):
        assert isinstance(result, anam_facade.SessionStartUncertainError)
        error = result.__cause__
    cls = getattr(anam_facade, UNLIKE_THEIR_NAMES.get(name, f"{name[0].upper()}{name[1:]}Error"))
    if name in ("answerLost", "notReached"):
        silent = vector["response"]["delivery"] == "silent"
        assert type(error) is (anam_facade.AnamTimeoutError if silent else cls)
        assert error.sent == (name == "answerLost")
    else:
        assert type(error) is cls
        assert error.status_code == wanted["status"]
    if isinstance(error, AnamStatusError):
        assert (error.method, error.path) == ("POST", vector["request"]["path"])
        told = (error.code, error.message, error.details, error.retry_after)
        assert told == (wanted["code"], wanted["message"], wanted["details"], wanted["retryAfterSeconds"])
    else:
        assert wanted["retryAfterSeconds"] is None


def test_the_sandbox_takes_every_request(anam_sandbox):
    """What the vectors send is what the sandbox, which judges for itself, answers with 2xx."""
    with httpx.Client(base_url=anam_sandbox.base_url, trust_env=False) as plain:
        for vector in FILES.values():
            request, bearer = vector["request"], anam_sandbox.api_key
            if request["credential"] == "sessionToken":
                minted = plain.post(
                    "/v1/auth/session-token",
                    json={"personaConfig": PERSONA},
                    headers={"Authorization": f"Bearer {bearer}"},
                )
                bearer = minted.json()["sessionToken"]
            headers = {**request["headers"], "Authorization": f"Bearer {bearer}"}
            answer = plain.request(request["method"], request["path"], json=request["body"], headers=headers)
            assert answer.is_success, (vector["name"], answer.text)
            anam_sandbox.end_all()


# The vectors themselves.


HTML = {"where": "response", "why": "a page"}
NOTES = {"personaConfig": {"directorNotes": {"expressivity": 2}}}
SPOILED = [
    ("mint-saved", "colour", 1, "'colour' was unexpected"),
    ("mint-saved", "name", "mint-other", "not those of its file"),
    ("mint-legacy-token", "request.body", NOTES, "the request's body"),
    ("start-direct", "request.body", {}, "DirectStartRequest"),
    ("mint-saved", "request.credential", "sessionToken", "request/credential"),
    ("mint-saved", "request.headers.X-Tenant", "a", "no request header x-tenant"),
    ("mint-saved", "request.headers.Content-Type", "text/plain", "content type is none of"),
    ("mint-saved", "request.example", "MintNever", "has no example MintNever"),
    ("mint-livekit", "request.body.environment.livekitUrl", "wss://b", "not the contract's example MintLiveKit"),
    ("mint-403", "response.body.message", "No", "not the contract's example"),
    ("mint-200-no-token", "violation", None, "not marked as a fault"),
    ("mint-saved", "violation", HTML, "marked as a fault, and keeps to the contract"),
    ("mint-saved", "response.schema", "EngineSession", "the contract promises"),
    ("mint-rate-limit-headers", "response.headers.RateLimit-Limit", "many", "RateLimit-Limit"),
    ("start-token-500", "outcome.retry", "yes", "outcome/retry"),
    ("start-token-409", "response.example", None, "plays the example ErrorTokenUsed"),
]


@pytest.mark.parametrize(("name", "path", "value", "report"), SPOILED)
def test_a_spoiled_vector_is_noticed(name, path, value, report):
    """Each kind of mistake in a vector is reported, with its words."""
    changed = copy.deepcopy(FILES)
    place = next(vector for file, vector in changed.items() if file.stem == name)
    *steps, last = path.split(".")
    for step in steps:
        place = place[step]
    place[last] = value
    found = list(vectors.problems(CONTRACT, changed, SCHEMA))
    assert any(report in line for line in found), found


def test_a_changed_example_of_the_contract_is_noticed_and_taken_over(tmp_path):
    """A vector whose example changed in the contract fails, until it is taken over."""
    document = copy.deepcopy(CONTRACT.document)
    document["components"]["examples"]["MintSaved"]["value"]["clientLabel"] = "new"
    changed = vectors.Validated(document)
    assert any("example MintSaved" in line for line in vectors.problems(changed, FILES, SCHEMA))
    copies = {tmp_path / file.name: copy.deepcopy(vector) for file, vector in FILES.items()}
    for file, vector in copies.items():
        file.write_text(vectors.written(vector), "utf-8")
    uses = sum(vector["request"]["example"] == "MintSaved" for vector in copies.values())
    assert vectors.write(changed, copies) == uses > 0
    again = json.loads((tmp_path / "mint-saved.json").read_text("utf-8"))
    assert again["request"]["body"]["clientLabel"] == "new"
