"""What a person opens in a browser: the contract, as a page to read and as files to generate clients from.

| request             | answers                                                                     |
|---------------------|-----------------------------------------------------------------------------|
| `GET /`             | a redirect to `/docs`                                                       |
| `GET /docs`         | the contract as one page, which loads nothing else and has no script        |
| `GET /openapi.yaml` | the contract, byte for byte the one that this version was built from        |
| `GET /openapi.json` | the same as JSON                                                            |

None of them needs a credential, meets a fault, or is remembered among the requests. The page was built ahead (by
`make docs`, from the same `openapi.yaml`), so that serving it takes neither Node nor a template engine.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from anam_facade._contract import openapi_path

from .validation import contract

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

DOCS = "/docs"

PATHS = frozenset({"/", DOCS, "/openapi.yaml", "/openapi.json"})
"""What is served here. Only to GET and HEAD."""


@dataclass(frozen=True, slots=True)
class Page:
    """A file, ready to be sent.

    Attributes:
        body: Its bytes.
        headers: Type, policy and validator; the same for every answer.
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


def routes() -> list[Route]:
    """The routes of all pages."""
    files = {DOCS: _docs, "/openapi.yaml": _contract_as_yaml, "/openapi.json": _contract_as_json}
    return [
        Route("/", _ForReaders(_front)),
        *(Route(path, _ForReaders(_serving(page))) for path, page in files.items()),
    ]


class _ForReaders:
    """Answers GET and HEAD. A client that sends anything else has a wrong base URL, and is told 404 as anywhere."""

    def __init__(self, serve: Callable[[Request], Response]) -> None:
        self._serve = serve

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(404)
        await self._serve(Request(scope))(scope, receive, send)


def _front(request: Request) -> Response:
    return RedirectResponse(DOCS)


def _serving(page: Callable[[], Page]) -> Callable[[Request], Response]:
    def serve(request: Request) -> Response:
        found = page()
        if _is_current(request.headers.get("if-none-match"), found.headers["ETag"]):
            return Response(status_code=304, headers=found.headers)
        return Response(found.body, headers=found.headers)

    return serve


def _is_current(condition: str | None, etag: str) -> bool:
    """Whether the client has this version already (RFC 9110, 13.1.2)."""
    known = [tag.strip().removeprefix("W/") for tag in (condition or "").split(",")]
    return etag in known or known == ["*"]


@cache
def _docs() -> Page:
    html = docs_path().read_bytes()
    # The page has one style of its own, named here by its hash, and an icon in its own text. All else is forbidden:
    # whatever a later version of the page tried to load would not load.
    (style,) = re.findall(rb"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return _page(
        html, "text/html; charset=utf-8", {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}
    )


@cache
def _contract_as_yaml() -> Page:
    return _page(openapi_path().read_bytes(), "application/yaml")


@cache
def _contract_as_json() -> Page:
    text = json.dumps(contract().document, ensure_ascii=False, indent=2) + "\n"
    return _page(text.encode("utf-8"), "application/json")


def _page(body: bytes, content_type: str, more: dict[str, str] | None = None) -> Page:
    return Page(
        body,
        {
            "Content-Type": content_type,
            # Kept, but asked for again each time: another version of the package may serve the same port tomorrow.
            "Cache-Control": "no-cache",
            "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
            "X-Content-Type-Options": "nosniff",
            **(more or {}),
        },
    )
