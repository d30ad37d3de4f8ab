"""Every example of the contract is what the facade sends, or understands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

import anam_facade
from anam_facade import (
    DEFAULT_BASE_URL,
    AgoraEnvironment,
    AnamClient,
    AnamStatusError,
    AuthenticationError,
    BadRequestError,
    ConcurrencyLimitError,
    ConflictError,
    ElevenLabsEnvironment,
    EngineSession,
    LiveKitEnvironment,
    NotFoundError,
    PermissionDeniedError,
    PersonaConfig,
    PlanRequiredError,
    RateLimitError,
    RetryPolicy,
    ServerError,
    ServiceBusyError,
    SessionOptions,
    SpendCapError,
    errors,
)

CONTRACT: dict[str, Any] = yaml.load(
    anam_facade.openapi_path().read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)
)
SAVED = PersonaConfig.saved("8f1c2a34-5b6d-4e7f-8a90-b1c2d3e4f506")
MINT, START = "/v1/auth/session-token", "/v1/engine/session"


def resolve(node: Any) -> Any:
    while isinstance(node, dict) and "$ref" in node:
        target: Any = CONTRACT
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def examples(media: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, example in media["content"]["application/json"]["examples"].items():
        yield name, resolve(example)["value"]


REQUESTS = {
    f"{path.rpartition('/')[2]} {name}": (path, value)
    for path, item in CONTRACT["paths"].items()
    for name, value in examples(item["post"]["requestBody"])
}
RESPONSES = {
    f"{path.rpartition('/')[2]} {status} {name}": (path, status, value)
    for path, item in CONTRACT["paths"].items()
    for status, response in item["post"]["responses"].items()
    for name, value in examples(resolve(response))
}


def answered(response: httpx.Response) -> tuple[AnamClient, list[httpx.Request]]:
    requests: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return response

    client = AnamClient(
        "the-key", transport=httpx.MockTransport(handler), retry=RetryPolicy(max_attempts=1), auto_label=False
    )
    return client, requests


def test_every_example_is_tried():
    """Each example of the contract belongs to a request or a response that is tried below."""
    tried = [value for _, value in REQUESTS.values()] + [value for _, _, value in RESPONSES.values()]
    assert all(example["value"] in tried for example in CONTRACT["components"]["examples"].values())


@pytest.mark.parametrize("name", REQUESTS)
def test_examples_of_requests_are_sent_as_they_are(name):
    """What a request's example holds can be said to the facade, which sends exactly that."""
    path, value = REQUESTS[name]
    client, requests = answered(httpx.Response(200, json={"sessionToken": "a.b.c", "sessionId": "s-1"}))
    setup = {
        "persona": value.get("personaConfig"),
        "environment": value.get("environment"),
        "session_options": value.get("sessionOptions"),
        "client_label": value.get("clientLabel"),
    }
    if path == MINT:
        client.create_session_token(**setup, expires_in=value.get("expiresIn"))
    elif "personaConfig" in value:
        client.start_session(**setup, direct=True, client_metadata=value.get("clientMetadata"))
    else:
        sensitivity = value.get("sessionOptions", {}).get("voiceDetection", {}).get("endOfSpeechSensitivity")
        metadata = value.get("clientMetadata")
        client.start_engine_session("a.b.c", client_metadata=metadata, end_of_speech_sensitivity=sensitivity)
    assert [request.url.path for request in requests] == [path]
    assert json.loads(requests[0].content) == value


ENVIRONMENTS = {
    "livekitUrl": LiveKitEnvironment,
    "elevenLabsAgentSettings": ElevenLabsEnvironment,
    "agoraSettings": AgoraEnvironment,
}
PARTS = [
    (f"{name} {key}", cls, value[key])
    for name, (_, value) in REQUESTS.items()
    for key, cls in (
        ("personaConfig", PersonaConfig),
        ("environment", ENVIRONMENTS.get(next(iter(value.get("environment", ())), ""))),
        ("sessionOptions", SessionOptions),
    )
    if key in value
]


@pytest.mark.parametrize(("cls", "wire"), [part[1:] for part in PARTS], ids=[part[0] for part in PARTS])
def test_examples_of_parts_survive_reading_and_writing(cls, wire):
    """A part of an example, read and written again, is the same."""
    assert cls.from_dict(wire).to_dict() == wire


ERRORS = {
    "400 badRequest": BadRequestError,
    "400 videoSize": BadRequestError,
    "404 notFound": NotFoundError,
    "401 badKey": AuthenticationError,
    "401 badToken": AuthenticationError,
    "402 noPlan": PlanRequiredError,
    "403 forbidden": PermissionDeniedError,
    "409 tokenUsed": ConflictError,
    "429 rateLimited": RateLimitError,
    "429 concurrency": ConcurrencyLimitError,
    "429 spendCap": SpendCapError,
    "500 internal": ServerError,
    "503 busy": ServiceBusyError,
    "default badGateway": ServerError,
}


@pytest.mark.parametrize("name", [name for name in RESPONSES if " 20" not in name])
def test_examples_of_errors_become_the_right_error(name):
    """An error's example is raised as its own type, with the server's words."""
    path, status, value = RESPONSES[name]
    code = 502 if status == "default" else int(status)
    client, _ = answered(httpx.Response(code, json=value))
    with pytest.raises(AnamStatusError) as caught:
        client.create_session_token(SAVED) if path == MINT else client.start_engine_session("a.b.c")
    error = caught.value
    assert type(error) is ERRORS[name.partition(" ")[2]]
    assert (error.method, error.path, error.status_code) == ("POST", path, code)
    assert (error.code, error.message, error.details) == (
        value.get("error"),
        value.get("message"),
        value.get("details"),
    )


@pytest.mark.parametrize("name", [name for name in RESPONSES if name.startswith("session 20")])
def test_examples_of_started_sessions_are_understood(name):
    """A started session's example gives a session with every field."""
    _, status, value = RESPONSES[name]
    client, _ = answered(httpx.Response(int(status), json=value))
    session = client.start_engine_session("a.b.c")
    assert isinstance(session, EngineSession)
    assert session.raw == value
    assert (
        session.session_id,
        session.engine_host,
        session.engine_protocol,
        session.signalling_endpoint,
        session.region,
    ) == (
        value["sessionId"],
        value.get("engineHost"),
        value.get("engineProtocol"),
        value.get("signallingEndpoint"),
        value.get("region"),
    )
    config = value.get("clientConfig")
    assert (session.client_config is None) == (config is None)
    if session.client_config is not None:
        urls = [
            [server["urls"]] if isinstance(server["urls"], str) else server["urls"] for server in config["iceServers"]
        ]
        assert [list(server.urls) for server in session.client_config.ice_servers] == urls
        assert session.client_config.heartbeat_interval_seconds == config["heartbeatIntervalSeconds"]
        assert session.client_config.max_ws_reconnection_attempts == config["maxWsReconnectionAttempts"]
        assert session.client_config.ice_transport_policy == config["iceTransportPolicy"]
        assert session.client_config.ice_servers[1].credential == config["iceServers"][1]["credential"]


def test_the_example_of_a_token_is_understood():
    """A minted token's example gives that token."""
    _, _, value = RESPONSES["session-token 200 minted"]
    client, _ = answered(httpx.Response(200, json=value))
    token = client.create_session_token(SAVED)
    assert token.value == value["sessionToken"]


def test_the_examples_of_headers_are_understood():
    """The values that the contract gives as examples mean what they say."""
    headers = {name: str(header["example"]) for name, header in CONTRACT["components"]["headers"].items()}
    assert errors.retry_after({"Retry-After": headers["RetryAfter"]}) == 2
    assert errors.retry_after({"RateLimit-Reset": headers["RateLimitReset"]}) == 30
    spent = {"X-RateLimit-Org-Hour-Remaining": "0", "X-RateLimit-Org-Hour-Reset": headers["OrgHourReset"]}
    assert errors.retry_after(spent) == 1800


def test_every_status_with_an_error_of_its_own_is_documented():
    """The statuses that the facade names are those the contract names."""
    documented = {status for path in CONTRACT["paths"].values() for status in path["post"]["responses"]} - {"default"}
    assert {str(status) for status in errors._BY_STATUS} | {"200", "201", "500"} == documented


def test_the_plan_limits_are_documented():
    """The two texts that tell plan limits from rate limits are the contract's."""
    description = CONTRACT["components"]["responses"]["TooManySessions"]["description"].lower()
    assert all(text in description for text in errors._PLAN_LIMITS)


def test_the_default_server_is_the_contracts():
    """The client's default address is the contract's server."""
    assert [server["url"] for server in CONTRACT["servers"]] == [DEFAULT_BASE_URL]
