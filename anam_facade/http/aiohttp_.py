"""Exchanges through an `aiohttp.ClientSession` of the user's."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import BytesPayload
from yarl import URL

from .exchange import Answer, AsyncExchange, Reader, Request


class _Body(BytesPayload):
    """The request's body; knows when it is written."""

    def __init__(self, request: Request) -> None:
        super().__init__(request.content, content_type="application/json")
        self._request = request

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        self._request.take()
        await super().write_with_length(writer, content_length)


class Aiohttp(AsyncExchange):
    """Uses the session, and leaves it open. Its redirects, cookies and time-outs do not apply."""

    library = f"aiohttp/{aiohttp.__version__}"

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._no_timeout = aiohttp.ClientTimeout()

    async def exchange(self, request: Request) -> Answer:
        reader = Reader()
        try:
            async with (
                asyncio.timeout(request.left()),  # aiohttp is for asyncio, whose own scope costs less than anyio's
                self._session.request(
                    request.method,
                    request.url,
                    headers=request.headers,
                    data=_Body(request),
                    allow_redirects=False,
                    raise_for_status=False,
                    timeout=self._no_timeout,
                    **self._without_cookies(request.url),
                ) as response,
            ):
                reader.begin(response.status, response.raw_headers, decoded=self._session.auto_decompress)
                async for chunk in response.content.iter_any():
                    if not reader.take(chunk):
                        break
        except Exception as error:
            return reader.broken(error)
        return reader.answer()

    def _without_cookies(self, url: str) -> dict[str, Any]:
        # Only if the session has any for us: a request's own middlewares stand in the place of the session's.
        jar = self._session.cookie_jar
        return {"middlewares": (_drop_cookies,)} if len(jar) and jar.filter_cookies(URL(url)) else {}


async def _drop_cookies(request: aiohttp.ClientRequest, send: Any) -> aiohttp.ClientResponse:
    request.headers.pop("Cookie", None)
    answered: aiohttp.ClientResponse = await send(request)
    return answered
