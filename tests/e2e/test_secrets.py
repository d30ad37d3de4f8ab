"""No secret gets out: every path is run with everything logged, and all that can be shown is searched."""

from __future__ import annotations

import copy
import io
import logging
import pickle
import traceback
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from anam_facade import (
    AnamError,
    ClientTool,
    DailyEgress,
    EngineSession,
    LiveKitEnvironment,
    PersonaConfig,
    RetryPolicy,
    SessionOptions,
    SessionToken,
    WebhookTool,
)
from anam_facade.sandbox import Fault, Sandbox

START = "createEngineSession"
ID = "30fa96d0-26c4-4e55-94a0-517025942e18"
LIVEKIT_TOKEN = jwt.encode({"video": {"room": "lobby"}}, "k" * 32, algorithm="HS256")
HEADER = "webhook-header-value-8f3a"
DAILY_TOKEN = "daily-meeting-token-77b1"

PERSONA = PersonaConfig(
    avatar_id=ID,
    voice_id=ID,
    enable_audio_passthrough=True,
    tools=[WebhookTool(name="orders", url="https://x.example", headers={"X-Key": HEADER}), ClientTool(name="page")],
)
ENVIRONMENT = LiveKitEnvironment("wss://rooms.example.org", LIVEKIT_TOKEN)
OPTIONS = SessionOptions(egress=DailyEgress(room_url="https://daily.example/r", token=DAILY_TOKEN))

# What a server might say that quotes all it was sent, the headers included.
PARROT = {"error": "Bad Request", "message": "you sent {everything}", "details": {"echo": ["{everything}"]}}

FAULTS: dict[str, list[Fault]] = {
    "success": [],
    "busy, then success": [Fault(operation=START, status=503, times=1)],
    "mint fails": [Fault(operation="createSessionToken", status=500)],
    "mint is nonsense": [Fault(operation="createSessionToken", status=200, body="<html>{everything}</html>")],
    "start is refused": [Fault(operation=START, status=400, body=PARROT)],
    "start is unauthorised": [Fault(operation=START, status=401, body=PARROT)],
    "rate limit, quoted in a header": [Fault(operation=START, status=429, body=PARROT, headers={"Retry-After": "99"})],
    "gateway": [Fault(operation=START, status=502, body="<html>{everything}</html>")],
    "reset": [Fault(operation=START, close="after")],
    "time-out": [Fault(operation=START, delay_answer=2.0)],
    "truncated": [Fault(operation=START, truncate=True)],
    "start is nonsense": [Fault(operation=START, status=200, body="{everything}", processed=True)],
}


@pytest.fixture
def everything_logged() -> Iterator[io.StringIO]:
    """All loggers, httpcore's and asyncio's too, at their most talkative."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s %(args)s"))
    # The server's own log quotes the faults that it was told to play.
    handler.addFilter(lambda record: not record.name.startswith("anam_facade.sandbox"))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


class Hidden(list[str]):
    """The secrets looked for; a list that does not show them in the test's own frame."""

    def __repr__(self) -> str:
        return f"<{len(self)} secrets>"


def inject(sandbox: Sandbox, faults: list[Fault], secrets: Hidden) -> None:
    for fault in faults:
        sandbox.inject(quoting(fault, secrets))


def quoting(fault: Fault, secrets: Hidden) -> Fault:
    """The fault with every secret that the client sends put into its answer."""

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("{everything}", " ".join(secrets))
        if isinstance(value, dict):
            return {key: fill(inner) for key, inner in value.items()}
        return [fill(inner) for inner in value] if isinstance(value, list) else value

    return Fault.from_dict({**fault.to_dict(), "body": fill(fault.body)}) if fault.body is not None else fault


@pytest.mark.every_transport
@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("path", FAULTS)
def test_nothing_shown_holds_a_secret(
    anam_sandbox: Sandbox, calls: Any, everything_logged: io.StringIO, path: str, direct: bool
) -> None:
    """Logs, reprs, tracebacks with their variables, and pickles are free of every credential, whatever happens."""
    twice = RetryPolicy(max_attempts=2, initial_backoff=0.01)
    calls.configure(timeout=0.3, client_label="secrets", retry=twice)
    token = None if direct else calls("create_session_token", PERSONA, environment=ENVIRONMENT, session_options=OPTIONS)
    secrets = Hidden([anam_sandbox.api_key, LIVEKIT_TOKEN, HEADER, DAILY_TOKEN])
    if token is not None:
        secrets.append(token.value)
    inject(anam_sandbox, FAULTS[path], secrets)

    shown: list[str] = [repr(PERSONA), repr(ENVIRONMENT), repr(OPTIONS), repr(token), str(token), repr(calls._client)]
    try:
        if token is not None and path not in ("mint fails", "mint is nonsense"):
            result: Any = calls("start_engine_session", token)
        else:
            result = calls("start_session", PERSONA, environment=ENVIRONMENT, session_options=OPTIONS, direct=direct)
    except AnamError as error:
        shown += everything_about(error)
    else:
        shown += [repr(result), str(result), pickled(result)]
    shown.append(everything_logged.getvalue())

    assert any("secrets" in text or "POST" in text or "Session" in text for text in shown)
    for text in shown:
        for secret in secrets:
            assert secret not in text


def everything_about(error: BaseException) -> list[str]:
    """Every form in which an error tends to be written down, its causes included."""
    shown = [str(error), repr(error), repr(vars(error)), pickled(error), repr(copy.copy(error))]
    shown += traceback.format_exception(error)
    shown += traceback.TracebackException.from_exception(error, capture_locals=True).format()
    for linked in (error.__cause__, error.__context__):
        if linked is not None:
            shown += everything_about(linked)
    return shown


def pickled(value: object) -> str:
    return pickle.dumps(value).decode("latin-1")


@pytest.mark.parametrize("holder", [PERSONA, ENVIRONMENT, OPTIONS, SessionToken("header.payload.signature")])
def test_what_holds_a_secret_refuses_to_be_pickled(holder: object) -> None:
    """A pickle would hold the secret in the clear, so there is none."""
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(holder)


def test_a_turn_password_is_not_shown(anam_sandbox: Sandbox, calls: Any) -> None:
    """The answer's own credential, of a TURN server, is there for the asking and not in the repr."""
    servers = [{"urls": "turn:turn.example.org", "username": "guest", "credential": "short-lived"}]
    body = {"sessionId": "s-1", "clientConfig": {"iceServers": servers}}
    anam_sandbox.inject(Fault(operation="createEngineSession", status=200, body=body))
    session: EngineSession = calls("start_session", {"personaId": ID})
    passwords = (
        [s.credential for s in session.client_config.ice_servers if s.credential] if session.client_config else []
    )
    assert passwords == ["short-lived"]
    assert not any(password in repr(session) for password in passwords)
