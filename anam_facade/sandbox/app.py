"""The sandbox as an ASGI application: the contract's operations, the faults, and the control for other languages.

The contract itself, to read and to download, is served by `pages`.

The control is not part of the contract. Its names are those of the Python API, its values JSON; what it shows is
masked.

| request                            | body                   | does                                                  |
|------------------------------------|------------------------|-------------------------------------------------------|
| `GET /_sandbox/state`              |                        | shows settings, faults, sessions, tokens, requests    |
| `GET /_sandbox/faults`             |                        | shows the faults injected                             |
| `POST /_sandbox/faults`            | a `Fault`, or an array | injects faults; 201                                   |
| `DELETE /_sandbox/faults`          |                        | clears them                                           |
| `POST /_sandbox/sessions/{id}/end` |                        | ends a session, as `DELETE` does; 404 for no such     |
| `POST /_sandbox/sessions/end`      |                        | ends every session                                    |
| `PUT /_sandbox/settings`           | some of `Settings`     | changes those given                                   |
| `POST /_sandbox/reset`             |                        | forgets everything, settings and faults included      |
| `POST /_sandbox/outage`            | `{"seconds": 2.0}`     | answers 202, then refuses connections for so long     |

A wrong body is answered 400 with the reason in `message`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from email.utils import formatdate
from http.client import responses
from typing import TYPE_CHECKING, Any, Literal, cast

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from . import contract, pages
from .contract import NotJson, parse_json
from .faults import Fault
from .masking import masked, masked_headers
from .server import Connection, abort, logger
from .service import Answer, Service, bearer_of
from .settings import Settings, check_names, checked_seconds
from .signalling import TELEMETRY, Signalling
from .state import Credential, Listener, Refused, Session, State

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from .api import Sandbox

BODY_LIMIT = 1024 * 1024
"""Largest request body, in bytes; larger ones are answered 413."""

_BODY_KEPT = 64 * 1024
"""Largest request body that is remembered, in bytes."""

CONTROL = "/_sandbox"

# A page served from anywhere may call the sandbox, and may read the headers that matter to a client.
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": (
        "Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset,"
        " X-RateLimit-Org-Hour-Limit, X-RateLimit-Org-Hour-Remaining, X-RateLimit-Org-Hour-Reset"
    ),
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Anam-Target-Url",
    "Access-Control-Max-Age": "600",
}


@dataclass(slots=True)
class Exchange:
    """One request on its way through the application, with the state that it arrived in."""

    sandbox: Sandbox
    state: State
    connection: Connection
    number: int
    status: int | Literal["closed"] | None = None
    logged: str = ""

    def log(self, **facts: object) -> None:
        """Adds to the log line what is not None; in quotes where it could be taken for several words, or lines."""
        for name, value in facts.items():
            if value is not None:
                plain = isinstance(value, str) and re.fullmatch(r"[\w.:/-]+", value)
                self.logged += f" {name}={value if plain else json.dumps(value)}"

    def answered(self, answer: Response) -> None:
        """Records what is sent, or held back: JSON, or the beginning of a text."""
        body = bytes(answer.body)
        self.state.learned(self.number, answer=_recorded(body, body[:500].decode(errors="replace")))

    def settled(self, status: int | Literal["closed"]) -> None:
        """Records the outcome. To be called before the client can see it, who may look it up at once."""
        self.status = status
        self.state.learned(self.number, status=status)


def create_app(sandbox: Sandbox) -> ASGIApp:
    """The application of a sandbox. It has to be served by `server.Server`.

    What else the sandbox plays is attached here: its routes (a `WebSocketRoute` too), and its `Listener`.
    """
    operations = contract.operations()
    signalling = Signalling(sandbox)
    routes = [
        *(Route(path, _OperationEndpoint(id_), methods=[method]) for (method, path), id_ in operations.items()),
        *pages.routes(sandbox),
        *_control(sandbox),
        *signalling.routes(),
    ]
    application = Starlette(routes=routes, exception_handlers={HTTPException: _error, Exception: _error})
    # A redirect would turn a mistyped path into something that half works.
    application.router.redirect_slashes = False
    sandbox.listeners += [_EndsInTime(), signalling]
    return _Gate(application, sandbox, operations)


class _EndsInTime(Listener):
    """Looks after a session's `maxSessionLengthSeconds`, so that who listens is told of its end when it comes."""

    def started(self, state: State, session: Session) -> None:
        if (limit := session.persona.get("maxSessionLengthSeconds")) is not None:
            # Twice, for the sandbox's clock and the event loop's are not the same.
            for seconds in (limit, limit + 0.1):
                asyncio.get_running_loop().call_later(seconds, state.end_overdue)


@dataclass(frozen=True, slots=True)
class _Gate:
    """What every request passes: records, CORS, the date, one log line."""

    app: ASGIApp
    sandbox: Sandbox
    operations: Mapping[tuple[str, str], str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            # A web socket: it is no request of the contract's, and its route does its own records.
            await self.app(scope, receive, send)
            return
        connection = cast("Connection", scope["state"]["connection"])
        method, path = scope["method"], scope["path"]
        state = self.sandbox.state
        is_page = path in pages.PATHS and method in ("GET", "HEAD")
        is_preflight = method == "OPTIONS" and b"access-control-request-method" in dict(scope["headers"])
        is_aside = is_page or path == CONTROL or path.startswith(CONTROL + "/")
        number = 0
        if not is_aside and (self.sandbox.settings.record_all or not (is_preflight or path == TELEMETRY)):
            operation, headers = self.operations.get((method, path)), masked_headers(scope["headers"])
            number = state.arrived(method=method, path=path, operation=operation, headers=headers)
        exchange = scope["state"]["exchange"] = Exchange(self.sandbox, state, connection, number)
        began = time.perf_counter()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start" and not connection.gone.is_set():
                exchange.settled(message["status"])
                # The key is for who reads the page, not for scripts of other pages.
                cors = path != pages.DOCS
                add_common_headers(MutableHeaders(scope=message), self.sandbox.clock(), cors=cors)
            await send(message)

        connection.busy = not is_aside
        try:
            if is_preflight:
                await Response(status_code=204, headers=_PREFLIGHT)(scope, receive, send_with_headers)
            else:
                await self.app(scope, receive, send_with_headers)
        finally:
            connection.busy = False
            if exchange.status is None:
                exchange.settled("closed")
            took = (time.perf_counter() - began) * 1000
            # The path as it was sent: decoded, it could have line breaks in it.
            sent = scope["raw_path"].decode("latin-1")
            status, logged = exchange.status, exchange.logged
            logger.info("%s %s -> %s in %.1f ms%s", method, sent, status, took, logged, extra={"status": status})


def add_common_headers(headers: MutableHeaders, now: float, *, cors: bool = True) -> None:
    """Adds what every answer carries, unless it is there."""
    for name, value in {**(_CORS if cors else {}), "Date": formatdate(now, usegmt=True)}.items():
        headers.setdefault(name, value)


# The contract's operations


class _OperationEndpoint:
    """Reads a request, lets a fault have its way, does the work, delivers the answer."""

    def __init__(self, operation: str) -> None:
        self._operation = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        exchange = cast("Exchange", request.state.exchange)
        sandbox, state, connection = exchange.sandbox, exchange.state, exchange.connection
        try:
            body = await _read(request)
        except ClientDisconnect:
            return
        credential = state.identify(bearer_of(request.headers.get("authorization")))
        config = _config_of(state, credential, body)
        fault = state.faults.decide(self._operation, lambda: _session_of(config))
        # What a fault answers with may quote credentials.
        unsaid = ("body", "body_base64", "headers")
        short = fault and {name: value for name, value in fault.to_dict().items() if name not in unsaid}
        exchange.log(by=credential.kind, label=config.get("clientLabel"), fault=short)
        state.learned(exchange.number, credential=credential.kind, fault=fault, body=_recorded(body))

        delay, delay_answer, close = (fault.delay, fault.delay_answer, fault.close) if fault else (0.0, 0.0, None)
        if not await connection.wait(delay):
            return
        answer = Response()  # a fault that spares the work has another to send, or none
        if fault is None or fault.does_the_work:
            service = Service(state, sandbox.settings, (request.url.scheme, request.url.netloc), fault)
            answer = done = service.answer(self._operation, credential, request.headers.get("content-type"), body)
            exchange.log(session=done.session_id, refused=done.refusal)
            exchange.answered(answer)
            delay_answer += sandbox.settings.latency[self._operation != "createSessionToken"]
        if not await connection.wait(delay_answer):
            return

        if close:
            exchange.settled("closed")
            abort(connection.transport)
            await connection.gone.wait()
            return
        if fault:
            answer = _as_faulted(answer, fault)
            exchange.answered(answer)
        if fault and (fault.truncate or fault.drip or fault.endless):
            # Past uvicorn, which would never send a broken answer.
            add_common_headers(answer.headers, sandbox.clock())
            exchange.settled(answer.status_code)
            await connection.pour(answer, fault, lambda: _note_delivery(state, answer, not fault.truncate))
            return
        _note_delivery(state, answer, not connection.gone.is_set())
        await answer(scope, receive, send)
        if connection.gone.is_set() or connection.transport.get_write_buffer_size():
            _note_delivery(state, answer, False)


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise HTTPException(413, f"The body is larger than {BODY_LIMIT:,} bytes")
    return bytes(body)


def _config_of(state: State, credential: Credential, body: bytes) -> Mapping[str, Any]:
    """What the session that a call is for will look like: bound to its token, or in its body."""
    config: Any = None
    with contextlib.suppress(NotJson, Refused):
        if credential.token_id is not None:
            _, config = state.token(credential.token_id)
        else:
            config = parse_json(body)
    return config if isinstance(config, Mapping) else {}


def _session_of(config: Mapping[str, Any]) -> str:
    """What tells one session's calls from another's: the label, or the room's address."""
    environment = config.get("environment")
    room = environment.get("livekitUrl") if isinstance(environment, Mapping) else None
    return next((name for name in (config.get("clientLabel"), room) if isinstance(name, str)), "")


def _recorded(body: bytes, otherwise: str | None = None) -> Any:
    """A body as it is remembered: its JSON with credentials masked, unless it is too large or none."""
    try:
        return masked(parse_json(body)) if len(body) <= _BODY_KEPT else None
    except NotJson:
        return otherwise


def _note_delivery(state: State, answer: Response, delivered: bool) -> None:
    """Notes whether the client is told of its session. Called before it can look, and again if it was not told."""
    if isinstance(answer, Answer) and answer.session_id:
        state.note(answer.session_id, delivered=delivered)


def _as_faulted(answer: Response, fault: Fault) -> Response:
    """What a fault sends in place of the real answer, or the real one with the fault's headers and body."""
    if fault.status is not None:
        answer = _stand_in(fault, fault.status)
    elif fault.body is not None:
        answer.body = _encoded(fault.body)[0]
    answer.headers.update(fault.headers)
    return answer


def _stand_in(fault: Fault, status: int) -> Response:
    if status in (204, 304):
        return Response(status_code=status)
    if fault.body is None:
        return Answer(contract.error(status) if status >= 400 else {}, status)
    body, content_type = _encoded(fault.body)
    return Response(body, status, {"Content-Type": fault.content_type or content_type})


def _encoded(body: Any) -> tuple[bytes, str]:
    """The bytes of a fault's body, and the content type that goes with them unless the fault names one."""
    if isinstance(body, bytes):
        return body, "application/octet-stream"
    if isinstance(body, str):
        kind = "html" if body.lstrip().startswith("<") else "plain"
        return body.encode("utf-8"), f"text/{kind}; charset=utf-8"
    return json.dumps(body, ensure_ascii=False).encode("utf-8"), "application/json"


# Errors outside the operations


async def _error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return Answer(contract.error(500), 500)
    body = {"error": responses[error.status_code]}
    if error.detail != body["error"]:
        body["message"] = error.detail
    return Answer(body, error.status_code, error.headers)


# The control


def _control(sandbox: Sandbox) -> list[Route]:
    def does(methods: str, path: str, act: Callable[[Request, Any], Any], status: int = 200) -> Route:
        """What `act` makes of the request and its JSON is answered: a `Response`, a value, or None for 204."""

        async def endpoint(request: Request) -> Response:
            body = await _read(request)
            try:
                value = act(request, parse_json(body) if body else None)
            except (TypeError, ValueError) as error:
                raise HTTPException(400, str(error)) from None
            except KeyError:
                raise HTTPException(404, "There is no such session") from None
            if value is None:
                return Response(status_code=204)
            return value if isinstance(value, Response) else Answer(value, status)

        return Route(CONTROL + path, endpoint, methods=methods.split())

    def inject_faults(_: Request, given: Any) -> Any:
        faults = [Fault.from_dict(item) for item in (given if isinstance(given, list) else [given])]
        sandbox.state.faults.add(*faults)
        return [fault.to_dict() for fault in faults]

    def change_settings(_: Request, given: Any) -> Any:
        check_names(Settings, given)
        return asdict(sandbox.configure(**given))

    def outage(request: Request, given: Any) -> Any:
        if not isinstance(given, dict) or list(given) != ["seconds"]:
            raise ValueError('the body must be {"seconds": …} and nothing else')
        seconds = checked_seconds(given["seconds"])

        async def go_down() -> None:
            request.state.server.go_down(seconds, spare=request.state.connection)

        answer = Answer({"seconds": seconds}, 202)
        answer.background = BackgroundTask(go_down)
        return answer

    return [
        does("GET", "/state", lambda *_: pages.shown(sandbox)),
        does("GET", "/faults", lambda *_: [fault.to_dict() for fault in sandbox.faults]),
        does("POST", "/faults", inject_faults, 201),
        does("DELETE", "/faults", lambda *_: sandbox.clear_faults()),
        does("POST", "/sessions/end", lambda *_: {"ended": sandbox.end_all()}),
        does("POST DELETE", "/sessions/{id}/end", lambda r, _: {"ended": sandbox.end_session(r.path_params["id"])}),
        does("PUT", "/settings", change_settings),
        does("POST", "/reset", lambda *_: sandbox.forget()),
        does("POST", "/outage", outage),
    ]
