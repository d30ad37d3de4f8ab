"""Where `engineHost` leads: a signalling socket with no engine behind it, for pages with the vendor's JavaScript SDK.

A page connects to `/v1/webrtc/engines/…/ws?session_id=…` and sends its WebRTC offer. Nothing here could answer it, so
the sandbox ends the session in the SDK's own words, and the page is told plainly: `CONNECTION_CLOSED`, with the reason.
A page whose session is unknown or has ended is refused before its socket is accepted; one whose session ends later
(`Sandbox.end_session`, its `maxSessionLengthSeconds`) is told so. When the page goes, its session ends and its slot is
free, a second later: the SDK reopens a socket that broke within a tenth of one.

A `Fault` with `operation="signalling"` changes what a page meets; each socket counts as a call.

| fault                | what the page meets                                                           |
|----------------------|-------------------------------------------------------------------------------|
| `close="before"`     | the socket is refused                                                         |
| `close="after"`      | the socket is closed after the page's first frame, without a word             |
| `delay_answer=5.0`   | silence for so many seconds after the offer, then the end                     |
| `body="Maintenance"` | the end, with this reason; goes with `delay_answer`                           |

The SDK also posts what is to be spoken to `/talk`, and its telemetry to `/v1/metrics/client`; both are answered 204.
All of this was read in the source of @anam-ai/js-sdk 4.27.0 and tried with it; the vendor documents none of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.status import WS_1008_POLICY_VIOLATION, WS_1011_INTERNAL_ERROR
from starlette.websockets import WebSocket

from .faults import SIGNALLING
from .masking import masked_headers
from .server import logger
from .state import Listener, Session, State

if TYPE_CHECKING:
    from .api import Sandbox

PATH = "/v1/webrtc/engines/{engine}/ws"
TELEMETRY = "/v1/metrics/client"

NO_ENGINE = "no_engine"
REASONS = {
    NO_ENGINE: "The sandbox has no engine: the session was started as it should be, and there is no picture to show.",
    "stopped": "The session was ended in the sandbox.",
    "max_length": "The session has reached its maxSessionLengthSeconds.",
    "reset": "The sandbox was reset.",
}

GRACE = 1.0
"""Seconds that a page may be away before its session ends."""


class Signalling(Listener):
    """Meets pages, and tells them of the end of their sessions."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        # By the id of their session; what tells a page of the end, from any thread.
        self._pages: defaultdict[str, set[Callable[[str], object]]] = defaultdict(set)

    def routes(self) -> list[BaseRoute]:
        """What a page asks for besides the contract's operations."""
        return [
            WebSocketRoute(PATH, self._connect),
            *(Route(path, self._take, methods=["POST"]) for path in ("/talk", TELEMETRY)),
        ]

    def ended(self, state: State, session: Session) -> None:
        """Tells the pages of a session that it has ended."""
        for tell in tuple(self._pages.get(session.id, ())):
            tell(REASONS.get(session.end_reason or "", session.end_reason or ""))

    async def _take(self, request: Request) -> Response:
        session = self._sandbox.state.running(request.query_params.get("session_id", ""))
        return Response(status_code=204 if session or request.url.path == TELEMETRY else 404)

    async def _connect(self, socket: WebSocket) -> None:
        state, path, loop = self._sandbox.state, socket.url.path, asyncio.get_running_loop()
        headers = masked_headers(socket.scope["headers"])
        number = state.arrived(method="GET", path=path, operation=SIGNALLING, headers=headers)
        session = state.running(socket.query_params.get("session_id", ""))
        fault = None if session is None else state.faults.decide(SIGNALLING, lambda: session.label or "")
        if fault:
            await asyncio.sleep(fault.delay)
        refused = session is None or (fault is not None and fault.close == "before")
        state.learned(number, fault=fault, status=403 if refused else 101)
        logger.info("GET %s -> %d%s", path, 403 if refused else 101, " (fault)" if fault else "")
        if session is None or refused:
            await socket.close(WS_1008_POLICY_VIOLATION)
            return

        def tell(reason: str) -> None:
            payload = (fault and fault.body) or reason
            message = json.dumps({"actionType": "endsession", "sessionId": session.id, "payload": payload})
            asyncio.run_coroutine_threadsafe(_send(socket, message), loop)

        self._pages[session.id].add(tell)
        try:
            await socket.accept()
            # All frames are taken, whatever they say: heartbeats, candidates, speech.
            if await _is_frame(socket):
                if fault and fault.close == "after":
                    await socket.close(WS_1011_INTERNAL_ERROR)
                    return
                leaving = asyncio.create_task(_until_gone(socket))
                await asyncio.wait([leaving], timeout=fault.delay_answer if fault else 0.0)
                if not leaving.done():
                    state.end(session.id, NO_ENGINE)
                await leaving
        finally:
            self._pages[session.id].discard(tell)
            loop.call_later(GRACE, self._left, state, session.id)

    def _left(self, state: State, session_id: str) -> None:
        if not self._pages[session_id]:
            del self._pages[session_id]
            state.end(session_id, "page_left")


async def _is_frame(socket: WebSocket) -> bool:
    """Waits for the page's next frame; False when the page has closed its socket, or the network did."""
    return bool((await socket.receive())["type"] != "websocket.disconnect")


async def _until_gone(socket: WebSocket) -> None:
    while await _is_frame(socket):
        pass


async def _send(socket: WebSocket, text: str) -> None:
    # Who has gone meanwhile need not be told: uvicorn raises an OSError, Starlette a RuntimeError.
    with contextlib.suppress(OSError, RuntimeError):
        await socket.send_text(text)
