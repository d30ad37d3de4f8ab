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
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Literal, cast

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from . import pages
from .connection import Connection, has_body, logger
from .faults import Fault, reason_phrase
from .masking import masked, masked_headers
from .service import Answer, Service, bearer_of, json_answer
from .settings import checked_seconds
from .signalling import TELEMETRY, Signalling
from .state import Credential, Listener, Session, State, TokenRefused, World
from .validation import NotJson, contract, parse_json

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

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


@dataclass(slots=True)
class Exchange:
    """One request on its way through the application, with the state that it arrived in."""

    world: World
    state: State
    connection: Connection
    number: int
    status: int | Literal["closed"] | None = None
    notes: dict[str, str] = field(default_factory=dict)

    def note(self, **notes: object) -> None:
        """Adds to the log line what is not None; in quotes where it could be taken for several words, or lines."""
        for name, value in notes.items():
            if value is not None:
                text = value if isinstance(value, str) else json.dumps(value)
                plain = text is not value or re.fullmatch(r"[\w.:/-]+", text)
                self.notes[name] = text if plain else json.dumps(text)

    def learned(self, **facts: Any) -> None:
        """Adds to the record of the request."""
        if self.number:
            self.state.learned(self.number, **facts)

    def settled(self, status: int | Literal["closed"]) -> None:
        """Records the outcome. To be called before the client can see it, who may look it up at once."""
        self.status = status
        self.learned(status=status)


def create_app(world: World) -> ASGIApp:
    """The application of a sandbox. It has to be served by `server.Server`.

    What else the sandbox plays is attached here: its routes (a `WebSocketRoute` too), and its `Listener`.
    """
    operations = contract().operations
    signalling = Signalling(world)
    routes = [
        *(Route(op.path, endpoint=_OperationEndpoint(op.id), methods=[op.method]) for op in operations),
        *pages.routes(world),
        Mount(CONTROL, routes=_control_routes(world)),
        *signalling.routes(),
    ]
    application = Starlette(
        routes=routes,
        exception_handlers={HTTPException: _http_error, Exception: _internal_error},
    )
    # A redirect would turn a mistyped path into something that half works.
    application.router.redirect_slashes = False
    world.listeners += [_EndsInTime(), signalling]
    return _Gate(application, world, {(op.method, op.path): op.id for op in operations})


class _EndsInTime(Listener):
    """Looks after a session's `maxSessionLengthSeconds`, so that who listens is told of its end when it comes."""

    def started(self, state: State, session: Session) -> None:
        if (limit := session.persona.get("maxSessionLengthSeconds")) is not None:
            # Twice, for the sandbox's clock and the event loop's are not the same.
            for seconds in (limit, limit + 0.1):
                asyncio.get_running_loop().call_later(seconds, state.end_overdue)


class _Gate:
    """What every request passes: records, CORS, the date, one log line."""

    def __init__(self, app: ASGIApp, world: World, operations: Mapping[tuple[str, str], str]) -> None:
        self._app = app
        self._world = world
        self._operations = operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            # A web socket: it is no request of the contract's, and its route does its own records.
            await self._app(scope, receive, send)
            return
        connection = cast("Connection", scope["state"]["connection"])
        method, path = scope["method"], scope["path"]
        state = self._world.state
        is_page = path in pages.PATHS and method in ("GET", "HEAD")
        is_preflight = method == "OPTIONS" and b"access-control-request-method" in dict(scope["headers"])
        is_aside = is_page or path == CONTROL or path.startswith(CONTROL + "/")
        if is_aside or ((is_preflight or path == TELEMETRY) and not self._world.settings.record_all):
            exchange = Exchange(self._world, state, connection, number=0)
        else:
            headers = masked_headers(scope["headers"])
            operation = self._operations.get((method, path))
            number = state.arrived(method=method, path=path, operation=operation, headers=headers)
            exchange = Exchange(self._world, state, connection, number)
        scope["state"]["exchange"] = exchange
        began = time.perf_counter()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start" and not connection.gone.is_set():
                exchange.settled(message["status"])
                present = MutableHeaders(scope=message)
                for name, value in common_headers(self._world.clock()).items():
                    # The key is for who reads the page, not for scripts of other pages.
                    if path not in pages.WITH_THE_KEY or name not in _CORS:
                        present.setdefault(name, value)
            await send(message)

        connection.busy = not is_aside
        try:
            if is_preflight:
                await _preflight()(scope, receive, send_with_headers)
            else:
                await self._app(scope, receive, send_with_headers)
        finally:
            connection.busy = False
            if exchange.status is None:
                exchange.settled("closed")
            took = (time.perf_counter() - began) * 1000
            # The path as it was sent: decoded, it could have line breaks in it.
            sent = scope["raw_path"].decode("latin-1")
            status, notes = exchange.status, "".join(f" {key}={value}" for key, value in exchange.notes.items())
            logger.info("%s %s -> %s in %.1f ms%s", method, sent, status, took, notes, extra={"status": status})


def common_headers(now: float) -> dict[str, str]:
    """What every answer carries."""
    return {**_CORS, "Date": formatdate(now, usegmt=True)}


def _preflight() -> Response:
    return Response(
        status_code=204,
        headers={
            "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE",
            "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Anam-Target-Url",
            "Access-Control-Max-Age": "600",
        },
    )


# The contract's operations


class _OperationEndpoint:
    """Reads a request, lets a fault have its way, does the work, delivers the answer."""

    def __init__(self, operation: str) -> None:
        self._operation = operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        exchange = cast("Exchange", request.state.exchange)
        try:
            body = await _read(request)
        except ClientDisconnect:
            return
        state = exchange.state
        credential = state.identify(bearer_of(request.headers.get("authorization")))
        kind = None if credential is None else credential.kind
        config = _config_of(state, credential, body)
        fault = state.faults.decide(self._operation, lambda: _session_of(config))
        # What a fault answers with may quote credentials.
        short = fault and {
            name: value for name, value in fault.to_dict().items() if name not in ("body", "body_base64", "headers")
        }
        exchange.note(by=kind, label=config.get("clientLabel"), fault=short)
        exchange.learned(credential=kind, fault=fault, body=_recorded(body))

        answer = await self._answer(exchange, fault, request, credential, body)
        if answer is None:
            return
        exchange.learned(answer=_recorded(answer.body, answer.body[:500].decode(errors="replace")))
        if fault is not None and (fault.truncate or fault.drip or fault.endless):
            await _pour(exchange, answer, fault)
            return
        _note_delivery(exchange, answer, not exchange.connection.gone.is_set())
        await Response(answer.body, status_code=answer.status, headers=dict(answer.headers))(scope, receive, send)
        if exchange.connection.gone.is_set() or exchange.connection.transport.get_write_buffer_size():
            _note_delivery(exchange, answer, False)

    async def _answer(
        self, exchange: Exchange, fault: Fault | None, request: Request, credential: Credential | None, body: bytes
    ) -> Answer | None:
        """The answer to send; None when there is nobody left to send it to."""
        world, connection = exchange.world, exchange.connection
        if fault is not None and not await connection.wait(fault.delay):
            return None
        if fault is not None and fault.close == "before":
            exchange.settled("closed")
            await connection.reset()
            return None
        answer: Answer | None = None
        held_back = 0.0 if fault is None else fault.delay_answer
        if fault is None or fault.does_the_work:
            engine = (request.url.scheme, request.url.netloc)
            service = Service(contract(), exchange.state, world.settings, engine, fault)
            content_type = request.headers.get("content-type")
            answer = service.answer(self._operation, credential=credential, content_type=content_type, body=body)
            exchange.note(session=answer.session_id, refused=answer.refusal)
            exchange.learned(answer=_recorded(answer.body, answer.body[:500].decode(errors="replace")))
            minting, starting = world.settings.latency
            held_back += minting if self._operation == "createSessionToken" else starting
        if not await connection.wait(held_back):
            return None
        if fault is None:
            return answer
        if fault.close == "after":
            exchange.settled("closed")
            await connection.reset()
            return None
        return _as_faulted(answer, fault)


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise HTTPException(413, f"The body is larger than {BODY_LIMIT:,} bytes")
    return bytes(body)


def _config_of(state: State, credential: Credential | None, body: bytes) -> Mapping[str, Any]:
    """What the session that a call is for will look like: bound to its token, or in its body."""
    config: Any = None
    with contextlib.suppress(NotJson, TokenRefused):
        if credential is not None and credential.token_id is not None:
            config = state.token(credential.token_id).config
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


def _note_delivery(exchange: Exchange, answer: Answer, delivered: bool) -> None:
    """Notes whether the client is told of its session. Called before it can look, and again if it was not told."""
    if answer.session_id:
        exchange.state.note(answer.session_id, delivered=delivered)


async def _pour(exchange: Exchange, answer: Answer, fault: Fault) -> None:
    """Sends an answer past uvicorn, which would never send a broken one."""
    present = {name.lower() for name, _ in answer.headers}
    added = [pair for pair in common_headers(exchange.world.clock()).items() if pair[0].lower() not in present]
    exchange.settled(answer.status)

    def at_the_end() -> None:
        _note_delivery(exchange, answer, not fault.truncate)

    await exchange.connection.pour(replace(answer, headers=(*answer.headers, *added)), fault, at_the_end)


# The examples that faults answer with when they name a status alone.
_ERRORS = {
    400: "ErrorBadRequest",
    401: "ErrorBadToken",
    402: "ErrorNoPlan",
    403: "ErrorForbidden",
    404: "ErrorNotFound",
    409: "ErrorTokenUsed",
    429: "ErrorRateLimited",
    500: "ErrorInternal",
    502: "ErrorBadGateway",
    503: "ErrorBusy",
}


def _as_faulted(answer: Answer | None, fault: Fault) -> Answer:
    """What a fault sends in place of the real answer, or the real one with the fault's headers."""
    if answer is None or fault.status is not None:
        answer = _stand_in(fault, fault.status or 500)
    elif fault.body is not None:
        answer = replace(answer, body=_encoded(fault.body)[0])
    replaced = {name.lower() for name in fault.headers}
    kept = tuple(pair for pair in answer.headers if pair[0].lower() not in replaced)
    return replace(answer, headers=(*kept, *fault.headers.items()))


def _stand_in(fault: Fault, status: int) -> Answer:
    if not has_body(status):
        return Answer(status=status, headers=())
    if fault.body is None:
        if status in _ERRORS:
            return json_answer(status, contract().example(_ERRORS[status]))
        return json_answer(status, {"error": reason_phrase(status) or f"Status {status}"} if status >= 400 else {})
    body, content_type = _encoded(fault.body)
    return Answer(status=status, headers=(("Content-Type", fault.content_type or content_type),), body=body)


def _encoded(body: Any) -> tuple[bytes, str]:
    """The bytes of a fault's body, and the content type that goes with them unless the fault names one."""
    if isinstance(body, bytes):
        return body, "application/octet-stream"
    if isinstance(body, str):
        kind = "html" if body.lstrip().startswith("<") else "plain"
        return body.encode("utf-8"), f"text/{kind}; charset=utf-8"
    return json.dumps(body, ensure_ascii=False).encode("utf-8"), "application/json"


# Errors outside the operations


async def _http_error(request: Request, error: Exception) -> Response:
    refused = cast("HTTPException", error)
    said = {"error": reason_phrase(refused.status_code)}
    if refused.detail != said["error"]:
        said["message"] = refused.detail
    return _json(refused.status_code, said, headers=refused.headers)


async def _internal_error(request: Request, error: Exception) -> Response:
    return _json(500, contract().example("ErrorInternal"))


def _json(
    status: int, value: Any, *, headers: Mapping[str, str] | None = None, after: BackgroundTask | None = None
) -> Response:
    answer = json_answer(status, value)
    return Response(
        answer.body, status_code=status, headers={**dict(answer.headers), **(headers or {})}, background=after
    )


# The control


def _control_routes(world: World) -> list[Route]:
    async def state(request: Request) -> Response:
        return _json(200, pages.shown(world, request.state.server.base_url))

    async def show_faults(request: Request) -> Response:
        return _json(200, [fault.to_dict() for fault in world.state.faults])

    async def inject_faults(request: Request) -> Response:
        said = parse_json(await _read(request))
        faults = [Fault.from_dict(item) for item in (said if isinstance(said, list) else [said])]
        world.inject(*faults)
        return _json(201, [fault.to_dict() for fault in faults])

    async def clear_faults(request: Request) -> Response:
        world.clear_faults()
        return Response(status_code=204)

    async def end_session(request: Request) -> Response:
        try:
            return _json(200, {"ended": world.state.end(request.path_params["id"])})
        except KeyError:
            raise HTTPException(404, "There is no such session") from None

    async def end_all(request: Request) -> Response:
        return _json(200, {"ended": world.state.end_all()})

    async def change_settings(request: Request) -> Response:
        return _json(200, asdict(world.configure(_object(parse_json(await _read(request))))))

    async def reset(request: Request) -> Response:
        request.state.server.reset(world.reset)
        return Response(status_code=204)

    async def outage(request: Request) -> Response:
        said = _object(parse_json(await _read(request)))
        if list(said) != ["seconds"]:
            raise ValueError('the body must be {"seconds": …} and nothing else')
        seconds = checked_seconds(said["seconds"])
        server, connection = request.state.server, request.state.connection

        async def then() -> None:
            server.go_down(seconds, spare=connection)

        return _json(202, {"seconds": seconds}, after=BackgroundTask(then))

    handlers: list[tuple[str, str, Callable[[Request], Awaitable[Response]]]] = [
        ("GET", "/state", state),
        ("GET", "/faults", show_faults),
        ("POST", "/faults", inject_faults),
        ("DELETE", "/faults", clear_faults),
        ("POST", "/sessions/end", end_all),
        ("POST", "/sessions/{id}/end", end_session),
        ("DELETE", "/sessions/{id}/end", end_session),
        ("PUT", "/settings", change_settings),
        ("POST", "/reset", reset),
        ("POST", "/outage", outage),
    ]
    # One route per path: of several, Starlette would let the first one answer 405 for the others' methods.
    by_path: dict[str, dict[str, Callable[[Request], Awaitable[Response]]]] = {}
    for method, path, handler in handlers:
        by_path.setdefault(path, {})[method] = handler
    return [Route(path, _by_method(methods), methods=list(methods)) for path, methods in by_path.items()]


def _by_method(
    handlers: Mapping[str, Callable[[Request], Awaitable[Response]]],
) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        handler = handlers["GET" if request.method == "HEAD" else request.method]
        try:
            return await handler(request)
        except NotJson as error:
            return _json(400, {"error": "Bad Request", "message": f"The body is not valid JSON: {error}"})
        except (TypeError, ValueError) as error:
            return _json(400, {"error": "Bad Request", "message": str(error)})

    return handle


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("the body must be a JSON object")
    return value
