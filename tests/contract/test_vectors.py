"""The vectors that programs in other languages read too: they keep to the contract, and so does the facade to them."""

from __future__ import annotations

import asyncio
import copy
import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import spec
import vectors

import anam_facade
from anam_facade import AnamClient, AnamConfigError, AnamError, AnamStatusError, AsyncAnamClient, RetryPolicy
from anam_facade.sandbox import Fault, Sandbox, SeenRequest
from anam_facade.sandbox.masking import masked

ROOT = Path(__file__).resolve().parents[2]
FILES = vectors.read()
NAMED = {file.stem: vector for file, vector in FILES.items()}
assert len(NAMED) > 100
CONTRACT = vectors.Validated(spec.load())
SCHEMA = json.loads((vectors.FOLDER / "vector.schema.json").read_text("utf-8"))
ONCE = RetryPolicy(max_attempts=1)
AT_ONCE = RetryPolicy(max_attempts=2, initial_backoff=0, max_backoff=0, max_retry_after=86_400, deadline=None)
ANAM = "https://api.anam.ai"
ERRORS = {
    "badRequest": "BadRequestError",
    "authentication": "AuthenticationError",
    "planRequired": "PlanRequiredError",
    "permissionDenied": "PermissionDeniedError",
    "notFound": "NotFoundError",
    "tokenUsed": "ConflictError",
    "rateLimit": "RateLimitError",
    "concurrencyLimit": "ConcurrencyLimitError",
    "spendCap": "SpendCapError",
    "serviceBusy": "ServiceBusyError",
    "server": "ServerError",
    "unexpectedStatus": "AnamStatusError",
    "unusableAnswer": "AnamResponseError",
    "answerLost": "AnamConnectionError",
    "notReached": "AnamConnectionError",
}

pytestmark = pytest.mark.filterwarnings("ignore::anam_facade.AnamConfigWarning")


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


def play(
    vector: dict[str, Any], flavour: str, transport: Any = None, base_url: str = ANAM, retry: RetryPolicy = ONCE
) -> Any:
    """What the facade makes of a vector: what it returns, or the error it raises."""
    method, arguments, options = call_of(vector)
    request = vector["request"]
    key = request["bearer"] if request["credential"] == "apiKey" else "another-key"
    settings: dict[str, Any] = {
        "api_key": key,
        "auto_label": False,
        "retry": retry,
        "transport": transport,
        "base_url": base_url,
    }
    if vector["response"]["delivery"] == "silent":
        settings["timeout"] = 0.5
    if "X-Anam-Target-Url" in request["headers"]:
        settings |= {"base_url": ANAM, "gateway_url": base_url if base_url != ANAM else "https://gateway.example.org"}

    async def asynchronously() -> Any:
        async with AsyncAnamClient(**settings) as client:
            return await getattr(client, method)(*arguments, **options)

    try:
        if flavour == "async":
            return asyncio.run(asynchronously())
        with AnamClient(**settings) as client:
            return getattr(client, method)(*arguments, **options)
    except AnamError as error:
        return error


def check_request(sent: httpx.Request, vector: dict[str, Any]) -> None:
    """What was sent is what the vector says, and nothing more."""
    wanted = vector["request"]
    assert (sent.method, sent.url.path) == (wanted["method"], wanted["path"])
    assert sent.headers["Authorization"] == f"Bearer {wanted['bearer']}"
    assert json.loads(sent.content) == wanted["body"]
    for name, value in wanted["headers"].items():
        told = sent.headers[name]
        assert (told.partition(";")[0].strip() if name == "Content-Type" else told) == value
    assert ("X-Anam-Target-Url" in sent.headers) == ("X-Anam-Target-Url" in wanted["headers"])


def check_record(record: SeenRequest, wanted: dict[str, Any]) -> None:
    """What arrived at the sandbox, as far as it shows it: credentials are masked there."""
    assert (record.method, record.path) == (wanted["method"], wanted["path"])
    # It did not mint the vectors' session token.
    assert record.credential == ("api_key" if wanted["credential"] == "apiKey" else "other")
    assert record.headers["authorization"] == "Bearer ***"
    assert record.body == masked(wanted["body"])
    for name, value in wanted["headers"].items():
        assert record.headers[name.lower()] == value


def check_outcome(result: Any, vector: dict[str, Any]) -> None:
    """The facade makes of the answer what the vector says a client must."""
    wanted = vector["outcome"]
    {"token": check_token, "session": check_session, "error": check_error}[wanted["kind"]](result, vector)


def check_token(result: Any, vector: dict[str, Any]) -> None:
    wanted = vector["outcome"]["token"]
    assert (result.value, result.claims.get("type")) == (wanted["value"], wanted["type"])
    assert wanted["usable"] or result.expires_at > datetime.now(UTC)  # its type makes it unusable, not its age
    requests: list[httpx.Request] = []

    def started(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"sessionId": "s-1"})

    with AnamClient("the-api-key", transport=httpx.MockTransport(started), retry=ONCE) as client:
        if wanted["usable"]:
            client.start_engine_session(result)
        else:
            with pytest.raises(AnamConfigError):
                client.start_engine_session(result)
    assert len(requests) == wanted["usable"]


def check_session(result: Any, vector: dict[str, Any]) -> None:
    wanted = vector["outcome"]["session"]
    config = result.client_config
    assert wanted == {
        "sessionId": result.session_id,
        "engineHost": result.engine_host,
        "engineProtocol": result.engine_protocol,
        "signallingEndpoint": result.signalling_endpoint,
        "region": result.region,
        "clientConfig": config
        and {
            "heartbeatIntervalSeconds": config.heartbeat_interval_seconds,
            "maxWsReconnectionAttempts": config.max_ws_reconnection_attempts,
            "iceServers": [
                {"urls": list(server.urls), "username": server.username, "credential": server.credential}
                for server in config.ice_servers
            ],
            "iceTransportPolicy": config.ice_transport_policy,
        },
    }
    assert result.raw == vector["response"]["body"]


def check_error(result: Any, vector: dict[str, Any]) -> None:
    wanted = vector["outcome"]
    assert isinstance(result, AnamError)
    assert result.may_have_started == (wanted["started"] == "maybe")
    error: Any = result
    if wanted["started"] == "maybe" and wanted["error"] in ("answerLost", "unusableAnswer"):
        assert isinstance(result, anam_facade.SessionStartUncertainError)
        error = result.__cause__
    cls = getattr(anam_facade, ERRORS[wanted["error"]])
    if wanted["error"] in ("answerLost", "notReached"):
        assert isinstance(error, cls)
        assert error.sent == (wanted["error"] == "answerLost")
        assert isinstance(error, anam_facade.AnamTimeoutError) == (vector["response"]["delivery"] == "silent")
    else:
        assert type(error) is cls
        assert error.status_code == wanted["status"]
    if isinstance(error, AnamStatusError):
        assert (error.method, error.path) == ("POST", vector["request"]["path"])
        told = (error.code, error.message, error.details, error.retry_after)
        assert told == (wanted["code"], wanted["message"], wanted["details"], wanted["retryAfterSeconds"])
    else:
        assert wanted["retryAfterSeconds"] is None


def answer(response: dict[str, Any], request: httpx.Request) -> httpx.Response:
    """What a transport gives for a vector's response."""
    match response["delivery"]:
        case "reset":
            raise httpx.ReadError("Connection reset by peer", request=request)
        case "silent":
            raise httpx.ReadTimeout("timed out", request=request)
    headers = dict(response["headers"])
    if response["contentType"] is not None:
        headers["Content-Type"] = response["contentType"]
    body = vectors.body_bytes(response)
    content = broken(body) if response["delivery"] == "truncated" else body
    return httpx.Response(response["status"], headers=headers, content=content)


def broken(body: bytes) -> Iterator[bytes]:
    """A body that breaks off, as httpx tells of it."""
    yield body[: len(body) // 2]
    raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


def fault_of(vector: dict[str, Any]) -> Fault:
    """The sandbox's fault that answers as a vector says, as README.md tells how to make it."""
    response = vector["response"]
    said: dict[str, Any] = {"operation": vector["operation"], "times": 1}
    if response["delivery"] == "reset":
        return Fault.from_dict(said | {"close": "after"})
    if response["delivery"] == "silent":
        return Fault.from_dict(said | {"delay": 60})
    said |= {"status": response["status"], "headers": response["headers"]}
    if response["contentType"] is not None:
        said["content_type"] = response["contentType"]
    for field, name in (("body", "body"), ("bodyText", "body"), ("bodyBase64", "body_base64")):
        if field in response:
            said[name] = response[field]
    return Fault.from_dict(said | {"truncate": response["delivery"] == "truncated"})


def test_the_vectors_keep_to_the_contract(capsys):
    """Each is well-formed, in the form that is written, keeps to the contract or is a marked fault; every example is
    played: `make contract` says so.
    """
    assert vectors.main([]) == 0, capsys.readouterr().out
    assert capsys.readouterr().out.startswith(f"{len(FILES)} vectors, ")


def test_every_outcome_is_played():
    """Each error a client can meet, each retry and each doubt has a vector."""
    played = {vector["outcome"].get("error") for vector in NAMED.values()}
    outcomes = SCHEMA["properties"]["outcome"]["properties"]
    assert set(outcomes["error"]["enum"]) <= played
    for field in ("kind", "started", "retry"):
        assert {vector["outcome"][field] for vector in NAMED.values()} == set(outcomes[field]["enum"])


@pytest.mark.parametrize("name", sorted(name for name, v in NAMED.items() if v["response"]["delivery"] != "refused"))
def test_the_facade_sends_a_vector_and_repeats_what_it_may(name, monkeypatch):
    """It sends exactly the vector's request; with retries on the very same again, or not, as the vector says."""
    monkeypatch.setattr("anam_facade.client._Lifetime.pause", lambda self, seconds: None)
    vector = NAMED[name]
    sent: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        started = {"sessionToken": "a.b.c", "sessionId": "s-1"}
        return answer(vector["response"], request) if len(sent) == 1 else httpx.Response(200, json=started)

    result = play(vector, "sync", httpx.MockTransport(handler), retry=AT_ONCE)
    failed = vector["outcome"]["kind"] == "error"
    again = failed and vector["outcome"]["retry"] != "no"
    assert len(sent) == (2 if again else 1)
    assert isinstance(result, AnamError) == (failed and not again)
    for request in sent:
        check_request(request, vector)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(api_key="the-api-key") as running:
        yield running


@pytest.mark.every_transport
@pytest.mark.parametrize("flavour", ["sync", "async"])
def test_the_facade_keeps_to_the_vectors_over_a_socket(sandbox, flavour):
    """The same against the sandbox, over each way of sending, with a fault that answers as each vector says."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
    for name, vector in NAMED.items():
        sandbox.clear_faults()
        before = len(sandbox.requests)
        refused = vector["response"]["delivery"] == "refused"
        if not refused:
            sandbox.inject(fault_of(vector))
        result = play(vector, flavour, None, nobody if refused else sandbox.base_url)
        try:
            records = sandbox.requests[before:]
            assert len(records) == (0 if refused else 1)
            for record in records:
                assert record.fault is not None
                check_record(record, vector["request"])
            check_outcome(result, vector)
        except AssertionError as error:
            error.add_note(f"vector: {name}")
            raise


def test_the_sandbox_takes_every_request(sandbox):
    """What the vectors send is what the sandbox, which judges for itself, answers with 2xx."""
    sandbox.clear_faults()
    with httpx.Client(base_url=sandbox.base_url, trust_env=False) as plain:
        for name, vector in NAMED.items():
            request = vector["request"]
            bearer = request["bearer"]
            if request["credential"] == "sessionToken":
                persona = {"personaConfig": {"personaId": "8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506"}}
                minted = plain.post(
                    "/v1/auth/session-token", json=persona, headers={"Authorization": "Bearer the-api-key"}
                )
                bearer = minted.json()["sessionToken"]
            headers = {**request["headers"], "Authorization": f"Bearer {bearer}"}
            answer = plain.request(request["method"], request["path"], json=request["body"], headers=headers)
            assert answer.is_success, (name, answer.text)
            sandbox.end_all()


def spoiled(name: str, change: Callable[[dict[str, Any]], None]) -> list[str]:
    """What is said of the vectors when one of them is changed."""
    changed = copy.deepcopy(FILES)
    change(next(vector for file, vector in changed.items() if file.stem == name))
    return list(vectors.problems(CONTRACT, changed, SCHEMA))


def put(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    *steps, last = path.split(".")

    def change(vector: dict[str, Any]) -> None:
        for step in steps:
            vector = vector[step]
        vector[last] = value

    return change


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
    copies = {}
    for file, vector in FILES.items():
        copies[tmp_path / file.name] = copy.deepcopy(vector)
        (tmp_path / file.name).write_text(file.read_text("utf-8"), "utf-8")
    uses = sum(vector["request"]["example"] == "MintSaved" for vector in copies.values())
    assert vectors.write(changed, copies) == uses > 0
    again = json.loads((tmp_path / "mint-saved.json").read_text("utf-8"))
    assert again["request"]["body"]["clientLabel"] == "new"
