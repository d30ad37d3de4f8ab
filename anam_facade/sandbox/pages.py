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
import html
import json
import re
import shlex
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from anam_facade._contract import openapi_path

from . import contract
from .masking import masked
from .state import Session, Token

if TYPE_CHECKING:
    from .api import Sandbox

DOCS = "/docs"
SCRIPT, STYLE, EVENTS = "/_sandbox/page.js", "/_sandbox/page.css", "/_sandbox/events"

PATHS = frozenset({"/", DOCS, "/openapi.yaml", "/openapi.json"})
"""What is served here beside the control. Only to GET and HEAD."""

LATEST = 100
"""How many sessions, tokens and requests the page shows; the control's `state` has all."""

_OWN_FILES = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'"
_POLICY = f"{_OWN_FILES}; img-src data:; base-uri 'none'; form-action 'none'"
"""Of the first page; `/docs` has its own in its text."""


def docs_path() -> Path:
    """Where the built page is: in an installed wheel beside this module, in a source tree in `generated`."""
    here = Path(__file__).resolve().parent
    installed = here / "docs.html"
    return installed if installed.is_file() else here.parents[1] / "generated" / "docs.html"


def routes(sandbox: Sandbox) -> list[Route]:
    """The routes of all pages. What the first shows is sent to it as it changes."""

    async def events(request: Request) -> Response:
        return StreamingResponse(_told(sandbox), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    def served(path: str, content_type: str, make: Callable[[Request], tuple[bytes, str]]) -> Route:
        async def serve(request: Request) -> Response:
            # A client that does more than read has a wrong base URL, and is told 404 as anywhere.
            if request.method not in ("GET", "HEAD"):
                raise HTTPException(404)
            body, policy = make(request)
            headers = {"Content-Type": content_type, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
            if policy:
                headers["Content-Security-Policy"] = f"{policy}; frame-ancestors 'none'"
                headers["Referrer-Policy"] = "no-referrer"
            return Response(body, headers=headers)

        return Route(path, serve, methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])

    def own(path: str, name: str, kind: str) -> Route:
        file = Path(__file__).parent / "page" / name
        return served(path, f"text/{kind}; charset=utf-8", lambda _: (file.read_bytes(), _POLICY))

    def as_json(_: Request) -> tuple[bytes, str]:
        return json.dumps(contract.document(), ensure_ascii=False, indent=2).encode("utf-8"), ""

    return [
        own("/", "index.html", "html"),
        own(SCRIPT, "page.js", "javascript"),
        own(STYLE, "page.css", "css"),
        served(DOCS, "text/html; charset=utf-8", lambda request: _docs(request, sandbox.api_key)),
        served("/openapi.yaml", "application/yaml", lambda _: (openapi_path().read_bytes(), "")),
        served("/openapi.json", "application/json", as_json),
        Route(EVENTS, events, methods=["GET"]),
    ]


def shown(sandbox: Sandbox, latest: int | None = None) -> dict[str, Any]:
    """What is remembered, as JSON, credentials masked: all of it, or the latest, the newest first; and how many."""
    state = sandbox.state
    lists = {"sessions": state.sessions, "tokens": state.tokens, "requests": state.requests}
    kept = lists if latest is None else {name: items[: -latest - 1 : -1] for name, items in lists.items()}
    return {
        "base_url": sandbox.base_url,
        "settings": asdict(sandbox.settings),
        "faults": [fault.to_dict() for fault in state.faults],
        "active_sessions": sum(session.active for session in state.sessions),
        "counts": {name: len(items) for name, items in lists.items()},
        **{name: [_as_json(item) for item in items] for name, items in kept.items()},
    }


def _as_json(record: Any) -> dict[str, Any]:
    """A token's and a request's record have no credentials in them."""
    values = asdict(record)
    if not isinstance(record, Token):
        values["fault"] = record.fault and record.fault.to_dict()
    return {**masked(values), "active": record.active} if isinstance(record, Session) else values


async def _told(sandbox: Sandbox) -> AsyncIterator[str]:
    """What one page is told: all that it shows, whenever that may have changed, ten times a second at most."""
    yield "retry: 500\n\n"
    told: Any = None
    while True:
        state = sandbox.state
        now = state, state.changes, tuple(state.faults), sandbox.settings
        if now != told:
            told = now
            yield f"data: {json.dumps(shown(sandbox, LATEST))}\n\n"
        await asyncio.sleep(0.1)


def _docs(request: Request, api_key: str) -> tuple[bytes, str]:
    """The built page with what only this sandbox knows, and its policy."""
    base_url = f"{request.url.scheme}://{request.url.netloc}"
    text = docs_path().read_text("utf-8")
    # The page has one style of its own, which its policy names by its hash, and an icon in its own text. All else is
    # forbidden: whatever a later version of the page tried to load would not load.
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="(.*?)"', text)

    def command(match: re.Match[str]) -> str:
        text = html.escape(curl(base_url, api_key, *match.groups()))
        return f"<details><summary>curl</summary><pre><code>{text}</code></pre></details>"

    here = "This sandbox <code>{}</code></dt><dd>API key <code>{}</code>".format(*map(html.escape, (base_url, api_key)))
    text = text.replace("<!-- sandbox -->", f'<dl class="servers"><dt>{here}</dd></dl>')
    text = re.sub(r"<!-- curl (\w+) (\w+) -->", command, text)
    return text.encode("utf-8"), policy


def curl(base_url: str, api_key: str, operation: str, example: str) -> str:
    """A command for a shell that sends one of the contract's examples to this sandbox."""
    paths = {operation: path for (_, path), operation in contract.operations().items()}

    def call(operation: str, example: str, header: str) -> str:
        body = shlex.quote(json.dumps(contract.example(example), ensure_ascii=False))
        url = shlex.quote(base_url + paths[operation])
        return f"curl -sS {url} -H {header} \\\n  -H 'Content-Type: application/json' -d {body}"

    key = shlex.quote(f"Authorization: Bearer {api_key}")
    if not example.startswith("StartWithToken"):
        return call(operation, example, key)
    read = """ | sed 's/.*"sessionToken":"\\([^"]*\\)".*/\\1/'"""
    mint = call("createSessionToken", "MintSaved", key)
    return f"TOKEN=$({mint}{read})\n" + call(operation, example, '"Authorization: Bearer $TOKEN"')
