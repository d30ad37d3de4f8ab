"""Where `engineHost` leads: a socket that says that there is no engine, and frees the slot when the page has gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from anam_facade.sandbox import Fault, signalling
from tests.sandbox.support import INLINE, LIVEKIT, START, Api, eventually

Open = Callable[[dict[str, Any]], Awaitable[aiohttp.ClientWebSocketResponse]]
OFFER = {"actionType": "offer", "payload": ""}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    """Opens the socket that the answer to a start leads to, as the vendor's SDK does."""
    async with aiohttp.ClientSession() as page:

        async def open_socket(answer: dict[str, Any]) -> aiohttp.ClientWebSocketResponse:
            address = f"ws://{answer['engineHost']}{answer['signallingEndpoint']}"
            return await page.ws_connect(address, params={"session_id": answer["sessionId"]})

        yield open_socket


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fault", "heard"),
    [
        ({}, signalling.REASONS["no_engine"]),
        ({"close": "after", "delay": 0.01}, None),
        ({"delay_answer": 0.2}, signalling.REASONS["no_engine"]),
        ({"delay_answer": 0.2, "body": "Maintenance"}, "Maintenance"),
    ],
)
async def test_a_page_is_told_that_there_is_no_engine(api: Api, opened: Open, fault: Any, heard: str | None) -> None:
    """After its first frame, in the SDK's words, unless a fault of sockets has other plans; others leave it alone."""
    api.sandbox.inject(Fault(status=500, after=1))
    wanted = api.sandbox.inject(Fault(operation="signalling", **fault)) if fault else None
    answer = api.direct(INLINE, clientLabel="web").json()
    page, began = await opened(answer), time.monotonic()
    seen = api.sandbox.requests[-1]
    assert (seen.operation, seen.status, seen.fault) == ("signalling", 101, wanted)
    for _ in range(3 if "delay_answer" in fault else 1):
        await page.send_json(OFFER)
    if heard is None:
        assert (await page.receive()).data == signalling.INTERNAL_ERROR
    else:
        end = {"actionType": "endsession", "sessionId": answer["sessionId"], "payload": heard}
        assert await page.receive_json() == end
    assert time.monotonic() - began >= fault.get("delay_answer", 0)
    assert api.sandbox.sessions[0].end_reason == (None if heard is None else "no_engine")


@pytest.mark.anyio
async def test_a_socket_is_refused(api: Api, opened: Open) -> None:
    """Of an unknown session, at any other path, of a session that has ended, by a fault: before it is accepted."""
    ended, answer = api.direct(INLINE).json(), api.direct(INLINE).json()
    api.sandbox.end_session(ended["sessionId"])
    api.sandbox.inject(Fault(operation="signalling", close="before"))
    for wrong in (answer | {"sessionId": "no-such"}, answer | {"signallingEndpoint": "/wss"}, ended, answer):
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await opened(wrong)
    assert [request.status for request in api.sandbox.requests if request.operation == "signalling"] == [403] * 3


@pytest.mark.anyio
async def test_the_slot_is_free_when_the_page_has_gone(api: Api, opened: Open, monkeypatch: Any) -> None:
    """Not at once: a page that is back within the grace keeps its session."""
    api.sandbox.inject(Fault(operation="signalling", delay_answer=3600))
    monkeypatch.setattr(signalling, "GRACE", 0.3)
    answer = api.direct(INLINE).json()
    page = await opened(answer)
    await page.send_json(OFFER)
    await page.close()
    page = await opened(answer)
    await asyncio.sleep(0.6)
    assert api.sandbox.active_sessions
    await page.close()
    eventually(lambda: not api.sandbox.active_sessions)
    assert api.sandbox.sessions[0].end_reason == "page_left"


@pytest.mark.anyio
async def test_a_silent_engine_is_heard_when_the_session_is_ended(api: Api, opened: Open) -> None:
    """The page is told who ended its session."""
    api.sandbox.inject(Fault(operation="signalling", delay_answer=3600))
    page = await opened(api.direct(INLINE).json())
    await page.send_json(OFFER)
    api.sandbox.end_all()
    assert (await page.receive_json())["payload"] == signalling.REASONS["stopped"]


def test_the_answer_leads_to_the_sandbox(api: Api) -> None:
    """Host and protocol are those the client used; with LiveKit there is no engine, but still a `clientConfig`."""
    engine, livekit = api.direct(INLINE).json(), api.direct(INLINE, environment=LIVEKIT).json()
    url = urlsplit(api.sandbox.base_url)
    assert (engine["engineProtocol"], engine["engineHost"]) == (url.scheme, url.netloc)
    reconnects = {"heartbeatIntervalSeconds": 5, "maxWsReconnectionAttempts": 5}
    config = {**reconnects, "iceServers": [], "iceTransportPolicy": "all"}
    assert engine["clientConfig"] == livekit["clientConfig"] == config


def test_what_else_the_sdk_sends(api: Api) -> None:
    """Speech for a running session, telemetry and preflights are answered; on record are the latter if asked for."""
    talk = f"/talk?session_id={api.direct(INLINE).json()['sessionId']}"
    preflight = {"Origin": "http://elsewhere.example", "Access-Control-Request-Method": "POST"}
    asked = [
        ("POST", talk, {}, 204),
        ("POST", "/talk?session_id=no-such", {}, 404),
        ("POST", "/v1/metrics/client", {}, 204),
        ("OPTIONS", START, preflight, 204),
    ]
    for record_all in (False, True):
        api.sandbox.configure(record_all=record_all)
        for method, path, headers, status in asked:
            answer = api.http.request(method, path, headers=headers)
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, "*")
    seen = [request.path for request in api.sandbox.requests[1:]]
    assert seen == ["/talk"] * 4 + ["/v1/metrics/client", START]
