"""What a person opens in a browser: the sandbox itself, and its contract, to read and to generate clients from.

| request             | answers                                                                          |
|---------------------|----------------------------------------------------------------------------------|
| `GET /`             | sessions, tokens and requests as they come, and buttons to make it misbehave     |
| `GET /docs`         | the contract as one page, with this sandbox's address, key, and curl commands    |
| `GET /openapi.yaml` | the contract, byte for byte the one that this version was built from             |
| `GET /openapi.json` | the same as JSON                                                                 |

None of them needs a credential, meets a fault, or is remembered among the requests. Nothing is loaded from elsewhere;
`/docs` has no script at all. It was built ahead (by `make docs`, from the same `openapi.yaml`), so that serving it
takes neither Node nor a template engine; what only the sandbox knows is put in where a comment says so.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import json
import re
import shlex
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from anam_facade._contract import openapi_path

from .masking import masked
from .state import Listener, SeenRequest, Session, World
from .validation import contract

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

DOCS = "/docs"
SCRIPT, STYLE, EVENTS = "/_sandbox/page.js", "/_sandbox/page.css", "/_sandbox/events"

PATHS = frozenset({"/", DOCS, "/openapi.yaml", "/openapi.json"})
"""What is served here beside the control. Only to GET and HEAD."""

WITH_THE_KEY = frozenset({DOCS})

LATEST = 100
"""How many sessions, tokens and requests the page shows; the control's `state` has all."""

_POLICY = "default-src 'none'; {}; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class Page:
    """A file, ready to be sent.

    Attributes:
        body: Its bytes.
        headers: Type, policy and validator.
    """

    body: bytes
    headers: dict[str, str]


def docs_path() -> Path:
    """Where the built page is: in an installed wheel beside this module, in a source tree in `generated`.

    Raises:
        FileNotFoundError: The installation is incomplete.
    """
    here = Path(__file__).resolve().parent
    for candidate in (here / "docs.html", here.parents[1] / "generated" / "docs.html"):
        if candidate.is_file():
            return candidate
    raise FileNotFoundError("docs.html is missing; reinstall anam-facade, or run `make docs` in a checkout")


def routes(world: World) -> list[Route]:
    """The routes of all pages. What the first shows is sent to it as it changes."""
    watchers = _Watchers()
    world.listeners.append(watchers)

    async def events(request: Request) -> Response:
        stream = watchers.stream(lambda: _latest(world, request.state.server.base_url))
        return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    files: dict[str, Callable[[Request], Page]] = {
        "/": lambda _: _own("index.html", "text/html; charset=utf-8"),
        SCRIPT: lambda _: _own("page.js", "text/javascript; charset=utf-8"),
        STYLE: lambda _: _own("page.css", "text/css; charset=utf-8"),
        DOCS: lambda request: _docs(f"{request.url.scheme}://{request.url.netloc}", world.api_key),
        "/openapi.yaml": lambda _: _contract_as_yaml(),
        "/openapi.json": lambda _: _contract_as_json(),
    }
    served = [Route(path, _ForReaders(_serving(page))) for path, page in files.items()]
    return [*served, Route(EVENTS, events, methods=["GET"])]


def shown(world: World, base_url: str) -> dict[str, Any]:
    """Everything that is remembered, as JSON, credentials masked."""
    state = world.state
    sessions = state.sessions
    return {
        "base_url": base_url,
        "settings": asdict(world.settings),
        "faults": [fault.to_dict() for fault in state.faults],
        "active_sessions": sum(session.active for session in sessions),
        "sessions": [_session(session) for session in sessions],
        "tokens": [asdict(token) for token in state.tokens],
        "requests": [_request(seen) for seen in state.requests],
    }


def _latest(world: World, base_url: str) -> dict[str, Any]:
    whole = shown(world, base_url)
    lists = {name: whole[name] for name in ("sessions", "tokens", "requests")}
    return {
        **whole,
        **{name: items[: -LATEST - 1 : -1] for name, items in lists.items()},
        "counts": {name: len(items) for name, items in lists.items()},
    }


def _session(session: Session) -> dict[str, Any]:
    return {**cast("dict[str, Any]", masked(asdict(session))), "active": session.active}


def _request(seen: SeenRequest) -> dict[str, Any]:
    """Its record is masked already."""
    return {**asdict(replace(seen, fault=None)), "fault": seen.fault and seen.fault.to_dict()}


class _Watchers(Listener):
    """The open pages."""

    def __init__(self) -> None:
        self._wakers: set[Callable[[], object]] = set()

    def changed(self) -> None:
        for wake in tuple(self._wakers):
            wake()

    async def stream(self, view: Callable[[], Any]) -> AsyncIterator[str]:
        """What one page is told: all that it shows, whenever that may have changed, ten times a second at most."""
        change, loop = asyncio.Event(), asyncio.get_running_loop()
        wake = lambda: loop.call_soon_threadsafe(change.set)  # noqa: E731 - a name, to take it out again
        self._wakers.add(wake)
        try:
            yield "retry: 500\n\n"
            while True:
                change.clear()
                yield f"data: {json.dumps(view(), ensure_ascii=False, separators=(',', ':'))}\n\n"
                await change.wait()
                await asyncio.sleep(0.1)
        finally:
            self._wakers.discard(wake)


class _ForReaders:
    """Answers GET and HEAD. A client that sends anything else has a wrong base URL, and is told 404 as anywhere."""

    def __init__(self, serve: Callable[[Request], Response]) -> None:
        self._serve = serve

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(404)
        await self._serve(Request(scope))(scope, receive, send)


def _serving(page: Callable[[Request], Page]) -> Callable[[Request], Response]:
    def serve(request: Request) -> Response:
        found = page(request)
        if _is_current(request.headers.get("if-none-match"), found.headers["ETag"]):
            return Response(status_code=304, headers=found.headers)
        return Response(found.body, headers=found.headers)

    return serve


def _is_current(condition: str | None, etag: str) -> bool:
    """Whether the client has this version already (RFC 9110, 13.1.2)."""
    known = [tag.strip().removeprefix("W/") for tag in (condition or "").split(",")]
    return etag in known or known == ["*"]


@cache
def _own(name: str, content_type: str) -> Page:
    body = (Path(__file__).parent / "page" / name).read_bytes()
    return _page(body, content_type, _POLICY.format("script-src 'self'; style-src 'self'; connect-src 'self'"))


@cache
def _docs(base_url: str, api_key: str) -> Page:
    text = docs_path().read_text("utf-8")
    # The page has one style of its own, named here by its hash, and an icon in its own text. All else is forbidden:
    # whatever a later version of the page tried to load would not load.
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")

    def command(match: re.Match[str]) -> str:
        text = html.escape(curl(base_url, api_key, *match.groups()))
        return f"<details><summary>curl</summary><pre><code>{text}</code></pre></details>"

    here = "This sandbox <code>{}</code></dt><dd>API key <code>{}</code>".format(*map(html.escape, (base_url, api_key)))
    text = text.replace("<!-- sandbox -->", f'<dl class="servers"><dt>{here}</dd></dl>')
    text = re.sub(r"<!-- curl (\w+) (\w+) -->", command, text)
    return _page(text.encode("utf-8"), "text/html; charset=utf-8", _POLICY.format(f"style-src 'sha256-{digest}'"))


def curl(base_url: str, api_key: str, operation: str, example: str) -> str:
    """A command for a shell that sends one of the contract's examples to this sandbox."""
    paths = {op.id: op.path for op in contract().operations}

    def call(operation: str, example: str, bearer: str) -> str:
        body = shlex.quote(json.dumps(contract().example(example), ensure_ascii=False))
        return (
            f'curl -sS {shlex.quote(base_url + paths[operation])} -H "Authorization: Bearer {bearer}"'
            f" \\\n  -H 'Content-Type: application/json' -d {body}"
        )

    if not example.startswith("StartWithToken"):
        return call(operation, example, api_key)
    mint = call("createSessionToken", "MintSaved", api_key)
    read = """ | sed 's/.*"sessionToken":"\\([^"]*\\)".*/\\1/'"""
    return f"TOKEN=$({mint}{read})\n{call(operation, example, '$TOKEN')}"


@cache
def _contract_as_yaml() -> Page:
    return _page(openapi_path().read_bytes(), "application/yaml")


@cache
def _contract_as_json() -> Page:
    text = json.dumps(contract().document, ensure_ascii=False, indent=2) + "\n"
    return _page(text.encode("utf-8"), "application/json")


def _page(body: bytes, content_type: str, policy: str | None = None) -> Page:
    return Page(
        body,
        {
            "Content-Type": content_type,
            # Kept, but asked for again each time: another version of the package may serve the same port tomorrow.
            "Cache-Control": "no-cache",
            "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
            "X-Content-Type-Options": "nosniff",
            **({"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"} if policy else {}),
        },
    )
