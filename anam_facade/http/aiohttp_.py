"""Exchanges through an `aiohttp.ClientSession` of the user's."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from yarl import URL

from .exchange import Answer, AsyncExchange, Reader, Request, in_time

if TYPE_CHECKING:
    import aiohttp


class Aiohttp(AsyncExchange):
    """Uses the session, and leaves it open. Its redirects, cookies and time-outs do not apply."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        import aiohttp

        self._session = session
        self._no_timeout = aiohttp.ClientTimeout()
        self.library = f"aiohttp/{aiohttp.__version__}"

    async def exchange(self, request: Request) -> Answer:
        return await in_time(request, partial(self._exchange, request))

    async def _exchange(self, request: Request, readers: list[Reader]) -> None:
        async with self._session.request(
            request.method,
            request.url,
            headers=request.headers,
            data=request.async_chunks(),
            allow_redirects=False,
            raise_for_status=False,
            timeout=self._no_timeout,
            **self._without_cookies(request.url),
        ) as response:
            unpacked = self._session.auto_decompress
            reader = Reader(response.status, response.raw_headers, float("inf"), decoded=unpacked)
            readers.append(reader)
            try:
                async for chunk in response.content.iter_any():
                    if not reader.take(chunk):
                        break
            except Exception:
                if not reader.survives_breaking_off():
                    raise

    def _without_cookies(self, url: str) -> dict[str, Any]:
        # Only if the session has any for us: a request's own middlewares stand in the place of the session's.
        jar = self._session.cookie_jar
        return {"middlewares": (_drop_cookies,)} if len(jar) and jar.filter_cookies(URL(url)) else {}


async def _drop_cookies(request: aiohttp.ClientRequest, send: Any) -> aiohttp.ClientResponse:
    request.headers.pop("Cookie", None)
    answered: aiohttp.ClientResponse = await send(request)
    return answered
