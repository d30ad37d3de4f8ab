"""A web endpoint that mints session tokens, the commonest use: a browser asks its own server, which alone has the key.

    ANAM_API_KEY=… PERSONA_ID=… uvicorn examples.token_server:app

    POST /api/session-token  →  {"sessionToken": "…"}

Your own authentication goes in front of it: whoever can call it can start a session on your bill.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from anam_facade import AnamError, AnamStatusError, AsyncAnamClient, PersonaConfig

logger = logging.getLogger(__name__)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    # One client for the life of the server: its connections are reused by every request.
    async with AsyncAnamClient() as client:
        app.state.anam = client
        yield


async def session_token(request: Request) -> JSONResponse:
    persona = PersonaConfig.saved(os.environ["PERSONA_ID"])
    try:
        token = await request.app.state.anam.create_session_token(persona, client_label="web")
    except AnamError as error:
        # The details are for your log; a visitor learns that it did not work, and whether to come back.
        logger.error("minting failed: %s", error)
        wait = error.retry_after if isinstance(error, AnamStatusError) else None
        headers = {} if wait is None else {"Retry-After": str(int(wait) + 1)}
        return JSONResponse({"error": "no avatar right now"}, status_code=503, headers=headers)
    # A credential on its way to the one it is for: do not let anything keep it.
    return JSONResponse({"sessionToken": token.value}, headers={"Cache-Control": "no-store"})


app = Starlette(routes=[Route("/api/session-token", session_token, methods=["POST"])], lifespan=lifespan)
