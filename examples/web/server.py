"""The token server of `examples/token_server.py`, and the page that needs it.

    ANAM_API_KEY=… PERSONA_ID=… uvicorn examples.web.server:app

The page starts its session itself, with the vendor's JavaScript SDK and the token; the API key stays here.
"""

from __future__ import annotations

import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from examples.token_server import lifespan, session_token

HERE = Path(__file__).resolve().parent
# As npm installed it: pinned in tools/package.json, not changed in any way.
SDK = HERE.parents[1] / "tools" / "node_modules" / "@anam-ai" / "js-sdk" / "dist" / "umd" / "anam.js"


async def sdk(request: Request) -> Response:
    return FileResponse(SDK, media_type="text/javascript")


async def config(request: Request) -> Response:
    return JSONResponse({"anamUrl": os.environ.get("ANAM_API_URL", "https://api.anam.ai")})


app = Starlette(
    routes=[
        Route("/api/session-token", session_token, methods=["POST"]),
        Route("/api/config", config),
        Route("/anam.js", sdk),
        Mount("/", StaticFiles(directory=HERE / "page", html=True)),
    ],
    lifespan=lifespan,
)
