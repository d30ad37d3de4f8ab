"""Where `engineHost` leads: a socket that says that there is no engine, and frees the slot when the page has gone."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from wsproto import ConnectionType, WSConnection, events

from anam_facade.sandbox import Fault, Sandbox, signalling
from tests.sandbox.support import INLINE, LIVEKIT, Api, eventually


class Page:
    """What the vendor's SDK does with the answer to a start: opens the socket it leads to, and sends an offer."""

    def __init__(self, answer: dict[str, Any]) -> None:
        host, port = answer["engineHost"].split(":")
        self.answer, self.session_id = answer, answer["sessionId"]
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        self.protocol = WSConnection(ConnectionType.CLIENT)
        target = f"{answer['signallingEndpoint']}?session_id={self.session_id}"
        self._write(events.Request(host=answer["engineHost"], target=target))
        self.events = self._events()
        self.opened = next(self.events)

    def _write(self, event: events.Event) -> None:
        self.socket.sendall(self.protocol.send(event))

    def _events(self) -> Iterator[Any]:
        while data := self.socket.recv(65536):
            self.protocol.receive_data(data)
            yield from self.protocol.events()

    def say(self, action: str) -> None:
        self._write(events.TextMessage(json.dumps({"actionType": action, "sessionId": self.session_id, "payload": ""})))

    def hear(self) -> Any:
        """The next frame as JSON, or the code of a close."""
        event = next(self.events)
        return json.loads(event.data) if isinstance(event, events.TextMessage) else event.code

    def go(self) -> None:
        self.socket.close()


@pytest.fixture
def page(sandbox: Sandbox, api: Api) -> Iterator[Any]:
    pages: list[Page] = []

    def opened(answer: dict[str, Any] | None = None) -> Page:
        pages.append(Page(answer or api.direct(INLINE, clientLabel="web").json()))
        return pages[-1]

    yield opened
    for one in pages:
        one.go()


@pytest.mark.parametrize(
    ("fault", "opened", "heard"),
    [
        ({}, True, signalling.REASONS["no_engine"]),
        ({"close": "before"}, False, None),
        ({"close": "after", "delay": 0.01}, True, 1011),
        ({"delay_answer": 0.2}, True, signalling.REASONS["no_engine"]),
        ({"delay_answer": 0.2, "body": "Maintenance"}, True, "Maintenance"),
    ],
)
def test_a_page_is_told_that_there_is_no_engine(
    sandbox: Sandbox, page: Any, fault: dict[str, Any], opened: bool, heard: Any
) -> None:
    """After its first frame, in the SDK's words, unless a fault of sockets has other plans; others leave it alone."""
    sandbox.inject(Fault(status=500, after=1))
    wanted = sandbox.inject(Fault(operation="signalling", **fault)) if fault else None
    one, began = page(), time.monotonic()
    assert isinstance(one.opened, events.AcceptConnection if opened else events.RejectConnection)
    seen = sandbox.requests[-1]
    assert (seen.operation, seen.status, seen.fault) == ("signalling", 101 if opened else 403, wanted)
    if not opened:
        return
    for action in ("offer", *(("heartbeat", "icecandidate", "talkstream") if "delay_answer" in fault else ())):
        one.say(action)
    message = {"actionType": "endsession", "sessionId": one.session_id, "payload": heard}
    assert one.hear() == (heard if isinstance(heard, int) else message)
    assert time.monotonic() - began >= fault.get("delay_answer", 0)
    assert (sandbox.sessions[0].end_reason == "no_engine") == isinstance(heard, str)


def test_the_answer_leads_to_the_sandbox(sandbox: Sandbox, api: Api) -> None:
    """Host and protocol are those the client used; with LiveKit there is no engine, but still a `clientConfig`."""
    engine, livekit = api.direct(INLINE).json(), api.direct(INLINE, environment=LIVEKIT).json()
    url = urlsplit(sandbox.base_url)
    assert (engine["engineProtocol"], engine["engineHost"]) == (url.scheme, url.netloc)
    assert engine["clientConfig"] == livekit["clientConfig"]
    assert engine["clientConfig"] == {
        "heartbeatIntervalSeconds": 5,
        "maxWsReconnectionAttempts": 5,
        "iceServers": [],
        "iceTransportPolicy": "all",
    }


def test_an_unknown_or_ended_session_is_refused(sandbox: Sandbox, api: Api, page: Any) -> None:
    """Before the socket is accepted; so is any other path."""
    answer = api.direct(INLINE).json()
    for wrong in (answer | {"sessionId": "no-such"}, answer | {"signallingEndpoint": "/wss"}):
        assert page(wrong).opened.status_code == 403
    sandbox.end_all()
    assert page(answer).opened.status_code == 403
    assert [request.status for request in sandbox.requests if request.operation == "signalling"] == [403, 403]


def test_the_slot_is_free_when_the_page_has_gone(sandbox: Sandbox, page: Any, monkeypatch: Any) -> None:
    """Not at once: a page that is back within the grace keeps its session."""
    sandbox.inject(Fault(operation="signalling", delay_answer=3600))
    monkeypatch.setattr(signalling, "GRACE", 0.3)
    one = page()
    one.say("offer")
    one.go()
    again = page(one.answer)
    assert isinstance(again.opened, events.AcceptConnection)
    time.sleep(0.6)
    assert sandbox.active_sessions
    again.go()
    eventually(lambda: not sandbox.active_sessions)
    assert sandbox.sessions[0].end_reason == "page_left"


def test_a_silent_engine_is_heard_when_the_session_is_ended(sandbox: Sandbox, page: Any) -> None:
    """The page is told who ended its session."""
    sandbox.inject(Fault(operation="signalling", delay_answer=3600))
    one = page()
    one.say("offer")
    sandbox.end_session(one.session_id)
    assert one.hear()["payload"] == signalling.REASONS["stopped"]


def test_what_else_the_sdk_sends(sandbox: Sandbox, api: Api) -> None:
    """Speech for a running session, telemetry and preflights are answered, for a page from anywhere."""
    session_id = api.direct(INLINE).json()["sessionId"]
    ask = {"Origin": "http://elsewhere.example", "Access-Control-Request-Method": "POST"}

    def answers() -> list[httpx.Response]:
        return [
            api.http.post(f"/talk?session_id={session_id}", json={"content": "Hello"}),
            api.http.post("/talk?session_id=no-such", json={"content": "Hello"}),
            api.http.post("/v1/metrics/client", json={"name": "client_session_attempt"}),
            api.http.options("/v1/engine/session", headers=ask),
        ]

    assert [answer.status_code for answer in answers()] == [204, 404, 204, 204]
    assert {answer.headers["access-control-allow-origin"] for answer in answers()} == {"*"}
    assert {request.path for request in sandbox.requests[1:]} == {"/talk"}
    sandbox.configure(record_all=True)
    answers()
    assert [request.path for request in sandbox.requests[-2:]] == ["/v1/metrics/client", "/v1/engine/session"]
